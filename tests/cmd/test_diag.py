#!/usr/bin/env python3
# Tests of diagnostics as an operator sees them: as lines, and as messages.
"""Runs the programs in the folder that MILLRACE_BIN names; build/bin by default."""
import json
import sys
import unittest

from world import World


def listen(world, key):
    """A connection with a consumer of what has that level."""
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"lines", exclusive=True)
    world.call(one, "queue.bind", "queue.bind-ok", queue=b"lines", exchange=b"amq.rabbitmq.log",
               routing_key=key)
    world.call(one, "basic.consume", "basic.consume-ok", queue=b"lines", no_ack=True)
    return one


def heard(one, part):
    """The first message with that in its body: routing key, properties, body."""
    while True:
        frame = one.take(1)
        if part in frame.content.body:
            return frame.values["routing_key"], frame.content.properties, frame.content.body


class Messages(unittest.TestCase):
    def test_lines_become_messages(self):
        world = World(self, "log.exchange=true", "log.connection.level=debug",
                      "log.exchange.level=debug")
        one = listen(world, b"#")
        world.start_ok(b"PLAIN", b"\0guest\0wrong")
        key, properties, body = heard(one, b"ACCESS_REFUSED")
        self.assertEqual(key, b"warning")
        self.assertRegex(body, rb"^\d{4}-\d\d-\d\d \S+Z warning \[connection\] a connection ends ")
        self.assertEqual(properties["content_type"], b"text/plain")
        self.assertEqual(dict(properties["headers"])[b"node"], ("S", b"millrace@localhost"))
        self.assertGreater(properties["timestamp"], 1_700_000_000)
        world.login()
        self.assertEqual(heard(one, b"a connection is open")[0], b"debug")

    def test_the_level_and_the_form_are_its_own(self):
        world = World(self, "log.exchange=true", "log.exchange.formatter=json",
                      "log.exchange.level=warning", "log.connection.level=debug",
                      "log.console.level=debug")
        one = listen(world, b"#")
        world.login()
        world.broker.wait_log("a connection is open")
        world.start_ok(b"PLAIN", b"\0guest\0wrong")
        frame = one.take(1)  # the logins before were of no importance
        line = json.loads(frame.content.body)
        self.assertEqual((line["level"], line["domain"]), ("warning", "connection"))
        self.assertEqual(frame.content.properties["content_type"], b"application/json")

    def test_only_what_was_asked_for_comes(self):
        world = World(self, "log.exchange=true")
        one = listen(world, b"warning")
        world.start_ok(b"PLAIN", b"\0guest\0wrong")
        self.assertEqual(one.take(1).values["routing_key"], b"warning")

    def test_without_the_setting_there_is_no_such_exchange(self):
        world = World(self)
        one = world.login()
        world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", exclusive=True)
        text = world.refused(one, "queue.bind", 404, queue=b"q", exchange=b"amq.rabbitmq.log",
                             routing_key=b"#")
        self.assertIn("no exchange 'amq.rabbitmq.log' in vhost '/'", text)


if __name__ == "__main__":
    sys.exit(unittest.main())
