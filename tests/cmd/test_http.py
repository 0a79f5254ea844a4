#!/usr/bin/env python3
# Tests of the HTTP API as tools use it, and as nobody should.
"""Runs the programs in the folder that MILLRACE_BIN names; build/bin by default."""
import os
import pathlib
import socket
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dialogue"))
import broker  # noqa: E402,F401
from probes_http import DEADLINE_S, GUEST, PORT, ask, end_of, raw, where  # noqa: E402
from world import World  # noqa: E402

LOGIN = b"Host: x\r\nAuthorization: " + GUEST.encode() + b"\r\n"
ROUNDS = 50
GROWS_MAX = 4 << 20
IS_JUDGED = "MILLRACE_SIZE" not in os.environ  # memory; sanitizers keep what was freed

# What Terraform and others declare, and declare again.
DECLARED = (
    ("vhosts/v", {"description": "a place"}),
    ("users/u", {"password": "p", "tags": "management"}),
    ("permissions/v/u", {"configure": "^c", "write": "", "read": ".*"}),
    ("queues/%2F/q", {"durable": True, "arguments": {"x-max-length": 5}}),
    ("exchanges/%2F/x", {"type": "topic", "durable": True}),
    ("policies/%2F/p", {"pattern": "^p", "definition": {"max-length": 1}, "apply-to": "queues"}),
    ("operator-policies/%2F/p", {"pattern": "^p", "definition": {"max-length": 1},
                                 "apply-to": "queues"}),
    ("global-parameters/g", {"value": {"a": 1}}),
)


class Tools(unittest.TestCase):
    def setUp(self):
        self.world = World(self, PORT)

    def test_what_is_declared_twice_is_201_and_then_204(self):
        for path, body in DECLARED:
            for status in (201, 204, 204):
                self.assertEqual(ask(self.world, f"/api/{path}", "PUT", body)[0], status, path)
        for path, _ in reversed(DECLARED):
            self.assertEqual(ask(self.world, f"/api/{path}", "DELETE")[0], 204, path)
            self.assertEqual(ask(self.world, f"/api/{path}")[0], 404, path)

    def test_a_node_says_how_many_descriptors_it_has(self):
        def node():
            return ask(self.world, "/api/nodes")[2][0]

        self.world.wait(lambda: node()["fd_used"] > 0, "the process is looked at")
        self.assertGreater(node()["fd_total"], node()["fd_used"])

    def test_a_node_says_what_its_process_is(self):
        """RabbitMQ's own client refuses a node that leaves any of these out."""
        def node():
            return ask(self.world, "/api/nodes")[2][0]

        self.world.wait(lambda: node()["os_pid"] != "0", "the process is looked at")
        told = node()
        self.assertEqual(told["os_pid"], str(self.world.broker.process.pid))
        self.assertGreaterEqual(told["processors"], 1)
        self.assertGreaterEqual(told["proc_total"], told["proc_used"])
        self.assertGreaterEqual(told["proc_used"], 1)
        self.assertEqual(told["run_queue"], 0)
        self.assertEqual(told["db_dir"], str(self.world.broker.home / "data"))
        self.assertEqual(told["log_files"], ["<stderr>"])
        memory = ask(self.world, f"/api/nodes/{told['name']}/memory")[2]["memory"]
        self.assertGreater(memory["total"]["rss"], memory["total"]["allocated"])

    def test_an_exclusive_queue_says_whose_it_is(self):
        one = self.world.login()
        self.world.call(one, "queue.declare", "queue.declare-ok", queue=b"mine", exclusive=True)
        connection = ask(self.world, "/api/connections")[2][0]
        owner = ask(self.world, "/api/queues/%2F/mine")[2]["owner_pid_details"]
        self.assertEqual(owner, {key: connection[key] for key in owner})
        self.assertEqual(set(owner), {"name", "peer_host", "peer_port"})

    def test_a_binding_says_where_it_is(self):
        ask(self.world, "/api/queues/%2F/q%2F1", "PUT", {"durable": True})
        place = "/api/bindings/%2F/e/amq.topic/q/q%2F1"
        for key, arguments in (("a.*#/ b+~", {"k": "v"}), ("", {}), ("plain", {}), ("%41", {})):
            status, headers, _ = ask(self.world, place, "POST",
                                     {"routing_key": key, "arguments": arguments})
            self.assertEqual(status, 201)
            self.assertEqual(headers["Location"].rsplit("/", 1)[0], "q%2F1")
            one = ask(self.world, f"{place}/{headers['Location'].rsplit('/', 1)[1]}")[2]
            self.assertEqual((one["routing_key"], one["arguments"]), (key, arguments))
            listed = [b["properties_key"] for b in ask(self.world, place)[2]
                      if b["routing_key"] == key]
            self.assertEqual(listed, [one["properties_key"]])

    def test_definitions_of_one_virtual_host_go_into_another(self):
        for name in ("one", "two"):
            ask(self.world, f"/api/vhosts/{name}", "PUT", {})
        ask(self.world, "/api/queues/one/q", "PUT", {"durable": True})
        told = ask(self.world, "/api/definitions/one")[2]
        self.assertNotIn("users", told)
        self.assertNotIn("vhost", told["queues"][0])
        self.assertEqual(ask(self.world, "/api/definitions/two", "POST", told)[0], 204)
        self.assertEqual([q["name"] for q in ask(self.world, "/api/queues/two")[2]], ["q"])

    def test_methods_and_origins(self):
        status, headers, _ = ask(self.world, "/api/queues/%2F/q", "OPTIONS")
        self.assertEqual(status, 200)
        self.assertEqual(set(headers["Allow"].split(", ")),
                         {"HEAD", "GET", "PUT", "DELETE", "OPTIONS"})
        self.assertIsNone(headers["Access-Control-Allow-Origin"])
        self.assertEqual(ask(self.world, "/api/queues", "DELETE")[0], 405)
        status, headers, told = ask(self.world, "/api/overview", "HEAD")
        self.assertEqual((status, told), (200, None))
        self.assertEqual(headers["Content-Type"], "application/json")


class Abuse(unittest.TestCase):
    """Each of these comes again and again, and the broker is none the larger for it."""

    def setUp(self):
        self.world = World(self, PORT, "management.max_body=64KiB",
                           "management.tcp.request_timeout=100ms")

    def status(self, text):
        """Of the answer to these bytes, behind which the connection ends."""
        one = raw(self, self.world, text)
        one.shutdown(socket.SHUT_WR)
        line = end_of(one).split(b"\r\n", 1)[0]
        one.close()
        return int(line.split()[1])

    def put(self, path, body):
        return b"PUT /api/%s HTTP/1.1\r\nContent-Length: %d\r\n%sConnection: close\r\n\r\n%s" % (
            path, len(body), LOGIN, body)

    def slow(self, text):
        """Of the answer to bytes that are never whole."""
        with socket.create_connection(where(self.world, "http"), DEADLINE_S) as one:
            one.sendall(text)
            return int(end_of(one).split(b"\r\n", 1)[0].split()[1])

    def test_what_is_wrong_is_refused_and_nothing_grows(self):
        deep = b'{"arguments":' + b'{"a":' * 5000 + b"1" + b"}" * 5001
        cases = (
            (413, self.status, self.put(b"queues/%2F/q", b'{"a":"' + b"x" * 70_000 + b'"}')),
            (400, self.status, self.put(b"queues/%2F/q", b'{"durable":')),
            (400, self.status, self.put(b"queues/%2F/q", b"[" * 60_000)),
            (400, self.status, self.put(b"queues/%2F/q", deep)),
            (400, self.status, self.put(b"queues/%2F/%zz", b"{}")),
            (400, self.status, self.put(b"queues/%2F/%0", b"{}")),
            (414, self.status, self.put(b"queues/%2F/" + b"q" * 60_000, b"{}")),
            (408, self.slow, b"GET /api/overview HTTP/1.1\r\n" + LOGIN + b"X-Slow: "),
            (408, self.slow, self.put(b"queues/%2F/q", b"{}" * 50)[:-3]),
        )
        for turn in range(ROUNDS):
            for status, ask_with, text in cases:
                if turn == 0 or ask_with is self.status:  # each slow one takes its time
                    self.assertEqual(ask_with(text), status, text[:60])
            if turn == 0:
                self.world.broker.memory_first = self.world.broker.memory()
                files = self.world.broker.open_files()
        self.world.wait(lambda: self.world.broker.open_files() <= files, "descriptors given back")
        if IS_JUDGED:
            self.assertLess(self.world.broker.memory_more(), GROWS_MAX)
        self.assertEqual(ask(self.world, "/api/queues")[2], [])

    def test_many_slow_ones_at_once_keep_nobody_out(self):
        before = self.world.broker.memory()
        slow = [raw(self, self.world, b"PUT /api/queues/%2F/q HTTP/1.1\r\n" + LOGIN +
                    b"Content-Length: 60000\r\n\r\n{") for _ in range(200)]
        self.assertEqual(ask(self.world, "/api/whoami")[0], 200)
        for one in slow:
            self.assertIn(b" 408 ", end_of(one))
        if IS_JUDGED:
            self.assertLess(self.world.broker.memory() - before, GROWS_MAX)


if __name__ == "__main__":
    unittest.main()
