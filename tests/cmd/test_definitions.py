#!/usr/bin/env python3
# Definitions go from RabbitMQ to Millrace and back, and each side has what the other had.
"""Needs RabbitMQ as Debian packs it; without it that is said and the test is skipped."""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "clients"))
import broker  # noqa: E402

CTL = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
SKIPPED = 77
DEADLINE_S = 120

# What RabbitMQ is given first: everything that a definition can be, with values of every kind.
SEED = {
    "users": [
        {"name": "ann", "password": "secret", "tags": ["administrator", "own"],
         "limits": {"max-connections": 12, "max-channels": 40}},
        {"name": "bob", "password_hash": "", "hashing_algorithm": "rabbit_password_hashing_sha512",
         "tags": ["monitoring"]},
    ],
    "vhosts": [{"name": "/"}, {"name": "shop é",
                               "metadata": {"description": "a place", "tags": ["one", "two"]}}],
    "permissions": [
        {"user": "ann", "vhost": "/", "configure": "^ann", "write": ".*", "read": ""},
        {"user": "ann", "vhost": "shop é", "configure": ".*", "write": ".*", "read": ".*"},
    ],
    "topic_permissions": [{"user": "ann", "vhost": "shop é", "exchange": "amq.topic",
                           "write": "^{username}\\.", "read": ".*"}],
    "parameters": [
        {"component": "vhost-limits", "vhost": "shop é", "name": "limits",
         "value": {"max-queues": 90, "max-connections": -1}},
        {"component": "operator_policy", "vhost": "shop é", "name": "small",
         "value": {"pattern": "^small", "apply-to": "queues", "priority": 1,
                   "definition": {"max-length": 10, "expires": 3600000}}},
    ],
    "global_parameters": [{"name": "cluster_name", "value": "the shop"},
                          {"name": "own", "value": {"a": [1, 2.5, None, True], "b": "text"}}],
    "policies": [
        {"vhost": "shop é", "name": "lazy", "pattern": "", "apply-to": "all", "priority": 0,
         "definition": {"queue-mode": "lazy", "alternate-exchange": "spare"}},
        {"vhost": "shop é", "name": "dead", "pattern": "^orders", "apply-to": "queues",
         "priority": 7, "definition": {"dead-letter-exchange": "spare", "message-ttl": 5000,
                                       "dead-letter-routing-key": "late"}},
    ],
    "queues": [
        {"vhost": "/", "name": "plain", "durable": True, "auto_delete": False, "arguments": {}},
        {"vhost": "shop é", "name": "orders", "durable": True, "auto_delete": False,
         "arguments": {"x-message-ttl": 60000, "x-max-length": 1000, "x-expires": 86400000,
                       "x-overflow": "reject-publish", "x-dead-letter-exchange": "spare",
                       "x-dead-letter-routing-key": "k", "x-max-priority": 9,
                       "x-queue-type": "classic"}},
        {"vhost": "shop é", "name": "safe", "durable": True, "auto_delete": False,
         "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 5}},
        {"vhost": "shop é", "name": "brief", "durable": True, "auto_delete": True,
         "arguments": {"x-own": [1, "a", {"b": True, "c": -5}], "x-single-active-consumer": True}},
    ],
    "exchanges": [
        {"vhost": "shop é", "name": "spare", "type": "fanout", "durable": True,
         "auto_delete": False, "internal": False, "arguments": {}},
        {"vhost": "shop é", "name": "by topic", "type": "topic", "durable": True,
         "auto_delete": True, "internal": False, "arguments": {"alternate-exchange": "spare"}},
        {"vhost": "shop é", "name": "by header", "type": "headers", "durable": True,
         "auto_delete": False, "internal": False, "arguments": {}},
    ],
    "bindings": [
        {"vhost": "shop é", "source": "by topic", "destination": "orders",
         "destination_type": "queue", "routing_key": "a.*.#", "arguments": {}},
        {"vhost": "shop é", "source": "by header", "destination": "safe",
         "destination_type": "queue", "routing_key": "",
         "arguments": {"x-match": "any", "n": 3, "text": "é", "flag": False}},
        {"vhost": "shop é", "source": "amq.direct", "destination": "by topic",
         "destination_type": "exchange", "routing_key": "k", "arguments": {}},
        {"vhost": "/", "source": "amq.fanout", "destination": "plain", "destination_type": "queue",
         "routing_key": "", "arguments": {}},
    ],
}

# What tells one thing from another in its section.
KEYS = {
    "users": ("name",),
    "vhosts": ("name",),
    "permissions": ("user", "vhost"),
    "topic_permissions": ("user", "vhost", "exchange"),
    "parameters": ("component", "vhost", "name"),
    "global_parameters": ("name",),
    "policies": ("vhost", "name"),
    "queues": ("vhost", "name"),
    "exchanges": ("vhost", "name"),
    "bindings": ("vhost", "source", "destination", "destination_type", "routing_key"),
}
# Each side says more about a thing than the other: only what both know can be the same.
COMPARED = {
    "users": ("password_hash", "hashing_algorithm", "tags", "limits"),
    "vhosts": ("metadata",),
    "permissions": ("configure", "write", "read"),
    "topic_permissions": ("write", "read"),
    "parameters": ("value",),
    "global_parameters": ("value",),
    "policies": ("pattern", "apply-to", "priority", "definition"),
    "queues": ("durable", "auto_delete", "arguments"),
    "exchanges": ("type", "durable", "auto_delete", "internal", "arguments"),
    "bindings": ("arguments",),
}
# Of the node itself, and different in every one.
OWN_GLOBALS = ("internal_cluster_id", "imported_definition_hash_value")


def things(definitions, section):
    """The things of a section by what tells them apart, with what is compared of each."""
    found = {}
    for thing in definitions.get(section, []):
        key = tuple(thing[part] for part in KEYS[section])
        if section == "global_parameters" and key[0] in OWN_GLOBALS:
            continue
        assert key not in found, key  # nothing hides behind another
        found[key] = {part: plain(part, thing.get(part)) for part in COMPARED[section]}
    return found


def plain(part, value):
    """What says the same in both."""
    if part == "metadata":
        value = value or {}
        return {"description": value.get("description", ""), "tags": sorted(value.get("tags", []))}
    if part == "limits" and not value:
        return {}
    if part == "tags":
        return sorted(value)
    if part == "internal":
        return bool(value)  # rabbitmqctl leaves it out
    return value


class Rabbit(broker.RabbitMQ):
    """RabbitMQ, asked by its own command."""

    def ctl(self, *arguments):
        environment = self.command()[1]
        done = subprocess.run([CTL, "-n", environment["RABBITMQ_NODENAME"], *arguments],
                              env=environment, timeout=DEADLINE_S, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"rabbitmqctl {arguments}: {done.stdout}{done.stderr}")

    def take(self, definitions):
        path = self.home / "in.json"
        path.write_text(json.dumps(definitions), encoding="utf-8")
        self.ctl("import_definitions", str(path))

    def give(self):
        path = self.home / "out.json"
        self.ctl("export_definitions", str(path))
        return json.loads(path.read_text(encoding="utf-8"))


def ask(port, path, login, method="GET", body=None):
    """What an HTTP API answers; a body is sent as JSON."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/{path}", method=method)
    request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    if body is not None:
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps(body).encode()
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
        text = answer.read()
        return json.loads(text) if text else None


class Managed(Rabbit):
    """RabbitMQ with its management plugin."""

    def __init__(self):
        super().__init__()
        self.http_port = broker.free_port()

    def command(self):
        arguments, environment, ready = super().command()
        with open(self.home / "rabbitmq.conf", "a", encoding="utf-8") as file:
            file.write(f"management.tcp.port = {self.http_port}\nmanagement.tcp.ip = 127.0.0.1\n")
        (self.home / "plugins").write_text("[rabbitmq_management].\n")
        return arguments, environment, ready


class Ours(broker.Millrace):
    """Millrace, which imports a file at the start and is asked by HTTP."""

    def __init__(self, definitions=None):
        super().__init__()
        self.http_port = broker.free_port()
        self.definitions = definitions

    def command(self):
        arguments, environment, ready = super().command()
        arguments += ["--set", f"management.tcp.port=127.0.0.1:{self.http_port}",
                      "--set", "prometheus.tcp.port=none"]
        if self.definitions is not None:
            path = self.home / "definitions.json"
            path.write_text(json.dumps(self.definitions), encoding="utf-8")
            arguments += ["--set", f"load_definitions={path}"]
        return arguments, environment, ready

    def ask(self, path):
        return ask(self.http_port, path, "ann:secret")


class DefinitionsTest(unittest.TestCase):
    maxDiff = None

    def run_broker(self, one):
        self.addCleanup(one.close)
        one.start()
        return one

    def assert_same(self, ours, theirs):
        for section in KEYS:
            with self.subTest(section=section):
                self.assertEqual(things(ours, section), things(theirs, section))

    def test_definitions_go_from_rabbitmq_to_us_and_back(self):
        rabbit = self.run_broker(Rabbit())
        rabbit.take(SEED)
        theirs = rabbit.give()
        for section in KEYS:
            self.assertTrue(theirs.get(section), section)
        theirs["users"] = [user for user in theirs["users"] if user["name"] != "guest"]
        theirs["permissions"] = [p for p in theirs["permissions"] if p["user"] != "guest"]
        ours = self.run_broker(Ours(theirs)).ask("definitions")
        self.assert_same(ours, theirs)
        other = self.run_broker(Rabbit())
        other.take(ours)
        back = other.give()
        back["users"] = [user for user in back["users"] if user["name"] != "guest"]
        back["permissions"] = [p for p in back["permissions"] if p["user"] != "guest"]
        self.assert_same(ours, back)

    def test_they_go_over_http_both_ways(self):
        """Whole, and those of one virtual host into another."""
        rabbit, one = self.run_broker(Managed()), self.run_broker(Ours())
        ask(rabbit.http_port, "definitions", "guest:guest", "POST", SEED)
        theirs = ask(rabbit.http_port, "definitions", "guest:guest")
        ask(one.http_port, "definitions", "guest:guest", "POST", theirs)
        ours = one.ask("definitions")
        self.assert_same(ours, theirs)
        shop = ask(rabbit.http_port, "definitions/shop%20%C3%A9", "guest:guest")
        ask(one.http_port, "vhosts/copy", "ann:secret", "PUT", {})
        ask(one.http_port, "definitions/copy", "ann:secret", "POST", shop)
        for section in ("queues", "exchanges", "bindings", "policies"):
            for thing in shop[section]:
                thing["vhost"] = "copy"
            copied = {key: value for key, value in things(one.ask("definitions"), section).items()
                      if "copy" in key}
            self.assertEqual(copied, things(shop, section), section)
        other = self.run_broker(Managed())
        ask(other.http_port, "definitions", "guest:guest", "POST", ours)
        self.assert_same(ask(other.http_port, "definitions", "guest:guest"), ours)

    def test_definitions_survive_our_restart(self):
        one = self.run_broker(Ours(SEED))
        first = one.ask("definitions")
        self.assertEqual(set(things(first, "queues")), set(things(SEED, "queues")))
        one.definitions = None
        one.stop()
        one.start()
        self.assert_same(one.ask("definitions"), first)

    def test_a_bad_file_stops_the_start_and_says_why(self):
        home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-definitions-"))
        self.addCleanup(shutil.rmtree, home)
        program = pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin")) / "millrace"
        for text, says in (("{", "are not valid JSON: line 1"), ("[]", "are not an object of JSON"),
                           ('{"queues":[{"name":"q","vhost":"none"}]}',
                            "virtual host 'none', in 'queues', does not exist"),
                           (None, "cannot read the definitions")):
            path = home / "definitions.json"
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")
            done = subprocess.run(
                [program, "--data-dir", home / "data", "--set", "listeners.tcp.default=127.0.0.1:0",
                 "--set", "management.tcp.port=none", "--set", "prometheus.tcp.port=none",
                 "--set", f"load_definitions={path}"],
                timeout=DEADLINE_S, capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn(says, done.stderr.splitlines()[-1])


if __name__ == "__main__":
    if not CTL.exists():
        print("skipped: RabbitMQ is not installed; apt-get install rabbitmq-server brings it")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
