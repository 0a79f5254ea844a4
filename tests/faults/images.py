#!/usr/bin/env python3
# Cuts the power of a broker's disk at arbitrary moments and checks that it kept its word.
"""usage: images.py [COUNT [SEED]]

The broker works under load on ext4 in a loop device, whose image is a file on XFS. COUNT (20) times
that file is cloned, which takes what the device was told up to one moment and nothing behind it;
the broker is killed, the clone is mounted, so that ext4 replays its journal as after a power cut,
and the broker starts on it. What was confirmed before the clone began must be there. Every fifth
cut is one of a broker that recovers from the one before. After each 20, or when the disk is half
full, all queues are drained and the history is judged; the next round has an empty disk.

It needs root, loop devices, and mkfs of ext4 and XFS; without them it does nothing and says so."""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import lives  # noqa: E402

ROUND = 20
LIFE_S = (0.2, 1.0)
RECOVERY_S = (0.0, 0.08)
OUTER_BYTES, INNER_BYTES = 1 << 30, 256 << 20
# Small files, so that a disk of that size has room for them.
SETTINGS = ("millrace.log.segment_size=16MiB", "millrace.log.spare_segments=2",
            "millrace.log.cold_segment_size=64KiB", "disk_free_limit.absolute=1MB")


def run(*words):
    subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


def make_file(path, size, kind, *options):
    with open(path, "wb") as out:
        out.truncate(size)
    run(f"mkfs.{kind}", "-q", *options, path)


class Disk:
    """A file system in a file that can be cloned, and where it is mounted."""

    def __init__(self, place):
        self.place = place
        self.outer, self.inner = place / "outer", place / "inner"
        for folder in (self.outer, self.inner):
            folder.mkdir()
        make_file(place / "outer.img", OUTER_BYTES, "xfs", "-m", "reflink=1")
        run("mount", "-o", "loop", place / "outer.img", self.outer)
        self.image = self.outer / "image"

    def begin(self):
        """An empty one."""
        make_file(self.image, INNER_BYTES, "ext4")
        self.mount()

    def mount(self):
        run("mount", "-o", "loop", self.image, self.inner)

    def is_half_full(self):
        """A faster machine writes more in a life; what streams keep stays."""
        room = os.statvfs(self.inner)
        return 2 * room.f_bfree < room.f_blocks

    def clone(self):
        run("cp", "--reflink=always", self.image, self.outer / "clone")

    def change(self):
        """The clone is the disk from now on."""
        self.end()
        os.replace(self.outer / "clone", self.image)
        self.mount()

    def end(self):
        run("umount", self.inner)

    def close(self):
        run("umount", self.outer)


def cut(one, disk, in_recovery):
    """A life that ends with the power."""
    if in_recovery:
        one.broker.launch()
        one.wait(one.random.uniform(*RECOVERY_S))
    else:
        one.live(one.random.uniform(*LIFE_S))
        one.clients.ask("freeze")
    disk.clone()
    one.broker.kill()
    if not in_recovery:
        one.clients.ask("crash")
    disk.change()


def play(clients, seed, count, total, disk):
    """At most so many cuts; says how many there were."""
    done = 0
    disk.begin()
    try:
        settings = lives.draw_settings(lives.random.Random(seed))
        settings = [one for one in settings if ".log." not in one] + list(SETTINGS)
        with lives.Round(clients, seed, settings, data=disk.inner / "data") as one:
            one.begin()
            while done < count and not disk.is_half_full():
                cut(one, disk, in_recovery=done % 5 == 4)
                done += 1
            one.finish()
        total.add(one, f"{done} cuts")
    finally:
        disk.end()
    return done


def why_not():
    """What is missing here, or None."""
    if os.geteuid() != 0:
        return "root"
    for program in ("mkfs.ext4", "mkfs.xfs", "mount", "umount", "unshare"):
        if subprocess.run(["sh", "-c", f"command -v {program}"], stdout=subprocess.DEVNULL,
                          check=False).returncode != 0:
            return program
    if subprocess.run(["losetup", "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                      check=False).returncode != 0:
        return "loop devices"
    return None


def main():
    missing = why_not()
    if missing:
        print(f"images need {missing}, which is missing here: nothing was done")
        return lives.SKIPPED
    if not lives.has_own_mounts():
        print("images need a mount namespace, which this system does not give: nothing was done")
        return lives.SKIPPED
    count = lives.count_of(lives.argument(1), 20)
    with tempfile.TemporaryDirectory(prefix="millrace-images-", dir=place()) as home:
        try:
            disk = Disk(pathlib.Path(home))
        except subprocess.CalledProcessError as error:
            print(f"no file system can be mounted here: nothing was done: {error.stderr}")
            return lives.SKIPPED
        seed = lives.first_seed(lives.argument(2))
        clients, total, done = lives.Clients(), lives.Sum(), 0
        try:
            while done < count:
                done += play(clients, seed, min(ROUND, count - done), total, disk)
                seed += 1
        finally:
            clients.close()
            disk.close()
    return total.end(f"{count} power cuts")


def place():
    """Memory, where there is enough; the disk under the disk under the disk is not the matter."""
    shm = pathlib.Path("/dev/shm")
    if shm.is_dir():
        room = os.statvfs(shm)
        if room.f_bavail * room.f_frsize > 2 * OUTER_BYTES:
            return shm
    return None


if __name__ == "__main__":
    sys.exit(main())
