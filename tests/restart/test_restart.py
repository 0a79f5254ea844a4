#!/usr/bin/env python3
# Kills a broker under load again and again, and checks that it kept its word.
"""usage: test_restart.py [--seconds N] [--seed N] [--keep]

A broker is loaded by publishers, consumers and one who declares; at a random time it is killed (or
now and then stopped in order, or killed again while it recovers) and started on the same data.
After so many seconds all queues are drained and the whole history is checked. MILLRACE_SEED gives
the seed too; it is printed. On a failure the history is written to a file, with --keep always.
"""
import argparse
import collections
import itertools
import os
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import history  # noqa: E402
import load  # noqa: E402
import broker  # noqa: E402  (load.py has put its folder on the path)

PUBLISHERS = 3
LIFE_S = (0.1, 2.5)
SHOWN_MAX = 20


class Run:
    """One broker, one history, many lives."""

    def __init__(self, seed, seconds):
        self.seed, self.seconds = seed, seconds
        self.random = random.Random(seed)
        self.history = history.History(time.monotonic)
        self.where = None
        self.lives = 0
        self.ends = collections.Counter()
        self.is_over = threading.Event()
        self.lock = threading.Lock()
        self.sequences, self.sessions = collections.Counter(), itertools.count(1)

    def next_sequence(self, publisher):
        self.sequences[publisher] += 1  # each publisher has one thread at a time
        return self.sequences[publisher]

    def next_session(self):
        with self.lock:
            return next(self.sessions)

    def play(self):
        """All lives; returns the violations."""
        self.where = broker.Broker()
        try:
            self.history.start()
            load.set_up(self.where)
            deadline = time.monotonic() + self.seconds
            while time.monotonic() < deadline:
                self.live()
                self.restart()
                self.look()
            for queue in load.QUEUES:
                load.drain(self, queue)
            self.where.stop()
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.where.last_lines()}") from error
        finally:
            self.where.close()
        return history.check(self.history)

    def live(self):
        """A life under load, until it ends one way or another."""
        self.lives += 1
        self.is_over.clear()
        workers = [load.Publisher(self, number) for number in range(PUBLISHERS)] + \
            [load.Consumer(self, number) for number in range(len(load.QUEUES))] + \
            [load.Committer(self, PUBLISHERS), load.Definer(self, 0)]
        for worker in workers:
            worker.start()
        kind = self.random.choices(("kill", "stop", "kill twice"), (7, 2, 2))[0]
        self.ends[kind] += 1
        try:
            self.wait(self.random.uniform(*LIFE_S))
            ended = time.monotonic()
            if kind == "stop":
                self.where.begin_stop()
                self.where.stop()
            else:
                self.where.kill()
        finally:
            self.is_over.set()
            for worker in workers:
                worker.join()
        self.history.end(kind != "stop", at=ended)
        for worker in workers:
            if worker.problem:
                raise AssertionError(f"{type(worker).__name__}: {worker.problem!r}")
        if kind == "kill twice":
            self.where.launch()
            self.wait(self.random.uniform(0, 0.2))
            self.where.kill()

    def wait(self, seconds):
        """Lets the broker run; it must not end by itself."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.where.pause()
            if self.where.process.poll() is not None:
                raise AssertionError("the broker ended by itself")

    def restart(self):
        self.where.start()
        self.history.start()

    def look(self):
        """Looks for every definition that was ever touched."""
        names = sorted({event.name for event in self.history.events
                        if event.kind in ("define", "undefine", "unsure")})
        client = load.Client(self.where)
        for name in names:
            self.history.found(name, load.is_there(client, *name.split()))
        client.call("queue.purge", "queue.purge-ok", queue=load.SINK)
        client.close()

    def summary(self):
        kinds = collections.Counter(event.kind for event in self.history.events)
        again = sum(event.is_redelivered for event in self.history.events
                    if event.kind == "deliver")
        ends = ", ".join(f"{count} {kind}" for kind, count in sorted(self.ends.items()))
        return (f"{self.lives} lives ({ends}), {kinds['publish']} published, {kinds['confirm']} "
                f"confirmed, {kinds['deliver']} delivered, {again} of them again, "
                f"{kinds['ack']} acked, {kinds['define'] + kinds['undefine']} definitions")

    def write(self):
        """Puts the history into a file; returns its path."""
        number, path = tempfile.mkstemp(prefix="millrace-history-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8") as out:
            for event in self.history.events:
                out.write(f"{event}\n")
        return path


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    seed = arguments.seed
    if seed is None:
        seed = int(os.environ.get("MILLRACE_SEED") or random.randrange(1 << 32))
    print(f"seed {seed}", flush=True)
    run = Run(seed, arguments.seconds)
    try:
        violations = run.play()
    except AssertionError as error:
        violations = [history.Violation("stuck", str(error))]
    print(run.summary())
    for violation in violations[:SHOWN_MAX]:
        print(f"  {violation}")
    if violations or arguments.keep:
        print(f"{len(violations)} violations; the history is in {run.write()}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
