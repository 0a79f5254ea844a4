#!/usr/bin/env python3
# Tests of millracectl: what it asks of the HTTP API, what it prints, how it ends.
"""Runs the program that lies in MILLRACE_BIN (build/bin by default) against an API of paper, a
server that notes each request and answers what the test says; and against the broker."""
import base64
import http.server
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cmd"))
from test_millrace import ANY_PORT, DEADLINE_S, READY, Broker  # noqa: E402

DONE, USAGE, REFUSED, UNREACHED, NOT_ALLOWED = 0, 64, 65, 69, 77


def program():
    return str(pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin")) / "millracectl")


class Paper(http.server.ThreadingHTTPServer):
    """Answers by (method, path): a value as JSON with 200, or (status, value)."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.answers, self.asked = {}, []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def uri(self, user="guest:guest"):
        return f"http://{user}@127.0.0.1:{self.server_address[1]}"


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, json.loads(body) if body else None,
                                  dict(self.headers)))
        status, value = 404, {"error": "Object Not Found", "reason": "Not Found"}
        if (self.command, self.path) in self.server.answers:
            status, value = 200, self.server.answers[self.command, self.path]
        if isinstance(value, tuple):
            status, value = value
        text = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *arguments):
        pass


class Ctl(unittest.TestCase):
    def setUp(self):
        self.api = Paper()
        self.addCleanup(self.api.server_close)
        self.addCleanup(self.api.shutdown)

    def run_ctl(self, *words, code=DONE, uri=None, text=None):
        done = subprocess.run([program(), "--uri", uri or self.api.uri(), *words], text=True,
                              capture_output=True, timeout=DEADLINE_S, input=text)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.errors = done.stderr
        return done.stdout

    def asked(self):
        return [(method, path, body) for method, path, body, _ in self.api.asked]


class Lists(Ctl):
    QUEUES = [{"name": "a", "messages": 3, "arguments": {"x-max-length": 1}, "vhost": "/"},
              {"name": "tab\there", "messages": 0, "arguments": {}, "vhost": "/"}]

    def answer(self, path="/api/queues/%2F?page=1&page_size=500"):
        self.api.answers["GET", path] = {"items": self.QUEUES, "page_count": 1}

    def test_a_table_has_tabs_between_its_values(self):
        self.answer()
        self.assertEqual(self.run_ctl("list_queues"), "name\tmessages\na\t3\ntab\\there\t0\n")
        self.assertIn("lists queues", self.errors)
        self.assertEqual(self.run_ctl("-s", "list_queues", "name"), "a\ntab\\there\n")
        self.assertEqual(self.errors, "")

    def test_columns_are_words(self):
        self.answer()
        self.assertEqual(self.run_ctl("-q", "list_queues", "messages", "arguments", "nothing"),
                         'messages\targuments\tnothing\n3\t{"x-max-length":1}\t\n0\t{}\t\n')

    def test_other_forms(self):
        self.answer()
        rows = json.loads(self.run_ctl("list_queues", "name", "arguments", "--formatter", "json"))
        self.assertEqual(rows[0], {"name": "a", "arguments": {"x-max-length": 1}})
        self.assertEqual(self.run_ctl("-q", "--formatter=csv", "list_queues", "name", "arguments"),
                         'name,arguments\na,"{""x-max-length"":1}"\ntab\there,{}\n')
        pretty = self.run_ctl("--formatter", "pretty_table", "list_queues")
        self.assertIn("| a         | 3        |\n", pretty)

    def test_all_pages_are_read(self):
        for page in (1, 2, 3):
            self.api.answers["GET", f"/api/queues/v%2F1?page={page}&page_size=500"] = {
                "items": [{"name": f"q{page}"}], "page_count": 3}
        self.assertEqual(self.run_ctl("-s", "-p", "v/1", "list_queues", "name"), "q1\nq2\nq3\n")

    def test_a_list_without_pages(self):
        self.api.answers["GET", "/api/users"] = [{"name": "guest", "tags": ["administrator"]}]
        self.assertEqual(self.run_ctl("-q", "list_users"), 'user\ttags\nguest\t[administrator]\n')


class Secrets(Ctl):
    def test_a_password_comes_from_standard_input(self):
        self.api.answers["PUT", "/api/users/ann"] = (204, None)
        self.run_ctl("add_user", "ann", text="from a pipe\nnot this\n")
        self.assertEqual(self.asked(), [("PUT", "/api/users/ann",
                                         {"password": "from a pipe", "tags": ""})])
        self.api.answers["GET", "/api/users/ann"] = {"name": "ann", "tags": ["old"]}
        self.run_ctl("change_password", "ann", text="second")
        self.assertEqual(self.asked()[-1], ("PUT", "/api/users/ann",
                                            {"password": "second", "tags": ["old"]}))
        self.api.answers["GET", "/api/whoami"] = {"name": "ann"}
        self.run_ctl("authenticate_user", "ann", text="third\n")
        login = base64.b64decode(self.api.asked[-1][3]["Authorization"].split()[1])
        self.assertEqual(login, b"ann:third")
        self.run_ctl("add_user", "ann", text="", code=USAGE)
        self.assertIn("there is no password on standard input", self.errors)

    def test_a_terminal_does_not_show_it(self):
        self.api.answers["PUT", "/api/users/ann"] = (204, None)
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        uri = f"http://guest:guest@127.0.0.1:{self.api.server_address[1]}"
        with subprocess.Popen([program(), "--uri", uri, "-q", "add_user", "ann"], stdin=follower,
                              stdout=follower, stderr=follower) as ctl:
            os.close(follower)
            seen = b""
            while b"Password: " not in seen:
                seen += os.read(leader, 1000)
            os.write(leader, b"hidden word\n")
            try:
                while True:
                    seen += os.read(leader, 1000)
            except OSError:
                pass  # the other end is closed
            self.assertEqual(ctl.wait(DEADLINE_S), DONE)
        self.assertNotIn(b"hidden", seen)
        self.assertEqual(self.asked()[-1][2]["password"], "hidden word")


class Nodes(Ctl):
    def test_the_node_must_be_the_one_that_is_named(self):
        self.api.answers["GET", "/api/overview"] = {"node": "rabbit@one"}
        self.api.answers["GET", "/api/users"] = []
        self.run_ctl("-n", "rabbit@one", "list_users")
        self.run_ctl("--node", "rabbit@two", "list_users", code=REFUSED)
        self.assertIn("'rabbit@one', not 'rabbit@two'", self.errors)

    def test_limits_are_set(self):
        for name in ("vm_memory_high_watermark.absolute", "vm_memory_high_watermark.relative",
                     "disk_free_limit.absolute", "disk_free_limit.relative", "log.default.level",
                     "log.console.level", "log.file.level"):
            self.api.answers["PUT", f"/api/config/effective/{name}"] = (204, None)
        for words, asked in (
                (["set_vm_memory_high_watermark", "0.4"],
                 [("vm_memory_high_watermark.relative", "0.4"),
                  ("vm_memory_high_watermark.absolute", "0")]),
                (["set_vm_memory_high_watermark", "absolute", "2GB"],
                 [("vm_memory_high_watermark.absolute", "2GB")]),
                (["set_disk_free_limit", "1GB"], [("disk_free_limit.absolute", "1GB"),
                                                  ("disk_free_limit.relative", "0")]),
                (["set_disk_free_limit", "mem_relative", "1.5"],
                 [("disk_free_limit.relative", "1.5")]),
                (["set_log_level", "debug"], [("log.default.level", "debug"),
                                              ("log.console.level", "debug"),
                                              ("log.file.level", "debug")])):
            self.api.asked.clear()
            self.run_ctl(*words)
            self.assertEqual(self.asked(), [("PUT", f"/api/config/effective/{name}",
                                             {"value": value}) for name, value in asked])
        self.run_ctl("set_disk_free_limit", "relative", "1", code=REFUSED)
        self.run_ctl("set_vm_memory_high_watermark", "0.4", "more", code=REFUSED)

    def test_nodes_are_waited_for(self):
        self.api.answers["GET", "/api/nodes"] = [{"name": "rabbit@one"}]
        self.run_ctl("await_online_nodes", "1")
        self.run_ctl("await_online_nodes", "2", "--timeout", "1", code=UNREACHED)
        self.assertIn("there are 1 nodes, not 2", self.errors)
        self.run_ctl("await_online_nodes", "none", code=REFUSED)

    def test_queues_that_do_not_run_are_listed(self):
        self.api.answers["GET", "/api/queues/%2F?page=1&page_size=500"] = {
            "page_count": 1, "items": [{"name": "one", "state": "running"},
                                       {"name": "two", "state": "down"}]}
        self.assertEqual(self.run_ctl("-q", "list_unresponsive_queues"), "name\ntwo\n")
        self.assertEqual(self.run_ctl("-q", "--no-table-headers", "list_unresponsive_queues"),
                         "two\n")


class Changes(Ctl):
    def expect(self, words, method, path, body=None):
        self.api.answers[method, path] = (204, None)
        self.api.asked.clear()
        self.assertEqual(self.run_ctl(*words), "")
        self.assertEqual(self.asked(), [(method, path, body)])

    def test_one_request_each(self):
        self.expect(["add_user", "ann", "secret"], "PUT", "/api/users/ann",
                    {"password": "secret", "tags": ""})
        self.expect(["add_user", "ann", "secret", "monitoring", "x"], "PUT", "/api/users/ann",
                    {"password": "secret", "tags": "monitoring,x"})
        self.expect(["set_permissions", "-p", "a b", "ann", "^c", "", ".*"], "PUT",
                    "/api/permissions/a%20b/ann", {"configure": "^c", "write": "", "read": ".*"})
        self.expect(["delete_vhost", "v/w"], "DELETE", "/api/vhosts/v%2Fw")
        self.expect(["purge_queue", "q"], "DELETE", "/api/queues/%2F/q/contents")
        self.expect(["delete_queue", "--if-empty", "q"], "DELETE",
                    "/api/queues/%2F/q?if-empty=true&")
        self.expect(["set_parameter", "shovel", "s", '{"a": [1]}'], "PUT",
                    "/api/parameters/shovel/%2F/s", {"value": {"a": [1]}})
        self.expect(["clear_topic_permissions", "ann"], "DELETE", "/api/topic-permissions/%2F/ann")
        self.expect(["clear_topic_permissions", "ann", "amq.topic"], "DELETE",
                    "/api/topic-permissions/%2F/ann/amq.topic")
        self.expect(["set_policy", "--priority", "7", "--apply-to", "queues", "p", "^q",
                     '{"max-length": 5}'], "PUT", "/api/policies/%2F/p",
                    {"pattern": "^q", "definition": {"max-length": 5}, "priority": 7,
                     "apply-to": "queues"})
        self.expect(["set_vhost_limits", '{"max-queues": 3}'], "PUT",
                    "/api/vhost-limits/%2F/max-queues", {"value": 3})
        self.expect(["trace_on"], "PUT", "/api/vhosts/%2F", {"tracing": True})

    def test_groups_are_reset(self):
        self.api.answers["POST", "/api/groups/%2F/s/g/reset"] = {
            "dry_run": True, "partitions": [{"stream": "s-0", "from": 7, "to": 2},
                                            {"stream": "s-1", "from": None, "to": 0}]}
        self.assertEqual(self.run_ctl("-q", "reset_group", "s", "g", "shift", "-5", "--dry-run"),
                         "stream\tfrom\tto\ns-0\t7\t2\ns-1\t\t0\n")
        self.assertEqual(self.asked()[-1], ("POST", "/api/groups/%2F/s/g/reset", {
            "to": "shift", "value": -5, "dry_run": True}))
        self.run_ctl("reset_group", "s", "g", "latest")
        self.assertEqual(self.asked()[-1][2], {"to": "latest"})
        self.run_ctl("reset_group", "s", "g", "earliest", "--force")
        self.assertEqual(self.asked()[-1][2], {"to": "earliest", "force": True})
        self.run_ctl("--force", "reset_group", "s", "g", "offset", "3", "--dry-run")
        self.assertEqual(self.asked()[-1][2], {"to": "offset", "value": 3, "dry_run": True,
                                               "force": True})
        self.expect(["delete_group", "s", "a/b"], "DELETE", "/api/groups/%2F/s/a%2Fb")

    def test_tags_keep_the_password(self):
        self.api.answers["GET", "/api/users/ann"] = {
            "name": "ann", "password_hash": "h", "hashing_algorithm": "a", "tags": ["old"]}
        self.api.answers["PUT", "/api/users/ann"] = (204, None)
        self.run_ctl("set_user_tags", "ann", "administrator")
        self.assertEqual(self.asked()[1], ("PUT", "/api/users/ann", {
            "password_hash": "h", "hashing_algorithm": "a", "tags": "administrator"}))
        self.run_ctl("change_password", "ann", "new")
        self.assertEqual(self.asked()[3], ("PUT", "/api/users/ann",
                                           {"password": "new", "tags": ["old"]}))

    def test_connections_are_closed_with_a_reason(self):
        names = ["127.0.0.1:1 -> 127.0.0.1:2", "gone"]
        self.api.answers["GET", "/api/connections"] = [{"name": name} for name in names]
        self.api.answers["DELETE", "/api/connections/127.0.0.1%3A1%20-%3E%20127.0.0.1%3A2"] = (
            204, None)
        self.run_ctl("close_all_connections", "maintenance")
        self.assertEqual([asked[0] for asked in self.asked()], ["GET", "DELETE", "DELETE"])
        self.assertEqual(self.api.asked[1][3]["X-Reason"], "maintenance")
        self.run_ctl("close_connection", "x", "two\r\nlines", code=REFUSED)

    def test_connections_of_a_virtual_host_are_closed_alone(self):
        self.api.answers["GET", "/api/connections"] = [
            {"name": "a", "vhost": "/"}, {"name": "b", "vhost": "other"}, {"name": "c"}]
        self.api.answers["DELETE", "/api/connections/b"] = (204, None)
        self.run_ctl("-p", "other", "close_all_connections")
        self.assertEqual([asked[1] for asked in self.asked()[1:]], ["/api/connections/b"])

    def test_definitions_go_through_files(self):
        everything = {"users": [], "queues": [{"name": "q"}]}
        self.api.answers["GET", "/api/definitions"] = everything
        self.api.answers["POST", "/api/definitions"] = (204, None)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "all.json")
            self.run_ctl("export_definitions", path)
            self.run_ctl("import_definitions", path)
            self.assertEqual(self.asked()[1], ("POST", "/api/definitions", everything))
            self.assertEqual(json.loads(self.run_ctl("export_definitions", "-")), everything)
            self.run_ctl("import_definitions", path + ".none", code=REFUSED)
            self.assertIn(path + ".none", self.errors)
        self.run_ctl("import_definitions", "-", text="{broken", code=REFUSED)
        self.assertIn("'-', line 1", self.errors)


class Ends(Ctl):
    def test_wrong_usage(self):
        for words in ([], ["no_verb"], ["ping", "more"], ["--none", "ping"], ["add_user"],
                      ["--formatter", "xml", "ping"], ["ping", "--timeout"],
                      ["ping", "--timeout", "0"]):
            self.run_ctl(*words, code=USAGE)
            self.assertRegex(self.errors, r"^millracectl: .+\n$")
        self.run_ctl("ping", uri="no uri", code=USAGE)
        self.assertEqual(self.asked(), [])

    def test_refusals_say_the_reason(self):
        self.api.answers["PUT", "/api/users/x"] = (400, {"error": "bad_request",
                                                         "reason": "why not"})
        self.run_ctl("add_user", "x", "y", code=REFUSED)
        self.assertIn("why not", self.errors)
        self.assertNotIn("guest", self.errors)
        self.run_ctl("delete_user", "nobody", code=REFUSED)
        self.api.answers["GET", "/api/whoami"] = (401, {"error": "not_authorized",
                                                        "reason": "Login failed"})
        self.run_ctl("ping", code=NOT_ALLOWED)
        self.run_ctl("authenticate_user", "ann", "wrong", code=NOT_ALLOWED)
        self.assertIn("'ann'", self.errors)
        login = base64.b64decode(self.api.asked[-1][3]["Authorization"].split()[1])
        self.assertEqual(login, b"ann:wrong")

    def test_nobody_is_there(self):
        port = self.api.server_address[1]
        self.api.shutdown()
        self.api.server_close()
        self.run_ctl("ping", uri=f"http://u:hidden@127.0.0.1:{port}", code=UNREACHED)
        self.assertNotIn("hidden", self.errors)
        self.run_ctl("await_startup", "--timeout", "1", uri=f"http://127.0.0.1:{port}",
                     code=UNREACHED)

    def test_words_that_are_no_json(self):
        self.run_ctl("set_global_parameter", "n", "{", code=REFUSED)
        self.assertIn("'{' is no JSON", self.errors)
        self.assertEqual(self.asked(), [])


class Served(unittest.TestCase):
    """A running broker, to be asked."""

    @classmethod
    def setUpClass(cls):
        home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-ctl-"))
        cls.addClassCleanup(shutil.rmtree, home)
        cls.broker = Broker("--data-dir", home / "data", *ANY_PORT)
        cls.addClassCleanup(cls.broker.close)
        line = cls.broker.wait_for_line(READY)
        cls.uri = f"http://guest:guest@127.0.0.1:{re.search(r' http=[^ ]*:([0-9]+)', line)[1]}"

    def ctl(self, *words, code=DONE):
        done = subprocess.run([program(), "--uri", self.uri, "-q", *words], text=True,
                              capture_output=True, timeout=DEADLINE_S)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done.stdout

    def rows(self, *words):
        return json.loads(self.ctl("--formatter", "json", *words))


class Real(Served):
    """The verbs against a running broker."""

    def test_users_and_permissions(self):
        self.ctl("add_user", "ann", "first", "monitoring")
        self.ctl("authenticate_user", "ann", "first")
        self.ctl("change_password", "ann", "second")
        self.ctl("authenticate_user", "ann", "first", code=NOT_ALLOWED)
        self.ctl("set_user_tags", "ann", "administrator", "monitoring")
        self.ctl("authenticate_user", "ann", "second")
        self.assertEqual(sorted(self.rows("list_users")[1]["tags"]),
                         ["administrator", "monitoring"])
        self.ctl("set_permissions", "ann", "^a", "", ".*")
        self.assertIn({"user": "ann", "configure": "^a", "write": "", "read": ".*"},
                      self.rows("list_permissions"))
        self.ctl("set_topic_permissions", "ann", "amq.topic", "^w", "^r")
        self.assertEqual(self.rows("list_user_topic_permissions", "ann"),
                         [{"vhost": "/", "exchange": "amq.topic", "write": "^w", "read": "^r"}])
        self.ctl("clear_permissions", "ann")
        self.ctl("delete_user", "ann")
        self.ctl("delete_user", "ann", code=REFUSED)

    def test_virtual_hosts_and_limits(self):
        self.ctl("add_vhost", "v/w", "a description", "one", "two")
        self.ctl("-p", "v/w", "set_vhost_limits", '{"max-queues": 2}')
        self.assertEqual(self.rows("list_vhost_limits"), [
            {"vhost": "v/w", "value": {"max-queues": 2}}])
        self.ctl("-p", "v/w", "clear_vhost_limits", "max-queues")
        self.ctl("-p", "v/w", "declare_queue", "q")
        self.assertEqual(self.ctl("-s", "-p", "v/w", "list_queues"), "q\t0\n")
        self.ctl("delete_vhost", "v/w")
        self.assertEqual(self.ctl("-s", "list_vhosts"), "/\n")

    def test_queues_exchanges_messages_and_policies(self):
        self.ctl("declare_exchange", "x", "topic")
        self.ctl("declare_queue", "q", '{"x-max-length": 10}')
        self.ctl("bind_queue", "x", "q", "a.#")
        self.ctl("publish", "x", "b", "nobody's", code=REFUSED)
        self.ctl("publish", "x", "a.b", "hello", '{"delivery_mode": 2}')
        self.assertEqual(self.rows("get", "q")[0]["payload"], "hello")
        self.ctl("set_policy", "short", "^q", '{"max-length": 5}', "--apply-to", "queues")
        self.assertEqual(self.rows("list_policies", "name", "definition"),
                         [{"name": "short", "definition": {"max-length": 5}}])
        self.assertEqual(self.rows("list_queues", "name", "policy"),
                         [{"name": "q", "policy": "short"}])
        self.ctl("clear_policy", "short")
        self.ctl("delete_queue", "--if-empty", "q", code=REFUSED)
        self.ctl("purge_queue", "q")
        self.ctl("delete_queue", "--if-empty", "q")
        self.ctl("delete_exchange", "x")

    def test_messages_are_looked_at(self):
        self.ctl("declare_queue", "looked-at")
        for body in ("one", "two", "three"):
            self.ctl("publish", "amq.default", "looked-at", body)
        first = self.rows("browse", "looked-at", "2")
        self.assertEqual([m["payload"] for m in first], ["one", "two"])
        rest = self.rows("browse", "looked-at", "9", str(first[1]["position"] + 1))
        self.assertEqual([(m["payload"], m["redelivered"]) for m in rest], [("three", False)])
        self.ctl("browse", "looked-at", "none", code=REFUSED)
        self.ctl("browse", "nothing", code=REFUSED)
        self.ctl("delete_queue", "looked-at")

    def test_what_waits_is_listed_and_cancelled(self):
        self.ctl("declare_exchange", "late", "x-delayed-message", '{"x-delayed-type": "fanout"}')
        for name, delay in (("b", 2000000), ("a", 1000000)):
            self.ctl("publish", "late", "k", "x", json.dumps(
                {"message_id": name, "headers": {"x-delay": delay}}))
        self.assertEqual([row["message_id"] for row in self.rows("list_delayed", "late")],
                         ["a", "b"])
        self.assertIn("cancelled: 1", self.ctl("cancel_delayed", "late", "a"))
        self.ctl("cancel_delayed", "late", "a", code=REFUSED)
        self.assertEqual(self.ctl("-s", "list_delayed", "late", "message_id"), "b\n")
        self.ctl("delete_exchange", "late")

    def test_the_node_is_asked(self):
        for verb in ("ping", "status", "cluster_status", "check_alarms", "check_local_alarms",
                     "check_virtual_hosts", "list_feature_flags", "list_connections",
                     "list_channels", "list_consumers", "list_bindings", "list_parameters",
                     "list_global_parameters", "list_operator_policies", "list_replays",
                     "list_groups", "log_status", "stream_log_status", "await_startup"):
            self.ctl(verb)
        settings = json.loads(self.ctl("--formatter", "json", "environment"))
        self.assertEqual(settings["management.tcp.port"], "127.0.0.1:0")
        self.assertEqual(settings["default_user"], "guest")
        self.assertIsNone(settings["default_pass"])
        self.ctl("set_cluster_name", "mill")
        self.assertIn("cluster_name: mill", self.ctl("status"))
        self.assertRegex(self.ctl("hash_password", "secret"), r"^[A-Za-z0-9+/=]{40,}\n$")

    def wait_for_alarms(self, memory, disk):
        deadline = time.monotonic() + DEADLINE_S
        while self.rows("alarms", "memory", "disk") != [{"memory": memory, "disk": disk}]:
            self.assertLess(time.monotonic(), deadline)

    def test_limits_are_changed_until_the_next_start(self):
        self.ctl("set_vm_memory_high_watermark", "absolute", "10kB")
        self.assertEqual(self.rows("environment")["vm_memory_high_watermark.absolute"], "10kB")
        self.assertEqual(self.rows("cluster_status")[0]["mem_limit"], 10_000)
        self.wait_for_alarms(memory=True, disk=False)
        self.ctl("set_vm_memory_high_watermark", "0.5")
        settings = self.rows("environment")
        self.assertEqual(settings["vm_memory_high_watermark.absolute"], "0")
        self.assertEqual(settings["vm_memory_high_watermark.relative"], "0.5")
        self.ctl("set_disk_free_limit", "1000TB")
        self.wait_for_alarms(memory=False, disk=True)
        self.ctl("check_local_alarms", code=REFUSED)
        self.ctl("set_disk_free_limit", "1MB")
        self.wait_for_alarms(memory=False, disk=False)
        self.ctl("check_local_alarms")
        self.ctl("set_log_level", "debug")
        self.assertEqual(self.rows("environment")["log.console.level"], "debug")
        self.ctl("set_log_level", "loud", code=REFUSED)
        self.ctl("set_log_level", "info")
        self.ctl("set_setting", "heartbeat", "17")
        self.ctl("set_setting", "millrace.io.workers", "3", code=REFUSED)
        self.ctl("set_setting", "none", "3", code=REFUSED)

    def test_the_node_is_checked(self):
        for verb in ("check_running", "is_running", "check_port_connectivity", "memory_breakdown",
                     "list_unresponsive_queues", "check_if_node_is_quorum_critical", "rebalance",
                     "await_online_quorum_plus_one", "list_deprecated_features", "restart_vhost",
                     "server_version"):
            self.ctl(verb)
        self.ctl("await_online_nodes", "1")
        listeners = self.rows("listeners")
        self.assertEqual({one["protocol"] for one in listeners}, {"amqp", "http"})
        self.assertIn("connected to 2 ports", self.ctl("check_port_connectivity"))
        flags = self.rows("list_feature_flags", "name")
        self.ctl("enable_feature_flag", flags[0]["name"])
        self.ctl("-n", "rabbit@nowhere", "ping")
        self.ctl("-n", "rabbit@nowhere", "status", code=REFUSED)

    def test_permissions_in_all_virtual_hosts(self):
        self.ctl("add_vhost", "other")
        self.ctl("add_user", "global", "x")
        self.ctl("set_permissions_globally", "global", "^c", "", ".*")
        self.assertEqual(sorted(row["vhost"] for row in self.rows("list_user_permissions",
                                                                  "global")), ["/", "other"])
        self.ctl("set_vhost_tags", "other", "a", "b")
        self.assertEqual(self.rows("list_vhosts", "name", "tags")[1],
                         {"name": "other", "tags": ["a", "b"]})
        self.ctl("update_vhost_metadata", "other", "what it is for", "c")
        self.assertEqual(self.rows("list_vhosts", "description", "tags")[1],
                         {"description": "what it is for", "tags": ["c"]})
        self.ctl("delete_user", "global")
        self.ctl("delete_vhost", "other")

    def test_a_quorum_queue_has_a_status(self):
        self.ctl("declare_queue", "replicated", '{"x-queue-type": "quorum"}')
        self.assertIn("leader", self.ctl("quorum_status", "replicated"))
        self.ctl("delete_queue", "replicated")

    def test_definitions_go_out_and_in(self):
        self.ctl("declare_queue", "kept")
        everything = json.loads(self.ctl("export_definitions", "-"))
        self.assertIn("kept", [queue["name"] for queue in everything["queues"]])
        self.ctl("delete_queue", "kept")
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(everything, file)
            file.flush()
            self.ctl("import_definitions", file.name)
        self.assertIn("kept", self.ctl("-s", "list_queues", "name").split())
        self.ctl("delete_queue", "kept")


class Texts(Ctl):
    def test_each_verb_is_explained(self):
        for line in self.run_ctl("help").split("Verbs:\n")[1].splitlines():
            verb = line.split()[0]
            self.assertIn(f"millracectl [OPTION]... {verb}", self.run_ctl("help", verb))
            self.assertIn(verb, self.run_ctl("completion", "fish"))
            self.assertIn(verb, self.run_ctl("manual"))
        self.run_ctl("help", "nothing", code=REFUSED)

    def test_completion_is_a_script(self):
        script = self.run_ctl("completion", "bash")
        script += "COMP_WORDS=(millracectl list_us); COMP_CWORD=1; _millracectl\n"
        script += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
        done = subprocess.run(["bash"], input=script, text=True, capture_output=True,
                              timeout=DEADLINE_S)
        self.assertEqual(done.stdout.split()[0], "list_users", done.stderr)
        self.run_ctl("completion", "csh", code=REFUSED)


if __name__ == "__main__":
    unittest.main()
