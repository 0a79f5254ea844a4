#!/usr/bin/env python3
# Tests of a node with several partitions: what is there again, and how their number changes.
"""Runs the programs in the folder that MILLRACE_BIN names; build/bin by default."""
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dialogue"))
import broker  # noqa: E402
import player  # noqa: E402
from world import World  # noqa: E402

SMALL = "millrace.log.segment_size=16MiB"
QUEUES = [b"q%d" % number for number in range(9)]


class Partitions(unittest.TestCase):
    def setUp(self):
        self.world = World(self, "millrace.partitions=4", SMALL)

    def declare(self, one, name, **arguments):
        return self.world.call(one, "queue.declare", "queue.declare-ok", queue=name, durable=True,
                               arguments=[(b"x-" + key.encode(), value)
                                          for key, value in arguments.items()])

    def count(self, one, name):
        return self.world.call(one, "queue.declare", "queue.declare-ok", queue=name,
                               passive=True)["message_count"]

    def fan_out(self, one, messages):
        """Publishes persistent messages to all queues, and waits for the confirms."""
        for name in QUEUES:
            self.world.call(one, "queue.bind", "queue.bind-ok", queue=name, exchange=b"amq.fanout")
        self.world.call(one, "confirm.select", "confirm.select-ok")
        for number in range(messages):
            one.send_method(1, "basic.publish", {"exchange": b"amq.fanout"})
            header = player.wire.encode_header(3, {"delivery_mode": 2})
            one.send(player.wire.encode_content(1, header, b"%03d" % number, one.frame_max))
        confirmed = 0
        while confirmed < messages:
            confirmed = player.take_named(one, 1, "basic.ack")["delivery_tag"]

    def run_on(self, partitions):
        """What the program says that is started with so many."""
        return subprocess.run([broker.program(), "--data-dir", self.world.broker.home / "data",
                               "--set", f"millrace.partitions={partitions}",
                               "--set", "listeners.tcp.default=127.0.0.1:0",
                               "--set", "management.tcp.port=none",
                               "--set", "prometheus.tcp.port=none"],
                              text=True, capture_output=True, timeout=60)

    def restart_with(self, partitions):
        self.world.broker.settings = [f"millrace.partitions={partitions}", SMALL]
        self.world.broker.restart()

    def test_all_of_them_come_back_from_a_kill(self):
        one = self.world.login()
        for name in QUEUES:
            self.declare(one, name)
        self.declare(one, b"s", **{"queue-type": ("S", b"stream"), "partitions": ("l", 6)})
        self.fan_out(one, 50)
        self.world.broker.restart(is_kill=True)
        one = self.world.login()
        for name in QUEUES:
            self.assertEqual(self.count(one, name), 50, name)
        self.assertEqual(self.count(one, b"s"), 0)
        self.world.stop()
        ends = [int(end) for end in re.findall(r"positions +\d+ to (\d+)", self.world.dump())]
        self.assertEqual(len(ends), 4)
        self.assertTrue(all(end >= 50 for end in ends), f"each has kept its part: {ends}")

    def test_fewer_than_there_are_is_refused_and_nothing_is_lost_by_it(self):
        one = self.world.login()
        for name in QUEUES:
            self.declare(one, name)
        self.fan_out(one, 5)
        self.world.stop()
        for partitions in (1, 3):
            done = self.run_on(partitions)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, rf"millrace.partitions is {partitions}, but '.*/data' "
                             r"has 4 partitions, which hold queues and messages; set it to 4\n")
        self.world.broker.start()
        one = self.world.login()
        for name in QUEUES:
            self.assertEqual(self.count(one, name), 5)

    def test_more_may_come_later(self):
        one = self.world.login()
        for name in QUEUES:
            self.declare(one, name)
        self.declare(one, b"s", **{"queue-type": ("S", b"stream"), "partitions": ("l", 6)})
        self.fan_out(one, 5)
        self.restart_with(6)
        one = self.world.login()
        self.declare(one, b"late")
        self.fan_out(one, 5)
        for is_kill in (True, False):
            self.world.broker.restart(is_kill=is_kill)
            one = self.world.login()
            for name in QUEUES:
                self.assertEqual(self.count(one, name), 10)
        self.assertEqual(len(self.world.files("partition-*")), 6)

    def test_a_partition_that_is_gone_is_not_made_anew(self):
        self.world.stop()
        place = self.world.broker.home / "data" / "partition-2"
        place.rename(self.world.broker.home / "elsewhere")
        done = self.run_on(4)
        self.assertEqual(done.returncode, 1)
        self.assertIn("has a partition-3 but not all before it; put them back from a backup",
                      done.stderr)
        self.assertFalse(place.exists())


if __name__ == "__main__":
    unittest.main()
