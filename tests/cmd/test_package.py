#!/usr/bin/env python3
# Tests of the Debian package as dpkg sees it: installed, upgraded, removed, purged.
"""Everything happens in a view of this machine whose changes are kept in memory and vanish: an
overlay in a mount namespace, with chroot. That takes root and a machine with dpkg; elsewhere it is
skipped. Nothing is fetched: what the package depends on is here, or it could not have been built.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin")).resolve().parent
DEADLINE_S = 300
NEEDED = ("cpack", "dpkg", "dpkg-deb", "dpkg-shlibdeps", "unshare", "nsenter", "chroot")

# Makes the view below $1 and holds it until standard input ends.
HOLD = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
rm -rf "$1/root/run/systemd"
echo ready
read -r _
"""

# Starts the broker as its own user and ends it when it is ready.
RUN = """
set -e
cd /
: > /root/said
setpriv --reuid=millrace --regid=millrace --clear-groups \
    /usr/bin/millrace --conf /etc/millrace --data-dir /var/lib/millrace \
    --set listeners.tcp.default=127.0.0.1:0 --set management.tcp.port=none \
    --set prometheus.tcp.port=none > /root/said 2>&1 &
while ! grep -q "is ready" /root/said && kill -0 $!; do sleep 0.05; done
kill $!
wait $! || { cat /root/said; exit 1; }
cat /root/said
"""


class View:
    """The machine as it is, with changes that nobody else sees."""

    def __init__(self, home):
        self.place = home / "view"
        self.place.mkdir()
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", HOLD, "sh", self.place],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.is_up = self.holder.stdout.readline() == "ready\n"
        self.error = "" if self.is_up else self.holder.stderr.read()

    def close(self):
        self.holder.communicate("\n", timeout=DEADLINE_S)

    def run(self, *command, status=0, **options):
        done = subprocess.run(["nsenter", f"--target={self.holder.pid}", "--mount", "--root",
                               "chroot", self.place / "root", *command],
                              text=True, timeout=DEADLINE_S,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, **options)
        if done.returncode != status:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}")
        return done.stdout

    def put(self, path, inside):
        with open(path, "rb") as file:
            self.run("sh", "-c", f"cat > {inside}", stdin=file)


class Package(unittest.TestCase):
    def setUp(self):
        for program in NEEDED:
            if shutil.which(program) is None:
                self.skipTest(f"there is no {program}")
        if os.geteuid() != 0:
            self.skipTest("this is not root")
        if pathlib.Path("/etc/millrace").exists() or pathlib.Path("/usr/bin/millrace").exists():
            self.skipTest("it is installed on this machine")
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-package-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.view = View(self.home)
        self.addCleanup(self.view.close)
        if not self.view.is_up:
            self.skipTest(f"this machine has no overlay: {self.view.error.strip()}")

    def call(self, *command):
        done = subprocess.run(list(map(str, command)), text=True, capture_output=True,
                              timeout=DEADLINE_S, check=False, cwd=self.home)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")

    def build(self):
        """The package, and one of the next version; their paths in the view."""
        self.call("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", self.home)
        package, = self.home.glob("millrace-*.deb")
        tree = self.home / "tree"
        self.call("dpkg-deb", "-R", package, tree)
        control = tree / "DEBIAN" / "control"
        control.write_text(re.sub(r"(?m)^Version: .*$", "Version: 99.0", control.read_text()))
        self.call("dpkg-deb", "-b", tree, self.home / "next.deb")
        self.view.put(package, "/root/first.deb")
        self.view.put(self.home / "next.deb", "/root/next.deb")
        return "/root/first.deb", "/root/next.deb"

    def stat(self, path):
        return self.view.run("stat", "-c", "%a %U %G", path).strip()

    def state(self):
        return self.view.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}",
                             "millrace")

    def test_a_life_of_the_package(self):
        view = self.view
        first, following = self.build()
        view.run("dpkg", "-i", first)
        self.assertRegex(self.state(), r"^installed \d+\.\d+")
        self.assertEqual(view.run("dpkg", "--verify", "millrace"), "")
        self.assertRegex(view.run("id", "millrace"), r"gid=\d+\(millrace\)")
        self.assertIn(":/usr/sbin/nologin", view.run("getent", "passwd", "millrace"))
        self.assertEqual(self.stat("/var/lib/millrace"), "750 millrace millrace")
        self.assertEqual(self.stat("/etc/millrace/millrace.conf"), "640 root millrace")
        said = view.run("sh", "-c", RUN)
        self.assertIn("is ready", said)
        self.assertIn("stops as it was told", said)
        view.run("test", "-e", "/var/lib/millrace/LOCK")

        view.run("sh", "-c", "echo heartbeat = 17 >> /etc/millrace/millrace.conf")
        view.run("dpkg", "-i", following)
        self.assertEqual(self.state(), "installed 99.0")
        self.assertIn("\nheartbeat = 17\n", view.run("cat", "/etc/millrace/millrace.conf"))
        self.assertEqual(self.stat("/etc/millrace/millrace.conf"), "640 root millrace")
        self.assertIn("is ready", view.run("sh", "-c", RUN))  # with the data of before

        view.run("dpkg", "-r", "millrace")
        view.run("test", "-e", "/usr/bin/millrace", status=1)
        self.assertIn("\nheartbeat = 17\n", view.run("cat", "/etc/millrace/millrace.conf"))
        view.run("dpkg", "--purge", "millrace")
        view.run("test", "-e", "/etc/millrace", status=1)
        view.run("test", "-e", "/var/lib/millrace/LOCK")

        view.run("dpkg", "-i", following)  # its user and its data are there already
        self.assertNotIn("heartbeat = 17", view.run("cat", "/etc/millrace/millrace.conf"))
        self.assertIn("is ready", view.run("sh", "-c", RUN))
        self.assertFalse(pathlib.Path("/etc/millrace").exists(), "the machine itself has changed")


if __name__ == "__main__":
    unittest.main()
