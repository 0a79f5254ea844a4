#!/usr/bin/env python3
# Tests of diagnostics as an operator sees them: as lines, and as messages.
"""Runs the programs in the folder that MILLRACE_BIN names; build/bin by default."""
import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from world import BIN, World
import broker
import peer
import player
import wire


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


class Lines(unittest.TestCase):
    def test_a_noisy_client_is_counted_and_others_are_heard(self):
        """From another loopback address comes another client."""
        world = World(self)
        begun = time.monotonic()
        for _ in range(100):
            one = world.peer()
            one.send(b"GET / HTTP/1.1\r\n\r\n")
            one.take_end()
        other = peer.Peer(world.broker.host, world.broker.port, source="127.0.0.2")
        self.addCleanup(other.socket.close)
        other.send(b"GET / HTTP/1.1\r\n\r\n")
        world.broker.wait_log("HTTP GET request detected on AMQP port peer=127.0.0.2:")
        text, windows = world.broker.diag.read_text(), (time.monotonic() - begun) // 10 + 1
        self.assertLessEqual(text.count("AMQP port peer=127.0.0.1:"), 10 * windows)

    def test_lines_say_the_name_that_a_connection_gave_itself(self):
        world = World(self, "log.connection.level=debug", "log.console.level=debug")
        name = "bill\x1b[2Jing " + "\u20ac" * 200
        one = world.login(properties=[(b"connection_name", ("S", name.encode()))])
        world.refused(one, "queue.declare", 404, queue=b"none", passive=True)
        shown = r"peer=127\.0\.0\.1:\d+ name='bill\\x1b\[2Jing \u20ac{38}'"
        for part in ("a connection is open", "a channel ends"):
            self.assertRegex(world.broker.wait_log(part), part + " " + shown)
        one.send(b"\x09nonsense" * 3)
        self.assertRegex(world.broker.wait_log("a connection ends"), shown)
        one.socket.close()
        self.assertRegex(world.broker.wait_log("a connection is gone"), shown)


SECRETS = ("hunter2", "s3same", "tr0ub4dor", "c0rrect-horse", "batt3ry", "stapl3")


class Secrets(unittest.TestCase):
    """Whatever goes wrong, passwords stay out of the lines; so do their hashes and encodings."""

    def test_no_password_is_ever_said(self):
        levels = [f"log.{area}.level=debug" for area in
                  ("console", "default", "connection", "channel", "queue", "exchange", "file")]
        world = World(self, *levels, "log.exchange=true", "default_user=ann",
                      "default_pass=hunter2", "management.tcp.port=127.0.0.1:0")
        path = world.broker.home / "file.log"
        world.broker.settings += [f"log.file={path}"]
        world.restart()
        for response in (b"\0ann\0s3same", b"\0nobody\0s3same", b"\0\0s3same", b"s3same",
                         b"\0ann\0s3same\0"):
            world.start_ok(b"PLAIN", response)
        table = wire.encode_table([(b"LOGIN", ("S", b"ann")), (b"PASSWORD", ("S", b"tr0ub4dor"))])
        for response in (table[4:], table[4:-3], b"tr0ub4dor"):
            world.start_ok(b"AMQPLAIN", response)
        world.start_ok(b"s3same", b"\0ann\0hunter2")
        one = world.login(user=b"ann", password=b"hunter2")
        one.send_method(0, "connection.update-secret", {"new_secret": b"c0rrect-horse",
                                                        "reason": b"renewed"})
        player.take_named(one, 0, "connection.update-secret-ok")
        self.ask_over_http(world)
        world.broker.wait_log("[http] a login over HTTP was refused peer=127.0.0.1:", world.begin)
        world.stop()
        said = world.broker.diag.read_text() + path.read_text()
        self.assertIn("[connection]", said)
        for secret in SECRETS:
            kept = "s3same" if secret == "s3same" else None
            for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]):
                lines = [line for line in said.split("\n") if form in line]
                if kept:  # as the name of a mechanism, which is no secret, it is quoted
                    lines = [line for line in lines if "unknown authentication mechanism" not in
                             line]
                self.assertEqual(lines, [])

    def ask_over_http(self, world):
        line = world.broker.wait_log(broker.READY, world.begin)
        where = re.search(r" http=(\S+)", line)[1]
        for credentials, method, path, body in (
                ("ann:batt3ry", "GET", "/api/overview", None),
                ("ann:hunter2", "PUT", "/api/users/bob", {"password": "stapl3", "tags": ""}),
                ("ann:hunter2", "PUT", "/api/users/eve", {"password": "stapl3", "tags": 7}),
                ("ann:hunter2", "POST", "/api/definitions", {"users": [{"password": "stapl3"}]})):
            request = urllib.request.Request(f"http://{where}{path}", method=method,
                                             data=json.dumps(body).encode() if body else None)
            code = base64.b64encode(credentials.encode()).decode()
            request.add_header("Authorization", f"Basic {code}")
            try:
                urllib.request.urlopen(request, timeout=60).close()
            except urllib.error.HTTPError as error:
                error.close()

    def test_a_configuration_that_is_wrong_does_not_tell_its_secrets(self):
        text = ("default_pass = hunter2\ndefault_pas = s3same\nssl_options.password = tr0ub4dor\n"
                "auth_ldap.dn_lookup_bind.password = c0rrect-horse\nbatt3ry\n"
                "management.ssl.password = stapl3\nheartbeat = many\n")
        with tempfile.TemporaryDirectory() as folder:
            conf = pathlib.Path(folder) / "my.conf"
            conf.write_text(text)
            for task in ("--check-conf", "--data-dir=" + folder + "/data"):
                result = subprocess.run([BIN / "millrace", "--conf", conf, task], text=True,
                                        capture_output=True, timeout=60, check=False)
                self.assertEqual(result.returncode, 1)
                self.assertIn("'default_pas'", result.stderr)
                for secret in SECRETS[:4] + SECRETS[5:]:  # of a line without '=' the first word
                    self.assertNotIn(secret, result.stderr + result.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main())
