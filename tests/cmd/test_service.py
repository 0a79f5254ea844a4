#!/usr/bin/env python3
# Tests of the program as a service: what systemd is told, and how it stops.
"""Runs the program in the folder (or at the path) that MILLRACE_BIN names; build/bin by default.

Nothing here sleeps: each step waits for a datagram, a line or the end of a process, with a
deadline.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "dialogue")]

import peer  # noqa: E402
from test_millrace import ANY_PORT, DEADLINE_S, Broker  # noqa: E402

STOP_BOUND_S = 15  # the broker's own patience is a few seconds; the machine may be slow


class ServiceTest(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-service-"))
        self.addCleanup(shutil.rmtree, self.home)

    def listen(self, place):
        """The socket of a service manager."""
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.settimeout(DEADLINE_S)
        manager.bind(place)
        return manager

    def start(self, *settings, **environment):
        broker = Broker("--data-dir", self.home / "data", *ANY_PORT,
                        *(word for s in settings for word in ("--set", s)),
                        env={**os.environ, **environment})
        self.addCleanup(broker.close)
        broker.line = broker.wait_for_line("is ready")
        broker.port = int(re.search(r" amqp=\S*?:(\d+)", broker.line)[1])
        return broker

    def connect(self, broker):
        """A client that is in, and answers nothing by itself."""
        one = peer.Peer("127.0.0.1", broker.port)
        self.addCleanup(one.close)
        one.send(b"AMQP\0\0\x09\x01")
        one.take(0)
        one.send_method(0, "connection.start-ok", {
            "client_properties": {}, "mechanism": b"PLAIN", "response": b"\0guest\0guest",
            "locale": b"en_US"})
        one.take(0)
        one.send_method(0, "connection.tune-ok", {"channel_max": 10, "frame_max": 131072,
                                                  "heartbeat": 0})
        one.send_method(0, "connection.open", {"virtual_host": b"/"})
        self.assertEqual(one.take(0).name, "connection.open-ok")
        return one

    # ---- what systemd is told ----

    def test_a_manager_is_told_of_readiness_health_and_stopping(self):
        place = str(self.home / "notify")
        manager = self.listen(place)
        broker = self.start(NOTIFY_SOCKET=place, WATCHDOG_USEC="200000")
        self.assertEqual(manager.recv(100), b"READY=1")
        self.assertEqual(manager.recv(100), b"WATCHDOG=1")
        self.assertEqual(manager.recv(100), b"WATCHDOG=1")
        broker.send(signal.SIGTERM)
        while (said := manager.recv(100)) != b"STOPPING=1":
            self.assertEqual(said, b"WATCHDOG=1")
        self.assertEqual(broker.wait(), 0)

    def test_the_managers_socket_may_be_no_file(self):
        name = f"millrace-test-{os.getpid()}"
        manager = self.listen("\0" + name)
        broker = self.start(NOTIFY_SOCKET="@" + name)
        self.assertEqual(manager.recv(100), b"READY=1")
        self.assertEqual(broker.stop(), 0)
        self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_a_manager_that_is_not_there_is_said_once(self):
        broker = self.start(NOTIFY_SOCKET=str(self.home / "nobody"), WATCHDOG_USEC="1000")
        broker.wait_for_line("cannot tell the service manager at")
        self.assertEqual(broker.stop(), 0)
        self.assertEqual(sum("service manager" in line for line in broker.lines), 1)

    # ---- stopping ----

    def test_clients_are_told_and_it_ends_though_they_do_not_answer(self):
        broker = self.start()
        one = self.connect(broker)
        began = time.monotonic()
        broker.send(signal.SIGTERM)
        told = one.take(0)
        self.assertEqual((told.name, told.values["reply_code"]), ("connection.close", 320))
        with self.assertRaises(OSError):  # nobody else is let in
            socket.create_connection(("127.0.0.1", broker.port), DEADLINE_S)
        self.assertEqual(broker.wait(), 0)
        self.assertLess(time.monotonic() - began, STOP_BOUND_S)

    def test_clients_that_answer_let_it_end_at_once(self):
        broker = self.start()
        one = self.connect(broker)
        broker.send(signal.SIGTERM)
        self.assertEqual(one.take(0).name, "connection.close")
        one.send_method(0, "connection.close-ok", {})
        one.take_end()
        self.assertEqual(broker.wait(), 0)

    def test_a_client_that_reads_nothing_does_not_hold_it(self):
        broker = self.start("millrace.amqp.close_timeout=10m")
        with socket.create_connection(("127.0.0.1", broker.port), DEADLINE_S) as silent:
            silent.sendall(b"AMQP")
            began = time.monotonic()
            self.assertEqual(broker.stop(), 0)
            self.assertLess(time.monotonic() - began, STOP_BOUND_S)


if __name__ == "__main__":
    unittest.main()
