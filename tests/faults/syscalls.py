#!/usr/bin/env python3
# Lets one system call of a broker under load fail, or kills the broker in it, and checks that it
# kept its word.
"""usage: syscalls.py [COUNT [SEED [FAULT,...]]]

COUNT (30) faults: each in a life of its own, at the n-th call of its kind, injected by strace; once
or from then on or again and again. Then the broker is started without faults. After each 40 faults
all queues are drained and the history is judged; the next round has an empty disk. The first
round begins with the FAULTs that are said (CALL:ERROR:N, as strace says it), or with those that
found something once."""
import collections
import os
import pathlib
import re
import shutil
import select
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import lives  # noqa: E402

ROUND = 40
LIFE_S = (0.2, 0.7)
GOOD_LIFE_S = (0.05, 0.3)
TRACE_S, BRIEFLY_S = 5, 0.2
NEVER_MADE = 3  # misses
ABORTED = (-6, -11, -7, -4, -8)  # an assertion, a bad address, ...
MEMORY = "out of memory"

DISK = ("EIO", "ENOSPC", "EDQUOT")
NAMES = ("EIO", "ENOSPC", "EACCES", "EROFS")
# The calls that a broker makes: what each may fail with, by its manual, and how many there may be
# in a life.
CALLS = {
    "write": (("EIO", "ENOSPC", "EINTR"), 4),
    "pwrite64": (DISK + ("EINTR",), 4),
    "pwritev": (DISK + ("EINTR", "EFBIG"), 300),
    "fdatasync": (DISK, 200),
    "fsync": (DISK, 16),
    "openat": (("EIO", "EMFILE", "ENFILE", "ENOSPC", "EINTR", "EACCES", "ENOMEM"), 80),
    "rename": (NAMES, 8),
    "ftruncate": (("EIO", "ENOSPC", "EINTR"), 3),
    "fallocate": (("EIO", "ENOSPC", "EINTR", "EOPNOTSUPP"), 8),
    "unlink": (NAMES, 8),
    "mkdir": (NAMES + ("EMLINK",), 4),
    "close": (("EIO", "EINTR"), 100),
    "lseek": (("EIO",), 1),
    "newfstatat": (("EIO", "ENOMEM"), 60),
    "statfs": (("EIO", "EINTR"), 6),
    "getdents64": (("EIO", "ENOMEM"), 12),
    "pread64": (("EIO", "EINTR"), 200),
    "read": ((), 100),  # of timers and such, which do not fail
    "mmap": (("ENOMEM", "EAGAIN"), 60),
    "madvise": (("ENOMEM", "EAGAIN"), 8),
    "clone3": (("EAGAIN", "ENOMEM"), 5),
    "socket": (("EMFILE", "ENOBUFS"), 1),
    "accept4": (("EMFILE", "ENFILE", "ECONNABORTED", "EINTR", "ENOBUFS", "ENOMEM", "EPERM",
                 "EPROTO"), 60),
    "epoll_ctl": (("ENOMEM", "ENOSPC"), 200),
    "epoll_wait": (("EINTR",), 500),
    "setsockopt": (("ENOBUFS", "ENOMEM"), 60),
    "recvfrom": (("EINTR", "ECONNRESET", "ETIMEDOUT", "ENOMEM"), 500),
    "sendto": (("EINTR", "EPIPE", "ECONNRESET", "ENOBUFS"), 300),
    "sendmsg": (("EINTR", "EPIPE", "ECONNRESET", "ENOBUFS"), 300),
    "writev": (("EINTR", "EPIPE", "ECONNRESET", "EIO", "ENOSPC"), 300),
    "eventfd2": (("EMFILE",), 1),
}
BEFORE_MAIN = {"mmap": 40}  # made by the loader, which dies by an address when one fails
KILL = "SIGKILL"
# What has found something once is looked at in each first round.
FOUND = ("epoll_ctl:ENOMEM:17", "epoll_ctl:ENOSPC:9+", "epoll_ctl:ENOMEM:3")


class Reach:
    """How far into the calls of a kind a life comes; learnt from what struck."""

    def __init__(self):
        self.most = {call: count for call, (_, count) in CALLS.items()}
        self.misses = collections.Counter()  # of the first one

    def calls(self):
        """Those that this broker makes."""
        return [call for call in CALLS if self.misses[call] < NEVER_MADE]

    def draw(self, rand, call):
        return 1 + int((self.most[call] - 1) * rand.random() ** 2)

    def learn(self, fault, has_struck):
        call, first = fault.call, fault.first - BEFORE_MAIN.get(fault.call, 0)
        if has_struck:
            self.most[call] = min(max(self.most[call], first * 3 // 2), CALLS[call][1])
        else:
            self.most[call] = max(first * 2 // 3, 1)
            self.misses[call] += first == 1


class Fault:
    """A call, what happens in it, and when."""

    def __init__(self, call, error, when):
        self.call, self.error, self.when = call, error, when
        self.first = int(when.partition("+")[0])

    @classmethod
    def draw(cls, rand, reach):
        call = rand.choice(reach.calls())
        error = rand.choice((KILL,) + CALLS[call][0])
        first = reach.draw(rand, call) + BEFORE_MAIN.get(call, 0)
        often = f"+{first + 1}"
        for_ever = often if error == "EINTR" else "+"  # whoever is interrupted begins again
        again = "" if error == KILL else rand.choice(("", "", for_ever, often))
        return cls(call, error, f"{first}{again}")

    def __str__(self):
        return f"{self.call}:{self.error}:{self.when}"

    def command(self, out, diag):
        """The strace that does it, as a distant child of the broker. Of the broker's write() only
        those of its diagnostics can fail: the others wake its own threads."""
        where = ["-P", diag] if self.call == "write" else []
        what = "signal" if self.error == KILL else "error"
        return ["strace", "-D", "-f", "--seccomp-bpf", "-q", "-o", out, *where, "-e", "signal=none",
                "-e", f"trace={self.call}", "-e",
                f"inject={self.call}:{what}={self.error}:when={self.when}"]


def tracer(pid):
    """The process that traces this one, or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    number = int(re.search(r"TracerPid:\s+(\d+)", text)[1])
    return number or None


def has_struck(path, number):
    """Whether strace says that it failed; it ends behind its broker, and has then written all."""
    if number:
        try:
            end = os.pidfd_open(number)
        except ProcessLookupError:
            end = None
        if end is not None:
            select.select([end], [], [], TRACE_S)
            os.close(end)
    deadline = time.monotonic() + (0 if number else BRIEFLY_S)  # not known: it ends soon
    while not (path.exists() and "INJECTED" in path.read_text(errors="replace")):
        if time.monotonic() >= deadline:
            return False
        select.select([], [], [], 0.005)
    return True


def check_end(one, fault, status, begin):
    """How it ended by itself: with a sentence, and by no assertion."""
    said = one.broker.diag.read_bytes()[begin:].decode("utf-8", "replace")
    if status in ABORTED and MEMORY not in said:
        raise lives.Trouble(f"{fault}: the broker ended with signal {-status}: {said[-2000:]}")
    if status > 0 and not said.strip():
        raise lives.Trouble(f"{fault}: the broker ended with {status} and said nothing")
    if status == 0:
        raise lives.Trouble(f"{fault}: the broker ended by itself as if all were well")


def suffer(one, fault):
    """A life with the fault; returns whether it happened."""
    trace = one.broker.home / "strace"
    trace.unlink(missing_ok=True)
    one.broker.prefix = fault.command(trace, one.broker.diag)
    begin = one.broker.launch()
    one.broker.prefix = ()
    is_serving = one.is_ready()
    number = tracer(one.broker.process.pid)
    if is_serving:
        one.clients.ask("serve", one.broker.port)
        one.linger(one.random.uniform(*LIFE_S))
    status = one.broker.process.poll()
    one.broker.kill()
    if is_serving:
        one.clients.ask("crash")
    if status not in (None, -9):
        check_end(one, fault, status, begin)
    elif status == -9 and fault.error != KILL:
        raise lives.Trouble(f"{fault}: somebody killed the broker")
    return status == -9 if fault.error == KILL else has_struck(trace, number)


def play(with_whom, seed, count, known, seen):
    (clients, reach, total), done, hits = with_whom, 0, 0
    with lives.Round(clients, seed, lives.draw_settings(lives.random.Random(seed))) as one:
        one.begin()
        one.live(0.2)
        one.kill()
        while done < count:
            fault = Fault(*known[done].split(":")) if done < len(known) else \
                Fault.draw(one.random, reach)
            one.note(str(fault))
            is_hit = suffer(one, fault)
            reach.learn(fault, is_hit)
            hits += is_hit
            done += 1
            seen[fault.call] += is_hit
            one.live(one.random.uniform(*GOOD_LIFE_S))
            one.kill()
        one.finish()
    total.add(one, f"{done} faults, {hits} of them struck")
    return hits


def main():
    count = lives.count_of(lives.argument(1), 30)
    works = shutil.which("strace") and subprocess.run(
        ["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL,
        check=False).returncode == 0
    if not works:
        print("strace is missing, or may not trace here (ptrace): nothing was done")
        return lives.SKIPPED
    if "MILLRACE_SIZE" in os.environ:
        print("the runtime of the sanitizers cannot be traced: nothing was done")
        return lives.SKIPPED
    seed = lives.first_seed(lives.argument(2))
    clients, total, reach, seen = lives.Clients(), lives.Sum(), Reach(), collections.Counter()
    known = lives.argument(3).split(",") if lives.argument(3) else FOUND
    done = hits = 0
    while done < count:
        some = min(ROUND, count - done)
        hits += play((clients, reach, total), seed, some, () if done else known, seen)
        seed, done = seed + 1, done + some
    clients.close()
    print("struck: " + ", ".join(f"{call} {seen[call]}" for call in sorted(seen) if seen[call]))
    return total.end(f"{done} faults, {hits} of them struck")


if __name__ == "__main__":
    sys.exit(main())
