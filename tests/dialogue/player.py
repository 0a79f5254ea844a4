# Plays a case of a script against a broker.
"""Each statement of the language is a method `do_<verb>` of Player, or send and receive.

A difference raises AssertionError with the place in the script and what came instead.
"""
import os
import struct
import time

import match
import peer
import script
import wire

POLL_S = 0.02  # between two tries of `await`, spent in waiting for bytes
CONSTANTS = {
    200: "OK", 311: "CONTENT_TOO_LARGE", 312: "NO_ROUTE", 313: "NO_CONSUMERS",
    320: "CONNECTION_FORCED", 402: "INVALID_PATH", 403: "ACCESS_REFUSED", 404: "NOT_FOUND",
    405: "RESOURCE_LOCKED", 406: "PRECONDITION_FAILED", 501: "FRAME_ERROR", 502: "SYNTAX_ERROR",
    503: "COMMAND_INVALID", 504: "CHANNEL_ERROR", 505: "UNEXPECTED_FRAME", 506: "RESOURCE_ERROR",
    530: "NOT_ALLOWED", 540: "NOT_IMPLEMENTED", 541: "INTERNAL_ERROR"}
CAPABILITIES = ("publisher_confirms", "exchange_exchange_bindings", "basic.nack",
                "consumer_cancel_notify", "connection.blocked", "authentication_failure_close")
LOGIN = {"user": b"guest", "password": b"guest", "vhost": b"/", "frame_max": None,
         "channel_max": None, "heartbeat": 0, "channels": 1, "capabilities": None}


class Player:
    """One case: its connections and variables. `broker` has host, port, restart() and wait_log()"""

    peer_kind = peer.Peer

    def __init__(self, broker):
        self.broker = broker
        self.peers = {}
        self.names = {}
        self.outstanding = {}  # (connection, channel): tags that publisher confirms settled

    def play(self, statements):
        for statement in statements:
            try:
                self.step(statement)
            except (AssertionError, wire.WireError, OSError) as error:
                if getattr(error, "has_place", False):
                    raise
                placed = AssertionError(f"{statement.place}: {error}")
                placed.has_place = True
                raise placed from error
            except script.ScriptError as error:
                if ".dialogue:" in str(error):
                    raise
                raise script.ScriptError(f"{statement.place}: {error}") from error
            except (TypeError, ValueError, struct.error) as error:
                raise script.ScriptError(f"{statement.place}: a value of the wrong kind: "
                                         f"{error}") from error

    def close(self):
        for one in self.peers.values():
            one.close()

    # ---- what statements have in common ----

    def step(self, statement):
        if statement.verb == ">":
            return self.send(statement)
        if statement.verb == "<":
            return self.receive(statement)
        return getattr(self, "do_" + statement.verb)(statement)

    def name_of(self, statement):
        """The name of the connection that the statement is about."""
        name = statement.connection
        return name(self.names).decode().partition(".")[0] if callable(name) else name

    def peer(self, statement):
        name = self.name_of(statement)
        if name not in self.peers:
            raise script.ScriptError(f"{statement.place}: there is no connection '{name}'")
        return self.peers[name]

    def words(self, words):
        return [word(self.names) for word in words]

    def values(self, fields):
        return {name: field(self.names) if callable(field) else field
                for name, field in fields.items()}

    def options(self, statement, **known):
        """The fields of a statement of the language itself, with what they are by default."""
        given = self.values(statement.fields)
        unknown = set(given) - set(known)
        if unknown:
            raise script.ScriptError(f"{statement.place}: no option {sorted(unknown)}")
        return {**known, **given}

    def channel(self, statement, name=""):
        """The number of the channel that the statement is about."""
        if callable(statement.connection):
            number = statement.connection(self.names).decode().partition(".")[2]
            if number:
                return int(number)
        if statement.channel is not None:
            return statement.channel
        return 0 if name.startswith("connection.") else 1

    def method(self, statement, words, fields):
        """(method, values, content) of a line: flags stand as words, the rest as fields."""
        words = self.words(words)
        name = words[0].decode() if words else ""
        if name not in wire.METHODS:
            raise script.ScriptError(f"{statement.place}: there is no method '{name}'")
        method, given = wire.METHODS[name], self.values(fields)
        given.update((word.decode(), True) for word in words[1:])
        values = {field: given.pop(field) for field, _ in method.fields if field in given}
        is_content = method.has_content and given.pop("bare", None) is None
        content = {key: given.pop(key) for key in list(given)
                   if is_content and (key in ("body", "header") or key in wire.PROPERTY_TYPES)}
        if given:
            raise script.ScriptError(f"{statement.place}: {name} has no {sorted(given)}")
        return method, values, content if is_content else None

    # ---- frames out and in ----

    def send(self, statement):
        to = self.peer(statement)
        kind = statement.words[0](self.names) if statement.words else b""
        maker = {b"bytes": self.raw_bytes, b"frame": self.raw_frame, b"heartbeat": self.raw_frame,
                 b"header": self.raw_header, b"body": self.raw_body}.get(kind)
        to.send(maker(statement) if maker else self.encoded(statement))

    def encoded(self, statement):
        """The frames of a method, with its content if it has one."""
        method, values, content = self.method(statement, statement.words, statement.fields)
        kinds, channel = dict(method.fields), self.channel(statement, method.name)
        fields = {name: match.to_wire(kinds[name], value) for name, value in values.items()}
        data = wire.encode_frame(wire.METHOD, channel, wire.encode_method(method.name, fields))
        if content is None:
            return data
        body = content.pop("body", b"")
        header = content.pop("header", None)
        if header is None:
            header = wire.encode_header(len(body), self.properties(content))
        return data + wire.encode_content(channel, header, body, self.peer(statement).frame_max)

    @staticmethod
    def properties(values):
        return {name: match.to_wire(wire.PROPERTY_TYPES[name], value)
                for name, value in values.items()}

    def raw_bytes(self, statement):
        return b"".join(self.words(statement.words)[1:])

    def raw_frame(self, statement):
        word = statement.words[0](self.names)
        given = self.options(statement, type=wire.HEARTBEAT if word == b"heartbeat" else 1,
                             payload=b"", size=None, end=wire.END)
        channel = self.channel(statement, "connection.")
        frame = bytearray(wire.encode_frame(given["type"], channel, given["payload"]))
        if given["size"] is not None:
            frame[3:7] = given["size"].to_bytes(4, "big")
        frame[-1] = given["end"]
        return bytes(frame)

    def raw_header(self, statement):
        given = self.values(statement.fields)
        size, class_id = given.pop("size", 0), given.pop("class", wire.CLASS_BASIC)
        weight, payload = given.pop("weight", 0), given.pop("payload", None)
        if payload is None:
            payload = wire.encode_header(size, self.properties(given), class_id, weight)
        return wire.encode_frame(wire.HEADER, self.channel(statement), payload)

    def raw_body(self, statement):
        return wire.encode_frame(wire.BODY, self.channel(statement), self.raw_bytes(statement))

    def receive(self, statement):
        if statement.words and statement.words[0](self.names) == b"heartbeat":
            return self.receive_heartbeat(statement)
        method, _, _ = self.method(statement, statement.words, statement.fields)
        frame = self.peer(statement).take(self.channel(statement, method.name))
        difference = self.difference(statement, frame)
        if difference:
            raise AssertionError(difference)
        return None

    def receive_heartbeat(self, statement):
        one, deadline = self.peer(statement), time.monotonic() + peer.DEADLINE_S
        while not one.heartbeats:
            if one.is_closed or time.monotonic() > deadline:
                raise AssertionError(f"no heartbeat came; {one.waiting()}")
            one.wait(deadline - time.monotonic())
        one.heartbeats = 0

    def difference(self, statement, frame, behind_arrow=False):
        """None, or how the frame differs from what the statement expects."""
        words = statement.reply_words if behind_arrow else statement.words
        fields = statement.reply if behind_arrow else statement.fields
        is_open = statement.reply_is_open if behind_arrow else statement.is_open
        method, values, content = self.method(statement, words, fields)
        if frame.name != method.name:
            return f"expected {method.name}, got {told(frame)}"
        matcher = match.Matcher(self.names)
        difference = matcher.fields(method.name, method.fields, values, frame.values, is_open)
        if difference or content is None:
            return difference
        body, header = content.pop("body", b""), content.pop("header", None)
        if header is not None:
            difference = matcher.value("the header", "LONGSTR", header, frame.content.header)
        else:
            difference = matcher.properties(content, frame.content.properties, is_open)
        return difference or matcher.value("the body", "LONGSTR", body, frame.content.body)

    # ---- a request and what answers it ----

    def request(self, statement):
        """Sends the method of the statement and takes one frame; (method, values, frame)."""
        method, values, _ = self.method(statement, statement.words, statement.fields)
        if not method.replies:
            raise script.ScriptError(f"{statement.place}: nothing answers {method.name}")
        one = self.peer(statement)
        one.send(self.encoded(statement))
        return method, values, one.take(self.channel(statement, method.name))

    def do_do(self, statement):
        """Reply fields that the request has too must be as there; others as behind the arrow."""
        method, values, frame = self.request(statement)
        if frame.name not in [reply.name for reply in method.replies]:
            raise AssertionError(f"expected {method.replies[0].name}, got {told(frame)}")
        reply = wire.METHODS[frame.name]
        given = self.values(statement.reply)
        expected = {name: given.get(name, values.get(name, script.ANY))
                    for name, _ in reply.fields}
        if unknown := set(given) - set(expected):
            raise script.ScriptError(f"{frame.name} has no {sorted(unknown)}")
        for name in ("queue", "consumer_tag"):
            if not expected.get(name, True) and name not in given:
                expected[name] = script.ANY  # the server chooses a name for an empty one
        difference = match.Matcher(self.names).fields(reply.name, reply.fields, expected,
                                                      frame.values, False)
        if difference:
            raise AssertionError(difference)

    def do_await(self, statement):
        """Repeats a request until the reply is the one behind the arrow."""
        deadline = time.monotonic() + peer.DEADLINE_S
        while True:
            _, _, frame = self.request(statement)
            difference = self.difference(statement, frame, behind_arrow=True)
            if not difference:
                return
            if time.monotonic() > deadline:
                raise AssertionError(difference)
            if frame.name == "channel.close":
                self.reopen(statement)
            self.peer(statement).wait(POLL_S)

    def do_quiet(self, statement):
        """Nothing more has come on the channel: the answer to a harmless question is next."""
        channel = self.channel(statement)
        one = self.peer(statement)
        one.send_method(channel, "channel.flow", {"active": True})
        frame = one.take(channel)
        if (frame.name, frame.values) != ("channel.flow-ok", {"active": True}):
            raise AssertionError(f"expected nothing, got {told(frame)}")

    def do_confirms(self, statement):
        """Takes acks and nacks of the server until exactly these publishes are settled."""
        given = self.options(statement, acked=[], nacked=[])
        want = {True: tags(given["acked"]), False: tags(given["nacked"])}
        have, key = {True: set(), False: set()}, (self.name_of(statement), self.channel(statement))
        settled = self.outstanding.setdefault(key, set())
        while have != want:
            frame = self.peer(statement).take(key[1])
            if frame.name not in ("basic.ack", "basic.nack"):
                raise AssertionError(f"expected a confirm, got {told(frame)}")
            last = frame.values["delivery_tag"]
            new = {tag for tag in range(1, last + 1) if tag not in settled} \
                if frame.values["multiple"] else {last}
            if new & settled or not new:
                raise AssertionError(f"confirmed again: {told(frame)}")
            settled |= new
            have[frame.name == "basic.ack"] |= new
            if not (have[True] <= want[True] and have[False] <= want[False]):
                raise AssertionError(f"expected acks of {sorted(want[True])} and nacks of "
                                     f"{sorted(want[False])}, got {told(frame)}")

    # ---- connections ----

    def do_tcp(self, statement):
        name = self.names_of(statement)
        buffer = self.options(statement, receive_buffer=None)["receive_buffer"]
        self.keep(name, self.peer_kind(self.broker.host, self.broker.port, buffer,
                                       self.broker.terms))

    def keep(self, name, one):
        if name in self.peers:
            self.peers[name].close()
        self.peers[name] = one
        self.outstanding = {k: v for k, v in self.outstanding.items() if k[0] != name}

    def names_of(self, statement):
        words = self.words(statement.words)
        return words[0].decode() if words else self.name_of(statement)

    def do_connect(self, statement):
        given = self.options(statement, **LOGIN)
        one = self.peer_kind(self.broker.host, self.broker.port, terms=self.broker.terms)
        self.keep(self.names_of(statement), one)
        login(one, given)
        for channel in range(1, given["channels"] + 1):
            open_channel(one, channel)

    def do_closed(self, statement):
        """The other end closes, having sent nothing more, or exactly the bytes behind `with`."""
        expected = self.options(statement, after=b"")["after"]
        one = self.peer(statement)
        rest = one.take_end()
        if any(one.inbox.values()) or rest != expected:
            raise AssertionError(f"expected the end, got {rest!r}; {one.waiting()}")

    def do_hangup(self, statement):
        """Closes the socket without a word; with `reset` so that the other end gets a RST."""
        self.peer(statement).close(b"reset" in self.words(statement.words))

    def do_close(self, statement):
        one = self.peer(statement)
        one.send_method(0, "connection.close", {"reply_code": 200, "reply_text": b"OK"})
        frame = one.take(0)
        if frame.name != "connection.close-ok":
            raise AssertionError(f"expected connection.close-ok, got {told(frame)}")
        one.finish()
        self.do_closed(statement)

    def do_pause(self, statement):
        self.peer(statement).is_reading = False

    def do_resume(self, statement):
        self.peer(statement).is_reading = True

    def do_drip(self, statement):
        """Sends a byte each so many milliseconds, as long as the other end does not close."""
        given = self.options(statement, every_ms=50)
        one = self.peer(statement)
        for number in b"".join(self.words(statement.words)):
            one.send(bytes([number]))
            one.wait(given["every_ms"] / 1000)
            if one.is_closed:
                return

    # ---- errors ----

    def error(self, statement, frame_name, channel):
        """The close method with the code, text, class and method of the statement."""
        words = self.words(statement.words)
        code, text, method = (*words, b"")[:3]
        class_id, method_id = (method, method) if method is script.ANY else \
            wire.METHODS[method.decode()].ids if method else (0, 0)
        frame = self.peer(statement).take(channel)
        want = text
        if isinstance(text, bytes):
            want = cut_text(CONSTANTS[code].encode() + b" - " + text)
        elif isinstance(text, script.Regex):
            want = script.Regex(CONSTANTS[code].encode() + b" - " + text.text)
        expected = {"reply_code": code, "reply_text": want, "class_id": class_id,
                    "method_id": method_id}
        if frame.name != frame_name:
            raise AssertionError(f"expected {frame_name} {code} {match.show(want)}, got "
                                 f"{told(frame)}")
        difference = match.Matcher(self.names).fields(
            frame_name, wire.METHODS[frame_name].fields, expected, frame.values, False)
        if difference:
            raise AssertionError(difference)

    def do_refused(self, statement):
        """The channel is closed with this error; answers, and opens it again."""
        self.error(statement, "channel.close", self.channel(statement))
        self.reopen(statement)

    def reopen(self, statement):
        channel, one = self.channel(statement), self.peer(statement)
        one.send_method(channel, "channel.close-ok", {})
        open_channel(one, channel)
        self.outstanding.pop((self.name_of(statement), channel), None)

    def do_failed(self, statement):
        """The connection is closed with this error; answers, and the socket closes."""
        self.error(statement, "connection.close", 0)
        one = self.peer(statement)
        one.send_method(0, "connection.close-ok", {})
        rest = one.take_end()
        if rest:
            raise AssertionError(f"expected the end, got {rest!r}")

    # ---- the broker, and the order of things ----

    def do_restart(self, statement):
        """Stops the broker, or kills it, and starts it again; all connections are gone."""
        for one in self.peers.values():
            one.close()
        self.peers, self.outstanding = {}, {}
        self.broker.restart(is_kill=b"kill" in self.words(statement.words))

    def do_stop(self, _):
        """Tells the broker to stop, and does not wait for it."""
        self.broker.begin_stop()

    def do_log(self, statement):
        self.broker.wait_log(self.words(statement.words)[0].decode())

    def do_alive(self, statement):
        began, most = time.monotonic(), self.options(statement, within_ms=10**6)["within_ms"]
        probe(self.broker)
        if time.monotonic() - began > most / 1000:
            raise AssertionError(f"an honest client needed {time.monotonic() - began:.1f} s")

    def do_memory(self, statement):
        """The process has no more memory than so many MiB above what it began with."""
        most, more = self.options(statement, more_mib=64)["more_mib"], self.broker.memory_more()
        if "MILLRACE_SIZE" not in os.environ and more > most << 20:
            raise AssertionError(f"the broker has {more >> 20} MiB more memory than at first")

    def do_let(self, statement):
        """Gives variables values; `*` takes theirs away."""
        for name, value in self.values(statement.fields).items():
            self.names.pop(name, None)
            if value is not script.ANY:
                self.names[name] = value

    def do_repeat(self, statement):
        """`repeat N as i`: with i from 1 to N."""
        words = self.words(statement.words)
        name = words[2].decode() if len(words) > 2 else "_"
        for number in range(1, words[0] + 1):
            self.names[name] = number
            self.play(statement.block)

    def do_each(self, statement):
        """`each NAME=[...]`: with each value of the list."""
        for name, values in self.values(statement.fields).items():
            for value in values:
                self.names[name] = value
                self.play(statement.block)

    def do_unordered(self, statement):
        """All that is expected inside comes, on one channel, in any order."""
        left = list(statement.block)
        while left:
            one = left[0]
            frame = self.peer(one).take(self.channel(one))
            differences = []
            for expected in left:
                before = dict(self.names)
                difference = self.difference(expected, frame)
                if not difference:
                    left.remove(expected)
                    break
                self.names = before
                differences.append(difference)
            else:
                raise AssertionError("none of them: " + "; ".join(differences))


def cut_text(text):
    """A reply text as long as it may be."""
    return text[:255].decode("utf-8", "ignore").encode()


def tags(value):
    """A set of tags: one, a list of them, or a pair that is a range."""
    if isinstance(value, tuple):
        return set(range(value[0], value[1] + 1))
    return set(value) if isinstance(value, list) else {value}


def told(frame):
    """A frame in the words of a script."""
    fields = [f"{name}={match.show(value)}" for name, value in frame.values.items()
              if value not in (0, b"", False, [])]
    if frame.content:
        fields += [f"{name}={match.show(value)}"
                   for name, value in frame.content.properties.items()]
        fields.append(f"body={match.show(frame.content.body)}")
    return " ".join([frame.name, *fields])


def take_named(one, channel, name):
    frame = one.take(channel)
    if frame.name != name:
        raise AssertionError(f"expected {name}, got {told(frame)}")
    return frame.values


def login(one, given=None):
    """The whole handshake, with what the server offers unless something else is given."""
    given = given or LOGIN
    capabilities = [(name.encode(), ("t", True)) for name in CAPABILITIES]
    if given["capabilities"] is not None:
        capabilities = match.table_to_wire(given["capabilities"])
    one.send(wire.GREETING)
    take_named(one, 0, "connection.start")
    one.send_method(0, "connection.start-ok", {
        "client_properties": [(b"product", ("S", b"dialogue")),
                              (b"capabilities", ("F", capabilities)),
                              *given.get("properties", [])],
        "mechanism": b"PLAIN", "locale": b"en_US",
        "response": b"\0" + given["user"] + b"\0" + given["password"]})
    tune = take_named(one, 0, "connection.tune")
    for name in ("frame_max", "channel_max", "heartbeat"):
        if given[name] is not None:
            tune[name] = given[name]
    one.frame_max = tune["frame_max"]
    one.send_method(0, "connection.tune-ok", tune)
    one.send_method(0, "connection.open", {"virtual_host": given["vhost"]})
    take_named(one, 0, "connection.open-ok")


def open_channel(one, channel):
    one.send_method(channel, "channel.open", {})
    values = take_named(one, channel, "channel.open-ok")
    if values["channel_id"]:
        raise AssertionError(f"channel.open-ok names the channel {values['channel_id']!r}")


def enter(test, place):
    """A peer with channel 1 at a broker, for the time of a unit test."""
    one = peer.Peer(place.host, place.port)
    test.addCleanup(one.socket.close)
    login(one)
    open_channel(one, 1)
    return one


def ask(one, name, reply, **values):
    """Calls a method on channel 1 and takes its answer."""
    one.send_method(1, name, values)
    return take_named(one, 1, reply)


def probe_queue(one):
    """Declares a queue, publishes to it, and gets the message back."""
    one.send_method(1, "queue.declare", {"exclusive": True})
    queue = take_named(one, 1, "queue.declare-ok")["queue"]
    one.send_method(1, "confirm.select", {})
    take_named(one, 1, "confirm.select-ok")
    one.send_method(1, "basic.publish", {"routing_key": queue})
    one.send(wire.encode_content(1, wire.encode_header(5, {}), b"alive", one.frame_max))
    if take_named(one, 1, "basic.ack") != {"delivery_tag": 1, "multiple": False}:
        raise AssertionError("another publish was confirmed")
    one.send_method(1, "basic.get", {"queue": queue, "no_ack": True})
    frame = one.take(1)
    if frame.name != "basic.get-ok" or frame.content.body != b"alive":
        raise AssertionError(f"expected the message, got {told(frame)}")


def probe(broker, how="publish"):
    """A fresh connection finds the broker working, and closes in order."""
    one = peer.Peer(broker.host, broker.port, terms=broker.terms)
    try:
        login(one)
        open_channel(one, 1)
        if how == "publish":
            probe_queue(one)
        one.send_method(0, "connection.close", {"reply_code": 200})
        take_named(one, 0, "connection.close-ok")
        one.finish()
        one.take_end()
    except (AssertionError, wire.WireError) as error:
        raise AssertionError(f"the broker does not work on: {error}") from error
    finally:
        one.close()
