#!/usr/bin/env python3
# Tests that every setting takes effect: a row for each that millrace --print-conf knows.
"""A setting either has a probe here, which sets it and looks from outside at what it does, or a
place among the other tests where its effect is seen. A setting with neither is a failure.

Runs the programs in the folder that MILLRACE_BIN names; build/bin by default.
"""
import os
import pathlib
import re
import struct
import subprocess
import sys
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dialogue"))
import broker  # noqa: E402
import peer  # noqa: E402
import player  # noqa: E402
import probes_http  # noqa: E402
import wire  # noqa: E402
from world import World  # noqa: E402

MIB = 1 << 20


# ---- the program ----

def probe_listeners_tcp_default(test):
    world = World(test, "listeners.tcp.default=[::1]:0")
    line = world.broker.wait_log(broker.READY)
    port = int(re.search(r"amqp=\S*:(\d+)", line)[1])
    one = peer.socket.create_connection(("::1", port), 30)
    one.close()


def probe_listeners_tcp_n(test):
    world = World(test, "listeners.tcp.1=127.0.0.1:0", "listeners.tcp.4=127.0.0.2:0")
    where = re.search(r" amqp=(\S+)", world.broker.wait_log(broker.READY))[1].split(",")
    test.assertEqual(len(where), 3)
    for place in where:
        host, port = place.split(":")
        one = peer.Peer(host, int(port))
        one.send(wire.GREETING)
        player.take_named(one, 0, "connection.start")
        one.socket.close()


def probe_millrace_data_dir(test):
    world = World(test)
    elsewhere = world.broker.home / "elsewhere"
    other = World(test, f"millrace.data_dir={elsewhere}")
    test.assertTrue((elsewhere / "LOCK").exists())
    test.assertFalse((other.broker.home / "data").exists())


def probe_millrace_io_workers(test):
    few, many = World(test, "millrace.io.workers=1"), World(test, "millrace.io.workers=9")
    threads = [len(os.listdir(f"/proc/{world.broker.process.pid}/task")) for world in (few, many)]
    test.assertEqual(threads[1] - threads[0], 8)


def probe_millrace_partitions(test):
    world = World(test, "millrace.partitions=3")
    test.assertEqual([path.name for path in world.files("partition-*")],
                     ["partition-0", "partition-1", "partition-2"])


# ---- diagnostics ----

def lines_of(test, *settings):
    """The diagnostics of a client who comes, makes a mistake in a channel, and goes."""
    world = World(test, *settings)
    one = world.login()
    world.refused(one, "queue.declare", 404, queue=b"none", passive=True)
    one.socket.close()
    world.stop()
    return world.broker.diag.read_text()


def probe_log_areas(test):
    text = lines_of(test, "log.console.level=debug", "log.connection.level=debug")
    test.assertIn("[connection] a connection is open peer=127.0.0.1", text)
    test.assertIn("[channel] a channel ends peer=127.0.0.1", text)
    text = lines_of(test, "log.connection.level=error", "log.channel.level=none")
    test.assertNotIn("[channel]", text)
    test.assertNotIn("[connection]", text)
    test.assertIn("[server]", text)


def probe_log_file_rotation(test):
    world = World(test)
    path = world.broker.home / "broker.log"
    path.write_text("old\n" * 20)
    world.broker.settings = [f"log.file={path}", "log.file.formatter=json",
                             "log.file.rotation.size=64", "log.file.rotation.count=2"]
    world.broker.restart()
    world.stop()
    for name in ("broker.log", "broker.log.0", "broker.log.1"):
        test.assertTrue((path.parent / name).read_text().startswith('{"time":'), name)
    test.assertFalse((path.parent / "broker.log.2").exists())


# ---- the log ----

def probe_millrace_log_segment_size(test):
    world = World(test, "millrace.log.segment_size=17MiB")
    test.assertEqual([path.stat().st_size for path in world.files("partition-0/hot-*")], [17 * MIB])


def probe_millrace_log_spare_segments(test):
    world = World(test, "millrace.log.spare_segments=5", "millrace.log.segment_size=16MiB")
    world.wait_files("partition-0/spare-*", 5)


def probe_millrace_log_trash_keep(test):
    world = World(test)
    stamp = int((time.time() - 3600) * 1000)
    old = world.broker.home / "data/partition-0/trash" / f"{stamp:016x}-file"
    old.write_bytes(b"x")
    for keep, stays in (("2h", True), ("30m", False)):
        world.broker.settings = [f"millrace.log.trash_keep={keep}"]
        world.broker.restart()
        test.assertEqual(old.exists(), stays)


def fill(world, one, queue, size, count):
    """Publishes so many persistent bodies of that size, confirmed."""
    world.call(one, "confirm.select", "confirm.select-ok")
    confirmed = 0
    for _ in range(count):
        world.publish(one, queue, b"x" * size)
    while confirmed < count:
        confirmed = player.take_named(one, 1, "basic.ack")["delivery_tag"]


def probe_millrace_log_sync_interval(test):
    """Confirmed, and not on the disk yet; when the broker has ended it is."""
    world = World(test, "millrace.log.sync_interval=1m")
    world.broker.wait_log("a power cut may lose those that were confirmed in the last 60000 ms")
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", durable=True)
    before = world.files("partition-0/checkpoint-*")
    fill(world, one, b"q", 100, 3)
    world.restart()
    test.assertEqual(before, [])
    values = world.call(world.login(), "queue.declare", "queue.declare-ok", queue=b"q",
                        passive=True)
    test.assertEqual(values["message_count"], 3)


def probe_millrace_partition_checkpoint_size(test):
    """The first one comes without an end, while messages go on."""
    world = World(test, "millrace.partition.checkpoint_size=64KiB")
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", durable=True)
    fill(world, one, b"q", 100_000, 5)
    world.wait_files("partition-0/checkpoint-*", 1)


def probe_millrace_partition_checkpoint_interval(test):
    world = World(test, "millrace.partition.checkpoint_interval=10ms")
    world.wait_files("partition-0/checkpoint-*", 1)


def probe_millrace_partition_checkpoint_max(test):
    world = World(test, "millrace.partition.checkpoint_max=1MiB")
    one = world.login()
    for i in range(30):  # whose arguments are a good part of the state
        arguments = [(b"x-%d" % i, ("S", b"x" * 50_000))]
        world.call(one, "queue.declare", "queue.declare-ok", queue=b"q%d" % i, durable=True,
                   arguments=arguments)
    world.stop()
    test.assertEqual(world.files("partition-0/checkpoint-*"), [])


# ---- the default user ----

def probe_default_vhost(test):
    world = World(test, "default_vhost=valley")
    world.login(vhost=b"valley")


def probe_tag(tag, value):
    def probe(test):
        world = World(test, f"default_user_tags.{tag}={value}")
        world.stop()
        bodies = "".join(re.findall(r"\|(.*)\|", world.dump("--records", "--body")))
        test.assertEqual(tag in bodies, value == "true")
    return probe


# ---- metrics ----

def scrape(world):
    line = world.broker.wait_log(broker.READY)
    where = re.search(r" prometheus=(\S+)", line)[1]
    with urllib.request.urlopen(f"http://{where}/metrics", timeout=30) as answer:
        return where, answer.read().decode()


def probe_prometheus_return_per_object_metrics(test):
    world = World(test, "prometheus.tcp.port=127.0.0.1:0",
                  "prometheus.return_per_object_metrics=true")
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", exclusive=True)
    test.assertIn('rabbitmq_queue_messages_ready{vhost="/",queue="q"} 0', scrape(world)[1])


# ---- limits ----

def blocked(world):
    """The reason for which a publisher is held back."""
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", exclusive=True)
    world.broker.wait_log("publishers are held back")
    world.publish(one, b"q", b"x")
    return player.take_named(one, 0, "connection.blocked")["reason"]


def probe_vm_memory_high_watermark_relative(test):
    test.assertEqual(blocked(World(test, "vm_memory_high_watermark.relative=0.000001")),
                     b"low on memory")


def probe_total_memory_available_override_value(test):
    test.assertEqual(blocked(World(test, "total_memory_available_override_value=1")),
                     b"low on memory")


def probe_disk_free_limit_relative(test):
    world = World(test, "disk_free_limit.relative=100",
                  "vm_memory_high_watermark.absolute=1TB",
                  "total_memory_available_override_value=1000TB")
    test.assertEqual(blocked(world), b"low on disk")


def probe_millrace_queue_consumer_unsettled_max(test):
    world = World(test, "millrace.queue.consumer_unsettled_max=3")
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", exclusive=True)
    for _ in range(5):
        world.publish(one, b"q", b"x")
    world.call(one, "basic.consume", "basic.consume-ok", queue=b"q")
    for _ in range(3):
        player.take_named(one, 1, "basic.deliver")
    values = world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", passive=True)
    test.assertEqual(values["message_count"], 2)


def probe_millrace_queue_default_delivery_limit(test):
    world = World(test, "millrace.queue.default_delivery_limit=1")
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", durable=True,
               arguments=[(b"x-queue-type", ("S", b"quorum"))])
    world.publish(one, b"q", b"x")
    world.call(one, "basic.consume", "basic.consume-ok", queue=b"q")
    for _ in range(2):
        tag = player.take_named(one, 1, "basic.deliver")["delivery_tag"]
        one.send_method(1, "basic.reject", {"delivery_tag": tag, "requeue": True})
    values = world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", passive=True,
                        durable=True)
    test.assertEqual(values["message_count"], 0)
    test.assertEqual(list(one.inbox[1]), [])


def probe_channel_max_per_node(test):
    world = World(test, "channel_max_per_node=3", "millrace.node_name=me@here")
    one, other = world.login(), world.login()  # with a channel each
    player.open_channel(one, 2)
    other.send_method(2, "channel.open", {})
    values = player.take_named(other, 0, "connection.close")
    test.assertEqual((values["reply_code"], values["reply_text"]),
                     (530, b"NOT_ALLOWED - number of channels opened on node 'me@here' has "
                           b"reached the maximum allowed limit of (3)"))
    other.send_method(0, "connection.close-ok", {})
    other.take_end()
    player.open_channel(one, 3)  # its channel is gone
    world.refused(one, "queue.declare", 404, queue=b"none", passive=True)


# ---- AMQP ----

def probe_initial_frame_max(test):
    world = World(test, "initial_frame_max=4096")
    one, _ = world.start()
    one.send(struct.pack(">BHI", wire.METHOD, 0, 5000))
    test.assertEqual(player.take_named(one, 0, "connection.close")["reply_code"], 501)


def probe_tune(name, value):
    return lambda test: test.assertEqual(World(test, f"{name}={value}").tune()[name], value)


def probe_auth_mechanisms(test):
    world = World(test, "auth_mechanisms.1=AMQPLAIN", "auth_mechanisms.4=ANONYMOUS")
    test.assertEqual(world.start()[1]["mechanisms"], b"AMQPLAIN ANONYMOUS")


def probe_anonymous_login(test):
    world = World(test, "auth_mechanisms.1=ANONYMOUS", "default_user=nobody", "default_pass=secret",
                  "anonymous_login_user=nobody", "anonymous_login_pass=secret")
    test.assertEqual(world.start_ok(b"ANONYMOUS", b"")[1].name, "connection.tune")
    world = World(test, "auth_mechanisms.1=ANONYMOUS", "default_user=nobody", "default_pass=secret",
                  "anonymous_login_user=nobody", "anonymous_login_pass=wrong")
    test.assertEqual(world.start_ok(b"ANONYMOUS", b"")[1].name, "connection.close")


def probe_product(test):
    properties = dict(World(test, "millrace.amqp.product=RabbitMQ").start()[1]["server_properties"])
    test.assertEqual(properties[b"product"][1], b"RabbitMQ")


def probe_cluster_name(test):
    properties = dict(World(test, "cluster_name=rabbits").start()[1]["server_properties"])
    test.assertEqual(properties[b"cluster_name"][1], b"rabbits")


PROBES = {
    "listeners.tcp.default": probe_listeners_tcp_default,
    "listeners.tcp.N": probe_listeners_tcp_n,
    "millrace.data_dir": probe_millrace_data_dir,
    "millrace.partitions": probe_millrace_partitions,
    "millrace.log.sync_interval": probe_millrace_log_sync_interval,
    "log.connection.level": probe_log_areas,
    "log.channel.level": probe_log_areas,
    "log.file": probe_log_file_rotation,
    "log.file.formatter": probe_log_file_rotation,
    "log.file.rotation.size": probe_log_file_rotation,
    "log.file.rotation.count": probe_log_file_rotation,
    "millrace.io.workers": probe_millrace_io_workers,
    "millrace.log.segment_size": probe_millrace_log_segment_size,
    "millrace.log.spare_segments": probe_millrace_log_spare_segments,
    "millrace.log.trash_keep": probe_millrace_log_trash_keep,
    "millrace.partition.checkpoint_size": probe_millrace_partition_checkpoint_size,
    "millrace.partition.checkpoint_interval": probe_millrace_partition_checkpoint_interval,
    "millrace.partition.checkpoint_max": probe_millrace_partition_checkpoint_max,
    "default_vhost": probe_default_vhost,
    "default_user_tags.administrator": probe_tag("administrator", "false"),
    "default_user_tags.monitoring": probe_tag("monitoring", "true"),
    "default_user_tags.management": probe_tag("management", "true"),
    "default_user_tags.policymaker": probe_tag("policymaker", "true"),
    "default_user_tags.impersonator": probe_tag("impersonator", "true"),
    "prometheus.return_per_object_metrics": probe_prometheus_return_per_object_metrics,
    "vm_memory_high_watermark.relative": probe_vm_memory_high_watermark_relative,
    "total_memory_available_override_value": probe_total_memory_available_override_value,
    "disk_free_limit.relative": probe_disk_free_limit_relative,
    "millrace.queue.consumer_unsettled_max": probe_millrace_queue_consumer_unsettled_max,
    "millrace.queue.default_delivery_limit": probe_millrace_queue_default_delivery_limit,
    "channel_max_per_node": probe_channel_max_per_node,
    "frame_max": probe_tune("frame_max", 65536),
    "channel_max": probe_tune("channel_max", 77),
    "heartbeat": probe_tune("heartbeat", 13),
    "initial_frame_max": probe_initial_frame_max,
    "auth_mechanisms.1": probe_auth_mechanisms,
    "auth_mechanisms.4": probe_auth_mechanisms,
    "anonymous_login_user": probe_anonymous_login,
    "anonymous_login_pass": probe_anonymous_login,
    "cluster_name": probe_cluster_name,
    "millrace.amqp.product": probe_product,
    **probes_http.PROBES,
}

# Settings whose effect is seen by other tests: the file, and what stands in it.
ELSEWHERE = {
    "ssl_cert_login_from": ("tests/cmd/test_tls.py", "ssl_cert_login_from="),
    "ssl_cert_login_san_type": ("tests/cmd/test_tls.py", "ssl_cert_login_san_type="),
    "ssl_cert_login_san_index": ("tests/cmd/test_tls.py", "ssl_cert_login_san_index="),
    "load_definitions": ("tests/cmd/test_load_definitions.py", '"load_definitions={}"'),
    "management.load_definitions":
        ("tests/cmd/test_load_definitions.py", "management.load_definitions={}"),
    "definitions.import_backend":
        ("tests/cmd/test_load_definitions.py", "definitions.import_backend="),
    "definitions.local.path": ("tests/cmd/test_load_definitions.py", "definitions.local.path={}"),
    "definitions.skip_if_unchanged":
        ("tests/cmd/test_load_definitions.py", "definitions.skip_if_unchanged=true"),
    "listeners.tcp": ("tests/cmd/test_tls.py", "listeners.tcp=none"),
    "listeners.ssl": ("tests/cmd/test_tls.py", "listeners.ssl"),
    "listeners.ssl.default": ("tests/cmd/test_tls.py", "listeners.ssl.default"),
    "listeners.ssl.N": ("tests/cmd/test_tls.py", "listeners.ssl.1"),
    "ssl_handshake_timeout": ("tests/cmd/test_tls.py", "ssl_handshake_timeout"),
    "ssl_options.certfile": ("tests/cmd/test_tls.py", "ssl_options.certfile"),
    "ssl_options.keyfile": ("tests/cmd/test_tls.py", "ssl_options.keyfile"),
    "ssl_options.password": ("tests/cmd/test_tls.py", "ssl_options.password"),
    "ssl_options.cacertfile": ("tests/cmd/test_tls.py", "ssl_options.cacertfile"),
    "ssl_options.crl_check": ("tests/cmd/test_tls.py", "ssl_options.crl_check={check}"),
    "millrace.ssl_options.crlfile":
        ("tests/cmd/test_tls.py", "millrace.ssl_options.crlfile={lists}"),
    "ssl_options.verify": ("tests/cmd/test_tls.py", "ssl_options.verify"),
    "ssl_options.fail_if_no_peer_cert":
        ("tests/cmd/test_tls.py", "ssl_options.fail_if_no_peer_cert"),
    "ssl_options.depth": ("tests/cmd/test_tls.py", "ssl_options.depth"),
    "ssl_options.versions.N": ("tests/cmd/test_tls.py", "ssl_options.versions.1"),
    "ssl_options.ciphers.N": ("tests/cmd/test_tls.py", "ssl_options.ciphers.1"),
    "management.tcp.port": ("tests/cmd/test_millrace.py", "management.tcp.port=127"),
    "prometheus.tcp.port": ("tests/cmd/test_metrics.py", "prometheus.tcp.port=127.0.0.1:0"),
    "log.console.level": ("tests/cmd/test_millrace.py", "log.console.level = debug"),
    "log.queue.level": ("tests/unit/base/test_diag.c", "[DIAG_QUEUES] = DIAG_OFF"),
    "log.console": ("tests/cmd/test_millrace.py", "log.console=false"),
    "log.console.formatter": ("tests/cmd/test_millrace.py", "log.console.formatter=json"),
    "log.dir": ("tests/cmd/test_millrace.py", "log.dir="),
    "log.file.level": ("tests/cmd/test_millrace.py", "log.file.level=debug"),
    "log.exchange": ("tests/cmd/test_diag.py", '"log.exchange=true"'),
    "log.exchange.level": ("tests/cmd/test_diag.py", "log.exchange.level=warning"),
    "log.exchange.formatter": ("tests/cmd/test_diag.py", "log.exchange.formatter=json"),
    "log.file.rotation.date": ("tests/unit/base/test_diag_writer.c", "rotation_period"),
    "log.default.level": ("tests/cmd/test_millrace.py", "log.default.level"),
    "millrace.log.block_size": ("tests/unit/log/test_block.c", "block_bytes"),
    "millrace.log.cache_size": ("tests/unit/log/test_cache.c", "cache_bytes"),
    "millrace.log.pending_max": ("tests/unit/log/test_hot.c", "pending_bytes_max"),
    "millrace.log.cold_segment_size": ("tests/unit/log/test_sorter.c", "cold_segment_bytes"),
    "millrace.log.cold_compression": ("tests/unit/log/test_sort_out.c", "cold_compression"),
    "millrace.log.sorter_buffer": ("tests/unit/log/test_sorter.c", "sorter_buffer_bytes"),
    "millrace.log.watermark_interval": ("tests/unit/log/test_marks.c", "watermark_interval_ms"),
    "millrace.log.burst_max": ("tests/unit/log/test_sorter.c", "burst_bytes_max"),
    "millrace.log.debt_max": ("tests/unit/log/test_sorter.c", "debt_bytes_max"),
    "consumer_timeout": ("tests/dialogue/input/c_limits.dialogue", "set consumer_timeout"),
    "millrace.queue.lane_min": ("tests/unit/queue/test_elsewhere.c", "lane_min_bytes"),
    "millrace.queue.stream_max_age": ("tests/unit/queue/test_streams.c", "stream_age_max_ms"),
    "millrace.queue.stream_max_length_bytes":
        ("tests/unit/queue/test_streams.c", "stream_bytes_max"),
    "millrace.queue.transient_max": ("tests/unit/store/test_spill.c", "transient_bytes_max"),
    "millrace.queue.spill_max": ("tests/unit/store/test_spill.c", "spill_bytes_max"),
    "default_user": ("tests/dialogue/error/connections.dialogue", "set default_user"),
    "default_pass": ("tests/unit/broker/test_restore.c", "default_pass"),
    "default_permissions.configure": ("tests/dialogue/error/permissions.dialogue", "configure"),
    "default_permissions.write": ("tests/dialogue/error/permissions.dialogue", "write"),
    "default_permissions.read": ("tests/dialogue/error/permissions.dialogue", "read"),
    "loopback_users": ("tests/sim/world.c", "loopback_users"),
    "loopback_users.guest": ("tests/sim/world.c", "loopback_users"),
    "max_message_size": ("tests/dialogue/input/b_message_size.dialogue", "set max_message_size"),
    "vm_memory_high_watermark.absolute":
        ("tests/dialogue/extension/blocked_memory.dialogue", "set vm_memory"),
    "disk_free_limit.absolute": ("tests/dialogue/extension/blocked_disk.dialogue", "set disk_free"),
    "millrace.broker.queues_max": ("tests/dialogue/input/d_limits.dialogue", "queues_max"),
    "millrace.broker.exchanges_max": ("tests/dialogue/input/d_limits.dialogue", "exchanges_max"),
    "millrace.broker.tx_max": ("tests/dialogue/input/c_transactions.dialogue", "tx_max"),
    "handshake_timeout": ("tests/dialogue/input/a_handshake.dialogue", "set handshake_timeout"),
    "connection_max": ("tests/dialogue/error/connections.dialogue", "set connection_max"),
    "consumer_max_per_channel":
        ("tests/dialogue/input/c_limits.dialogue", "set consumer_max_per_channel"),
    "auth_mechanisms.2": ("tests/dialogue/error/connections.dialogue", "set auth_mechanisms.2"),
    "auth_mechanisms.3": ("tests/dialogue/error/connections.dialogue", "set auth_mechanisms.3"),
    "millrace.amqp.failed_login_delay":
        ("tests/dialogue/error/connections.dialogue", "set millrace.amqp.failed_login_delay"),
    "millrace.amqp.close_timeout":
        ("tests/dialogue/input/c_timeouts.dialogue", "set millrace.amqp.close_timeout"),
    "millrace.amqp.output_max": ("tests/sim/test_amqp_messages.c", "output_max_bytes"),
    "millrace.amqp.output_timeout":
        ("tests/dialogue/input/c_timeouts.dialogue", "set millrace.amqp.output_timeout"),
}


class Settings(unittest.TestCase):
    def test_every_setting_has_a_row(self):
        text = subprocess.run([broker.program(), "--print-conf"], check=True, text=True, timeout=60,
                              capture_output=True).stdout
        names = set(re.findall(r"(?m)^# (\S+) = ", text))
        rows = [*PROBES, *ELSEWHERE]
        for name in names.difference(rows):  # one of a list, whose places have one row
            names.remove(name)
            names.add(re.sub(r"\d+$", "N", name))
        self.assertEqual(len(set(rows)), len(rows), "a setting has one row")
        self.assertEqual(names - set(rows), set(), "a probe, or where its effect is seen")
        self.assertEqual(set(rows) - names, set(), "is no setting any more")

    def test_each_takes_effect(self):
        for probe in dict.fromkeys(PROBES.values()):
            names = [name for name in PROBES if PROBES[name] is probe]
            with self.subTest(settings=names):
                probe(self)
                self.doCleanups()

    def test_the_others_are_seen_where_their_row_says(self):
        for name, (path, part) in ELSEWHERE.items():
            with self.subTest(setting=name):
                self.assertTrue(part in (ROOT / path).read_text(), f"'{part}' in {path}")


if __name__ == "__main__":
    unittest.main()
