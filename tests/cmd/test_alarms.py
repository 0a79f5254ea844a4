#!/usr/bin/env python3
# Tests of the alarms: publishers are held back and told, consumers drain, and it ends by itself.
"""Runs the program in the folder (or at the path) that MILLRACE_BIN names; build/bin by default."""
import base64
import json
import pathlib
import re
import signal
import sys
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dialogue"))
import broker  # noqa: E402
import player  # noqa: E402
import wire  # noqa: E402

BLOCKED = "publishers are held back"
FREE = "publishers may go on"
BODY = b"x" * 1_500_000
COUNT = 20
SMALL, BATCH = b"y" * 10_000, 5  # what waits for a broker that reads no more has room on the way


class Broker(broker.Broker):
    """One whose settings stand in a file, so that they may change while it runs."""

    def launch(self):
        self.conf = self.home / "my.conf"
        if not self.conf.exists():
            self.conf.write_text("")
        self.arguments = ["--conf", str(self.conf)]
        self.begin = super().launch()
        return self.begin

    def set(self, text):
        """Changes the file and lets it be read again."""
        self.conf.write_text(text)
        begin = self.diag.stat().st_size
        self.process.send_signal(signal.SIGHUP)
        self.wait_log("read the configuration again", begin)


class Alarms(unittest.TestCase):
    def setUp(self):
        self.broker = Broker()
        self.addCleanup(self.broker.close)

    @staticmethod
    def publish(one, queue, body):
        one.send_method(1, "basic.publish", {"routing_key": queue})
        header = wire.encode_header(len(body), {"delivery_mode": 1})
        one.send(wire.encode_content(1, header, body, one.frame_max))

    def held_back(self, publisher, reason):
        """The next publish is held back, as all behind it, and the publisher is told why."""
        self.broker.wait_log(BLOCKED)
        self.publish(publisher, b"q", b"held back")
        self.assertEqual(player.take_named(publisher, 0, "connection.blocked")["reason"], reason)
        self.publish(publisher, b"q", b"behind it")

    def drain(self, consumer, count):
        """Takes messages as they come, and returns their bodies."""
        bodies = []
        while len(bodies) < count:
            frame = consumer.take(1)
            self.assertEqual(frame.name, "basic.deliver")
            bodies.append(frame.content.body)
            consumer.send_method(1, "basic.ack", {"delivery_tag": frame.values["delivery_tag"]})
        return bodies

    def fill(self):
        """A publisher and a consumer, with large messages between them."""
        publisher, consumer = player.enter(self, self.broker), player.enter(self, self.broker)
        player.ask(publisher, "queue.declare", "queue.declare-ok", queue=b"q")
        player.ask(publisher, "confirm.select", "confirm.select-ok")
        for _ in range(COUNT):
            self.publish(publisher, b"q", BODY)
        while player.take_named(publisher, 1, "basic.ack")["delivery_tag"] < COUNT:
            pass
        return publisher, consumer

    def test_low_on_disk_holds_publishers_back_until_there_is_room(self):
        publisher, consumer = self.fill()
        self.broker.set("disk_free_limit.absolute = 1000TB\n")
        self.held_back(publisher, b"low on disk")
        player.ask(consumer, "basic.consume", "basic.consume-ok", queue=b"q")
        self.assertEqual(self.drain(consumer, COUNT), [BODY] * COUNT)
        self.broker.set("disk_free_limit.absolute = 1MB\n")
        player.take_named(publisher, 0, "connection.unblocked")
        self.assertEqual(self.drain(consumer, 2), [b"held back", b"behind it"])
        self.broker.wait_log(FREE)

    def test_low_on_memory_ends_when_consumers_have_drained(self):
        publisher, consumer = self.fill()
        self.broker.set("vm_memory_high_watermark.absolute = 20MB\n")
        self.held_back(publisher, b"low on memory")
        player.ask(consumer, "basic.consume", "basic.consume-ok", queue=b"q")
        self.assertEqual(self.drain(consumer, COUNT), [BODY] * COUNT)
        player.take_named(publisher, 0, "connection.unblocked")
        self.assertEqual(self.drain(consumer, 2), [b"held back", b"behind it"])
        self.broker.wait_log(FREE)

    def start_with(self, *settings):
        """The same, started with --set, and its HTTP API."""
        self.broker.settings = [*settings, "management.tcp.port=127.0.0.1:0"]
        self.broker.restart()
        line = self.broker.wait_log(broker.READY, self.broker.begin)
        return "http://" + re.search(r" http=(\S+)", line)[1] + "/api"

    def ask(self, url, value=None):
        """Status of an answer; a value is put there."""
        body = None if value is None else json.dumps({"value": value}).encode()
        request = urllib.request.Request(url, body, method="GET" if body is None else "PUT")
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        try:
            with urllib.request.urlopen(request, timeout=broker.DEADLINE_S) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code

    def test_a_disk_limit_that_was_set_at_the_start(self):
        api = self.start_with("disk_free_limit.absolute=1000TB")
        self.broker.wait_log(BLOCKED, self.broker.begin)  # before anybody comes
        self.assertEqual(self.ask(f"{api}/health/checks/local-alarms"), 503)
        publisher, consumer = player.enter(self, self.broker), player.enter(self, self.broker)
        player.ask(publisher, "queue.declare", "queue.declare-ok", queue=b"q")
        self.publish(publisher, b"q", b"held back")
        self.assertEqual(player.take_named(publisher, 0, "connection.blocked")["reason"],
                         b"low on disk")
        player.ask(consumer, "basic.consume", "basic.consume-ok", queue=b"q")
        self.assertEqual(self.ask(f"{api}/config/effective/disk_free_limit.absolute", "1MB"), 204)
        player.take_named(publisher, 0, "connection.unblocked")
        self.assertEqual(self.drain(consumer, 1), [b"held back"])
        self.assertEqual(self.ask(f"{api}/health/checks/local-alarms"), 200)

    def publish_until_blocked(self, publisher, consumer):
        """Returns how many messages were sent; the last ones may be held back."""
        sent = taken = 0
        while BLOCKED not in self.broker.diag.read_text("utf-8")[self.broker.begin:]:
            if taken == sent:
                for _ in range(BATCH):
                    self.publish(publisher, b"q", SMALL)
                sent += BATCH
            taken = player.ask(consumer, "queue.declare", "queue.declare-ok", queue=b"q",
                               passive=True)["message_count"]
        return sent

    def test_a_memory_limit_that_was_set_at_the_start(self):
        """It is passed by what is published, and ends by itself when that is taken."""
        api = self.start_with("vm_memory_high_watermark.absolute=20MB")
        publisher, consumer = player.enter(self, self.broker), player.enter(self, self.broker)
        player.ask(publisher, "queue.declare", "queue.declare-ok", queue=b"q")
        sent = self.publish_until_blocked(publisher, consumer)
        self.publish(publisher, b"q", b"held back")
        self.assertEqual(player.take_named(publisher, 0, "connection.blocked")["reason"],
                         b"low on memory")
        self.assertEqual(self.ask(f"{api}/health/checks/local-alarms"), 503)
        player.ask(consumer, "basic.consume", "basic.consume-ok", queue=b"q")
        self.assertEqual(self.drain(consumer, sent + 1), [SMALL] * sent + [b"held back"])
        player.take_named(publisher, 0, "connection.unblocked")
        self.assertEqual(self.ask(f"{api}/health/checks/local-alarms"), 200)

    def test_both_at_once_are_one_reason_and_shares_count(self):
        publisher, consumer = self.fill()
        self.broker.set("vm_memory_high_watermark.relative = 0\n"
                        "disk_free_limit.relative = 100\n"
                        "total_memory_available_override_value = 1000TB\n")
        self.broker.wait_log("low on memory & disk")
        self.held_back(publisher, b"low on memory & disk")
        self.broker.set("")
        player.take_named(publisher, 0, "connection.unblocked")
        player.ask(consumer, "basic.consume", "basic.consume-ok", queue=b"q")
        self.assertEqual(self.drain(consumer, COUNT + 2)[COUNT:], [b"held back", b"behind it"])


if __name__ == "__main__":
    unittest.main()
