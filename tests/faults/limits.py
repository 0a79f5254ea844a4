#!/usr/bin/env python3
# Takes from a broker what it needs, or asks too much of it, while honest clients go on.
"""usage: limits.py [--short] [PART...]
       limits.py --list                 prints the names of the parts

Each part has a broker with honest clients (trust_load) and does one thing to it. Meanwhile a fresh
client must be served soon; afterwards the broker must have as many open files as before and no more
than 64 MiB more memory, everything must come out, and the history must be good.

Without --short the numbers are those of docs/TRUST.md; with it all takes about two minutes."""
import os
import pathlib
import resource
import select
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import lives  # noqa: E402
import certificates  # noqa: E402
import peer  # noqa: E402
import player  # noqa: E402
import wire  # noqa: E402

MEMORY_MORE, FILES_MORE = 64 << 20, 8
PER_STRANGER = 64 << 10  # bytes of a connection that has not logged in
SERVED_S, BACK_S, GONE_S = 15, 90, 60
WARM_S = 1.0
IS_JUDGED = "MILLRACE_SIZE" not in os.environ  # memory; sanitizers keep what was freed
NAMES = {}


def part(short, long):
    """Marks a function as a part; it is given the round and so many of whatever it counts."""
    def mark(function):
        NAMES[function.__name__] = (function, short, long)
        return function
    return mark


# ---- looking ----

def memory(one):
    return one.broker.memory() if IS_JUDGED else 0


def files(one):
    return one.broker.open_files()


def wait_until(condition, seconds, text):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise lives.Trouble(text() if callable(text) else text)
        select.select([], [], [], 0.05)


def served(one):
    """A fresh client logs in, publishes, gets; returns the seconds it took."""
    began = time.monotonic()
    player.probe(one.broker)
    took = time.monotonic() - began
    if took > SERVED_S:
        raise lives.Trouble(f"an honest client was served after {took:.1f} s")
    return took


def seen(text):
    print(f"    {text}", flush=True)


def watch(one, seconds):
    """Honest clients are served all the time; returns the longest it took one."""
    deadline, longest = time.monotonic() + seconds, 0.0
    while time.monotonic() < deadline:
        longest = max(longest, served(one))
        one.wait(0.1)
    return longest


def connect(one, port=None):
    """Only a socket, that waits for nothing."""
    there = socket.socket()
    there.settimeout(30)
    there.connect((one.broker.host, port or one.broker.port))
    there.setblocking(False)
    return there


def enter(one, channels=1):
    there = peer.Peer(one.broker.host, one.broker.port)
    player.login(there)
    for channel in range(1, channels + 1):
        there.send_method(channel, "channel.open", {})
    for channel in range(1, channels + 1):
        player.take_named(there, channel, "channel.open-ok")
    return there


def have_ended(sockets):
    """Takes those that the broker has ended out of the list."""
    poll = select.poll()
    of = {}
    for there in sockets:
        poll.register(there, select.POLLIN)
        of[there.fileno()] = there
    for number, _ in poll.poll(0):
        try:
            while of[number].recv(65536):
                pass
        except BlockingIOError:
            continue
        except OSError:
            pass
        sockets.remove(of[number])
        of[number].close()
    return not sockets


def is_over(there, byte):
    """Sends it; whether the broker has ended the connection."""
    try:
        there.send(byte)
        while there.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


# ---- the parts ----

@part(8, 1000)
def full(one, rounds):
    """The disk fills up and has room again; honest clients wait, and lose nothing."""
    ballast = one.broker.data.parent / "ballast"
    for _ in range(rounds):
        with open(ballast, "wb") as out:
            try:
                while True:
                    out.write(bytes(1 << 20))
                    out.flush()
            except OSError:
                pass
        one.wait(one.random.uniform(0.05, 0.4))
        ballast.unlink(missing_ok=True)
        wait_until(lambda: is_served(one), SERVED_S, "nobody is served when there is room again")
    seen(f"the disk was full {rounds} times")


def is_served(one):
    try:
        served(one)
    except AssertionError:
        return False
    return True


@part(200, 2000)
def descriptors(one, count):
    """More connections than it may have files."""
    most = files(one) + 20
    resource.prlimit(one.broker.process.pid, resource.RLIMIT_NOFILE, (most, most))
    crowd = [connect(one) for _ in range(count)]
    one.wait(2)
    used = files(one)
    if used > most:
        raise lives.Trouble(f"{used} files of {most}")
    for there in crowd:
        there.close()
    wait_until(lambda: is_served(one), BACK_S, "nobody is served when files are free again")
    seen(f"{count} connections for 20 files, {used} of {most} in use")


@part(40, 400)
def room(one, count):
    """Publishers want more memory than there is: they are held back, nobody else is hurt."""
    text = pathlib.Path(f"/proc/{one.broker.process.pid}/status").read_text()
    size = int(text.split("VmSize:")[1].split()[0]) << 10
    most = size + (1 << 30)
    resource.prlimit(one.broker.process.pid, resource.RLIMIT_AS, (most, most))
    greedy = [enter(one) for _ in range(8)]
    for there in greedy:
        there.socket.setblocking(False)
    head = wire.encode_frame(1, 1, wire.encode_method("queue.declare", {"queue": b"heap"}))
    publish = wire.encode_frame(1, 1, wire.encode_method("basic.publish", {"routing_key": b"heap"}))
    message = publish + wire.encode_content(1, wire.encode_header(1 << 20, {}), bytes(1 << 20),
                                            131072)
    greedy[0].send(head)
    sent, left = 0, {there: b"" for there in greedy}
    deadline = time.monotonic() + 10
    while sent < count << 20 and time.monotonic() < deadline:
        for there in greedy:
            left[there] = left[there] or message
            try:
                done = there.socket.send(left[there])
            except OSError:
                continue
            left[there] = left[there][done:]
            sent += done
        one.wait(0.001)
    for there in greedy:
        there.close()
    wiper = enter(one)
    player.ask(wiper, "queue.delete", "queue.delete-ok", queue=b"heap")
    wiper.close()
    seen(f"{sent >> 20} MiB for a queue that nobody reads, in an address space with 1 GiB more")


@part(2000, 10000)
def strangers(one, count):
    """Half-open handshakes: each costs little, honest clients are served, all are ended in time."""
    one.clients.ask("leave")  # so that nobody else's memory is counted
    before, files_before = memory(one), files(one)
    crowd = []
    for number in range(count):
        there = connect(one)
        there.send(wire.GREETING if number % 2 else wire.GREETING[:5])
        crowd.append(there)
    wait_until(lambda: files(one) >= files_before + count // 2, SERVED_S, "they are not let in")
    took = max(served(one) for _ in range(3))
    let_in = files(one) - files_before
    each = (memory(one) - before) // max(let_in, 1)
    if each > PER_STRANGER:
        raise lives.Trouble(f"each of {let_in} strangers costs {each} bytes")
    wait_until(lambda: have_ended(crowd), GONE_S, lambda: f"{len(crowd)} strangers are still there")
    seen(f"{count} half-open handshakes, {let_in} at once, {each} bytes each; an honest client was "
         f"served in {took:.2f} s")


@part(300, 2000)
def talkers(one, count):
    """Strangers who send as much as they can before they log in."""
    one.clients.ask("leave")  # so that nobody else's memory is counted
    before = memory(one)
    first = wire.GREETING + wire.encode_frame(1, 0, bytes(8000))[:4000]
    huge = wire.GREETING + b"\1\0\0\x7f\xff\xff\xff" + bytes(1 << 20)
    crowd = []
    for number in range(count):
        there = connect(one)
        try:
            there.send(first if number % 2 else huge)
        except OSError:
            pass
        crowd.append(there)
    each = max(memory(one) - before, 0) // count
    longest = watch(one, 1)
    each = max((memory(one) - before) // count, each)
    if each > PER_STRANGER:
        raise lives.Trouble(f"each of {count} strangers who talk costs {each} bytes")
    wait_until(lambda: have_ended(crowd), GONE_S, lambda: f"{len(crowd)} talkers are still there")
    seen(f"{count} strangers who say too much, {each} bytes each; others waited {longest:.2f} s")


@part(2047, 2047)
def bodies(one, count):
    """So many channels, each with a body that was announced and does not come."""
    before = memory(one)
    there = enter(one, count)
    header = wire.encode_header(16 << 20, {})
    for channel in range(1, count + 1):
        there.send(wire.encode_frame(1, channel, wire.encode_method(
            "basic.publish", {"routing_key": b"nowhere"})) + wire.encode_frame(2, channel, header))
    longest = watch(one, 1)
    more = memory(one) - before
    if more > MEMORY_MORE:
        raise lives.Trouble(f"{count} announced bodies of 16 MiB cost {more} bytes")
    there.close()
    seen(f"{count} announced bodies of 16 MiB cost {more >> 10} KiB; others waited {longest:.2f} s")


@part(100, 2000)
def loris(one, count):
    """One byte a second, by AMQP, by TLS, by HTTP."""
    line = one.broker.diag.read_text(errors="replace").rsplit("is ready", 1)[1]
    words = dict(word.split("=", 1) for word in line.split() if "=" in word)
    ports = {name: int(words[name].rsplit(":", 1)[1]) for name in ("amqp", "amqps", "http")}
    said = {"amqp": wire.GREETING, "amqps": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 4,
            "http": b"GET /api/overview HTTP/1.1\r\nHost: here\r\nX-Slow: " + b"x" * 80}
    crowd = [(name, connect(one, ports[name])) for name in ports for _ in range(count // 3)]
    began, at, longest = time.monotonic(), 0, 0.0
    while crowd and time.monotonic() < began + GONE_S:
        for name, there in list(crowd):
            if is_over(there, said[name][at:at + 1]):
                crowd.remove((name, there))
                there.close()
        at += 1
        longest = max(longest, watch(one, 1))
    if crowd:
        raise lives.Trouble(f"{len(crowd)} slow clients are still there, {crowd[0][0]} first")
    seen(f"{count} slow strangers were ended within {time.monotonic() - began:.0f} s; "
         f"others waited {longest:.2f} s")


@part(300, 20000)
def connections(one, count):
    """Connections come and go."""
    for _ in range(count):
        player.probe(one.broker, how="connect")
    seen(f"{count} connections came and went")


@part(4000, 1000000)
def channels(one, count):
    """Channels are opened and closed."""
    there = enter(one, 0)
    both = wire.encode_frame(1, 7, wire.encode_method("channel.open", {})) + \
        wire.encode_frame(1, 7, wire.encode_method("channel.close", {}))
    for _ in range(0, count, 100):
        there.send(both * 100)
        for _ in range(100):
            player.take_named(there, 7, "channel.open-ok")
            player.take_named(there, 7, "channel.close-ok")
    there.close()
    seen(f"{count} channels were opened and closed")


@part(100, 1000)
def deaf(one, count):
    """A consumer who never reads, of so many MiB."""
    before = memory(one)
    there = enter(one)
    player.ask(there, "queue.declare", "queue.declare-ok", queue=b"deaf")
    ear = peer.Peer(one.broker.host, one.broker.port, receive_buffer=4096)
    player.login(ear)
    player.open_channel(ear, 1)
    ear.send_method(1, "basic.consume", {"queue": b"deaf", "no_ack": True})
    body = bytes(1 << 16)
    for _ in range(count * 16):
        there.send_method(1, "basic.publish", {"routing_key": b"deaf"})
        there.send(wire.encode_content(1, wire.encode_header(len(body), {"delivery_mode": 2}), body,
                                       there.frame_max))
    longest = watch(one, 1)
    more = memory(one) - before
    ear.close()
    player.ask(there, "queue.delete", "queue.delete-ok", queue=b"deaf")
    there.close()
    seen(f"{count} MiB for one who does not read: {more >> 20} MiB more meanwhile; others waited "
         f"{longest:.2f} s")


# ---- all of them ----

def on_tmpfs(home):
    """A small disk in memory, in a space of mounts of our own."""
    place = pathlib.Path(home) / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", place], check=True)
    return place


def play(name, count, clients, total, home):
    settings = ["disk_free_limit.absolute=8MB", "listeners.ssl.default=127.0.0.1:0",
                "management.tcp.port=127.0.0.1:0", "millrace.log.cache_size=8MiB",
                *certified(home)]
    data = None
    if name == "full":
        data = on_tmpfs(home) / "data"
        settings += ["millrace.log.segment_size=16MiB", "millrace.log.spare_segments=2"]
    print(f"{name}:", flush=True)
    with lives.Round(clients, lives.random.randrange(1 << 40), settings, data=data) as one:
        one.begin()
        one.live(WARM_S)
        had_memory, had_files = memory(one), files(one)
        NAMES[name][0](one, count)
        one.clients.ask("leave")
        wait_until(lambda: files(one) <= had_files + FILES_MORE, BACK_S,
                   lambda: f"{files(one)} files are open, {had_files} before")
        wait_until(lambda: memory(one) <= had_memory + MEMORY_MORE, BACK_S,
                   lambda: f"{memory(one)} bytes are in use, {had_memory} before")
        seen(f"then {(memory(one) - had_memory) >> 10} KiB and {files(one) - had_files} files more "
             f"than before, clients gone")
        one.stop(in_order=True)
        one.finish()
    total.add(one, name)


def certified(home):
    folder = pathlib.Path(home)
    own = certificates.Authority(folder, "authority").issue("broker",
                                                            alternatives="DNS:localhost")
    return [f"ssl_options.certfile={own.certificate}", f"ssl_options.keyfile={own.key}"]


def main():
    words = sys.argv[1:]
    if words == ["--list"]:
        print("\n".join(NAMES))
        return 0
    is_short = "--short" in words
    names = [word for word in words if word != "--short"] or list(NAMES)
    if set(names) - set(NAMES):
        print(f"there is no such part; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    if not lives.has_own_mounts() and "full" in names:
        print("a small disk needs root and a mount namespace, and one is missing here: 'full' was "
              "not done")
        names.remove("full")
        if not names:
            return lives.SKIPPED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients, total = lives.Clients(), lives.Sum()
    for name in names:
        with tempfile.TemporaryDirectory(prefix="millrace-limits-") as home:
            _, short, long = NAMES[name]
            count = short if is_short else long
            if name == "strangers":
                count = min(count, hard - 500)
            play(name, count, clients, total, home)
            if name == "full":
                subprocess.run(["umount", f"{home}/small"], check=False)
    clients.close()
    return total.end(f"{len(names)} limits")


if __name__ == "__main__":
    sys.exit(main())
