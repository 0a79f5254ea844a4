#!/usr/bin/env python3
# The broker under stress: whether it stays fair and bounded. Each case prints its ratio.
"""usage: scripts/bench stress [CASE]... [--seconds 5] [--replay-mib 1024] [--fsync-ms 10]

  slow-consumer   a hundred consumers, and one beside them that reads nothing of what it is sent:
                  the rate of the hundred, with and without him
  cold-replay     live confirms and deliveries at 10,000 a second while somebody reads a stream of
                  --replay-mib from its first message: p99, with and without him
  slow-disk       every fdatasync takes --fsync-ms longer (injected by strace): rates of windows of
                  1 and of 1,000, with and without that. Whoever waits for 1,000 confirms gets no
                  more than 1,000 in the time of a sync, from any broker: the bar is for CROWD
                  publishers, who together wait for enough
  fast-publishers publishers that ask for no confirms, faster than such a disk: memory, and whether
                  they are held back

Ratios are of two measurements, one right after the other, on brokers of their own.
"""
import argparse
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import growth

sys.path.insert(0, str(growth.ROOT / "tests" / "dialogue"))
import peer  # noqa: E402
import player  # noqa: E402
import wire  # noqa: E402

MIB = 1 << 20
BODY = bytes(1024)
BLOCK = 512           # messages of one write of ours
CROWD = 20            # publishers, a queue and a consumer each
PACE_S = 0.1          # the slow consumer's publisher: BLOCK messages every so often
REST_CPU_S = 0.05     # of a second: it has nothing to do
READ_ACK = 1000       # deliveries of the replay between two acks


class Place:
    """Where a broker listens."""

    host = "127.0.0.1"

    def __init__(self, words):
        self.port = int(words[words.index("--uri") + 1].rsplit(":", 1)[1])


def enter(place, receive_buffer=None):
    """A connection with channel 1, when the broker is there."""
    deadline = time.monotonic() + peer.DEADLINE_S
    while True:
        try:
            one = peer.Peer(place.host, place.port, receive_buffer)
            break
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)  # the bench starts it
    player.login(one)
    player.open_channel(one, 1)
    return one


def publish(queue, count):
    frame = wire.encode_frame(wire.METHOD, 1, wire.encode_method(
        "basic.publish", {"routing_key": queue}))
    header = wire.encode_header(len(BODY), {"delivery_mode": 1})
    return (frame + wire.encode_content(1, header, BODY, 0)) * count


class Beside(threading.Thread):
    """What goes on beside a measurement, until it is stopped."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.place, self.is_over, self.failure = place, threading.Event(), None
        self.start()

    def run(self):
        try:
            self.work()
        except (AssertionError, OSError) as error:
            if not self.is_over.is_set():
                self.failure = error

    def work(self):
        """What it does; ends soon after is_over is set."""

    def stop(self):
        self.is_over.set()
        self.join()
        if self.failure:
            raise self.failure


class SlowConsumer(Beside):
    """Is sent what he does not read."""

    def work(self):
        consumer = enter(self.place, receive_buffer=4096)
        publisher = enter(self.place)
        player.ask(consumer, "queue.declare", "queue.declare-ok", queue=b"slow",
                   arguments=[(b"x-max-length", ("I", 100000))])
        player.ask(consumer, "basic.consume", "basic.consume-ok", queue=b"slow", no_ack=True)
        while not self.is_over.wait(PACE_S):
            publisher.send(publish(b"slow", BLOCK))


class Replay(Beside):
    """Reads the stream `cold` of so many messages from the first one, again and again."""

    def __init__(self, place, count):
        self.count, self.read = count, 0
        super().__init__(place)

    def work(self):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        reader = enter(self.place)
        reader.send_method(1, "basic.qos", {"prefetch_count": 4 * READ_ACK})
        player.take_named(reader, 1, "basic.qos-ok")
        reader.raw = True
        while not self.is_over.is_set():
            self.read_all(reader)

    def read_all(self, reader):
        """Once through it; a delivery is as long as the one before."""
        end = self.read + self.count
        reader.send_method(1, "basic.consume", {
            "queue": b"cold", "consumer_tag": b"replay",
            "arguments": [(b"x-stream-offset", ("S", b"first"))]})
        take_frame(reader)
        size = sum(take_frame(reader) for _ in range(3))
        self.read += 1
        while not self.is_over.is_set() and self.read < end:
            count = min(READ_ACK, end - self.read)
            reader.take_bytes(count * size)
            self.read += count
            reader.send_method(1, "basic.ack", {"delivery_tag": self.read, "multiple": True})
        if not self.is_over.is_set():
            reader.send_method(1, "basic.cancel", {"consumer_tag": b"replay"})
            take_frame(reader)


def take_frame(one):
    head = one.take_bytes(7)
    size = int.from_bytes(head[3:7], "big") + 1
    one.take_bytes(size)
    return 7 + size


def fill_stream(place, count):
    """So many messages into the stream `cold`, all safe."""
    one = enter(place)
    player.ask(one, "queue.declare", "queue.declare-ok", queue=b"cold", durable=True,
               arguments=[(b"x-queue-type", ("S", b"stream"))])
    player.ask(one, "confirm.select", "confirm.select-ok")
    block = publish(b"cold", BLOCK)
    for sent in range(BLOCK, count + BLOCK, BLOCK):
        one.send(block)
        while one.inbox[1] and len(one.inbox[1]) > 1:
            one.take(1)
    while one.take(1).values["delivery_tag"] < sent:
        pass
    one.socket.close()
    return sent


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Running:
    """A broker for the time of a block."""

    def __init__(self, words, folder):
        self.command = words[words.index("--broker-command") + 1]
        self.diag = pathlib.Path(folder, "diag")

    def __enter__(self):
        with open(self.diag, "wb") as out:
            self.process = subprocess.Popen(["/bin/sh", "-c", "exec " + self.command], stderr=out)
        return self

    def rest(self):
        """Waits until it is done with what it was given, and the disk too."""
        used = -1.0
        while (now := cpu_seconds(self.process.pid)) - used > REST_CPU_S:
            used = now
            time.sleep(1)
        os.sync()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


# ---- cases ----

def figure(figures, name):
    if name not in figures:
        raise AssertionError(f"there is no figure '{name}'")
    return figures[name]["median"]


def bench(words, folder, *options):
    figures, failure = growth.run_bench([*words, "--rounds", 1, *options], folder)
    if failure:
        raise AssertionError(failure)
    return figures


def show(text, without, with_it, bar):
    print(f"{text}: {without:,.4g} without, {with_it:,.4g} with: {with_it / without:.2f}{bar}",
          flush=True)


def slow_consumer(given, folder):
    options = ["--scenario", "queues-100", "--duration", f"{given.seconds}s"]
    rates = []
    for is_slow in (False, True):
        words = growth.broker_words(f"{folder}/{is_slow}")
        beside = SlowConsumer(Place(words)) if is_slow else None
        rates.append(figure(bench(words, folder, *options), "confirmed"))
        if beside:
            beside.stop()
    show("slow-consumer, confirmed by the others, /s", *rates, "  (as before: 1)")


def cold_replay(given, folder):
    options = ["--scenario", "latency-10000-persistent", "--duration", f"{given.seconds}s"]
    words = growth.broker_words(folder)
    place = Place(words)
    # The broker stays for both: the bench is told nothing of how it starts.
    with Running(words, folder) as broker:
        count = fill_stream(place, given.replay_mib * MIB // len(BODY))
        broker.rest()
        uri = words[:2]
        calm = bench(uri, folder, *options)
        replay = Replay(place, count)
        beside = bench(uri, folder, *options)
        read = replay.read
        replay.stop()
    for name in ("delivery p99", "confirm p99"):
        show(f"cold-replay, {name}, us", figure(calm, name), figure(beside, name),
             "  (at most 2)")
    print(f"cold-replay, read meanwhile: {read:,} messages, of {count:,} in the stream")


def slowed(words, given):
    """The same words for a broker whose syncs take longer."""
    at = words.index("--broker-command") + 1
    inject = f"-e trace=fdatasync -e inject=fdatasync:delay_exit={given.fsync_ms * 1000}"
    return [*words[:at], f"strace -D -f --seccomp-bpf -o /dev/null {inject} {words[at]}",
            *words[at + 1:]]


def slow_disk(given, folder):
    most = 1000 * 1000 // given.fsync_ms
    for window, count, bar in ((1, 1, ""), (1000, 1, f"  (a sync is {given.fsync_ms} ms: at most "
                                                     f"{most:,} /s)"),
                               (1000, CROWD, "  (at least 0.5)")):
        rates = []
        for is_slow in (False, True):
            words = growth.broker_words(f"{folder}/{window}.{count}{is_slow}")
            words = slowed(words, given) if is_slow else words
            found = bench(words, folder, "--scenario", f"persistent-window-{window}",
                          "--producers", count, "--queues", count, "--consumers", count,
                          "--duration", f"{given.seconds}s")
            rates.append(figure(found, "confirmed"))
        show(f"slow-disk, window {window} of {count}, confirmed, /s", *rates, bar)


def fast_publishers(given, folder):
    for count in (1, 4):
        words = slowed(growth.broker_words(f"{folder}/{count}"), given)
        found = bench(words, folder, "--shape", "backlog", "--persistent", "--durable",
                      "--consumers", 0, "--producers", 4, "--count", count * 200000)
        print(f"fast-publishers, {count * 200000:,} messages of 1 KiB: "
              f"{figure(found, 'published'):,.0f} a second, "
              f"{found.get('memory for the backlog', {'median': 0})['median']:,.1f} MB more memory")


CASES = {"slow-consumer": slow_consumer, "cold-replay": cold_replay, "slow-disk": slow_disk,
         "fast-publishers": fast_publishers}


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n", maxsplit=1)[0][len("usage: "):])
    parser.add_argument("cases", nargs="*", choices=[*CASES, []])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--replay-mib", type=int, default=1024)
    parser.add_argument("--fsync-ms", type=int, default=10)
    given = parser.parse_args()
    work = growth.ROOT / "bench-data"
    work.mkdir(exist_ok=True)
    status = 0
    for name in given.cases or CASES:
        if CASES[name] in (slow_disk, fast_publishers) and not shutil.which("strace"):
            print(f"{name}: skipped, there is no strace")
            continue
        with tempfile.TemporaryDirectory(dir=work) as folder:
            try:
                CASES[name](given, folder)
            except (AssertionError, OSError, socket.timeout) as error:
                print(f"{name}: FAILED: {error}")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
