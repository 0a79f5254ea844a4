# Cases played again with what the client sends cut in two at each place, and byte by byte.
"""A broker may not care in which pieces bytes come. A case is played once as it is, then byte by
byte, then once for each place: with k, every send that is longer than k bytes is cut behind its
k-th byte, and the rest follows when the broker has taken the first part. Handshakes that a case
only needs to begin are cut in the cases about handshakes alone.

Meanwhile an honest client publishes and gets on a connection of its own.

What takes long is played byte by byte only, and of a long send only the first bytes are cut."""
import random
import socket
import struct
import threading
import time

import broker
import peer
import player
import wire

PLACES_MAX = 400  # of one send
SINGLE_MAX = 600  # bytes of one send that go alone
SINGLE_ALL_MAX = 2000  # and of one case
SLOW_S = 0.25  # a case that takes so long is not played for each place
TAKEN_S = 0.02  # a broker that does not read so long does not want to
HONEST_S = 30
NETLINK_SOCK_DIAG, BY_FAMILY, REQUEST = 4, 20, 1
NO_COOKIE = 0xffffffff
RQUEUE_AT = 16 + 4 + 48 + 4  # behind the heads of netlink and of the answer, the addresses, a time


class Look:
    """What waits to be read at the other end of a connection of this machine, says the kernel."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)

    def waiting(self, here, there):
        """Bytes; 0 when there is no such connection any more."""
        ends = struct.pack("!HH4s12x4s12xI", there[1], here[1], socket.inet_aton(there[0]),
                           socket.inet_aton(here[0]), 0) + struct.pack("=II", NO_COOKIE, NO_COOKIE)
        ask = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xffffffff) + ends
        self.socket.send(struct.pack("=IHHII", 16 + len(ask), BY_FAMILY, REQUEST, 0, 0) + ask)
        answer = self.socket.recv(4096)
        kind = struct.unpack_from("=H", answer, 4)[0]
        return struct.unpack_from("=I", answer, RQUEUE_AT)[0] if kind == BY_FAMILY else 0


class Cuts:
    """How sends are cut now, and what was sent."""

    def __init__(self):
        self.place = None  # behind which byte; None: nowhere
        self.is_single = False  # each byte alone
        self.is_off = False  # for a moment
        self.longest = self.singles = self.count = 0
        self.look = Look()

    def begin(self, place=None, is_single=False):
        self.place, self.is_single, self.is_off = place, is_single, False
        self.singles = 0

    def parts(self, data):
        """The pieces in which it goes."""
        if self.is_off:
            return [data]
        self.longest = max(self.longest, len(data))
        if self.is_single:
            alone = max(min(len(data), SINGLE_MAX, SINGLE_ALL_MAX - self.singles), 0)
            self.singles += alone
            self.count += alone
            return [data[i:i + 1] for i in range(alone)] + ([data[alone:]] if data[alone:] else [])
        if self.place is None or self.place >= len(data):
            return [data]
        self.count += 1
        return [data[:self.place], data[self.place:]]


class CutPeer(peer.Peer):
    """A peer whose sends are cut."""

    cuts = None  # of whoever made the class

    def send(self, data):
        parts = self.cuts.parts(bytes(data))
        while parts:
            super().send(parts.pop(0))
            if parts and not self.is_taken():
                super().send(b"".join(parts))
                return

    def is_taken(self):
        """Waits until the broker has read all that was sent; false when it does not."""
        deadline = time.monotonic() + TAKEN_S
        try:
            here, there = self.socket.getsockname(), self.socket.getpeername()
        except OSError:
            return False  # it has ended
        while self.cuts.look.waiting(here, there):
            if time.monotonic() > deadline:
                return False
        return True


class CutPlayer(player.Player):
    """Plays a case with its sends cut, those of mere handshakes only when it is about them."""

    def __init__(self, where, kind, cuts_handshakes):
        super().__init__(where)
        self.peer_kind, self.cuts_handshakes = kind, cuts_handshakes

    def do_connect(self, statement):
        self.peer_kind.cuts.is_off = not self.cuts_handshakes
        try:
            super().do_connect(statement)
        finally:
            self.peer_kind.cuts.is_off = False


class Honest(threading.Thread):
    """Publishes and gets until it is told to stop; `problem` says what did not work."""

    def __init__(self, where):
        super().__init__()
        self.where, self.count, self.problem = where, 0, None
        self.is_over = threading.Event()

    def run(self):
        try:
            one = peer.Peer(self.where.host, self.where.port, terms=self.where.terms)
            player.login(one)
            player.open_channel(one, 1)
            self.work(one)
            one.close()
        except (AssertionError, wire.WireError, OSError) as error:
            self.problem = f"an honest client beside it: {error}"

    def work(self, one):
        queue = player.ask(one, "queue.declare", "queue.declare-ok", exclusive=True)["queue"]
        player.ask(one, "confirm.select", "confirm.select-ok")
        while not self.is_over.is_set():
            self.count += 1
            body = b"honest %d" % self.count
            one.send_method(1, "basic.publish", {"routing_key": queue})
            one.send(wire.encode_content(1, wire.encode_header(len(body), {}), body,
                                         one.frame_max))
            player.take_named(one, 1, "basic.ack")
            one.send_method(1, "basic.get", {"queue": queue, "no_ack": True})
            frame = one.take(1)
            if frame.name != "basic.get-ok" or frame.content.body != body:
                raise AssertionError(f"expected {body!r}, got {player.told(frame)}")
            self.is_over.wait(0.005)

    def stop(self):
        """Returns what did not work, or None."""
        self.is_over.set()
        self.join()
        return self.problem


def restarts(statements):
    """Whether the broker ends in the case."""
    return any(one.verb in ("restart", "stop") or restarts(one.block) for one in statements)


class Replays:
    """All replays of the cases of one script, each case for at most so many seconds (0: as long as
    it takes), in an order that is drawn then."""

    def __init__(self, one, is_tls, seconds):
        self.one, self.is_tls, self.seconds = one, is_tls, seconds
        self.cuts = Cuts()
        self.kind = type("CutPeerHere", (CutPeer,), {"cuts": self.cuts})
        self.count = self.served = 0
        self.about_handshakes = one.path.stem.startswith("a_")
        self.where = self.honest = None

    def begin(self):
        """A broker on an empty disk, and an honest client, unless the broker has a mind to refuse
        him."""
        self.where = broker.Broker(self.one.settings, self.is_tls)
        self.honest = Honest(self.where)
        if not self.one.settings and self.one.probe == "publish":
            self.honest.start()

    def end(self):
        """The broker works, and ends well."""
        try:
            if self.honest.ident:
                problem = self.honest.stop()
                self.served += self.honest.count
                if problem:
                    raise AssertionError(problem)
            player.probe(self.where, self.one.probe)
            self.where.stop()
        finally:
            self.where.close()

    def play_once(self, case, place=None, is_single=False):
        """None, or what went wrong."""
        self.cuts.begin(place, is_single)
        one = CutPlayer(self.where, self.kind, self.about_handshakes)
        self.count += 1
        try:
            one.play(case.statements)
            one.close()
        except AssertionError as error:
            how = "byte by byte" if is_single else f"cut behind byte {place}"
            return f"{how if place or is_single else 'as it is'}: {error}"
        finally:
            one.close()
        return None

    def steps(self, is_slow):
        """What is tried: (place, byte by byte)."""
        last = 0 if is_slow else min(self.cuts.longest - 1, PLACES_MAX)
        steps = [(None, True)] + [(place, False) for place in range(1, last + 1)]
        if self.seconds:
            random.shuffle(steps)
        return steps

    def play(self, case):
        """None, or what went wrong in the first replay that failed."""
        self.cuts.longest = 0
        self.begin()
        began = time.monotonic()
        problem = self.play_once(case)
        is_slow = time.monotonic() - began > SLOW_S
        steps = self.steps(is_slow)
        needs_fresh = is_slow or (problem is None and self.play_once(case) is not None)
        while problem is None and steps and not (self.seconds and
                                                 time.monotonic() - began > self.seconds):
            if needs_fresh:
                self.end()
                self.begin()
            problem = self.play_once(case, *steps.pop(0))
        if problem is None:
            self.end()
            return None
        self.honest.is_over.set()
        self.where.close()
        return problem
