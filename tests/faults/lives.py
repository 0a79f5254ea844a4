# A broker that dies often, its clients, and the judgement over what they saw.
"""Runs the programs in the folder that MILLRACE_BIN names; build/bin by default."""
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dialogue"))
import broker  # noqa: E402

BIN = pathlib.Path(broker.program()).parent
ANSWER_S = 300
BREACHES_SHOWN = 20
SKIPPED = 77  # for CTest
INSIDE = "MILLRACE_MOUNTS_INSIDE"  # set in a space of mounts of our own, which end with us
KEPT = pathlib.Path(os.environ.get("MILLRACE_KEPT", tempfile.gettempdir()))


class Trouble(Exception):
    """Something that must work did not; the text says what."""


class Clients:
    """trust_load: the clients of one broker. It writes down one history at a time."""

    def __init__(self):
        self.process = subprocess.Popen([BIN / "trust_load"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, *words):
        """Says a line and returns (confirmed, delivered) of its answer."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer.startswith("good "):
            raise Trouble(answer.strip() or "the clients have ended")
        return tuple(map(int, answer.split()[1:]))

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def judge(path):
    """What is wrong with the history, as lines; none is good."""
    result = subprocess.run([BIN / "trust_check", path], stdout=subprocess.PIPE, text=True,
                            check=False)
    return [] if result.returncode == 0 else result.stdout.strip().split("\n")


class Round:
    """One data folder and one history: many lives of a broker, the last drain, the verdict.

        with Round(clients, seed, settings) as one:
            one.begin()
            one.live(0.5)
            one.kill()
            ...
            one.finish()
        one.problems         what is wrong, as lines
    """

    def __init__(self, clients, seed, settings=(), data=None):
        self.clients, self.seed = clients, seed
        self.random = random.Random(seed)
        self.broker = Node(settings, data=data)
        self.path = self.broker.home / "history"
        self.problems = []
        self.confirmed = self.delivered = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if isinstance(error, (Trouble, AssertionError)):
            self.problems.append(f"stuck: {error}")
            self.problems.append(self.broker.last_lines())
        if self.problems:
            self.keep()
            self.clients.close()
            self.clients.__init__()
        self.broker.close()
        return isinstance(error, (Trouble, AssertionError))

    def keep(self):
        """What somebody needs who asks why."""
        if self.broker.process and self.broker.process.poll() is None:
            self.broker.kill()
        where = KEPT / f"millrace-faults-{self.seed}"
        shutil.rmtree(where, ignore_errors=True)
        shutil.copytree(self.broker.home, where, ignore=shutil.ignore_patterns("*.img", "mounted"))
        self.problems.append(f"all of it is in {where}")

    # ---- lives ----

    def begin(self):
        self.clients.ask("open", self.path, self.seed)

    def live(self, seconds):
        """The broker starts and works so long; it must not end by itself."""
        self.start()
        self.wait(seconds)

    def start(self):
        self.broker.start()
        self.clients.ask("serve", self.broker.port)

    def wait(self, seconds):
        try:
            status = self.broker.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        raise Trouble(f"the broker ended by itself with {status}")

    def is_ready(self):
        """Whether what was launched comes to serve, on the port it had before; it may end instead.
        It is not asked for a line: its diagnostics may be what fails."""
        deadline = time.monotonic() + broker.DEADLINE_S
        while self.broker.process.poll() is None:
            with socket.socket() as one:
                if one.connect_ex((self.broker.host, self.broker.port)) == 0:
                    return True
            if time.monotonic() > deadline:
                raise Trouble(f"it does not serve within {broker.DEADLINE_S} s")
            self.broker.pause()
        return False

    def linger(self, seconds):
        """Lets it work so long, or until it ends."""
        try:
            self.broker.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def note(self, text):
        """A line among the diagnostics, for who asks what was done to the broker."""
        with open(self.broker.diag, "a", encoding="utf-8") as out:
            out.write(f"---- {text}\n")

    def kill(self):
        self.broker.kill()
        self.clients.ask("crash")

    def kill_in_recovery(self, seconds):
        """It is started, and killed before anybody came; seconds after it was launched."""
        self.broker.launch()
        self.wait(seconds)
        self.broker.kill()

    def stop(self, in_order):
        """An ordered stop; in order when all clients have gone before."""
        if in_order:
            self.clients.ask("leave")
        self.broker.stop()
        self.clients.ask("stop")

    def finish(self):
        """Everything comes out, and after an ordered stop nothing comes again. Then the verdict."""
        self.start()
        self.clients.ask("settle")
        self.stop(in_order=True)
        self.start()
        self.clients.ask("settle")
        self.broker.stop()
        self.confirmed, self.delivered = self.clients.ask("close")
        wrong = judge(self.path)
        self.problems += wrong[:BREACHES_SHOWN]


class Node(broker.Broker):
    """A broker whose first start is somebody else's matter."""

    def __init__(self, settings=(), data=None):
        self.is_wanted = False
        super().__init__(settings, data=data)
        self.is_wanted = True

    def start(self):
        if self.is_wanted:
            super().start()

    def close(self):
        try:
            super().close()
        except OSError: # a name more came while it was deleted
            shutil.rmtree(self.home, ignore_errors=True)


def draw_settings(rand):
    """Small files and short times, so that much happens in a short life."""
    settings = []
    if rand.random() < 0.7:
        settings += ["millrace.log.segment_size=16MiB", "millrace.log.cold_segment_size=64KiB"]
    if rand.random() < 0.5:
        settings += ["millrace.log.block_size=64KiB", "millrace.log.sorter_buffer=64KiB"]
    if rand.random() < 0.7:
        settings.append(f"millrace.partition.checkpoint_interval={rand.choice((1, 2))}s")
    if rand.random() < 0.5:
        settings.append(f"millrace.partition.checkpoint_size={rand.choice((64, 1024))}KiB")
    return settings


class Sum:
    """What many rounds have seen."""

    def __init__(self):
        self.rounds = self.bad = self.confirmed = self.delivered = 0
        self.began = time.monotonic()

    def add(self, one, text):
        """A line for the round; its problems too."""
        self.rounds += 1
        self.bad += bool(one.problems)
        self.confirmed += one.confirmed
        self.delivered += one.delivered
        print(f"seed {one.seed}: {text}, {one.confirmed} confirmed, {one.delivered} delivered: "
              f"{'BAD' if one.problems else 'good'}", flush=True)
        for line in one.problems:
            print(f"    {line}", flush=True)

    def end(self, text):
        """The last line; returns the exit status."""
        print(f"{text}, {self.confirmed} confirmed messages, {self.delivered} deliveries in "
              f"{time.monotonic() - self.began:.0f} s: {self.bad} of {self.rounds} rounds bad")
        return 1 if self.bad else 0


def count_of(text, otherwise):
    """How many were asked for; fewer when it is not said and everything is slow."""
    is_slow = os.environ.get("MILLRACE_SIZE") == "tiny"
    return otherwise // 3 if text is None and is_slow else int(text or otherwise)


def argument(place):
    return sys.argv[place] if len(sys.argv) > place else None


def first_seed(text):
    """The seed that was asked for, or MILLRACE_SEED, or a fresh one; printed."""
    seed = int(text or os.environ.get("MILLRACE_SEED") or random.randrange(1 << 40))
    print(f"the first seed is {seed}", flush=True)
    return seed


def has_own_mounts():
    """Goes on in a mount namespace of its own; False when this system gives none."""
    if INSIDE in os.environ:
        return True
    alone = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid() != 0 or subprocess.run([*alone, "true"], stderr=subprocess.DEVNULL,
                                           check=False).returncode != 0:
        return False
    os.environ[INSIDE] = "yes"
    os.execvp("unshare", [*alone, sys.executable, *sys.argv])
