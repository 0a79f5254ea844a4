#!/usr/bin/env python3
# Runs every program of examples/ against a broker, and checks what came out.
"""usage: tests/examples/test_examples.py python|c|stories|replays

Ends with 77 when its runtime is not here. The stories are numbers, iris and words; replays are of
replay/. The C programs and the broker are those in MILLRACE_BIN.
Nothing here sleeps: each step waits for a line or for the end of a program, with a deadline.
"""
import csv
import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/clients"))

import broker  # noqa: E402
from runtimes import Absent, Python  # noqa: E402

DEADLINE_S = 60
SKIPPED = 77
EXAMPLES = ROOT / "examples"


def python():
    """The interpreter that can run the examples."""
    return Python("pika", "pika").command(None)[0]


class Program:
    """A running example whose lines are read as they come."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(list(map(str, command)), env=environment, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait_for_lines(self, count):
        with self.changed:
            self.changed.wait_for(lambda: len(self.lines) >= count or not self.reader.is_alive(),
                                  DEADLINE_S)
            if len(self.lines) < count:
                raise AssertionError(f"only these lines came: {self.lines}")
            return self.lines[:count]

    def end(self):
        """Waits for its own end; returns (exit status, lines, what it said on standard error)."""
        errors = self.process.stderr.read()
        status = self.process.wait(DEADLINE_S)
        self.reader.join(DEADLINE_S)
        return status, self.lines, errors

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = broker.new()
        cls.addClassCleanup(cls.broker.close)
        cls.broker.start()
        cls.environment = dict(
            os.environ, AMQP_URL=f"amqp://guest:guest@127.0.0.1:{cls.broker.port}/%2F")

    def start(self, *command):
        program = Program(command, self.environment)
        self.addCleanup(program.close)
        return program

    def run_to_end(self, *command):
        return self.start(*command).end()

    def good(self, *command):
        """Runs a program that must end well and say nothing on standard error; returns lines."""
        status, lines, errors = self.run_to_end(*command)
        self.assertEqual((status, errors), (0, ""), command)
        return lines


class Patterns:
    """Publisher, worker, subscriber and RPC pair, in whatever language name() is for."""

    def name(self, program):
        raise NotImplementedError

    def test_1_a_message_that_no_queue_wants_is_returned(self):
        status, lines, errors = self.run_to_end(*self.name("publisher"), "task.none", "nobody")
        self.assertEqual((status, lines), (1, []))
        self.assertEqual(errors, "returned: no queue wants 'task.none'\n")

    def start_workers(self, count):
        workers = [self.start(*self.name("worker")) for _ in range(count)]
        for worker in workers:
            self.assertEqual(worker.wait_for_lines(1), ["waiting for task.#"])
        return workers

    def test_2_work_is_shared_and_done_once(self):
        workers = self.start_workers(2)
        messages = [f"message {n}" for n in range(20)]
        lines = self.good(*self.name("publisher"), "task.mirror", *messages)
        self.assertEqual(lines, [f"confirmed: {message}" for message in messages])
        self.good(*self.name("publisher"), "task.mirror", *["end"] * 20)
        done = [[], []]
        for mine, worker in zip(done, workers):  # each gets some of the twenty ends
            while "done: dne" not in mine:
                mine[:] = worker.wait_for_lines(len(mine) + 2)[1:]
        self.assertEqual(sorted(line for line in done[0] + done[1] if line != "done: dne"),
                         sorted(f"done: {message[::-1]}" for message in messages))

    def test_3_work_waits_for_a_worker(self):
        self.good(*self.name("publisher"), "task.mirror", "abc", "def")
        worker, = self.start_workers(1)
        lines = worker.wait_for_lines(3)
        while lines[-1] != "done: fed":  # ends of the test before, if any were left
            lines = worker.wait_for_lines(len(lines) + 1)
        self.assertEqual(lines[-2:], ["done: cba", "done: fed"])

    def test_4_a_subscriber_gets_what_is_like_its_patterns(self):
        news = self.start(*self.name("topic_subscriber"), "news.*", "#.urgent")
        every = self.start(*self.name("topic_subscriber"), "#")
        self.assertEqual(news.wait_for_lines(1), ["waiting for news.* #.urgent"])
        every.wait_for_lines(1)
        sent = [("news.local", "one"), ("news.local.sport", "two"), ("a.b.urgent", "three"),
                ("news.urgent", "four"), ("end.urgent", "five")]
        for key, message in sent:
            self.good(*self.name("publisher"), key, message)
        lines = [f"{key}: {message}" for key, message in sent]
        self.assertEqual(every.wait_for_lines(6)[1:], lines)
        self.assertEqual(news.wait_for_lines(5)[1:], lines[:1] + lines[2:])

    def test_5_a_question_is_answered(self):
        server = self.start(*self.name("rpc_server"))
        self.assertEqual(server.wait_for_lines(1), ["waiting for questions"])
        clients = [self.start(*self.name("rpc_client"), f"how are you, {n}?") for n in range(4)]
        for number, client in enumerate(clients):
            self.assertEqual(client.end(), (0, [f"HOW ARE YOU, {number}?"], ""))

    def test_6_what_is_used_wrongly_says_how(self):
        for program in ("publisher", "topic_subscriber", "rpc_client"):
            status, lines, errors = self.run_to_end(*self.name(program))
            self.assertNotEqual(status, 0, program)
            self.assertIn("usage: ", errors)
            self.assertEqual(lines, [])


class PythonPatterns(Patterns, Examples):
    def name(self, program):
        return [python(), EXAMPLES / "python" / f"{program}.py"]


class CPatterns(Patterns, Examples):
    def name(self, program):
        folder = pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin"))
        if not (folder / f"example_{program}").exists():
            raise Absent("librabbitmq was not there when this was built")
        return [folder / f"example_{program}"]


class Stories(Examples):
    def test_numbers_of_two_producers_reach_one_consumer(self):
        folder = EXAMPLES / "numbers"
        consumer = self.start(python(), folder / "consumer.py", 50)
        producers = {"slow": self.start(python(), folder / "producer.py", "slow", 20, 20),
                     "fast": self.start(python(), folder / "producer.py", "fast", 7, 30)}
        sent = {}
        for name, producer in producers.items():
            status, lines, errors = producer.end()
            self.assertEqual((status, errors), (0, ""))
            sent[name] = list(map(int, lines))
        status, lines, errors = consumer.end()
        self.assertEqual((status, errors), (0, ""))
        for name, numbers in sent.items():  # each producer's numbers in its order
            self.assertEqual([int(line.split()[1]) for line in lines[:50]
                              if line.split()[0] == name], numbers)
        self.assertEqual([len(sent["slow"]), len(sent["fast"])], [20, 30])
        self.assertEqual(lines[50:], [
            f"{name}: {len(sent[name])} numbers, mean {sum(sent[name]) / len(sent[name]):.1f}"
            for name in ("fast", "slow")])

    def test_the_flowers_come_together_again(self):
        folder = EXAMPLES / "iris"
        with open(folder / "iris.csv", newline="", encoding="ascii") as file:
            attributes, *flowers = csv.reader(file)
        self.assertEqual(len(flowers), 150)
        merger = self.start(python(), folder / "merger.py", 150)
        producers = [self.start(python(), folder / "producer.py", name) for name in attributes]
        for name, producer in zip(attributes, producers):
            self.assertEqual(producer.end(), (0, [f"sent 150 times {name}"], ""))
        status, lines, errors = merger.end()
        self.assertEqual((status, errors), (0, ""))
        header, *rows = csv.reader(lines)
        self.assertEqual(header, ["row", *attributes])
        self.assertEqual(sorted(rows, key=lambda row: int(row[0])),
                         [[str(n), *flower] for n, flower in enumerate(flowers)])

    def test_counters_share_the_words_and_miss_none(self):
        folder = EXAMPLES / "words"
        counters = [self.start(python(), folder / "counter.py", 3) for _ in range(3)]
        for counter in counters:
            self.assertEqual(counter.wait_for_lines(1), ["waiting for words"])
        producers = [self.start(python(), folder / "producer.py", 200) for _ in range(2)]
        wanted = {"fewer": 0, "three": 0, "more": 0}
        for producer in producers:
            status, words, errors = producer.end()
            self.assertEqual((status, errors, len(words)), (0, "", 200))
            for word in words:
                vowels = len([letter for letter in word if letter in "aeiou"])
                wanted["three" if vowels == 3 else "fewer" if vowels < 3 else "more"] += 1
        counted = dict.fromkeys(wanted, 0)
        for counter in counters:
            status, lines, errors = counter.end()
            self.assertEqual((status, errors, len(lines)), (0, "", 2))
            mine = {name: int(count) for name, count in
                    (part.split("=") for part in lines[1].split())}
            self.assertGreater(sum(mine.values()), 0, "a counter that got no word")
            for name, count in mine.items():
                counted[name] += count
        self.assertEqual(counted, wanted)
        self.assertTrue(all(wanted.values()), "400 words of all kinds")


class Replays(Examples):
    def run_replay(self, program, *words):
        return self.good(python(), EXAMPLES / "replay" / f"{program}.py", *words)

    def test_an_audit_that_begins_a_day_later_misses_no_order(self):
        self.assertEqual(self.run_replay("orders", 0, 20),
                         [f"order {n} is safe" for n in range(20)])
        audit = self.start(python(), EXAMPLES / "replay" / "audit.py", "order.*", 30)
        self.assertEqual(audit.wait_for_lines(20), [f"from before: {n}" for n in range(20)])
        self.run_replay("orders", 20, 10)
        self.assertEqual(audit.end(), (0, [f"from before: {n}" for n in range(20)]
                                       + [f"live: {n}" for n in range(20, 30)], ""))
        self.run_replay("orders", 30, 2)  # bound again at its start, it gets nothing twice
        self.assertEqual(self.run_replay("audit", "order.*", 2), ["live: 30", "live: 31"])

    def test_the_latest_prices_are_a_table(self):
        self.assertEqual(self.run_replay("prices", "show"), [])
        self.run_replay("prices", "set", "ACME", 10, 11, 12)
        self.run_replay("prices", "set", "BOLT", 3)
        self.run_replay("prices", "set", "COIL", 7, 8)
        self.run_replay("prices", "drop", "BOLT")
        self.assertEqual(self.run_replay("prices", "show"), ["ACME 12", "COIL 8"])

    def read_until(self, members, wanted):
        """Waits until the members have printed all that is wanted, as (sensor, number)."""
        deadline = time.monotonic() + DEADLINE_S
        while not wanted <= {reading for member in members for reading in readings_of(member)}:
            self.assertLess(time.monotonic(), deadline, "readings did not come")
            with members[0].changed:
                members[0].changed.wait(0.1)

    def test_a_group_goes_on_when_a_member_is_killed(self):
        members = [self.start(python(), EXAMPLES / "replay" / "member.py") for _ in range(3)]
        for member in members:
            self.assertEqual(member.wait_for_lines(1), ["watching"])
        sensors = [f"sensor-{number}" for number in range(12)]
        self.assertEqual(self.run_replay("sensor", 0, 20), ["20 readings of 12 sensors are safe"])
        self.read_until(members, {(s, n) for s in sensors for n in range(20)})
        shares = [{sensor for sensor, _ in readings_of(member)} for member in members]
        for share in shares:
            self.assertTrue(share, "a member that got no sensor")
        self.assertEqual(sum(map(len, shares)), 12, "a sensor with two owners")
        more = self.start(python(), EXAMPLES / "replay" / "sensor.py", 20, 100)
        members[0].wait_for_lines(len(members[0].lines) + 20)
        members[0].process.kill()
        self.assertEqual(more.end()[:2], (0, ["100 readings of 12 sensors are safe"]))
        self.read_until(members, {(s, n) for s in sensors for n in range(120)})
        for member in members:
            for sensor in sensors:
                mine = [n for s, n in readings_of(member) if s == sensor]
                self.assertEqual(mine, sorted(set(mine)), f"the order of {sensor}")
        for sensor in shares[0]:  # those who took over began where the dead one had stopped
            last = max(n for s, n in readings_of(members[0]) if s == sensor)
            others = [n for member in members[1:] for s, n in readings_of(member) if s == sensor]
            self.assertEqual(sorted(others), list(range(min(others), 120)), sensor)
            self.assertTrue(last - 20 <= min(others) <= last + 1, (sensor, last, min(others)))


def readings_of(member):
    """What it has printed so far, as (sensor, number); the last line may not be whole."""
    parts = [line.split() for line in list(member.lines)[1:]]
    return [(words[0], int(words[1])) for words in parts if len(words) >= 2]


KINDS = {"python": PythonPatterns, "c": CPatterns, "stories": Stories, "replays": Replays}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in KINDS:
        sys.exit(__doc__)
    try:
        CPatterns().name("publisher") if sys.argv[1] == "c" else python()
    except Absent as absent:
        print(f"skipped: {absent}")
        sys.exit(SKIPPED)
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(KINDS[sys.argv[1]])
    sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())
