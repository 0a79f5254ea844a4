#!/usr/bin/env python3
# Many durable queues on few files: all are there after a restart, each with its message.
"""docs/LIMITS.md has the figures of larger runs, and how to make them."""
import pathlib
import resource
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "dialogue"))
import broker  # noqa: E402
import peer  # noqa: E402
import player  # noqa: E402
import wire  # noqa: E402

QUEUES = 5000
FILES = 256  # the broker may have
PIPELINED = 500


class Scale(unittest.TestCase):
    def setUp(self):
        self.limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, self.limits[1]))
        self.broker = broker.Broker()

    def tearDown(self):
        self.broker.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, self.limits)

    def connect(self):
        one = peer.Peer(self.broker.host, self.broker.port)
        player.login(one)
        player.open_channel(one, 1)
        return one

    def take(self, one, name):
        deadline = time.monotonic() + peer.DEADLINE_S
        while not one.inbox[1]:
            self.assertFalse(one.is_closed)
            self.assertLess(time.monotonic(), deadline, one.waiting())
            one.wait(0.1)
        frame = one.inbox[1].popleft()
        self.assertEqual(frame.name, name, frame.values)
        return frame

    def for_all(self, one, name, reply, **values):
        """The method for each queue; returns the answers in order."""
        answers = []
        for first in range(0, QUEUES, PIPELINED):
            for i in range(first, first + PIPELINED):
                one.send_method(1, name, {"queue": b"scale.%d" % i, **values})
            answers += [self.take(one, reply) for _ in range(PIPELINED)]
        return answers

    def publish_to_all(self, one):
        one.send_method(1, "confirm.select", {})
        self.take(one, "confirm.select-ok")
        header = wire.encode_header(4, {"delivery_mode": 2})
        for i in range(QUEUES):
            method = wire.encode_method("basic.publish", {"routing_key": b"scale.%d" % i})
            one.send(wire.encode_frame(wire.METHOD, 1, method) +
                     wire.encode_content(1, header, b"body", one.frame_max))
        confirmed = 0
        while confirmed < QUEUES:
            values = self.take(one, "basic.ack").values
            confirmed = values["delivery_tag"] if values["multiple"] else confirmed + 1

    def files(self):
        return len(list(pathlib.Path(f"/proc/{self.broker.process.pid}/fd").iterdir()))

    def test_queues_hold_no_files_and_survive_a_restart(self):
        one = self.connect()
        self.for_all(one, "queue.declare", "queue.declare-ok", durable=True)
        self.publish_to_all(one)
        self.assertLess(self.files(), 64)
        one.close()
        self.broker.stop()
        self.broker.start()
        one = self.connect()
        found = self.for_all(one, "queue.declare", "queue.declare-ok", passive=True)
        self.assertEqual({frame.values["message_count"] for frame in found}, {1})
        self.assertLess(self.files(), 64)
        gone = self.for_all(one, "queue.delete", "queue.delete-ok")
        self.assertEqual({frame.values["message_count"] for frame in gone}, {1})
        one.close()


if __name__ == "__main__":
    unittest.main()
