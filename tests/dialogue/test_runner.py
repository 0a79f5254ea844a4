#!/usr/bin/env python3
# Tests of the dialogue runner: it reads its language, and what differs is found.
"""A server that says what the test wants stands in for the broker."""
import pathlib
import re
import socket
import sys
import tempfile
import threading
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import match  # noqa: E402
import peer  # noqa: E402
import player  # noqa: E402
import run  # noqa: E402
import script  # noqa: E402
import split  # noqa: E402
import wire  # noqa: E402

GROUPS = (("A", 1, 29), ("B", 30, 69), ("C", 70, 99), ("D", 100, 119), ("E", 120, 136),
          ("F", 137, 147), ("G", 148, 165))
NEVER_SENT = {"connection.secure"}  # no mechanism has a second step


def method(name, channel=1, **values):
    return wire.encode_frame(wire.METHOD, channel, wire.encode_method(name, values))


def content(name, body, properties=None, channel=1, **values):
    header = wire.encode_header(len(body), properties or {})
    return method(name, channel, **values) + wire.encode_content(channel, header, body, 0)


class Server:
    """Says the same to everyone, whatever it hears, and closes when it is told to."""

    host = "127.0.0.1"
    terms = None  # no TLS

    def __init__(self, says, closes):
        self.says, self.closes = says, closes
        self.listener = socket.create_server((self.host, 0))
        self.port = self.listener.getsockname()[1]
        self.clients = []
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.sendall(self.says)
            self.clients.append(client)
            if self.closes:
                client.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for client in self.clients:
            client.close()


class RunnerTest(unittest.TestCase):
    def parse(self, text):
        folder = tempfile.TemporaryDirectory(prefix="millrace-runner-")
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "my.dialogue"
        path.write_text(text)
        return script.parse_script(path)

    def play(self, text, says=b"", closes=False):
        """Plays one case against a server that says this; returns the variables."""
        server = Server(says, closes)
        self.addCleanup(server.close)
        one = player.Player(server)
        self.addCleanup(one.close)
        one.play(self.parse("case x: y\n" + text).cases[0].statements)
        return one.names

    def differs(self, part, text, says=b"", closes=False):
        with self.assertRaisesRegex((AssertionError, wire.WireError), part):
            self.play(text, says, closes)

    def wrong(self, part, text):
        with self.assertRaisesRegex(script.ScriptError, part):
            self.play(text)


class Language(RunnerTest):
    def test_a_script_has_settings_and_cases(self):
        one = self.parse("# x\nset a.b = 5\nprobe connect\ncase A1 A2: first: one\ntcp\n"
                         "case A3: second\n")
        self.assertEqual(one.settings, ["a.b=5"])
        self.assertEqual(one.probe, "connect")
        self.assertEqual([case.ids for case in one.cases], [["A1", "A2"], ["A3"]])
        self.assertEqual(one.cases[0].title, "first: one")

    def test_what_is_no_language_is_said_with_its_place(self):
        self.wrong(r"my.dialogue:2: 'frobnicate'", "x frobnicate")
        self.wrong("nothing to end", "end")
        self.wrong("block has no end", "repeat 5")
        self.wrong("no method 'queue.frob'", "tcp\n> queue.frob")
        self.wrong(r"queue.declare has no \['color'\]", "tcp\n> queue.declare color=1")
        self.wrong("no connection 'b'", "b > queue.declare")
        self.wrong("is left over", "tcp -> x -> y")
        self.wrong("has no value yet", "tcp\n> queue.declare queue=$x")
        self.wrong("wrong kind", "tcp\n> basic.ack delivery_tag=[1]")
        with self.assertRaisesRegex(script.ScriptError, "stands in no case"):
            self.parse("tcp\n")

    def test_values(self):
        names = self.play("let a=5\n"
                          r'let b=-0x10 c="x\n\x00${a}" d=h"00 ff" e="ab"*3 f=true g=word')
        self.assertEqual(names, {"a": 5, "b": -16, "c": b"x\n\x005", "d": b"\0\xff",
                                 "e": b"ababab", "f": True, "g": b"word"})

    def test_a_line_may_go_on_in_the_next(self):
        self.assertEqual(self.play("let a=1 \\\n  b=2"), {"a": 1, "b": 2})

    def test_loops(self):
        names = self.play('repeat 3 as i\n let last=$i\nend\neach w=[x, y]\n let word=$w\nend')
        self.assertEqual((names["last"], names["word"]), (3, b"y"))

    def test_tables_have_the_usual_types_or_those_said(self):
        self.play("let t={a=1, b=l:2, c=\"x\", d=[true, void], e={f=d:1.5}, g=5000000000}")
        one = player.Player(None)
        statement = script.parse_statement("let t={a=1, b=l:2, c=[x], d={}, e=void}", "x")
        table = one.values(statement.fields)["t"]
        self.assertEqual(match.table_to_wire(table), [
            (b"a", ("I", 1)), (b"b", ("l", 2)), (b"c", ("A", [("S", b"x")])), (b"d", ("F", [])),
            (b"e", ("V", None))])


class Differences(RunnerTest):
    OK = method("queue.declare-ok", queue=b"q", message_count=3)

    def test_what_is_expected_passes(self):
        self.play("tcp\n< queue.declare-ok queue=q message_count=3", self.OK)
        self.play('tcp\n< queue.declare-ok queue=~"[a-q]" ...', self.OK)
        names = self.play("tcp\n< queue.declare-ok queue=$name message_count=*", self.OK)
        self.assertEqual(names, {"name": b"q"})

    def test_another_method(self):
        self.differs("expected queue.bind-ok, got queue.declare-ok", "tcp\n< queue.bind-ok",
                     self.OK)

    def test_another_value(self):
        self.differs("message_count: expected 4, got 3",
                     "tcp\n< queue.declare-ok queue=q message_count=4", self.OK)

    def test_a_value_that_was_not_mentioned(self):
        self.differs("message_count: expected 0, got 3", "tcp\n< queue.declare-ok queue=q",
                     self.OK)

    def test_another_value_than_the_variable_has(self):
        self.differs('queue: expected "other", got "q"',
                     "let n=other\ntcp\n< queue.declare-ok queue=$n message_count=3", self.OK)

    def test_a_variable_must_be_the_same_twice(self):
        says = method("basic.return", exchange=b"a", routing_key=b"b") + \
            wire.encode_content(1, wire.encode_header(0, {}), b"", 0)
        self.differs('routing_key: expected "a", got "b"',
                     "tcp\n< basic.return exchange=$x routing_key=$x", says)

    def test_a_pattern_that_does_not_match(self):
        self.differs('expected ~"x.*"', 'tcp\n< queue.declare-ok queue=~"x.*" ...', self.OK)

    def test_a_frame_on_another_channel(self):
        self.differs("nothing came on channel 2|closed; waiting: 1: queue.declare-ok",
                     "tcp\n2 < queue.declare-ok ...", self.OK, closes=True)

    def test_something_where_nothing_should_be(self):
        says = self.OK + method("channel.flow-ok", active=True)
        self.differs("expected nothing, got queue.declare-ok", "tcp\nquiet", says)
        self.play("tcp\nquiet", method("channel.flow-ok", active=True))

    def test_a_body_a_property_more_or_less(self):
        line = 'tcp\n< basic.get-ok delivery_tag=1 body="x" '
        says = content("basic.get-ok", b"x", {"priority": 5}, delivery_tag=1)
        self.play(line + "priority=5", says)
        self.differs("property priority: expected 4, got 5", line + "priority=4", says)
        self.differs("property priority: expected none, got 5", line, says)
        self.differs("property app_id: expected \"a\", got none", line + "priority=5 app_id=a",
                     says)
        self.differs('the body: expected "y", got "x"', line.replace('"x"', '"y"') + "priority=5",
                     says)

    def test_headers_are_compared_whatever_their_order(self):
        headers = [(b"b", ("A", [("I", 1), ("S", b"x")])), (b"a", ("l", 5))]
        says = content("basic.get-ok", b"", {"headers": headers})
        line = "tcp\n< basic.get-ok headers="
        self.play(line + "{a=l:5, b=[1, x]}", says)
        self.play(line + "{b=*, ...}", says)
        self.play(line + "{a=l:$n, b=[*, x]}", says)
        for part, table in (("type I, got l", "{a=5, b=[1, x]}"), ("the keys", "{a=l:5}"),
                            ("expected 6, got 5", "{a=l:6, b=[1, x]}"),
                            ("expected 1 items, got 2", "{a=l:5, b=[1]}"),
                            (r'b"\[1\]: expected "y", got "x"', "{a=l:5, b=[1, y]}")):
            self.differs(part, line + table, says)

    def test_errors_are_named_in_full(self):
        says = method("connection.close", 0, reply_code=404, reply_text=b"NOT_FOUND - no x",
                      class_id=50, method_id=10)
        self.play('tcp\nfailed 404 "no x" queue.declare', says, closes=True)
        for part, line in (("reply_code: expected 403", 'failed 403 "no x" queue.declare'),
                           ("reply_text", 'failed 404 "no y" queue.declare'),
                           ("method_id: expected 20", 'failed 404 "no x" queue.bind'),
                           ("class_id: expected 0", 'failed 404 "no x"')):
            self.differs(part, "tcp\n" + line, says, closes=True)
        self.play('tcp\nfailed 404 ~"no ." *', says, closes=True)

    def test_bytes_behind_the_end(self):
        says = method("connection.close", 0, reply_code=404, reply_text=b"NOT_FOUND - x")
        self.differs("expected the end", 'tcp\nfailed 404 "x"', says + b"\1\0\0", closes=True)

    def test_the_end_and_what_comes_before_it(self):
        self.play("tcp\nclosed", closes=True)
        self.play('tcp\nclosed after="bye"', b"bye", closes=True)
        self.differs("expected the end", "tcp\nclosed", b"bye", closes=True)
        self.differs("expected the end", 'tcp\nclosed after="by"', b"bye", closes=True)

    def test_a_connection_that_closes_where_a_frame_should_come(self):
        self.differs("the connection closed", "tcp\n< channel.open-ok", closes=True)

    def test_what_is_no_amqp(self):
        self.differs("a frame of type 9", "tcp\n< channel.open-ok", b"\x09" + bytes(10))
        self.differs("ends in 0x0", "tcp\n< channel.open-ok", self.OK[:-1] + b"\0")
        self.differs("left over", "tcp\n< channel.open-ok",
                     wire.encode_frame(1, 1, wire.encode_method("basic.qos-ok", {}) + b"x"))
        self.differs("only a client may send", "tcp\n< channel.open-ok", method("channel.open"))
        self.differs("inside the content", "tcp\n< basic.get-ok",
                     method("basic.get-ok") + method("basic.get-ok"))
        self.differs("wrong place", "tcp\n< basic.get-ok", wire.encode_frame(3, 1, b"x"))
        self.differs("more body", "tcp\n< basic.get-ok", method("basic.get-ok") +
                     wire.encode_frame(2, 1, wire.encode_header(1, {})) +
                     wire.encode_frame(3, 1, b"xy"))

    def test_confirms_may_be_gathered_but_not_missing_nor_doubled(self):
        gathered = method("basic.ack", delivery_tag=2, multiple=True) + \
            method("basic.nack", delivery_tag=3)
        self.play("tcp\nconfirms acked=1..2 nacked=3", gathered)
        self.differs("expected acks of", "tcp\nconfirms acked=1..3", gathered)
        self.differs("confirmed again", "tcp\nconfirms acked=1..2",
                     method("basic.ack", delivery_tag=1) * 2)
        self.differs("the connection closed", "tcp\nconfirms acked=1..2",
                     method("basic.ack", delivery_tag=1), closes=True)

    def test_any_order_but_nothing_else(self):
        text = "tcp\nunordered\n< basic.ack delivery_tag=1\n< basic.ack delivery_tag=2\nend"
        two, one = method("basic.ack", delivery_tag=2), method("basic.ack", delivery_tag=1)
        self.play(text, two + one)
        self.differs("none of them", text, two + two)


class Wire(unittest.TestCase):
    def test_every_method_goes_there_and_back(self):
        samples = {"OCTET": 1, "SHORT": 2, "LONG": 3, "LONGLONG": 4, "BIT": True,
                   "SHORTSTR": b"s", "LONGSTR": b"l", "TABLE": [(b"k", ("t", True))]}
        self.assertGreater(len(wire.METHODS), 60)
        for name, one in wire.METHODS.items():
            values = {field: samples[kind] for field, kind in one.fields}
            with self.subTest(name):
                self.assertEqual(wire.decode_method(wire.encode_method(name, values)),
                                 (name, values))

    def test_bytes_written_by_hand(self):
        self.assertEqual(
            method("queue.declare", 7, queue=b"q", durable=True, no_wait=True).hex(),
            "010007" "0000000d" "0032000a" "0000" "0171" "12" "00000000" "ce")

    def test_requests_know_their_replies(self):
        self.assertEqual([reply.name for reply in wire.METHODS["basic.get"].replies],
                         ["basic.get-ok", "basic.get-empty"])
        self.assertEqual(wire.METHODS["basic.publish"].replies, [])


class Cuts(unittest.TestCase):
    def test_a_send_is_cut_behind_a_byte_or_into_all(self):
        cuts = split.Cuts()
        self.addCleanup(cuts.look.socket.close)
        self.assertEqual(cuts.parts(b"abcd"), [b"abcd"])
        cuts.begin(place=3)
        self.assertEqual(cuts.parts(b"abcd"), [b"abc", b"d"])
        self.assertEqual(cuts.parts(b"abc"), [b"abc"])
        cuts.begin(is_single=True)
        self.assertEqual(cuts.parts(b"abc"), [b"a", b"b", b"c"])
        self.assertEqual(b"".join(cuts.parts(b"x" * 5000)), b"x" * 5000)
        cuts.is_off = True
        self.assertEqual(cuts.parts(b"abc"), [b"abc"])
        self.assertEqual(cuts.longest, 5000)

    def test_the_kernel_says_what_was_not_read(self):
        with socket.create_server(("127.0.0.1", 0)) as door, \
                socket.create_connection(door.getsockname()) as here:
            there, _ = door.accept()
            look, ends = split.Look(), (here.getsockname(), here.getpeername())
            here.sendall(b"12345")
            self.assertEqual(look.waiting(*ends), 5)
            there.recv(3)
            self.assertEqual(look.waiting(*ends), 2)
            there.close()
            look.socket.close()


class Coverage(unittest.TestCase):
    def setUp(self):
        self.scripts = [script.parse_script(path) for path in run.scripts([])]
        self.ids = {i for one in self.scripts for case in one.cases for i in case.ids}
        self.readme = (HERE / "README.md").read_text()

    def test_the_readme_shows_what_is_covered(self):
        for line in run.coverage():
            self.assertIn(line, self.readme, "print it anew: tests/dialogue/run.py --coverage")

    def test_every_case_of_bad_input_has_a_script_or_a_reason(self):
        reasons = set(re.findall(r"(?m)^\| ([A-G]\d+) \|", self.readme))
        for group, first, last in GROUPS:
            for number in range(first, last + 1):
                name = f"{group}{number}"
                self.assertNotEqual(name in self.ids, name in reasons, name)

    def test_what_is_tested_elsewhere_is_there(self):
        rows = re.findall(r"(?m)^\| [A-G]\d+ \| `([^`]+)` \| `([^`]+)` \|", self.readme)
        self.assertGreater(len(rows), 5)
        for path, test in rows:
            self.assertIn(test, (ROOT / path).read_text(), path)

    def test_every_refusal_stands_where_the_readme_says(self):
        rows = re.findall(r"(?m)^\| (\d{3}) \| (.+) \| `([^`]+)` \|$", self.readme)
        self.assertGreater(len(rows), 60)
        for code, words, path in rows:
            text = re.sub(r'"\s+"', "", (ROOT / path).read_text())
            lines = [line for line in text.split("\n") if words in line and code in line]
            with self.subTest(words):
                self.assertTrue(lines or path.endswith(".c") and words in text, path)

    def test_every_method_is_in_some_script(self):
        text = "\n".join(path.read_text() for path in run.scripts([])) + \
            (HERE / "player.py").read_text()
        words = set(re.findall(r"[a-z]+\.[a-z-]+", text))
        implied = {reply.name for name in words & set(wire.METHODS)
                   for reply in wire.METHODS[name].replies}
        self.assertEqual(set(wire.METHODS) - words - implied, NEVER_SENT)


if __name__ == "__main__":
    peer.DEADLINE_S = 5
    unittest.main()
