#!/usr/bin/env python3
# Tests of AMQP over TLS against the program: pika, and openssl s_client for what goes wrong.
"""Runs the program in the folder (or at the path) that MILLRACE_BIN names; build/bin by default.

Certificates are made by the openssl command. Nothing here sleeps: each step waits for a line or for
the end of a process or connection, with a deadline.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib"), str(HERE.parent / "clients")]

import runtimes  # noqa: E402
from certificates import Authority  # noqa: E402
from test_millrace import ANY_PORT, DEADLINE_S, Broker, program  # noqa: E402

AMQP_GREETING = b"AMQP\0\0\x09\x01"
HALF_OPEN = 300


def sized(data):
    return len(data).to_bytes(4, "big") + data


def start_ok():
    """connection.start-ok of guest, who hears it when he is refused."""
    can = sized(b"\x1cauthentication_failure_close" + b"t\x01")
    arguments = (b"\0\x0a\0\x0b" + sized(b"\x0ccapabilities" + b"F" + can) + b"\x05PLAIN" +
                 sized(b"\0guest\0guest") + b"\x05en_US")
    return b"\x01\0\0" + sized(arguments) + b"\xce"


class Server(Broker):
    """A broker with a port for TLS and one without, both free ones."""

    def __init__(self, data, *settings):
        sets = ("listeners.ssl.default=127.0.0.1:0", *settings)
        super().__init__("--data-dir", data, *ANY_PORT,
                         *(word for s in sets for word in ("--set", s)))
        self.line = line = self.wait_for_line("is ready")
        self.plain = int(re.search(r" amqp=127\.0\.0\.1:(\d+)", line)[1])
        self.port = int(re.search(r" amqps=127\.0\.0\.1:(\d+)", line)[1])


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-tls-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.authority = Authority(cls.folder, "authority")
        cls.server = cls.authority.issue("server", alternatives="DNS:localhost")
        cls.client = cls.authority.issue("client")

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-cmd-"))
        self.addCleanup(shutil.rmtree, self.home)

    def own(self, pair=None):
        pair = pair or self.server
        return (f"ssl_options.certfile={pair.certificate}", f"ssl_options.keyfile={pair.key}")

    def verify(self, *more):
        return (f"ssl_options.cacertfile={self.authority.certificate}",
                "ssl_options.verify=verify_peer", *more)

    def start(self, *settings):
        broker = Server(self.home / "data", *settings)
        self.addCleanup(broker.close)
        return broker

    def talk(self, broker, *arguments, text=""):
        """What `openssl s_client` says, its standard input being that text."""
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{broker.port}",
                               "-CAfile", str(self.authority.certificate), *arguments],
                              input=text.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=DEADLINE_S, check=False)
        return done.stdout.decode(errors="replace")

    def pika(self, broker, *options):
        try:
            python = runtimes.Python("pika", "pika").command(None)[0]
        except runtimes.Absent as absent:
            self.skipTest(str(absent))
        process = subprocess.Popen([python, str(HERE / "tls_client.py"), str(broker.port),
                                    str(self.authority.certificate), *options], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def works(self, broker, *options):
        """pika publishes and gets."""
        out, _ = self.pika(broker, *options).communicate(timeout=DEADLINE_S)
        self.assertEqual(out, "open\ndone\n")

    def refused(self, broker, why):
        line = broker.wait_for_line("is refused")
        self.assertRegex(line, r"warning +\[gate\] a connection is refused to=amqps "
                               r"peer=127\.0\.0\.1:\d+: " + why)

    # ---- what works ----

    def test_pika_publishes_and_gets(self):
        broker = self.start(*self.own())
        self.works(broker)
        self.works(broker, "version=TLSv1_2")
        self.works(broker, "version=TLSv1_3")
        self.assertEqual(broker.stop(), 0)

    def test_a_client_with_a_certificate_is_verified(self):
        broker = self.start(*self.own(), *self.verify("ssl_options.fail_if_no_peer_cert=true"))
        self.works(broker, f"certificate={self.client.certificate}", f"key={self.client.key}")
        self.assertEqual(broker.stop(), 0)

    def connections(self, broker):
        port = re.search(r" http=127\.0\.0\.1:(\d+)", broker.line)[1]
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/connections")
        request.add_header("authorization", "Basic Z3Vlc3Q6Z3Vlc3Q=")
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return json.load(answer)

    def test_what_was_agreed_is_told(self):
        broker = self.start(*self.own(), *self.verify())
        for options, protocol, exchange in (
                (("version=TLSv1_2", f"certificate={self.client.certificate}",
                  f"key={self.client.key}"), "tlsv1.2", "ecdhe_"), ((), "tlsv1.3", "any")):
            client = self.pika(broker, "hold=yes", *options)
            self.assertEqual(client.stdout.readline(), "open\n")
            told = self.connections(broker)[0]
            self.assertEqual((told["ssl"], told["ssl_protocol"]), (True, protocol))
            self.assertTrue(told["ssl_key_exchange"].startswith(exchange), told)
            self.assertRegex(told["ssl_cipher"], r"^(aes_\d+_gcm|chacha20_poly1305)$")
            self.assertEqual(told["ssl_hash"], "aead")
            self.assertEqual((told["host"], told["port"]), ("127.0.0.1", broker.port))
            self.assertEqual(told["name"],
                             f"127.0.0.1:{told['peer_port']} -> 127.0.0.1:{broker.port}")
            if options:
                self.assertIn("CN=client", told["peer_cert_subject"])
                self.assertIn("CN=authority", told["peer_cert_issuer"])
                self.assertRegex(told["peer_cert_validity"], r"^\d{4}-\d\d-\d\dT[\d:]{8}Z - \d{4}-")
            else:
                self.assertIsNone(told["peer_cert_subject"])
            self.assertEqual(client.communicate("\n", timeout=DEADLINE_S)[0], "done\n")
        self.assertEqual(broker.stop(), 0)

    def test_only_what_was_set_is_spoken(self):
        broker = self.start(*self.own(), "ssl_options.versions.1=tlsv1.3",
                            "ssl_options.ciphers.1=TLS_CHACHA20_POLY1305_SHA256")
        self.assertIn("Cipher is TLS_CHACHA20_POLY1305_SHA256", self.talk(broker, "-tls1_3"))
        self.assertIn("alert", self.talk(broker, "-tls1_2"))

    def test_a_key_may_have_a_password(self):
        pair = self.authority.issue("guarded", alternatives="DNS:localhost", password="a secret")
        self.works(self.start(*self.own(pair), "ssl_options.password=a secret"))

    # ---- the HTTP API ----

    def ask(self, broker, context):
        """The ports that the HTTP API lists with their protocols, asked by TLS."""
        port = int(re.search(r" https=127\.0\.0\.1:(\d+)", broker.line)[1])
        request = urllib.request.Request(f"https://localhost:{port}/api/overview")
        request.add_header("Authorization", "Basic Z3Vlc3Q6Z3Vlc3Q=")
        with urllib.request.urlopen(request, timeout=DEADLINE_S, context=context) as answer:
            return port, {one["port"]: one["protocol"] for one in json.load(answer)["listeners"]}

    def test_the_http_api_speaks_tls(self):
        own = [one.replace("ssl_options", "management.ssl") for one in self.own()]
        verify = [one.replace("ssl_options", "management.ssl") for one in self.verify()]
        broker = self.start(*self.own(), *own, *verify, "management.ssl.port=127.0.0.1:0",
                            "management.ssl.fail_if_no_peer_cert=true")
        context = ssl.create_default_context(cafile=self.authority.certificate)
        with self.assertRaises(OSError):
            self.ask(broker, context)
        context.load_cert_chain(self.client.certificate, self.client.key)
        port, listed = self.ask(broker, context)
        self.assertEqual(listed[port], "https")
        self.assertEqual(listed[broker.port], "amqp/ssl")
        broker.send(signal.SIGHUP)
        broker.wait_for_line("read the certificates again")
        broker.wait_for_line("read the certificates again")
        self.assertEqual(self.ask(broker, context)[0], port)
        self.assertEqual(broker.stop(), 0)
        self.assertIn("TLS needs a certificate: set 'management.ssl.certfile'",
                      self.check(*self.own(), "management.ssl.port=127.0.0.1:0")[1])

    # ---- EXTERNAL ----

    def start_external(self, user, *settings):
        """A broker that knows that user, and offers EXTERNAL."""
        return self.start(*self.own(), *self.verify(), "auth_mechanisms.1=PLAIN",
                          "auth_mechanisms.2=EXTERNAL", f"default_user={user}",
                          "default_pass=not asked for", *settings)

    def show(self, pair):
        return f"certificate={pair.certificate}", f"key={pair.key}"

    def test_a_certificate_logs_in(self):
        pair = self.authority.issue("app", subject="/C=DE/O=test, inc/CN=app",
                                    alternatives="DNS:one.test,DNS:two.test,email:app@one.test")
        for user, settings in (
                ("CN=app,O=test\\, inc,C=DE", ()),
                ("app", ("ssl_cert_login_from=common_name",)),
                ("one.test", ("ssl_cert_login_from=subject_alternative_name",)),
                ("two.test", ("ssl_cert_login_from=subject_alt_name",
                              "ssl_cert_login_san_index=1")),
                ("app@one.test", ("ssl_cert_login_from=subject_alternative_name",
                                  "ssl_cert_login_san_type=email"))):
            broker = self.start_external(user, *settings)
            self.works(broker, "external=yes", *self.show(pair))
            self.assertEqual(broker.stop(), 0)
            shutil.rmtree(self.home / "data")

    def test_a_certificate_of_nobody_does_not_log_in(self):
        broker = self.start_external("CN=other,O=test")
        said, _ = self.pika(broker, "external=yes", *self.show(self.client)).communicate()
        self.assertRegex(said, "ProbableAuthenticationError.*403.*using authentication mechanism "
                               "EXTERNAL")
        self.assertRegex(broker.wait_for_line("certificate"),
                         r"\[connection\] a certificate's name may not log in "
                         r"peer=127\.0\.0\.1:\d+ user='CN=client,O=test'$")

    def test_a_client_without_a_certificate_is_not_offered_it(self):
        broker = self.start_external("CN=client,O=test")
        said, _ = self.pika(broker, "external=yes").communicate()
        self.assertIn("AuthenticationError", said)  # pika has looked at the list

    def test_a_certificate_does_not_keep_from_a_password(self):
        broker = self.start_external("guest", "default_pass=guest")
        self.works(broker, *self.show(self.client))
        self.works(broker)

    # ---- what does not ----

    def test_old_versions_are_refused(self):
        broker = self.start(*self.own())
        for version in ("-tls1", "-tls1_1"):
            said = self.talk(broker, version, "-cipher", "DEFAULT@SECLEVEL=0")
            self.assertIn("alert protocol version", said)
            self.refused(broker, "unsupported protocol")
        self.works(broker)

    def test_plain_amqp_and_http_on_the_port_of_tls_are_refused(self):
        broker = self.start(*self.own())
        for first, why in ((AMQP_GREETING, "the client speaks plain AMQP"),
                           (b"GET / HTTP/1.1\r\n\r\n", "what came is no TLS")):
            with socket.create_connection(("127.0.0.1", broker.port), DEADLINE_S) as client:
                client.sendall(first)
                self.assertEqual(client.recv(100), b"\x15\x03\x03\0\x02\x02\x46")  # an alert
                self.assertEqual(client.recv(100), b"")
            self.refused(broker, why)
        self.works(broker)

    def test_tls_on_the_port_of_plain_amqp_is_refused(self):
        broker = self.start(*self.own())
        with socket.create_connection(("127.0.0.1", broker.plain), DEADLINE_S) as client:
            with self.assertRaises(ssl.SSLError):
                ssl.create_default_context().wrap_socket(client, server_hostname="localhost")
        self.assertRegex(broker.wait_for_line("TLS client"),
                         r"warning \[connection\] TLS client detected on non-TLS AMQP port peer=")

    def test_a_client_without_the_right_certificate_is_refused(self):
        broker = self.start(*self.own(), *self.verify("ssl_options.fail_if_no_peer_cert=true"))
        stranger = Authority(self.home, "stranger").issue("client")
        late = self.authority.issue("late", days=-1)
        self.assertIn("alert", self.talk(broker, "-tls1_2"))
        self.refused(broker, "peer did not return a certificate")
        for pair, why in ((stranger, "unable to get (local )?issuer certificate"),
                          (late, "certificate has expired")):
            said = self.talk(broker, "-tls1_2", "-cert", str(pair.certificate),
                             "-key", str(pair.key))
            self.assertIn("alert", said)
            self.refused(broker, "the client's certificate is refused: " + why)
        self.works(broker, f"certificate={self.client.certificate}", f"key={self.client.key}")

    def test_a_chain_may_be_as_deep_as_was_set_and_not_too_large(self):
        lower = Authority(self.home, "lower", issuer=self.authority)
        lowest = Authority(self.home, "lowest", issuer=lower)
        client = lowest.issue("deep")
        chain = self.home / "chain.pem"
        chain.write_text(client.certificate.read_text() + lowest.certificate.read_text() +
                         lower.certificate.read_text())
        broker = self.start(*self.own(), *self.verify("ssl_options.fail_if_no_peer_cert=true"))
        self.works(broker, f"certificate={chain}", f"key={client.key}")
        huge = self.home / "huge.pem"
        huge.write_text(chain.read_text() + lower.certificate.read_text() * 100)
        self.talk(broker, "-tls1_2", "-cert", str(client.certificate), "-key", str(client.key),
                  "-cert_chain", str(huge))
        self.refused(broker, "excessive message size")
        broker.stop()
        broker = self.start(*self.own(), *self.verify("ssl_options.depth=1"))
        said = self.talk(broker, "-tls1_2", "-cert", str(client.certificate),
                         "-key", str(client.key), "-cert_chain", str(chain))
        self.assertIn("alert", said)
        self.refused(broker, "the client's certificate is refused: certificate chain too long")

    def comes(self, broker, pair, chain=None):
        """A client with that certificate is let in, or told of an alert."""
        more = ("-cert_chain", str(chain)) if chain else ()
        return "alert" not in self.talk(broker, "-tls1_2", "-cert", str(pair.certificate),
                                        "-key", str(pair.key), *more)

    def test_certificates_that_were_taken_back_are_refused(self):
        authority = Authority(self.home, "strict")
        good, bad = authority.issue("good"), authority.issue("bad")
        between = Authority(self.home, "between", issuer=authority)
        below = between.issue("below")
        chain = self.home / "chain.pem"
        chain.write_text(below.certificate.read_text() + between.certificate.read_text())
        terms = (f"ssl_options.cacertfile={authority.certificate}",
                 "ssl_options.verify=verify_peer", "ssl_options.fail_if_no_peer_cert=true",
                 f"millrace.ssl_options.crlfile={authority.revoke(bad)}")
        for check, is_below_let_in in (("peer", False), ("true", False), ("best_effort", True)):
            broker = self.start(*self.own(), *terms, f"ssl_options.crl_check={check}")
            self.assertTrue(self.comes(broker, good), check)
            self.assertFalse(self.comes(broker, bad), check)
            self.refused(broker, "the client's certificate is refused: certificate revoked")
            self.assertEqual(self.comes(broker, below, chain), is_below_let_in, check)
            if not is_below_let_in:
                self.refused(broker, ".*unable to get certificate CRL")
            authority.revoke(between)
            broker.send(signal.SIGHUP)
            broker.wait_for_line("read the certificates again")
            self.assertFalse(self.comes(broker, below, chain), check)
            self.assertEqual(broker.stop(), 0)
            shutil.rmtree(self.home / "data")
            authority.certificate.with_suffix(".index").unlink()
            authority.revoke(bad)

    def test_with_peer_only_a_clients_own_certificate_is_looked_up(self):
        authority = Authority(self.home, "strict")
        between = Authority(self.home, "between", issuer=authority)
        below = between.issue("below")
        lists, chain = self.home / "lists.pem", self.home / "chain.pem"
        lists.write_text(authority.revoke(between).read_text() + between.revoke().read_text())
        chain.write_text(below.certificate.read_text() + between.certificate.read_text())
        for check, is_let_in in (("peer", True), ("true", False), ("best_effort", False)):
            broker = self.start(*self.own(), f"ssl_options.cacertfile={authority.certificate}",
                                "ssl_options.verify=verify_peer",
                                f"millrace.ssl_options.crlfile={lists}",
                                f"ssl_options.crl_check={check}")
            self.assertEqual(self.comes(broker, below, chain), is_let_in, check)
            self.assertEqual(broker.stop(), 0)

    def test_a_client_may_not_renegotiate(self):
        broker = self.start(*self.own())
        said = self.talk(broker, "-tls1_2", text="R\n")
        self.assertIn("no renegotiation", said)
        self.works(broker)

    def test_half_a_handshake_ends_in_time(self):
        broker = self.start(*self.own(), "ssl_handshake_timeout=300ms")
        for first in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            with socket.create_connection(("127.0.0.1", broker.port), DEADLINE_S) as client:
                client.sendall(first)
                self.assertEqual(client.recv(100), b"")
            self.refused(broker, "the TLS handshake takes too long")
        with socket.create_connection(("127.0.0.1", broker.port), DEADLINE_S) as client:
            client.sendall(b"\x16\x03")
        self.refused(broker, "the client left")
        self.works(broker)

    def memory(self, broker):
        status = pathlib.Path(f"/proc/{broker.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10

    def test_half_open_handshakes_hold_little_and_keep_nobody_out(self):
        broker = self.start(*self.own(), "ssl_handshake_timeout=60s")
        self.works(broker)
        before = self.memory(broker)
        clients = []
        for _ in range(HALF_OPEN):
            client = socket.create_connection(("127.0.0.1", broker.port), DEADLINE_S)
            self.addCleanup(client.close)
            # 12,000 bytes of a greeting that is said to have 65,535
            client.sendall(b"\x16\x03\x01\x40\x00\x01\x00\xff\xff\x03\x03" + bytes(12_000))
            clients.append(client)
        self.works(broker)
        if "MILLRACE_SIZE" not in os.environ:  # sanitizers keep what was freed
            self.assertLess((self.memory(broker) - before) / HALF_OPEN, 128 << 10)

    # ---- the PROXY protocol ----

    def greet(self, port, header):
        """All that comes of a header and the greeting behind it, until the end."""
        with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as client:
            client.sendall(header + AMQP_GREETING)
            return b"".join(iter(lambda: client.recv(4096), b""))

    def test_a_proxy_says_whom_it_brings(self):
        broker = self.start(*self.own(), "proxy_protocol=true", "handshake_timeout=300ms")
        for header, peer in ((b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 5672\r\n",
                              "192.0.2.7:4711"),
                             (b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24" + bytes(15) + b"\x07" +
                              bytes(16) + b"\x12\x67\x16\x28", "[::7]:4711")):
            self.assertIn(b"PLAIN", self.greet(broker.plain, header))
            self.assertIn(f"peer={peer}", broker.wait_for_line("not opened in time"))
        self.assertEqual(self.greet(broker.plain, b""), b"")
        broker.wait_for_line("it does not begin with a PROXY header")

    def test_a_loopback_user_behind_a_proxy_is_where_the_proxy_says(self):
        broker = self.start(*self.own(), "proxy_protocol=true")
        for address, is_welcome in (("192.0.2.7", False), ("127.0.0.1", True)):
            self.assertEqual(self.log_in(broker.port, address), is_welcome)

    def log_in(self, port, address):
        """Whether guest may come in, by TLS behind a proxy that says he is there."""
        context = ssl.create_default_context(cafile=self.authority.certificate)
        with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as bare:
            bare.sendall(f"PROXY TCP4 {address} 127.0.0.1 4711 5671\r\n".encode())
            with context.wrap_socket(bare, server_hostname="localhost") as client:
                client.sendall(AMQP_GREETING)
                client.recv(100_000)
                client.sendall(start_ok())
                return client.recv(100)[7:11] == b"\0\x0a\0\x1e"  # connection.tune

    # ---- again ----

    def test_certificates_are_read_again_and_nobody_is_dropped(self):
        pair = self.authority.issue("rotated", alternatives="DNS:localhost")
        broker = self.start(*self.own(pair))
        before = ssl.get_server_certificate(("127.0.0.1", broker.port))
        client = self.pika(broker, "hold=yes")
        self.assertEqual(client.stdout.readline(), "open\n")
        self.authority.issue("rotated", alternatives="DNS:localhost")
        broker.send(signal.SIGHUP)
        broker.wait_for_line("read the certificates again")
        after = ssl.get_server_certificate(("127.0.0.1", broker.port))
        self.assertEqual(after, pair.certificate.read_text())
        self.assertNotEqual(before, after)
        client.stdin.write("\n")
        client.stdin.flush()
        self.assertEqual(client.stdout.readline(), "done\n")

        pair.certificate.write_text("not a certificate")
        broker.send(signal.SIGHUP)
        self.assertIn(f"there is no certificate in '{pair.certificate}'; the old certificates stay",
                      broker.wait_for_line("the old certificates stay"))
        pair.key.unlink()
        broker.send(signal.SIGHUP)
        self.assertIn(f"cannot read '{pair.key}': it does not exist; the old certificates stay",
                      broker.wait_for_line("the old certificates stay"))
        self.assertEqual(ssl.get_server_certificate(("127.0.0.1", broker.port)), after)
        self.works(broker)
        self.assertEqual(broker.stop(), 0)

    # ---- configuration ----

    def check(self, *settings):
        sets = ("listeners.ssl.default=127.0.0.1:0", *settings)
        done = subprocess.run([program(), "--check-conf",
                               *(word for s in sets for word in ("--set", s))],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_what_is_wrong_with_certificates_is_said(self):
        own = self.own()
        other = f"ssl_options.keyfile={self.client.key}"
        none = self.home / "none.pem"
        empty = self.home / "empty.pem"
        empty.write_text("")
        guarded = self.authority.issue("locked", password="secret word")
        cases = (
            ((), "TLS needs a certificate: set 'ssl_options.certfile'"),
            (own[:1], "TLS needs a key: set 'ssl_options.keyfile'"),
            ((own[0], other), f"the key '{self.client.key}' is not that of the certificate "
                              f"'{self.server.certificate}'"),
            ((f"ssl_options.certfile={none}", own[1]), f"cannot read '{none}': it does not exist"),
            ((f"ssl_options.certfile={self.home}", own[1]),
             f"cannot read '{self.home}': it is not a plain file"),
            ((f"ssl_options.certfile={empty}", own[1]), f"there is no certificate in '{empty}'"),
            ((own[0], f"ssl_options.keyfile={empty}"), f"cannot use the key '{empty}': "),
            (self.own(guarded), f"cannot use the key '{guarded.key}': "),
            ((*self.own(guarded), "ssl_options.password=wrong"),
             f"cannot use the key '{guarded.key}': "),
            ((*own, "ssl_options.verify=verify_peer"),
             "clients cannot be verified without authorities: set 'ssl_options.cacertfile'"),
            ((*own, "ssl_options.fail_if_no_peer_cert=true"),
             "'ssl_options.fail_if_no_peer_cert' needs 'ssl_options.verify = verify_peer'"),
            ((*own, "ssl_options.crl_check=peer"),
             "'ssl_options.crl_check' needs 'ssl_options.verify = verify_peer'"),
            ((*own, *self.verify("ssl_options.crl_check=peer")),
             "'ssl_options.crl_check' needs lists: set 'millrace.ssl_options.crlfile'"),
            ((*own, *self.verify("ssl_options.crl_check=peer",
                                 f"millrace.ssl_options.crlfile={self.server.certificate}")),
             f"there is no list of certificates in '{self.server.certificate}'"),
            ((*own, *self.verify("ssl_options.crl_check=peer",
                                 f"millrace.ssl_options.crlfile={none}")),
             f"cannot read '{none}': it does not exist"),
            ((*own, "ssl_options.ciphers.1=ROT13"),
             "'ssl_options.ciphers.1' is 'ROT13', which is no cipher suite"),
            ((*own, "ssl_options.ciphers.1=ALL:!ADH"), "'ssl_options.ciphers.1' is 'ALL:!ADH'"),
            ((*own, "ssl_options.versions.1=tlsv1.2",
              "ssl_options.ciphers.2=TLS_AES_128_GCM_SHA256"),
             "no suite of 'ssl_options.ciphers' belongs to a version"),
            ((*own, "ssl_options.versions.1=tlsv1.1"), "must be one of default, tlsv1.2 or"),
        )
        for settings, sentence in cases:
            status, said = self.check(*settings)
            self.assertIn(sentence, said)
            self.assertEqual(status, 1, said)
            self.assertNotIn("secret word", said)
        self.assertEqual(self.check(*own, *self.verify()), (0, "the configuration is valid\n"))
        self.assertEqual(self.check("listeners.ssl=none"), (0, "the configuration is valid\n"))

    def test_a_broker_without_certificates_does_not_start(self):
        done = subprocess.run([program(), "--data-dir", self.home / "data", "--set",
                               "listeners.ssl.default=127.0.0.1:0", "--set",
                               "listeners.tcp=none"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("millrace: TLS needs a certificate: set 'ssl_options.certfile'", done.stderr)

    def test_there_may_be_several_listeners(self):
        broker = Broker("--data-dir", self.home / "data", *ANY_PORT, *(
            word for s in ("listeners.tcp=none", "listeners.ssl.1=127.0.0.1:0",
                           "listeners.ssl.2=[::1]:0", *self.own()) for word in ("--set", s)))
        self.addCleanup(broker.close)
        line = broker.wait_for_line("is ready")
        self.assertRegex(line, r" amqp=none amqps=127\.0\.0\.1:\d+,\[::1\]:\d+( |$)")
        self.assertEqual(broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
