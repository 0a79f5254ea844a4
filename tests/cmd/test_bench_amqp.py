#!/usr/bin/env python3
# Tests of `millrace-bench amqp`: it measures a broker, and it sees what a broker does wrong.
"""Runs the program in the folder that MILLRACE_BIN names; build/bin by default.

What is measured is the program's own floor, and a broker: Millrace, or the command line in
MILLRACE_BENCH_BROKER, where {port} stands for the port of 127.0.0.1 to listen on, and {dir} for a
folder of its own. Broken brokers are the floor behind a proxy that loses, doubles, swaps or alters
one delivery.

Nothing here sleeps: each step waits for a line or for the end of a process, with a deadline.
"""
import contextlib
import json
import os
import pathlib
import re
import selectors
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin")) / "millrace-bench"
DEADLINE_S = 120  # generous: a slow machine is not a failure
SHORT = ("--rounds", "1", "--duration", "200ms", "--warmup", "50ms")

METHOD, HEADER, BODY = 1, 2, 3
DELIVER = (60, 60)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def bench(*arguments, expect=0):
    """Runs the bench; returns what it printed and what it complained of."""
    done = subprocess.run([BENCH, "amqp", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    if done.returncode != expect:
        raise AssertionError(f"exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


@contextlib.contextmanager
def floor(*arguments):
    """A running floor; gives its port."""
    with subprocess.Popen([BENCH, "floor", "--port", "0", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(re.search(r":(\d+)$", process.stdout.readline())[1])
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(DEADLINE_S)
    if status != 0:
        raise AssertionError(f"the floor ended with {status}")


class Deliveries:
    """Cuts a broker's bytes into deliveries and the rest, and lets `spoil` change the former.

    `spoil` gets the number of a delivery and its frames, and returns what goes out instead.
    """

    def __init__(self, spoil):
        self.spoil, self.rest, self.open, self.left, self.count = spoil, b"", [], None, 0

    def feed(self, data):
        self.rest += data
        out = b""
        while len(self.rest) >= 7:
            kind, _, size = struct.unpack(">BHI", self.rest[:7])
            if len(self.rest) < size + 8:
                break
            frame, self.rest = self.rest[:size + 8], self.rest[size + 8:]
            out += self.take(kind, frame)
        return out

    def take(self, kind, frame):
        if kind == METHOD and struct.unpack(">HH", frame[7:11]) == DELIVER:
            self.open = [frame]
            return b""
        if not self.open:
            return frame
        self.open.append(frame)
        if kind == HEADER:
            self.left = struct.unpack(">Q", frame[11:19])[0]
        else:
            self.left -= len(frame) - 8
        if self.left > 0:
            return b""
        frames, self.open = b"".join(self.open), []
        self.count += 1
        return self.spoil(self.count, frames)


class Proxy:
    """Stands before a broker and spoils what it delivers."""

    def __init__(self, port, spoil):
        self.port, self.spoil = port, spoil
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.sockets = {}  # a socket -> (the one it is copied to, Deliveries or None)
        self.wakeup, self.stopper = socket.socketpair()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self.listener.getsockname()[1]

    def __exit__(self, *_):
        self.stopper.close()
        self.thread.join(DEADLINE_S)
        for one in [*self.sockets, self.listener, self.wakeup]:
            one.close()

    def run(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.listener, selectors.EVENT_READ)
            selector.register(self.wakeup, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self.wakeup:
                        return
                    if key.fileobj is self.listener:
                        self.accept(selector)
                    elif key.fileobj in self.sockets:
                        self.copy(selector, key.fileobj)

    def accept(self, selector):
        client = self.listener.accept()[0]
        broker = socket.create_connection(("127.0.0.1", self.port))
        self.sockets[client] = (broker, None)
        self.sockets[broker] = (client, Deliveries(self.spoil))
        for one in (client, broker):
            selector.register(one, selectors.EVENT_READ)

    def copy(self, selector, one):
        other, deliveries = self.sockets[one]
        try:
            data = one.recv(65536)
            if data:
                other.sendall(deliveries.feed(data) if deliveries else data)
                return
        except OSError:
            pass
        for both in (one, other):
            selector.unregister(both)
            del self.sockets[both]
            both.close()


def tag_of(frames):
    """Where the delivery tag is: behind head, ids and the consumer tag."""
    at = 12 + frames[11]
    return at, struct.unpack(">Q", frames[at:at + 8])[0]


def with_tag(frames, tag):
    at, _ = tag_of(frames)
    return frames[:at] + struct.pack(">Q", tag) + frames[at + 8:]


class Wrongs:
    """One wrong each; tags go on without a gap, so that only the messages themselves are wrong."""

    AT = 50

    def __init__(self):
        self.kept = b""

    def lose(self, number, frames):
        if number == self.AT:
            return b""
        return frames if number < self.AT else with_tag(frames, number - 1)

    def double(self, number, frames):
        if number < self.AT:
            return frames
        if number == self.AT:
            return frames + with_tag(frames, number + 1)
        return with_tag(frames, number + 1)

    def swap(self, number, frames):
        if number == self.AT:
            self.kept = frames
            return b""
        if number == self.AT + 1:
            return with_tag(frames, number - 1) + with_tag(self.kept, number)
        return frames

    def alter(self, number, frames):
        if number == self.AT:
            return frames[:-10] + bytes([frames[-10] ^ 1]) + frames[-9:]
        return frames

    def misname(self, number, frames):
        if number == self.AT:  # the last character of the routing key, the end of the first frame
            end = 7 + struct.unpack(">I", frames[3:7])[0]
            return frames[:end - 1] + bytes([frames[end - 1] ^ 1]) + frames[end:]
        return frames

    def jump(self, number, frames):
        return with_tag(frames, number + 1) if number == self.AT else frames


class BenchTest(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-bench-"))
        self.addCleanup(shutil.rmtree, self.home)

    def started(self, line):
        """The options that let the bench start a broker by this command line."""
        port = free_port()
        folder = self.home / "broker"
        folder.mkdir()
        return ("--uri", f"amqp://127.0.0.1:{port}", "--broker-command",
                line.format(port=port, dir=shlex.quote(str(folder))))

    def floor(self):
        return self.started(f"{shlex.quote(str(BENCH))} floor --port {{port}} --data-dir {{dir}}")

    def millrace(self):
        program = shlex.quote(str(BENCH.parent / "millrace"))
        return self.started(os.environ.get("MILLRACE_BENCH_BROKER") or
                            f"{program} --data-dir {{dir}} "
                            f"--set listeners.tcp.default=127.0.0.1:{{port}} "
                            f"--set management.tcp.port=none "
                            f"--set prometheus.tcp.port=none")

    def figures(self, *arguments):
        """Runs the bench and returns its JSON lines by scenario."""
        path = self.home / "figures.json"
        bench(*arguments, "--json", path)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return {line["scenario"]: line for line in lines}


class MeasuresTheFloor(BenchTest):
    """What both can do."""

    def broker(self):
        return self.floor()

    def test_every_kind_of_work(self):
        names = ["transient-16", "transient-64k", "persistent-window-1", "persistent-window-1000",
                 "publish-window-1000", "fanout-10", "latency-1000", "connections-4"]
        words = [word for name in names for word in ("--scenario", name)]
        lines = self.figures(*self.broker(), *SHORT, *words)
        self.assertEqual(list(lines), names)
        for name in names:
            self.assertNotIn("failure", lines[name])
            self.assertTrue(lines[name]["figures"])
        self.assertGreater(lines["transient-16"]["figures"]["delivered"]["median"], 1000)
        self.assertGreater(lines["persistent-window-1"]["figures"]["confirm p50"]["median"], 0)
        self.assertGreater(lines["latency-1000"]["figures"]["delivery p99"]["median"], 0)
        self.assertLess(lines["latency-1000"]["figures"]["published"]["median"], 1100)

    def test_a_stream_is_published_and_replayed(self):
        lines = self.figures(*self.broker(), *SHORT, "--scenario", "stream", "--count", 20000)
        self.assertGreater(lines["stream"]["figures"]["drained"]["median"], 0)

    def test_idle_connections_have_a_price(self):
        lines = self.figures(*self.broker(), *SHORT, "--scenario", "idle-connections",
                             "--objects", 100)
        self.assertIn("memory each", lines["idle-connections"]["figures"])

    def test_a_number_of_messages_instead_of_a_time(self):
        lines = self.figures(*self.broker(), "--rounds", 2, "--count", 5000, "--window", 10,
                             "--persistent", "--ack", 7, "--prefetch", 20)
        self.assertEqual(len(lines["custom"]["figures"]["confirmed"]["values"]), 2)

    def test_messages_of_several_frames_are_checked(self):
        self.figures(*self.broker(), *SHORT, "--size", "300KiB")


class MeasuresMillrace(MeasuresTheFloor):
    """The same on a broker, and what needs one: queues, bindings, a disk."""

    def broker(self):
        return self.millrace()

    def test_many_queues(self):
        names = ["queues-10", "topic-1000", "idle-queues", "idle-streams", "stream-publish"]
        words = [word for name in names for word in ("--scenario", name)]
        lines = self.figures(*self.broker(), *SHORT, "--objects", 50, *words)
        self.assertEqual(list(lines), names)

    def test_a_stream_is_published_and_replayed(self):
        lines = self.figures(*self.broker(), *SHORT, "--scenario", "stream", "--count", 20000)
        self.assertEqual(list(lines), ["stream"])

    def test_a_group_shares_a_stream(self):
        self.figures(*self.broker(), *SHORT, "--scenario", "group-8")

    def test_a_stream_is_read_by_ten(self):
        self.figures(*self.broker(), *SHORT, "--scenario", "stream-10-readers", "--count", 5000)

    def test_messages_that_wait(self):
        lines = self.figures(*self.broker(), *SHORT, "--scenario", "delayed-1m", "--count", 5000,
                             "--delay", "10s")
        self.assertGreater(lines["delayed-1m"]["figures"]["drained"]["median"], 0)

    def test_messages_that_were_due_before_they_came(self):
        output, _ = bench(*self.broker(), *SHORT, "--scenario", "delayed-1m", "--count", 5000,
                          "--delay", "1ms", expect=1)
        self.assertRegex(output, r"\d+ ms after it was due; --delay must be longer")

    def test_history_comes_into_a_queue(self):
        lines = self.figures(*self.broker(), *SHORT, "--scenario", "replay", "--count", 20000)
        figures = lines["replay"]["figures"]
        for name in ("published alone", "published, a queue bound", "published beside the replay",
                     "ratio to alone", "ratio to a queue bound"):
            self.assertGreater(figures[name]["median"], 0, name)
        self.assertIn("replayed beside them", figures)

    def test_consumers_that_compete(self):
        self.figures(*self.broker(), *SHORT, "--queues", 2, "--consumers", 6, "--producers", 3,
                     "--ack", 3, "--prefetch", 5)

    def test_a_headers_exchange(self):
        self.figures(*self.broker(), *SHORT, "--exchange", "headers", "--queues", 2,
                     "--consumers", 2)

    def test_a_direct_exchange(self):
        self.figures(*self.broker(), *SHORT, "--exchange", "direct", "--mandatory", "--window", 5)

    def test_a_backlog_is_drained(self):
        lines = self.figures(*self.broker(), *SHORT, "--scenario", "queued-1m", "--count", 5000)
        self.assertGreater(lines["queued-1m"]["figures"]["drained"]["median"], 0)

    def test_what_was_confirmed_is_there_after_kill_9(self):
        lines = self.figures(*self.broker(), *SHORT, "--scenario", "start", "--count", 5000)
        self.assertIn("start, empty", lines["start"]["figures"])

    def test_the_floor_stands_beside_a_broker(self):
        output, _ = bench(*self.broker(), *SHORT, "--scenario", "transient-1k", "--floor",
                          "--name", "ours")
        self.assertRegex(output, r"ours +floor +ratio")


class Refusals(BenchTest):
    def test_nobody_listens(self):
        _, complaint = bench("--uri", f"amqp://127.0.0.1:{free_port()}", expect=1)
        self.assertRegex(complaint, r"cannot talk to 127.0.0.1 port \d+: nobody listens there")

    def test_what_speaks_something_else(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def answer():
                peer = listener.accept()[0]
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                peer.recv(100)
                peer.recv(100)
                peer.close()

            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            port = listener.getsockname()[1]
            _, complaint = bench("--uri", f"amqp://127.0.0.1:{port}", expect=1)
            thread.join(DEADLINE_S)
        self.assertIn("is not AMQP 0-9-1", complaint)

    def test_a_command_that_ends_at_once(self):
        _, complaint = bench("--uri", f"amqp://127.0.0.1:{free_port()}", "--broker-command", "true",
                             expect=1)
        self.assertIn("ended before it could be talked to", complaint)

    def test_words_that_make_no_sense(self):
        for words, part in [(["--sise", "1"], "--sise"), (["--size"], "--size"),
                            (["--scenario", "nope"], "nope"), (["--uri", "http://x"], "http://x"),
                            (["--producers", "0"], "nobody publishes"), (["nope"], "nope")]:
            status = 1 if words[0] == "--uri" else 2
            _, complaint = bench(*words, expect=status)
            self.assertIn(part, complaint)

    def test_help_and_list(self):
        output, _ = bench("--help")
        self.assertIn("--broker-pid", output)
        self.assertIn("--prefetch", output)
        output, _ = bench("--list")
        self.assertIn("persistent-window-100", output)


class Checks(BenchTest):
    """What a broken broker does is seen, and said in a sentence."""

    def spoiled(self, wrong, *arguments):
        with floor() as port, Proxy(port, wrong) as spoiled_port:
            output, complaint = bench("--uri", f"amqp://127.0.0.1:{spoiled_port}", "--rounds", 1,
                                      "--count", 200, "--patience", "500ms", *arguments, expect=1)
        self.assertIn("something went wrong", complaint)
        return re.search(r"FAILED on broker: (.*)", output)[1]

    def test_a_proxy_that_spoils_nothing_is_no_failure(self):
        with floor() as port, Proxy(port, lambda _, frames: frames) as proxy_port:
            bench("--uri", f"amqp://127.0.0.1:{proxy_port}", "--rounds", 1, "--count", 200)

    def test_a_lost_message(self):
        self.assertIn(": 1 lost;", self.spoiled(Wrongs().lose))

    def test_a_message_that_comes_twice(self):
        self.assertIn(": 1 twice;", self.spoiled(Wrongs().double))

    def test_two_messages_in_the_wrong_order(self):
        self.assertIn(": 1 disorder;", self.spoiled(Wrongs().swap))

    def test_an_altered_body(self):
        self.assertIn("1 altered", self.spoiled(Wrongs().alter))

    def test_an_altered_body_of_several_frames(self):
        self.assertIn("1 altered", self.spoiled(Wrongs().alter, "--size", "200KiB"))

    def test_an_altered_routing_key(self):
        self.assertIn("1 altered", self.spoiled(Wrongs().misname))

    def test_a_delivery_tag_that_is_not_the_next(self):
        self.assertIn("delivery tag 51 came where 50 was due", self.spoiled(Wrongs().jump))


if __name__ == "__main__":
    unittest.main()
