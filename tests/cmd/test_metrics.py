#!/usr/bin/env python3
# Tests of the metrics: names, values, parts, and what promtool and Prometheus think of them.
"""Runs the program in the folder (or at the path) that MILLRACE_BIN names; build/bin by default.

promtool and prometheus are Debian's; without them their tests are skipped.
"""
import json
import pathlib
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dialogue"))
import broker  # noqa: E402
import player  # noqa: E402
import wire  # noqa: E402

# What RabbitMQ's Overview dashboard asks for.
DASHBOARD = """
build_info identity_info connections channels queues consumers connections_opened_total
connections_closed_total channels_opened_total channels_closed_total queues_declared_total
queues_created_total queues_deleted_total queue_messages_ready queue_messages_unacked
process_open_fds process_max_fds process_resident_memory_bytes resident_memory_limit_bytes
disk_space_available_bytes disk_space_available_limit_bytes erlang_uptime_seconds
message_size_bytes_bucket message_size_bytes_sum message_size_bytes_count global_publishers
global_consumers global_messages_received_total global_messages_received_confirm_total
global_messages_routed_total global_messages_confirmed_total
global_messages_unroutable_dropped_total global_messages_unroutable_returned_total
global_messages_delivered_total global_messages_delivered_consume_auto_ack_total
global_messages_delivered_consume_manual_ack_total global_messages_delivered_get_auto_ack_total
global_messages_delivered_get_manual_ack_total global_messages_get_empty_total
global_messages_redelivered_total global_messages_acknowledged_total
global_messages_dead_lettered_expired_total global_messages_dead_lettered_maxlen_total
global_messages_dead_lettered_rejected_total global_messages_dead_lettered_delivery_limit_total
global_messages_dead_lettered_confirmed_total
""".split()
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)')
MANY = 3000
QUEUE = b'a "queue"\\'


class Broker(broker.Broker):
    """One that also says where its metrics are."""

    def launch(self):
        begin = super().launch()
        line = self.wait_log(broker.READY, begin)
        self.where = re.search(r" prometheus=(\S+)", line)[1]
        return begin


class Metrics(unittest.TestCase):
    def setUp(self):
        self.broker = Broker(["prometheus.tcp.port=127.0.0.1:0"])
        self.addCleanup(self.broker.close)

    def work(self):
        """Three messages of 1000 bytes are confirmed, one is got and not settled."""
        one = player.enter(self, self.broker)
        player.ask(one, "queue.declare", "queue.declare-ok", queue=QUEUE, durable=True)
        player.ask(one, "confirm.select", "confirm.select-ok")
        for _ in range(3):
            one.send_method(1, "basic.publish", {"routing_key": QUEUE})
            header = wire.encode_header(1000, {"delivery_mode": 2})
            one.send(wire.encode_content(1, header, b"x" * 1000, one.frame_max))
        while player.take_named(one, 1, "basic.ack")["delivery_tag"] < 3:
            pass
        player.ask(one, "basic.get", "basic.get-ok", queue=QUEUE)
        return one

    def fetch(self, path):
        with urllib.request.urlopen(f"http://{self.broker.where}{path}", timeout=30) as answer:
            self.assertEqual(answer.headers["content-type"],
                             "text/plain; version=0.0.4; charset=utf-8")
            return answer.read().decode()

    def samples(self, text):
        """(name, labels) to value; each line must have the form, each name one place."""
        samples, types = {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                name, kind = line.split(" ")[2:]
                self.assertNotIn(name, types)
                types[name] = kind
            elif not line.startswith("# HELP "):
                match = SAMPLE.fullmatch(line)
                self.assertIsNotNone(match, line)
                self.assertNotIn((match[1], match[2]), samples)
                samples[match[1], match[2]] = float(match[3])
                self.assertTrue(match[1].startswith(next(reversed(types))), line)
        return samples

    def value(self, samples, name, part=""):
        found = [value for (key, labels), value in samples.items()
                 if key == name and part in (labels or "")]
        self.assertEqual(len(found), 1, name)
        return found[0]

    def test_what_the_overview_dashboard_asks_for_is_there(self):
        self.work()
        samples = self.samples(self.fetch("/metrics"))
        names = {name for name, _ in samples}
        self.assertEqual([name for name in DASHBOARD if f"rabbitmq_{name}" not in names], [])
        for name, value in (("connections", 1), ("channels", 1), ("queues", 1),
                            ("queues_created_total", 1), ("queue_messages_ready", 2),
                            ("queue_messages_unacked", 1), ("queue_messages", 3),
                            ("queue_messages_ready_bytes", 2000), ("global_publishers", 1),
                            ("global_messages_received_total", 3),
                            ("global_messages_received_confirm_total", 3),
                            ("global_messages_routed_total", 3),
                            ("global_messages_confirmed_total", 3),
                            ("message_size_bytes_count", 3), ("message_size_bytes_sum", 3000),
                            ("alarms_memory_used_watermark", 0)):
            self.assertEqual(self.value(samples, f"rabbitmq_{name}"), value, name)
        for name in ("delivered_get_manual_ack", "delivered"):
            for kind, value in (("classic", 1), ("quorum", 0), ("stream", 0)):
                self.assertEqual(self.value(samples, f"rabbitmq_global_messages_{name}_total",
                                            f'queue_type="rabbit_{kind}_queue"'), value, name)
        for name in ("process_open_fds", "process_max_fds", "process_resident_memory_bytes",
                     "resident_memory_limit_bytes", "disk_space_available_limit_bytes"):
            self.assertGreater(self.value(samples, f"rabbitmq_{name}"), 0, name)
        self.assertEqual(self.value(samples, "rabbitmq_message_size_bytes_bucket", 'le="+Inf"'), 3)
        self.assertEqual(self.value(samples, "rabbitmq_message_size_bytes_bucket", 'le="100"'), 0)

    def test_ours_are_beside_them(self):
        self.work()
        samples = self.samples(self.fetch("/metrics"))
        commits = self.value(samples, "millrace_log_commits_total")
        self.assertGreater(commits, 0)
        self.assertEqual(self.value(samples, "millrace_log_commit_seconds_count"), commits)
        self.assertEqual(self.value(samples, "millrace_log_commit_bytes_count"), commits)
        self.assertGreater(self.value(samples, "millrace_log_commit_bytes_sum"), 3000)
        self.assertGreater(self.value(samples, "millrace_log_commit_seconds_sum"), 0)
        self.assertGreater(self.value(samples, "millrace_partition_committed_position"), 3)

    def publish(self, one, exchange, key, count):
        for _ in range(count):
            one.send_method(1, "basic.publish", {"exchange": exchange, "routing_key": key})
            header = wire.encode_header(3, {"delivery_mode": 2})
            one.send(wire.encode_content(1, header, b"xxx", one.frame_max))

    def test_memory_is_told_by_its_use(self):
        self.work()
        for path in ("/metrics", "/metrics/memory-breakdown"):
            samples = self.samples(self.fetch(path))
            kinds = {labels: value for (name, labels), value in samples.items()
                     if name == "millrace_memory_bytes"}
            total = samples["millrace_memory_allocated_bytes", None]
            self.assertEqual(sum(kinds.values()), total)
            self.assertGreater(kinds['kind="classic_queue_indexes"'], 0)
            self.assertGreater(kinds['kind="other"'], 0)
        self.assertNotIn(("rabbitmq_connections", None), samples)

    def test_routes_that_are_remembered_are_counted(self):
        one = player.enter(self, self.broker)
        player.ask(one, "queue.declare", "queue.declare-ok", queue=b"q")
        player.ask(one, "queue.bind", "queue.bind-ok", queue=b"q", exchange=b"amq.topic",
                  routing_key=b"a.*")
        self.publish(one, b"amq.topic", b"a.b", 10)
        player.ask(one, "basic.get", "basic.get-ok", queue=b"q", no_ack=True)
        samples = self.samples(self.fetch("/metrics"))
        self.assertEqual(self.value(samples, "millrace_route_cache_hits_total"), 9)
        self.assertEqual(self.value(samples, "millrace_route_cache_misses_total"), 1)

    def test_a_replay_is_told_while_it_is_on_its_way(self):
        one = player.enter(self, self.broker)
        player.ask(one, "exchange.declare", "exchange.declare-ok", exchange=b"x", type=b"fanout",
                  durable=True, arguments=[(b"x-log", ("t", 1))])
        self.publish(one, b"x", b"", 5)
        player.ask(one, "queue.declare", "queue.declare-ok", queue=b"small", durable=True,
                  arguments=[(b"x-max-length", ("l", 1)),
                             (b"x-overflow", ("S", b"reject-publish"))])
        player.ask(one, "queue.bind", "queue.bind-ok", queue=b"small", exchange=b"x",
                  arguments=[(b"x-replay-from", ("S", b"first"))])
        deadline = time.monotonic() + broker.DEADLINE_S
        while True:
            samples = self.samples(self.fetch("/metrics"))
            self.assertEqual(self.value(samples, "millrace_replays"), 1)
            if self.value(samples, "millrace_replay_copied_messages_total", 'queue="small"') == 1:
                break
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.value(samples, "millrace_replay_left_messages", 'exchange="x"'), 4)

    def test_each_object_has_its_samples(self):
        self.work()
        samples = self.samples(self.fetch("/metrics/per-object"))
        queue = r'vhost="/",queue="a \"queue\"\\"'
        self.assertEqual(samples["rabbitmq_queue_messages_ready", queue], 2)
        self.assertEqual(samples["rabbitmq_queue_messages_unacked", queue], 1)
        self.assertEqual(samples["rabbitmq_queue_messages_bytes", queue], 3000)
        self.assertEqual(self.value(samples, "rabbitmq_channel_messages_published_total",
                                    'channel="1"'), 3)
        self.assertGreater(self.value(samples, "rabbitmq_connection_incoming_bytes_total"), 3000)
        self.assertNotIn(("rabbitmq_queue_messages_ready", None), samples)

    def test_groups_have_their_lag(self):
        one = player.enter(self, self.broker)
        player.ask(one, "queue.declare", "queue.declare-ok", queue=b"s", durable=True,
                  arguments=[(b"x-queue-type", ("S", b"stream")), (b"x-partitions", ("I", 2))])
        player.ask(one, "confirm.select", "confirm.select-ok")
        for _ in range(3):
            one.send_method(1, "basic.publish", {"routing_key": b"s"})
            one.send(wire.encode_content(1, wire.encode_header(1, {}), b"x", one.frame_max))
        while player.take_named(one, 1, "basic.ack")["delivery_tag"] < 3:
            pass
        player.ask(one, "basic.qos", "basic.qos-ok", prefetch_count=2)
        player.ask(one, "basic.consume", "basic.consume-ok", queue=b"s",
                  arguments=[(b"x-group", ("S", b"g")), (b"x-group-start", ("S", b"first"))])
        for _ in range(2):
            player.take_named(one, 1, "basic.deliver")
        wanted = {"members": 1, "lag": 3, "messages_unacked": 2}
        samples = self.samples(self.fetch("/metrics/per-object"))
        for name, value in wanted.items():
            self.assertEqual(samples[f"millrace_group_{name}", 'vhost="/",stream="s",group="g"'],
                             value)
        text = self.fetch("/metrics/detailed?family=consumer_group_metrics")
        self.assertEqual({name for name, _ in self.samples(text)} - {
            "rabbitmq_build_info", "rabbitmq_identity_info"},
                         {f"millrace_detailed_group_{name}" for name in wanted})

    def test_details_are_those_that_were_asked_for(self):
        self.work()
        text = self.fetch("/metrics/detailed?family=queue_coarse_metrics"
                          "&family=queue_consumer_count&vhost=%2F")
        names = {name for name, _ in self.samples(text)}
        self.assertEqual(names, {"rabbitmq_build_info", "rabbitmq_identity_info",
                                 "rabbitmq_detailed_queue_messages_ready",
                                 "rabbitmq_detailed_queue_messages_unacked",
                                 "rabbitmq_detailed_queue_messages",
                                 "rabbitmq_detailed_queue_consumers"})
        text = self.fetch("/metrics/detailed?family=queue_coarse_metrics&vhost=none")
        self.assertNotIn("queue=", text)

    def test_what_is_not_there_is_refused(self):
        for method, path, status in (("GET", "/metrics/detailed?family=none", 400),
                                     ("GET", "/", 404), ("GET", "/metrics/none", 404),
                                     ("GET", "/metrics/per-object/x", 404),
                                     ("POST", "/metrics", 405)):
            request = urllib.request.Request(f"http://{self.broker.where}{path}", method=method)
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request, timeout=30)
            self.assertEqual(caught.exception.code, status, path)
            caught.exception.close()
        request = urllib.request.Request(f"http://{self.broker.where}/metrics", method="HEAD")
        with urllib.request.urlopen(request, timeout=30) as answer:
            self.assertEqual((answer.status, answer.read()), (200, b""))

    def test_who_takes_no_text_is_refused(self):
        for accept, status in (("text/plain;version=0.0.4;q=0.5", 200), ("text/*", 200),
                               ("application/openmetrics-text,*/*;q=0.1", 200),
                               ("application/openmetrics-text", 406), ("text/html", 406),
                               ("text", 400)):
            request = urllib.request.Request(f"http://{self.broker.where}/metrics",
                                             headers={"Accept": accept})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    got = answer.status
            except urllib.error.HTTPError as refused:
                got = refused.code
                refused.close()
            self.assertEqual(got, status, accept)

    def test_many_queues_are_told_in_parts(self):
        one = player.enter(self, self.broker)
        for i in range(MANY):
            one.send_method(1, "queue.declare", {"queue": b"many.%d" % i, "no_wait": True})
        player.ask(one, "queue.declare", "queue.declare-ok", queue=b"many.0", passive=True)
        samples = self.samples(self.fetch("/metrics/per-object"))
        found = [key for key in samples if key[0] == "rabbitmq_queue_messages"]
        self.assertEqual(len(found), MANY)
        self.assertEqual(self.value(self.samples(self.fetch("/metrics")), "rabbitmq_queues"), MANY)

    def test_a_reader_who_goes_away_leaves_nothing(self):
        one = player.enter(self, self.broker)
        for i in range(MANY):
            one.send_method(1, "queue.declare", {"queue": b"many.%d" % i, "no_wait": True})
        player.ask(one, "queue.declare", "queue.declare-ok", queue=b"many.0", passive=True)
        host, port = self.broker.where.split(":")
        for size in (0, 1, 10_000):
            client = socket.create_connection((host, int(port)), 30)
            client.sendall(b"GET /metrics/per-object HTTP/1.1\r\nhost: x\r\n\r\n")
            while size > 0:
                size -= len(client.recv(size))
            client.close()
        self.assertIn("rabbitmq_queues", self.fetch("/metrics"))
        self.broker.stop()

    def test_promtool_finds_nothing_to_say(self):
        promtool = shutil.which("promtool")
        if promtool is None:
            self.skipTest("there is no promtool: apt-get install prometheus")
        self.work()
        for path in ("/metrics", "/metrics/per-object",
                     "/metrics/detailed?family=queue_coarse_metrics",
                     "/metrics/memory-breakdown"):
            result = subprocess.run([promtool, "check", "metrics"], input=self.fetch(path),
                                    text=True, capture_output=True, check=False, timeout=60)
            self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""), path)

    def test_prometheus_scrapes_it(self):
        prometheus = shutil.which("prometheus")
        if prometheus is None:
            self.skipTest("there is no prometheus: apt-get install prometheus")
        self.work()
        home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-prometheus-"))
        self.addCleanup(shutil.rmtree, home)
        (home / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: millrace\n"
            f"    static_configs: [{{targets: ['{self.broker.where}']}}]\n")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with open(home / "out", "wb") as out:
            process = subprocess.Popen(
                [prometheus, f"--config.file={home}/prometheus.yml",
                 f"--storage.tsdb.path={home}/data", f"--web.listen-address=127.0.0.1:{port}"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def ask(query):
            what = urllib.parse.urlencode({"query": query})
            url = f"http://127.0.0.1:{port}/api/v1/query?{what}"
            try:
                with urllib.request.urlopen(url, timeout=30) as answer:
                    return json.load(answer)["data"]["result"]
            except OSError:
                return []

        deadline = time.monotonic() + broker.DEADLINE_S
        while not ask("rabbitmq_queue_messages_ready"):
            self.assertIsNone(process.poll(), (home / "out").read_text())
            self.assertLess(time.monotonic(), deadline, (home / "out").read_text())
            select.select([], [], [], 0.1)
        self.assertEqual(ask("rabbitmq_queue_messages_ready")[0]["value"][1], "2")
        self.assertEqual([name for name in DASHBOARD if not ask(f"rabbitmq_{name}")], [])
        joined = ask("sum(rabbitmq_connections * on(instance) group_left(rabbitmq_cluster, "
                     "rabbitmq_node) rabbitmq_identity_info)")
        self.assertEqual(joined[0]["value"][1], "1")
        quantile = ask("histogram_quantile(0.9, millrace_log_commit_seconds_bucket)")
        self.assertGreater(float(quantile[0]["value"][1]), 0)


if __name__ == "__main__":
    unittest.main()
