# What is counted: each row plays a number of messages against a broker, in lock step.
"""A row sends some messages in one write and goes on when all that follows from them has come, so
that the broker does the same in each run: no queue grows because somebody was slower today."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dialogue"))
import peer  # noqa: E402
import player  # noqa: E402
import wire  # noqa: E402

ACK_SIZE = 21        # the frame of a basic.ack
EMPTY_SIZE = 12      # a method frame without fields
ALIKE = 1000         # of the bindings of a topic exchange, that lead nowhere


class Row:
    """Publishers and consumers of one kind. `batch` messages are sent at a time; `step` is how many
    make the smaller of the two sizes that are compared."""

    batch, step, size = 200, 1000, 16
    queues, consumers_each = ["q"], 1
    arguments = []
    is_durable = is_confirmed = is_acked = False
    exchange, fan = b"", 1
    unit = "message"

    def __init__(self, name, text, **given):
        self.name, self.text = name, text
        for key, value in given.items():
            setattr(self, key, value)
        self.queues = [f"{name}.{queue}" for queue in self.queues]
        self.sent = self.tag = self.delivery_size = 0
        self.publisher = self.consumer = None

    # ---- begin and end ----

    def open(self, broker):
        self.publisher = connect(broker)
        self.consumer = connect(broker)
        self.declare()
        if self.is_confirmed:
            player.ask(self.publisher, "confirm.select", "confirm.select-ok")
        for place in range(len(self.queues) * self.consumers_each):
            player.ask(self.consumer, "basic.consume", "basic.consume-ok",
                       queue=self.queues[place % len(self.queues)].encode(),
                       consumer_tag=b"%04d" % place, no_ack=not self.is_acked)
        self.publisher.raw = self.consumer.raw = True

    def declare(self):
        for queue in self.queues:
            player.ask(self.publisher, "queue.declare", "queue.declare-ok", queue=queue.encode(),
                       durable=self.is_durable, arguments=self.arguments)

    def close(self):
        """All of it goes with the data of the broker."""
        self.publisher.socket.close()
        self.consumer.socket.close()

    # ---- play ----

    def play(self, count):
        for _ in range(0, count, self.batch):
            self.publisher.send(b"".join(self.message() for _ in range(self.batch)))
            self.take_deliveries(self.batch * self.fan)
            if self.is_confirmed:
                self.take_confirms()
        self.sync()

    def message(self):
        queue = self.queues[self.sent % len(self.queues)] if not self.exchange else "key"
        self.sent += 1
        return publish(self.exchange, queue.encode(), self.properties(), bytes(self.size))

    def properties(self):
        return {"delivery_mode": 2 if self.is_durable else 1}

    def take_deliveries(self, count):
        if not self.consumers_each:
            return
        if not self.delivery_size:
            self.delivery_size = sum(take_frame(self.consumer) for _ in range(3))
            count -= 1
            self.tag += 1
        self.consumer.take_bytes(count * self.delivery_size)
        self.tag += count
        if self.is_acked:
            self.consumer.send_method(1, "basic.ack", {"delivery_tag": self.tag, "multiple": True})

    def take_confirms(self):
        told = 0
        while told < self.sent:
            frame = self.publisher.take_bytes(ACK_SIZE)
            told = int.from_bytes(frame[11:19], "big")

    def sync(self):
        """The broker has done what the consumer asked for."""
        self.consumer.send_method(1, "basic.qos", {})
        self.consumer.take_bytes(EMPTY_SIZE)


class Props(Row):
    """Each message has another id, so that none looks like the one before."""

    def properties(self):
        return {"delivery_mode": 1, "message_id": b"%08d" % self.sent}


class FanOut(Row):
    def declare(self):
        super().declare()
        player.ask(self.publisher, "exchange.declare", "exchange.declare-ok",
                   exchange=self.exchange, type=b"fanout")
        for queue in self.queues:
            self.bind(queue, b"")

    def bind(self, queue, key):
        player.ask(self.publisher, "queue.bind", "queue.bind-ok", queue=queue.encode(),
                   exchange=self.exchange, routing_key=key)


class Topic(FanOut):
    """The routing key changes, or the route would be remembered."""

    def declare(self):
        Row.declare(self)
        player.ask(self.publisher, "exchange.declare", "exchange.declare-ok",
                   exchange=self.exchange, type=b"topic")
        for queue in self.queues:
            self.bind(queue, b"a.#")
        for i in range(ALIKE):
            self.bind(self.queues[0], [b"b.%d.*", b"*.%d.c", b"b.%d.#"][i % 3] % i)

    def message(self):
        self.sent += 1
        return publish(self.exchange, b"a.%07d" % self.sent, self.properties(), bytes(self.size))


class Backlog(Row):
    """All are published, and then delivered."""

    def open(self, broker):
        self.consumers_each = 0
        super().open(broker)

    def play(self, count):
        super().play(count)
        self.consumers_each = 1
        self.consumer.send_method(1, "basic.consume", {
            "queue": self.queues[0].encode(), "consumer_tag": b"0000",
            "no_ack": not self.is_acked, "arguments": self.start(count)})
        take_frame(self.consumer)
        for _ in range(0, count, self.batch):
            self.take_deliveries(self.batch)
        self.consumer.send_method(1, "basic.cancel", {"consumer_tag": b"0000"})
        take_frame(self.consumer)
        self.consumers_each = 0

    def start(self, count):
        return []


class History(Backlog):
    """Read where this play began."""

    def start(self, count):
        return [(b"x-stream-offset", ("l", self.sent - count))]

    def sync(self):
        self.consumer.send_method(1, "basic.qos", {"prefetch_count": 10 * self.batch})
        self.consumer.take_bytes(EMPTY_SIZE)


class Connections(Row):
    """A connection with a channel comes and goes."""

    def open(self, broker):
        self.publisher = broker

    def close(self):
        """Each was closed."""

    def play(self, count):
        for _ in range(count):
            one = connect(self.publisher)
            one.send_method(0, "connection.close", {"reply_code": 200})
            player.take_named(one, 0, "connection.close-ok")
            one.socket.close()


class Declares(Row):
    """A durable queue is declared and deleted."""

    def open(self, broker):
        self.publisher = connect(broker)
        self.consumer = connect(broker)

    def play(self, count):
        for _ in range(count):
            player.ask(self.publisher, "queue.declare", "queue.declare-ok", queue=b"d",
                       durable=True)
            player.ask(self.publisher, "queue.delete", "queue.delete-ok", queue=b"d")


def connect(broker):
    one = peer.Peer(broker.host, broker.port)
    player.login(one)
    player.open_channel(one, 1)
    return one


def publish(exchange, key, properties, body):
    method = wire.encode_method("basic.publish", {"exchange": exchange, "routing_key": key})
    header = wire.encode_header(len(body), properties)
    return wire.encode_frame(wire.METHOD, 1, method) + wire.encode_content(1, header, body, 0)


def take_frame(one):
    """The next frame goes by; its size."""
    head = one.take_bytes(7)
    size = int.from_bytes(head[3:7], "big") + 1
    one.take_bytes(size)
    return 7 + size


TEN = [f"q{i}" for i in range(10)]
STREAM = [(b"x-queue-type", ("S", b"stream"))]

ROWS = [
    Row("transient-16", "16 B transient, 1:1, no acks"),
    Row("transient-1k", "1 KiB transient, 1:1, no acks", size=1024, batch=25),
    Props("transient-props", "16 B transient, each with a message-id of its own"),
    Row("transient-acked", "16 B transient, acks every 200", is_acked=True),
    Row("persistent-1", "1 KiB persistent, confirmed one by one, each acked", size=1024, batch=1,
        step=200, is_durable=True, is_confirmed=True, is_acked=True),
    Row("persistent-25", "... confirmed and acked every 25", size=1024, batch=25, is_durable=True,
        is_confirmed=True, is_acked=True),
    Row("publish-25", "... nobody consumes", size=1024, batch=25, is_durable=True,
        is_confirmed=True, consumers_each=0),
    Row("queues-10", "16 B persistent to ten queues in turn, confirmed and acked every 200",
        queues=TEN, is_durable=True, is_confirmed=True, is_acked=True),
    Row("stream", "1 KiB into a stream, confirmed every 25", size=1024, batch=25, is_durable=True,
        is_confirmed=True, consumers_each=0, arguments=STREAM),
    History("stream-read", "... and read, acked every 25", size=1024, batch=25, is_durable=True,
            is_confirmed=True, is_acked=True, arguments=STREAM),
    FanOut("fanout-10", "1 KiB transient, 1 to 10: a delivery", size=1024, batch=25, step=250,
           queues=TEN, exchange=b"fan", fan=10, unit="delivery"),
    Topic("topic-1000", "16 B transient, 1,000 bindings, 10 match, new keys: a delivery", batch=50,
          step=200, queues=TEN, exchange=b"top", fan=10, unit="delivery"),
    Backlog("backlog", "16 B transient, published, then delivered"),
    Backlog("queued", "1 KiB persistent, confirmed every 25, then delivered", size=1024, batch=25,
            is_durable=True, is_confirmed=True),
    Connections("connections", "a connection with a channel opened and closed", step=20),
    Declares("declares", "a durable queue declared and deleted", step=50),
]
