# Probes of test_settings.py for what is seen over HTTP and TLS.
"""Each sets something and looks from outside at what it does."""
import base64
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import tempfile

import broker
import player
from certificates import Authority
from world import World

DEADLINE_S = 60
PORT = "management.tcp.port=127.0.0.1:0"
GUEST = "Basic " + base64.b64encode(b"guest:guest").decode()


def where(world, name):
    """Host and port of a listener."""
    line = world.broker.wait_log(broker.READY, world.begin)
    host, port = re.search(rf" {name}=(\S+):(\d+)", line).groups()
    return host.strip("[]").replace("*", "127.0.0.1"), int(port)


def ask(world, path, method="GET", body=None, headers=()):
    """Status, headers and JSON of an answer."""
    connection = http.client.HTTPConnection(*where(world, "http"), timeout=DEADLINE_S)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Authorization": GUEST, **dict(headers)})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, answer.headers, json.loads(text) if text else None
    finally:
        connection.close()


def raw(test, world, text):
    """A connection that has sent that."""
    one = socket.create_connection(where(world, "http"), DEADLINE_S)
    test.addCleanup(one.close)
    one.sendall(text)
    return one


def end_of(one):
    """All that comes until the other end closes."""
    data = b""
    while part := one.recv(1 << 16):
        data += part
    return data


# ---- places ----

def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def probe_tcp_ip(name, section):
    """Behind a port alone the address of the other setting counts."""
    def probe(test):
        world = World(test, f"{section}.tcp.ip=127.0.0.2", f"{section}.tcp.port={free_port()}")
        test.assertEqual(where(world, name)[0], "127.0.0.2")
    return probe


# ---- the HTTP API ----

def probe_path_prefix(test):
    world = World(test, PORT, "management.path_prefix=/rabbit")
    test.assertEqual(ask(world, "/rabbit/api/whoami")[0], 200)
    test.assertEqual(ask(world, "/api/whoami")[0], 404)


def probe_cors(test):
    for first, second, allowed in (("https://a.example", "", "https://a.example"),
                                   ("https://b.example", "https://a.example", "https://a.example"),
                                   ("https://b.example", "*", "https://a.example"),
                                   ("https://b.example", "", None), ("", "", None)):
        world = World(test, PORT, f"management.cors.allow_origins.1={first}",
                      f"management.cors.allow_origins.4={second}", "management.cors.max_age=77")
        headers = ask(world, "/api/whoami", headers=[("Origin", "https://a.example")])[1]
        test.assertEqual(headers["Access-Control-Allow-Origin"], allowed)
        test.assertIsNone(ask(world, "/api/whoami")[1]["Access-Control-Allow-Origin"])
        headers = ask(world, "/api/whoami", "OPTIONS", headers=[("Origin", "https://a.example")])[1]
        test.assertEqual(headers["Access-Control-Max-Age"], "77" if allowed else None)


def probe_idle_timeout(test):
    world = World(test, PORT, "management.tcp.idle_timeout=1s")
    one = raw(test, world, b"GET /api/whoami HTTP/1.1\r\nHost: x\r\n\r\n")
    test.assertIn(b" 401 ", end_of(one))  # and then nothing is asked


def probe_request_timeout(test):
    world = World(test, PORT, "management.tcp.request_timeout=100ms")
    test.assertIn(b" 408 ", end_of(raw(test, world, b"GET /api/whoami HTTP/1.1\r\nHost:")))


def probe_inactivity_timeout(test):
    """Who takes nothing of a large answer makes room for the one that waits behind him."""
    world = World(test, PORT, "management.tcp.inactivity_timeout=100ms",
                  "millrace.http.connections_max=1", "management.tcp.idle_timeout=1d")
    one = world.login()
    arguments = [(b"x-note", ("S", b"n" * 40_000))]
    for i in range(200):
        world.call(one, "queue.declare", "queue.declare-ok", queue=b"q%d" % i, exclusive=True,
                   arguments=arguments)
    client = socket.socket()
    test.addCleanup(client.close)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(where(world, "http"))
    client.sendall(b"GET /api/queues HTTP/1.1\r\nHost: x\r\nAuthorization: " + GUEST.encode() +
                   b"\r\n\r\n")
    test.assertEqual(ask(world, "/api/whoami")[0], 200)


def probe_max_body(test):
    world = World(test, PORT, "management.max_body=64KiB")
    publish = {"properties": {}, "routing_key": "q", "payload_encoding": "string"}
    for size, status in ((1000, 200), (100_000, 413)):
        body = {**publish, "payload": "x" * size}
        test.assertEqual(ask(world, "/api/exchanges/%2F/amq.default/publish", "POST", body)[0],
                         status)


def probe_publish_timeout(test):
    world = World(test, PORT, "millrace.http.publish_timeout=100ms",
                  "total_memory_available_override_value=1")
    world.login()  # takes some
    world.broker.wait_log("publishers are held back")
    body = {"properties": {}, "routing_key": "q", "payload": "x", "payload_encoding": "string"}
    test.assertEqual(ask(world, "/api/exchanges/%2F/amq.default/publish", "POST", body)[0], 504)


def probe_connections_max(test):
    """The second one waits until the first is gone."""
    world = World(test, PORT, "millrace.http.connections_max=1",
                  "management.tcp.idle_timeout=1d")
    request = b"GET /api/whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    first = raw(test, world, b"GET /api/whoami HTTP/1.1\r\nHost: x\r\n\r\n")
    test.assertIn(b" 401 ", first.recv(1 << 16))
    second = raw(test, world, request)
    second.setblocking(False)
    world.login()  # turns pass
    with test.assertRaises(BlockingIOError):
        second.recv(1)
    first.close()
    second.settimeout(DEADLINE_S)
    test.assertIn(b" 401 ", end_of(second))


def queue_seen(world):
    """What the list of queues says about one with a message."""
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", durable=True)
    world.call(one, "confirm.select", "confirm.select-ok")
    world.publish(one, b"q", b"x")
    player.take_named(one, 1, "basic.ack")
    queue, = ask(world, "/api/queues")[2]
    return queue


def probe_vhost_max(test):
    world = World(test, PORT, "vhost_max=2")
    test.assertEqual(ask(world, "/api/vhosts/one", "PUT", {})[0], 201)
    status, _, told = ask(world, "/api/vhosts/two", "PUT", {})
    test.assertEqual(status, 400)
    test.assertEqual(told["reason"], "cannot create vhost 'two': vhost limit of 2 is reached")
    test.assertEqual(ask(world, "/api/vhosts/one", "PUT", {"description": "old"})[0], 204)
    test.assertEqual(ask(world, "/api/vhosts/one", "DELETE")[0], 204)
    test.assertEqual(ask(world, "/api/vhosts/two", "PUT", {})[0], 201)


def probe_disable_stats(test):
    test.assertIn("messages", queue_seen(World(test, PORT)))
    test.assertNotIn("messages", queue_seen(World(test, PORT, "management.disable_stats=true")))
    seen = queue_seen(World(test, PORT, "management.disable_stats=true",
                            "management.enable_queue_totals=true"))
    test.assertEqual(seen["messages"], 1)
    test.assertNotIn("message_stats", seen)


def probe_statistics_interval(test):
    """With the longest nothing has been looked at twice, so there are no rates yet."""
    world = World(test, PORT, "collect_statistics_interval=1s")
    test.assertEqual(ask(world, "/api/overview")[2]["rates_mode"], "basic")
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", exclusive=True)

    def rate():
        world.publish(one, b"q", b"x", mode=1)
        stats = ask(world, "/api/overview")[2]["message_stats"]
        return stats.get("publish_details", {}).get("rate", 0)
    world.wait(lambda: rate() > 0, "a rate within two seconds")


def probe_samples_memory(test):
    path = "/api/queues/%2F/q?columns=messages_details&lengths_age=60&lengths_incr=5"

    def details(*settings):
        world = World(test, PORT, *settings)
        world.call(world.login(), "queue.declare", "queue.declare-ok", queue=b"q")
        world.wait(lambda: ask(world, "/api/overview?lengths_age=60&lengths_incr=5")[2]
                   ["queue_totals"]["messages_details"].get("samples"), "a first look")
        return ask(world, path)[2]["messages_details"]
    test.assertNotIn("samples", details("millrace.http.samples_memory=0",
                                        "collect_statistics_interval=1s"))

    def has_samples():
        return "samples" in ask(world, path)[2]["messages_details"]
    world = World(test, PORT, "collect_statistics_interval=1s")
    world.call(world.login(), "queue.declare", "queue.declare-ok", queue=b"q")
    world.wait(has_samples, "samples of a queue")


# ---- names, events, types ----

def probe_events(test):
    world = World(test, "millrace.broker.events=true")
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"events", exclusive=True)
    world.call(one, "queue.bind", "queue.bind-ok", queue=b"events",
               exchange=b"amq.rabbitmq.event", routing_key=b"queue.created")
    world.call(one, "basic.consume", "basic.consume-ok", queue=b"events", no_ack=True)
    other = world.login()
    world.call(other, "queue.declare", "queue.declare-ok", queue=b"other", exclusive=True)
    headers = dict(one.take(1).content.properties["headers"])
    test.assertEqual(headers[b"name"], ("S", b"other"))


def probe_node_name(test):
    world = World(test, "millrace.node_name=me@here", PORT)
    test.assertEqual(ask(world, "/api/vhosts/%2F", "PUT", {"tracing": True})[0], 204)
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"traces", exclusive=True)
    world.call(one, "queue.bind", "queue.bind-ok", queue=b"traces",
               exchange=b"amq.rabbitmq.trace", routing_key=b"publish.#")
    world.call(one, "basic.consume", "basic.consume-ok", queue=b"traces", no_ack=True)
    world.publish(one, b"nowhere", b"x")
    headers = dict(one.take(1).content.properties["headers"])
    test.assertEqual(headers[b"node"], ("S", b"me@here"))


def probe_default_queue_type(test):
    world = World(test, "default_queue_type=quorum", PORT)
    one = world.login()
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", durable=True)
    test.assertEqual(ask(world, "/api/queues/%2F/q")[2]["type"], "quorum")


# ---- publishers that number their messages ----

def publish_as(world, one, publisher, number):
    """How many messages the queue has after that one."""
    one.send_method(1, "basic.publish", {"routing_key": b"q"})
    headers = [(b"x-publisher-id", ("S", publisher)), (b"x-publish-seq", ("l", number))]
    one.send(player.wire.encode_content(
        1, player.wire.encode_header(1, {"headers": headers, "delivery_mode": 2}), b"x",
        one.frame_max))
    player.take_named(one, 1, "basic.ack")
    return world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", durable=True,
                      passive=True)["message_count"]


def numbering(world, **login):
    one = world.login(**login)
    world.call(one, "queue.declare", "queue.declare-ok", queue=b"q", durable=True)
    world.call(one, "confirm.select", "confirm.select-ok")
    return one


def probe_publishers_max(test):
    for most, count in ((1, 3), (10, 2)):
        world = World(test, f"millrace.queue.publishers_max={most}")
        one = numbering(world)
        test.assertEqual(publish_as(world, one, b"ann", 5), 1)
        test.assertEqual(publish_as(world, one, b"ann", 5), 1)
        test.assertEqual(publish_as(world, one, b"bob", 1), 2)
        test.assertEqual(publish_as(world, one, b"ann", 5), count)


def probe_publisher_memory(test):
    """Heartbeats tell that the second has passed."""
    for memory, count in (("1s", 3), ("1h", 2)):
        world = World(test, f"millrace.queue.publisher_memory={memory}")
        one = numbering(world, heartbeat=1)
        test.assertEqual(publish_as(world, one, b"ann", 5), 1)
        one.heartbeats = 0
        while one.heartbeats < 5:  # one each half second
            one.send(b"\x08\0\0\0\0\0\0\xce")
            one.wait(1)
        test.assertEqual(publish_as(world, one, b"bob", 1), 2)
        test.assertEqual(publish_as(world, one, b"ann", 5), count)


# ---- the PROXY protocol ----

def probe_proxy(test):
    world = World(test, "proxy_protocol=true")
    one = world.peer()
    one.send(b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 5672\r\nGET / HTTP/1.1\r\n\r\n")
    world.broker.wait_log("HTTP GET request detected on AMQP port peer=203.0.113.9:4711")
    world = World(test, "proxy_protocol=true", "millrace.gate.proxy_timeout=100ms")
    silent = world.peer()
    silent.take_end()
    world.broker.wait_log("the PROXY header takes too long")


# ---- TLS ----

class Tls:
    """Certificates in a folder, and what openssl s_client says of a broker with them."""

    def __init__(self, test):
        self.test = test
        self.folder = tempfile.mkdtemp(prefix="millrace-settings-")
        test.addCleanup(shutil.rmtree, self.folder)
        self.authority = Authority(self.folder, "authority")
        self.pair = self.authority.issue("server", alternatives="DNS:localhost",
                                         password="secret")

    def world(self, section, *settings):
        port = {"ssl_options": "listeners.ssl.default", "management.ssl": "management.ssl.port"}
        return World(self.test, f"{port[section]}=127.0.0.1:0",
                     f"{section}.certfile={self.pair.certificate}",
                     f"{section}.keyfile={self.pair.key}", f"{section}.password=secret",
                     *(setting if setting.startswith("millrace.") else f"{section}.{setting}"
                       for setting in settings))

    def talk(self, address, *arguments):
        host, port = address
        done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile",
                               str(self.authority.certificate), *map(str, arguments)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=DEADLINE_S, check=False)
        return done.stdout.decode(errors="replace")


CIPHERS = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384")


def probe_honor_cipher_order(section, name):
    def probe(test):
        tls = Tls(test)
        for honors, chosen in (("true", CIPHERS[0]), ("false", CIPHERS[1])):
            world = tls.world(section, "versions.1=tlsv1.2", f"ciphers.1={CIPHERS[0]}",
                              f"ciphers.2={CIPHERS[1]}", f"honor_cipher_order={honors}")
            said = tls.talk(where(world, name), "-cipher", ":".join(reversed(CIPHERS)))
            test.assertRegex(said, f"Cipher is {chosen}")
    return probe


def probe_management_ssl(test):
    """All that is asked of a client's certificate, and which versions and suites there are."""
    tls = Tls(test)
    between = Authority(tls.folder, "between", issuer=tls.authority)
    client, far = tls.authority.issue("client"), between.issue("far")
    revoked = tls.authority.issue("revoked")
    chain = far.certificate.with_suffix(".chain")
    chain.write_text(far.certificate.read_text() + between.certificate.read_text())
    world = tls.world("management.ssl", f"cacertfile={tls.authority.certificate}",
                      "verify=verify_peer", "fail_if_no_peer_cert=true", "depth=0",
                      "crl_check=peer",
                      f"millrace.management.ssl.crlfile={tls.authority.revoke(revoked)}",
                      "versions.2=tlsv1.2", f"ciphers.16={CIPHERS[1]}")
    address = where(world, "https")

    def get(certificate=None, key=None):
        terms = ssl.create_default_context(cafile=tls.authority.certificate)
        if certificate is not None:
            terms.load_cert_chain(certificate, key)
        with socket.create_connection(address, DEADLINE_S) as one, \
                terms.wrap_socket(one, server_hostname="localhost") as secure:
            secure.sendall(b"GET /api/whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return secure.version(), secure.cipher()[0], secure.recv(1 << 16)
    version, cipher, answer = get(client.certificate, client.key)
    test.assertEqual((version, cipher), ("TLSv1.2", CIPHERS[1]))
    test.assertIn(b" 401 ", answer)
    for pair in ((None, None), (chain, far.key), (revoked.certificate, revoked.key)):
        with test.assertRaises(OSError):
            get(*pair)


SSL = [f"management.ssl.{name}" for name in (
    "port", "certfile", "keyfile", "password", "cacertfile", "verify", "fail_if_no_peer_cert",
    "depth", "versions.N", "ciphers.N", "crl_check")] + ["millrace.management.ssl.crlfile"]


def probe_ssl_ip(test):
    tls = Tls(test)
    world = World(test, "management.ssl.ip=127.0.0.2", f"management.ssl.port={free_port()}",
                  f"management.ssl.certfile={tls.pair.certificate}",
                  f"management.ssl.keyfile={tls.pair.key}", "management.ssl.password=secret")
    test.assertEqual(where(world, "https")[0], "127.0.0.2")


PROBES = {
    "prometheus.tcp.ip": probe_tcp_ip("prometheus", "prometheus"),
    "management.tcp.ip": probe_tcp_ip("http", "management"),
    "management.ssl.ip": probe_ssl_ip,
    "management.path_prefix": probe_path_prefix,
    "management.cors.allow_origins.N": probe_cors,
    "management.cors.max_age": probe_cors,
    "management.tcp.idle_timeout": probe_idle_timeout,
    "management.tcp.request_timeout": probe_request_timeout,
    "management.tcp.inactivity_timeout": probe_inactivity_timeout,
    "management.max_body": probe_max_body,
    "millrace.http.publish_timeout": probe_publish_timeout,
    "millrace.http.samples_memory": probe_samples_memory,
    "millrace.http.connections_max": probe_connections_max,
    "vhost_max": probe_vhost_max,
    "management.disable_stats": probe_disable_stats,
    "management.enable_queue_totals": probe_disable_stats,
    "collect_statistics_interval": probe_statistics_interval,
    "millrace.broker.events": probe_events,
    "millrace.node_name": probe_node_name,
    "default_queue_type": probe_default_queue_type,
    "millrace.queue.publishers_max": probe_publishers_max,
    "millrace.queue.publisher_memory": probe_publisher_memory,
    "proxy_protocol": probe_proxy,
    "millrace.gate.proxy_timeout": probe_proxy,
    "ssl_options.honor_cipher_order": probe_honor_cipher_order("ssl_options", "amqps"),
    "management.ssl.honor_cipher_order": probe_honor_cipher_order("management.ssl", "https"),
    **dict.fromkeys(SSL, probe_management_ssl),
}
