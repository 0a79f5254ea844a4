#!/usr/bin/env python3
# RabbitMQ's own script for its HTTP API, all of its verbs, against our broker.
"""Needs rabbitmqadmin out of Debian's rabbitmq-server (it is looked for, also inside .ez archives,
or RABBITMQADMIN names it); without it the tests are skipped, saying so. MILLRACE_BIN as in the
others.
"""
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "cmd"), str(ROOT / "tests" / "dialogue")]
from test_millrace import DEADLINE_S, READY, Broker  # noqa: E402

PLUGINS = ("/usr/lib/rabbitmq/lib/*/plugins", "/usr/lib/rabbitmq/plugins", "/opt/rabbitmq/plugins")
INSIDE = "priv/www/cli/rabbitmqadmin"


def find_script(folder):
    """Where the script is; one inside an archive is put into the folder. None: nowhere."""
    if os.environ.get("RABBITMQADMIN"):
        return os.environ["RABBITMQADMIN"]
    for plugins in PLUGINS:
        for path in glob.glob(f"{plugins}/rabbitmq_management-*/{INSIDE}"):
            return path
        for path in glob.glob(f"{plugins}/rabbitmq_management-*.ez"):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.endswith(INSIDE):
                        return archive.extract(name, folder)
    return None


class RabbitmqadminTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-admin-"))
        cls.addClassCleanup(shutil.rmtree, cls.home)
        cls.script = find_script(cls.home)
        if cls.script is None:
            raise unittest.SkipTest("there is no rabbitmqadmin: it comes with rabbitmq-server")
        cls.broker = Broker("--data-dir", cls.home / "data",
                            "--set", "listeners.tcp.default=127.0.0.1:0",
                            "--set", "management.tcp.port=127.0.0.1:0",
                            "--set", "prometheus.tcp.port=none")
        cls.addClassCleanup(cls.broker.close)
        line = cls.broker.wait_for_line(READY)
        cls.port = re.search(r" http=\S*:(\d+)", line)[1]
        cls.amqp_port = int(re.search(r" amqp=\S*?:(\d+)", line)[1])

    def admin(self, *arguments, fails=False, **options):
        """Runs a verb; returns what it printed."""
        done = subprocess.run([sys.executable, self.script, "-H", "127.0.0.1", "-P", self.port,
                               *arguments], text=True, capture_output=True, timeout=DEADLINE_S,
                              check=False, env={**os.environ, "HOME": str(self.home)}, **options)
        if (done.returncode != 0) != fails:
            raise AssertionError(f"{arguments}: {done.returncode} {done.stdout} {done.stderr}")
        return done.stdout + (done.stderr if fails else "")

    def list(self, what, *columns):
        return json.loads(self.admin("-f", "raw_json", "list", what, *columns))

    def names(self, what):
        return {item["name"] for item in self.list(what)}

    def wait(self, question):
        deadline = time.monotonic() + DEADLINE_S
        while not question():
            self.assertLess(time.monotonic(), deadline, "it did not happen")

    def test_each_of_its_verbs_is_used_here(self):
        """Out of its own help, so that one that comes to it later is missed."""
        told = self.admin("help", "subcommands")
        text = pathlib.Path(__file__).read_text()
        verbs = re.findall(r"(?m)^  (list|show|declare|delete|close|purge) (\w+)", told)
        verbs += [(verb,) for verb in re.findall(r"(?m)^  (export|import|publish|get) ", told)]
        self.assertGreater(len(verbs), 40)
        for verb in verbs:
            ways = ['admin("' + '", "'.join(verb) + '"', ', "' + '", "'.join(verb) + '"',
                    f'list("{verb[-1]}"', f'names("{verb[-1]}")']
            if verb[0] == "list" and verb[1] in ("connections", "channels", "consumers"):
                ways.append(f'"{verb[1]}"')
            self.assertTrue(any(way in text for way in ways), verb)

    def test_queues_exchanges_and_bindings(self):
        self.admin("declare", "queue", "name=q", "durable=true", 'arguments={"x-max-length":100}')
        self.admin("declare", "queue", "name=big", "queue_type=quorum")
        self.admin("declare", "exchange", "name=x", "type=topic")
        self.admin("declare", "binding", "source=x", "destination=q", "routing_key=a.#",
                   'arguments={"k":1}')
        self.admin("declare", "binding", "source=x", "destination=x", "destination_type=exchange",
                   "routing_key=")
        queue = next(q for q in self.list("queues") if q["name"] == "q")
        self.assertEqual(queue["arguments"], {"x-max-length": 100})
        self.assertTrue(queue["durable"])
        self.assertEqual(next(q for q in self.list("queues") if q["name"] == "big")["type"],
                         "quorum")
        self.assertIn("x", self.names("exchanges"))
        ours = [b for b in self.list("bindings") if b["source"] == "x"]
        self.assertEqual({b["destination_type"] for b in ours}, {"queue", "exchange"})
        key = next(b for b in ours if b["destination"] == "q")["properties_key"]
        self.admin("delete", "binding", "source=x", "destination_type=queue", "destination=q",
                   f"properties_key={key}")
        self.admin("delete", "binding", "source=x", "destination_type=exchange", "destination=x",
                   "properties_key=~")
        self.assertEqual([b for b in self.list("bindings") if b["source"] == "x"], [])
        self.admin("delete", "exchange", "name=x")
        for name in ("q", "big"):
            self.admin("delete", "queue", f"name={name}")
        self.assertNotIn("x", self.names("exchanges"))
        self.assertNotIn("q", self.names("queues"))
        self.assertIn("Not found", self.admin("delete", "queue", "name=q", fails=True))
        self.assertIn("|  type   |", self.admin("list", "exchanges", "name", "type"))

    def test_messages(self):
        self.admin("declare", "queue", "name=m")
        self.assertIn("Message published", self.admin(
            "publish", "routing_key=m", "payload=hello", 'properties={"delivery_mode":2}'))
        self.admin("publish", "routing_key=m", input="from standard input")
        self.assertIn("NOT routed", self.admin("publish", "routing_key=nowhere", "payload=x"))
        got = json.loads(self.admin("-f", "raw_json", "get", "queue=m", "count=5"))
        self.assertEqual([m["payload"] for m in got], ["hello", "from standard input"])
        self.assertEqual(got[0]["properties"], {"delivery_mode": 2})
        file = self.home / "payload"
        self.admin("get", "queue=m", "ackmode=ack_requeue_false", f"payload_file={file}")
        self.assertEqual(file.read_text(), "hello")
        self.admin("purge", "queue", "name=m")
        self.assertEqual(json.loads(self.admin("-f", "raw_json", "get", "queue=m")), [])
        self.admin("delete", "queue", "name=m")

    def test_users_virtual_hosts_and_permissions(self):
        self.admin("declare", "vhost", "name=v", "tracing=true")
        self.admin("declare", "user", "name=u", "password=p", "tags=monitoring,policymaker")
        self.admin("declare", "permission", "vhost=v", "user=u", "configure=^c", "write=^w",
                   "read=^r")
        self.assertTrue(next(v for v in self.list("vhosts") if v["name"] == "v")["tracing"])
        user = next(u for u in self.list("users") if u["name"] == "u")
        self.assertEqual(user["tags"], ["monitoring", "policymaker"])
        self.assertIn({"user": "u", "vhost": "v", "configure": "^c", "write": "^w", "read": "^r"},
                      self.list("permissions"))
        self.admin("declare", "vhost_limit", "vhost=v", "name=max-queues", "value=3")
        self.assertEqual(self.list("vhost_limits"),
                         [{"vhost": "v", "value": {"max-queues": 3}}])
        self.admin("-V", "v", "-u", "u", "-p", "p", "declare", "queue", "name=c1")
        self.assertIn("Access refused", self.admin("-V", "v", "-u", "u", "-p", "p", "declare",
                                                   "queue", "name=d1", fails=True))
        self.admin("delete", "vhost_limit", "vhost=v", "name=max-queues")
        self.admin("delete", "permission", "vhost=v", "user=u")
        self.admin("delete", "user", "name=u")
        self.admin("delete", "vhost", "name=v")
        self.assertNotIn("u", self.names("users"))
        self.assertNotIn("v", self.names("vhosts"))

    def test_policies_and_parameters(self):
        self.admin("declare", "policy", "name=p", "pattern=^p", 'definition={"max-length":7}',
                   "priority=3", "apply-to=queues")
        self.admin("declare", "operator_policy", "name=o", "pattern=^p",
                   'definition={"max-length":5}', "apply-to=queues")
        self.admin("declare", "queue", "name=p1")
        queue = next(q for q in self.list("queues") if q["name"] == "p1")
        self.assertEqual(queue["policy"], "p")
        self.assertEqual(queue["operator_policy"], "o")
        self.assertEqual(queue["effective_policy_definition"], {"max-length": 5})
        self.assertEqual(self.list("policies")[0]["priority"], 3)
        self.assertEqual(self.names("operator_policies"), {"o"})
        self.admin("declare", "parameter", "component=vhost-limits", "name=limits",
                   'value={"max-queues":1000}')
        self.assertEqual([p["component"] for p in self.list("parameters")], ["vhost-limits"])
        self.admin("delete", "parameter", "component=vhost-limits", "name=limits")
        self.admin("delete", "policy", "name=p")
        self.admin("delete", "operator_policy", "name=o")
        self.admin("delete", "queue", "name=p1")
        self.assertEqual(self.list("policies"), [])

    def test_definitions_go_out_and_come_back(self):
        self.admin("declare", "queue", "name=kept", "durable=true")
        self.admin("declare", "binding", "source=amq.topic", "destination=kept",
                   "routing_key=k.#")
        file = self.home / "definitions.json"
        self.admin("export", str(file))
        told = json.loads(file.read_text())
        self.assertIn("kept", {q["name"] for q in told["queues"]})
        self.admin("delete", "queue", "name=kept")
        self.admin("import", str(file))
        self.assertIn("kept", self.names("queues"))
        self.assertIn("k.#", {b["routing_key"] for b in self.list("bindings")})
        self.admin("delete", "queue", "name=kept")

    def test_what_the_node_is(self):
        self.assertEqual(len(self.list("nodes")), 1)
        overview = json.loads(self.admin("-f", "raw_json", "show", "overview"))
        self.assertEqual(overview[0]["product_name"], "Millrace")
        for what in ("connections", "channels", "consumers"):
            self.assertEqual(self.list(what), [])
        self.assertIn("rabbitmq_version", self.admin("show", "overview"))

    def test_a_connection_is_seen_and_closed(self):
        try:
            sys.path.append("/usr/lib/python3/dist-packages")
            import pika
        except ImportError:
            self.skipTest("there is no pika: it comes with python3-pika")
        connection = pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", self.amqp_port, client_properties={"connection_name": "mine"}))
        channel = connection.channel()
        channel.queue_declare("seen")
        channel.basic_consume("seen", lambda *_: None, consumer_tag="tag")
        self.wait(lambda: self.list("connections") != [])
        ours = self.list("connections")[0]
        self.assertEqual(ours["user_provided_name"], "mine")
        self.assertEqual(ours["user"], "guest")
        self.assertEqual(self.list("channels")[0]["consumer_count"], 1)
        self.assertEqual(self.list("consumers")[0]["consumer_tag"], "tag")
        self.admin("close", "connection", f"name={ours['name']}")
        with self.assertRaises(pika.exceptions.ConnectionClosed) as closed:
            while True:
                connection.process_data_events(1)
        self.assertEqual(closed.exception.reply_code, 320)
        self.wait(lambda: self.list("connections") == [])
        self.admin("delete", "queue", "name=seen")


if __name__ == "__main__":
    unittest.main()
