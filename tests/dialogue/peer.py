# One end of an AMQP connection for tests, with every byte in the test's hands.
"""A socket whose incoming frames wait in one line per channel until the test asks for them.

Nothing is answered by itself. What waits, waits for bytes or for the end of a deadline.
"""
import collections
import os
import select
import socket
import ssl
import time

import wire

DEADLINE_S = float(os.environ.get("MILLRACE_DEADLINE_S", 30))  # generous: slow is no failure

AGAIN = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Content:
    """What follows a method with content: the header as it came, its properties, the body."""

    def __init__(self, header, properties, body):
        self.header, self.properties, self.body = header, properties, body


class Frame:
    """A whole method with its content, or a heartbeat, as it came on one channel."""

    def __init__(self, name, values, content=None):
        self.name, self.values, self.content = name, values, content


class Peer:
    """One connection, by TLS when there are terms (an SSLContext), from the address `source` if
    there is one. `frame_max` and `heartbeat` are what the test negotiated."""

    def __init__(self, host, port, receive_buffer=None, terms=None, source=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE_S)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((host, port))
        if terms:
            self.socket = terms.wrap_socket(self.socket, server_hostname="localhost")
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.frame_max = 0
        self.window = bytearray()  # came and is not cut into frames yet
        self.inbox = collections.defaultdict(collections.deque)
        self.partial = {}  # channel: [method name, values, header, size, properties, body]
        self.raw = True  # until a frame is asked for
        self.is_closed = False  # by the other end
        self.is_reading = True
        self.heartbeats = 0

    # ---- out ----

    def send(self, data):
        """Hands all bytes to the system, reading meanwhile; a connection that closes takes less."""
        view, deadline = memoryview(data), time.monotonic() + DEADLINE_S
        while view:
            try:
                view = view[self.socket.send(view):]
                continue
            except AGAIN:
                pass
            except OSError:
                self.drain()
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{len(view)} bytes were not taken in {DEADLINE_S} s")
            may_read = self.is_reading and not self.is_closed
            if self.await_one(select.POLLOUT | (select.POLLIN if may_read else 0), left) & \
                    select.POLLIN:
                self.drain()

    def send_method(self, channel, name, values):
        self.send(wire.encode_frame(wire.METHOD, channel, wire.encode_method(name, values)))

    # ---- in ----

    def drain(self):
        """Takes what has come without waiting."""
        while not self.is_closed:
            try:
                data = self.socket.recv(1 << 20)
            except AGAIN:
                return
            except OSError:
                data = b""
            if not data:
                self.is_closed = True
                return
            self.window += data
            if not self.raw:
                self.cut()

    def wait(self, left):
        """Waits at most so many seconds for bytes, and takes them."""
        if left > 0 and not self.is_closed:
            self.await_one(select.POLLIN, left)
        self.drain()

    def await_one(self, events, left):
        """Waits at most so many seconds for one of these; returns those that are there. There may
        be more sockets in this process than select() can tell apart."""
        poll = select.poll()
        poll.register(self.socket, events)
        return sum(there for _, there in poll.poll(left * 1000))

    def cut(self):
        """Cuts the window into frames and puts them where they belong."""
        at, view = 0, memoryview(self.window)
        try:
            while (frame := wire.decode_frame(view[at:])) is not None:
                kind, channel, payload, size = frame
                if self.frame_max and size > self.frame_max:
                    raise wire.WireError(f"a frame of {size} bytes, over {self.frame_max}")
                at += size
                self.put(kind, channel, payload)
        finally:
            view.release()
            del self.window[:at]

    def put(self, kind, channel, payload):
        if kind == wire.HEARTBEAT:
            if channel or payload:
                raise wire.WireError("a heartbeat with a channel or a payload")
            self.heartbeats += 1
            return
        partial = self.partial.get(channel)
        if kind == wire.METHOD:
            name, values = wire.decode_method(payload)
            if partial:
                raise wire.WireError(f"{name} inside the content of {partial[0]}")
            if wire.METHODS[name].sender == "CLIENT":
                raise wire.WireError(f"{name}, which only a client may send")
            if wire.METHODS[name].has_content:
                self.partial[channel] = [name, values, None, 0, {}, bytearray()]
            else:
                self.inbox[channel].append(Frame(name, values))
            return
        if not partial or (partial[2] is None) != (kind == wire.HEADER):
            raise wire.WireError(f"a frame of type {kind} in the wrong place")
        if kind == wire.HEADER:
            class_id, partial[3], partial[4] = wire.decode_header(payload)
            partial[2] = payload
            if class_id != wire.METHODS[partial[0]].ids[0]:
                raise wire.WireError(f"a content header of class {class_id}")
        elif not payload or len(partial[5]) + len(payload) > partial[3]:
            raise wire.WireError("an empty body frame, or more body than announced")
        else:
            partial[5] += payload
        if len(partial[5]) == partial[3]:
            name, values, header, _, properties, body = self.partial.pop(channel)
            content = Content(header, properties, bytes(body))
            self.inbox[channel].append(Frame(name, values, content))

    def take(self, channel, deadline_s=DEADLINE_S):
        """The next frame of the channel."""
        deadline = time.monotonic() + deadline_s
        if self.raw:
            self.raw = False
            self.cut()
        self.drain()
        while not self.inbox[channel]:
            left = deadline - time.monotonic()
            if self.is_closed:
                raise AssertionError(f"the connection closed; {self.waiting()}")
            if left <= 0:
                raise AssertionError(f"nothing came on channel {channel}; {self.waiting()}")
            self.wait(left)
        return self.inbox[channel].popleft()

    def take_bytes(self, size):
        """The next so many bytes, or fewer at the end of the connection."""
        deadline = time.monotonic() + DEADLINE_S
        self.drain()
        while len(self.window) < size and not self.is_closed:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"only {bytes(self.window)!r} came")
            self.wait(left)
        data = bytes(self.window[:size])
        del self.window[:size]
        return data

    def take_end(self):
        """Waits until the other end closes; returns what it still sent."""
        deadline = time.monotonic() + DEADLINE_S
        self.is_reading = True
        while not self.is_closed:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"it did not close; {self.waiting()}")
            self.wait(left)
            if len(self.window) > 1 << 20:
                del self.window[:]
        return bytes(self.window)

    def waiting(self):
        """What came and was not asked for, in words."""
        frames = [f"{channel}: {frame.name} {frame.values}"
                  for channel, line in sorted(self.inbox.items()) for frame in line]
        if self.window:
            frames.append(f"bytes {bytes(self.window[:64])!r}")
        return "waiting: " + ("; ".join(frames[:8]) or "nothing")

    def finish(self):
        """Says that nothing more will be sent."""
        try:
            socket.socket.shutdown(self.socket, socket.SHUT_WR)  # below TLS, if there is any
        except OSError:
            pass  # the other end was quicker

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()
        self.is_closed = True
