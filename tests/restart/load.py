# Clients that keep a broker busy and write down what they see.
"""Publishers, one of them with transactions, consumers, and one who declares and deletes: each a
thread with its own connection.

They end when they are told or when the connection is lost. Nothing is retried: what was under way
then is unsure, and the history says so by what it lacks.
"""
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "dialogue"))
import history  # noqa: E402
import peer  # noqa: E402
import player  # noqa: E402
import wire  # noqa: E402

WINDOW = 100  # publishes without a confirm
WAIT_S = 0.02
FAN = b"restart.fan"
SINK = b"restart.sink"
# Their arguments. No limit of deliveries: it would drop what was confirmed.
QUEUES = {"restart.one": [], "restart.two": [], "restart.three": [],
          "restart.quorum": [(b"x-queue-type", ("S", b"quorum")), (b"x-delivery-limit", ("I", -1))],
          "restart.priority": [(b"x-max-priority", ("I", 3))]}
NAMES = tuple(QUEUES)
COUNTING, RANKED = "restart.quorum", "restart.priority"
PRIORITIES = 4
# exchange, routing key, queues
ROUTES = ((b"", b"restart.one", NAMES[:1]), (b"", b"restart.two", NAMES[1:2]),
          (b"", b"restart.priority", NAMES[4:]), (FAN, b"", NAMES[1:]))
DEFINITIONS_MAX = 150


class Lost(Exception):
    """The connection is gone."""


class Client:
    """A connection with one channel. What waits ends by Lost when the connection is gone."""

    def __init__(self, where):
        try:
            self.peer = peer.Peer(where.host, where.port)
            player.login(self.peer)
            player.open_channel(self.peer, 1)
        except (OSError, AssertionError) as error:
            raise Lost from error

    def send(self, name, **values):
        self.peer.send_method(1, name, values)
        if self.peer.is_closed:
            raise Lost

    def call(self, name, reply, **values):
        """Sends and waits for the reply; another one is returned too."""
        self.send(name, **values)
        return self.take(reply)

    def take(self, *names):
        deadline, line = time.monotonic() + peer.DEADLINE_S, self.peer.inbox[1]
        while not line:
            self.answer_farewell()
            if time.monotonic() > deadline:
                raise AssertionError(f"no {names} came; {self.peer.waiting()}")
            self.peer.wait(WAIT_S)
        frame = line.popleft()
        if frame.name not in names:
            raise AssertionError(f"expected {names}, got {player.told(frame)}")
        return frame

    def frames(self, seconds):
        """What has come, or comes within this time."""
        line = self.peer.inbox[1]
        if not line:
            self.peer.wait(seconds)
        while line:
            yield line.popleft()
        self.answer_farewell()

    def answer_farewell(self):
        """Ends by Lost when the broker closes the connection, or has gone."""
        if self.peer.inbox[0]:
            self.peer.send_method(0, "connection.close-ok", {})
            self.peer.close()
        if self.peer.is_closed:
            raise Lost

    def publish(self, exchange, key, body, priority=0, mandatory=False):
        header = wire.encode_header(len(body), {"delivery_mode": 2, "priority": priority})
        method = wire.encode_method("basic.publish", {"exchange": exchange, "routing_key": key,
                                                      "mandatory": mandatory})
        self.peer.send(wire.encode_frame(wire.METHOD, 1, method) +
                       wire.encode_content(1, header, body, self.peer.frame_max))
        if self.peer.is_closed:
            raise Lost

    def close(self):
        """In order, so that what was unacked is ready again when this returns."""
        try:
            self.peer.send_method(0, "connection.close", {"reply_code": 200})
            while not self.peer.is_closed and not self.peer.inbox[0]:
                self.peer.wait(WAIT_S)
        finally:
            self.peer.close()


class Worker(threading.Thread):
    """A thread that works until it is told to stop or has lost its connection."""

    def __init__(self, run, number):
        super().__init__()
        self.run_of = run
        self.history, self.where = run.history, run.where
        self.number = number
        self.random = random.Random(f"{run.seed} {run.lives} {type(self).__name__} {number}")
        self.problem = None

    def run(self):
        try:
            self.work()
        except Lost:
            pass
        except Exception as error:  # whatever it is, the main thread must see it
            self.problem = error

    def is_over(self):
        return self.run_of.is_over.is_set()


class Publisher(Worker):
    def work(self):
        client = Client(self.where)
        client.call("confirm.select", "confirm.select-ok")
        waiting, tag = {}, 0
        while not self.is_over() or waiting:
            while len(waiting) < WINDOW and not self.is_over():
                exchange, key, queues = self.random.choice(ROUTES)
                message = self.number, self.run_of.next_sequence(self.number)
                body = history.make_body(self.run_of.seed, message, self.size())
                tag += 1
                waiting[tag] = message
                priority = self.random.randrange(PRIORITIES)
                self.history.publish(message, queues, priority=priority)
                client.publish(exchange, key, body, priority)
            for frame in client.frames(WAIT_S):
                self.settle(frame, waiting)
        client.close()

    def size(self):
        chance = self.random.random()
        return self.random.randrange(200 if chance < 0.7 else 8000 if chance < 0.98 else
                                     300000 if chance < 0.999 else 6000000)

    def settle(self, frame, waiting):
        if frame.name not in ("basic.ack", "basic.nack"):
            raise AssertionError(f"expected a confirm, got {player.told(frame)}")
        last = frame.values["delivery_tag"]
        for tag in [tag for tag in waiting if tag == last or
                    tag < last and frame.values["multiple"]]:
            self.history.confirm(waiting.pop(tag), frame.name == "basic.ack")


class Committer(Worker):
    """Publishes in transactions; no other message of its is under way."""

    def work(self):
        client = Client(self.where)
        client.call("tx.select", "tx.select-ok")
        while not self.is_over():
            transaction = self.run_of.next_session()
            messages = [self.publish(client, transaction)
                        for _ in range(self.random.randrange(1, 20))]
            client.call("tx.commit", "tx.commit-ok")
            for message in messages:
                self.history.confirm(message)
        client.close()

    def publish(self, client, transaction):
        exchange, key, queues = self.random.choice(ROUTES)
        message = self.number, self.run_of.next_sequence(self.number)
        body = history.make_body(self.run_of.seed, message, self.random.randrange(2000))
        self.history.publish(message, queues, transaction)
        client.publish(exchange, key, body)
        return message


def read_counts(queue, frame):
    """(rejected, had) before this delivery, of a queue that counts."""
    if queue != COUNTING:
        return None
    headers = dict(frame.content.properties.get("headers") or [])
    return tuple(headers.get(name, ("l", 0))[1] for name in (b"x-delivery-count",
                                                             b"x-acquired-count"))


class Consumer(Worker):
    """Acks, gives back, or acks in transactions."""

    def work(self):
        while not self.is_over():
            deliveries = self.random.randrange(20, 2000)
            prefetch = self.random.choice((1, 7, 50, 300))
            if self.random.random() < 0.2:
                self.session_of_transactions(deliveries, prefetch)
            else:
                self.session(deliveries, prefetch)

    def begin(self, prefetch, is_transactional=False):
        queue = NAMES[self.number]
        client = Client(self.where)
        session = self.run_of.next_session()
        if is_transactional:
            client.call("tx.select", "tx.select-ok")
        client.call("basic.qos", "basic.qos-ok", prefetch_count=prefetch)
        self.history.consume(session, queue, queue == RANKED)
        client.call("basic.consume", "basic.consume-ok", queue=queue.encode(), consumer_tag=b"t")
        return client, session

    def session(self, deliveries, prefetch):
        client, session = self.begin(prefetch)
        held = []  # (tag, message) that are not acked yet, in order
        is_recovering = False  # all that comes before the answer is given back
        while deliveries > 0 and not self.is_over():
            for frame in client.frames(WAIT_S):
                if frame.name == "basic.recover-ok":
                    self.all_back(session, held)
                    is_recovering = False
                    continue
                deliveries -= 1
                held.append((frame.values["delivery_tag"], self.deliver(session, frame)))
                chance = self.random.random()
                if chance < 0.002 and not is_recovering:
                    client.send("basic.recover", requeue=True)
                    is_recovering = True
                if not is_recovering:
                    self.answer(client, session, held, prefetch, chance < 0.03)
        client.close()

    def answer(self, client, session, held, prefetch, gives_back):
        if gives_back:
            self.give_back(client, session, held)
        if held:
            self.ack(client, session, held, prefetch)

    def all_back(self, session, held):
        for _, message in held:
            self.history.give_back(session, message)
        held.clear()

    def session_of_transactions(self, deliveries, prefetch):
        """Acks all that came, and commits; nothing is sent until that is answered."""
        client, session = self.begin(prefetch, True)
        held, is_committing = [], False
        while deliveries > 0 and not self.is_over() or is_committing:
            for frame in client.frames(WAIT_S):
                if frame.name == "tx.commit-ok":
                    for message in acked:
                        self.history.ack(session, message)
                    is_committing = False
                    continue
                deliveries -= 1
                held.append((frame.values["delivery_tag"], self.deliver(session, frame)))
            if held and not is_committing:
                acked = [message for _, message in held]
                client.send("basic.ack", delivery_tag=held[-1][0], multiple=True)
                client.send("tx.commit")
                held, is_committing = [], True
        client.close()

    def deliver(self, session, frame):
        message, is_intact = history.read_body(self.run_of.seed, frame.content.body)
        self.history.deliver(session, message, frame.values["redelivered"], is_intact,
                             read_counts(NAMES[self.number], frame))
        return message

    def give_back(self, client, session, held):
        """One is rejected or nacked, or all are nacked."""
        chance = self.random.random()
        if chance < 0.8:
            is_failure = chance < 0.4
            tag, message = held.pop(self.random.randrange(len(held)))
            self.history.give_back(session, message, is_failure)
            client.send("basic.reject" if is_failure else "basic.nack", delivery_tag=tag,
                        requeue=True)
            return
        client.send("basic.nack", delivery_tag=held[-1][0], multiple=True, requeue=True)
        self.all_back(session, held)

    def ack(self, client, session, held, prefetch):
        """Acks one at random, all, or none; when the prefetch is used up, never none."""
        chance = self.random.random()
        if len(held) < prefetch and chance < 0.3:
            return
        if chance > 0.95:
            for _, message in held:
                self.history.ack(session, message)
            client.send("basic.ack", delivery_tag=held[-1][0], multiple=True)
            held.clear()
            return
        tag, message = held.pop(self.random.randrange(len(held)))
        self.history.ack(session, message)
        client.send("basic.ack", delivery_tag=tag)


class Definer(Worker):
    """Declares and deletes durable queues, exchanges and bindings."""

    def work(self):
        client = Client(self.where)
        while not self.is_over():
            kind = self.random.choice(("queue", "exchange", "binding"))
            name = f"{kind} restart.{self.random.randrange(DEFINITIONS_MAX)}"
            self.history.unsure(name)
            if self.random.random() < 0.6:
                declare(client, *name.split())
                self.history.define(name)
            else:
                delete(client, *name.split())
                self.history.undefine(name)
        client.close()


def declare(client, kind, name):
    key = name.encode()
    if kind == "queue":
        client.call("queue.declare", "queue.declare-ok", queue=key, durable=True)
    elif kind == "exchange":
        client.call("exchange.declare", "exchange.declare-ok", exchange=key, type=b"fanout",
                    durable=True)
    else:
        client.call("queue.bind", "queue.bind-ok", queue=SINK, exchange=b"amq.direct",
                    routing_key=key)


def delete(client, kind, name):
    key = name.encode()
    if kind == "queue":
        client.call("queue.delete", "queue.delete-ok", queue=key)
    elif kind == "exchange":
        client.call("exchange.delete", "exchange.delete-ok", exchange=key)
    else:
        client.call("queue.unbind", "queue.unbind-ok", queue=SINK, exchange=b"amq.direct",
                    routing_key=key)


def is_there(client, kind, name):
    """Looks for it; the channel is opened again when that ended it."""
    key = name.encode()
    if kind == "binding":
        client.publish(b"amq.direct", key, b"", mandatory=True)
        client.send("channel.flow", active=True)
        is_back = client.take("basic.return", "channel.flow-ok").name == "basic.return"
        if is_back:
            client.take("channel.flow-ok")
        return not is_back
    client.send(f"{kind}.declare", passive=True, **{kind: key})
    if client.take(f"{kind}.declare-ok", "channel.close").name != "channel.close":
        return True
    client.send("channel.close-ok")
    player.open_channel(client.peer, 1)
    return False


def set_up(where):
    """What the load runs on; all of it durable."""
    client = Client(where)
    client.call("exchange.declare", "exchange.declare-ok", exchange=FAN, type=b"fanout",
                durable=True)
    for queue, arguments in (*QUEUES.items(), (SINK.decode(), [])):
        client.call("queue.declare", "queue.declare-ok", queue=queue.encode(), durable=True,
                    arguments=arguments)
    for queue in ROUTES[-1][2]:
        client.call("queue.bind", "queue.bind-ok", queue=queue.encode(), exchange=FAN)
    client.close()


def drain(run, queue):
    """A last session that takes everything; returns when the queue is empty."""
    client = Client(run.where)
    session, deadline = run.next_session(), time.monotonic() + peer.DEADLINE_S
    run.history.consume(session, queue, queue == RANKED)
    client.call("basic.consume", "basic.consume-ok", queue=queue.encode(), consumer_tag=b"t",
                no_ack=True)
    while True:
        client.send("queue.declare", queue=queue.encode(), passive=True)
        while True:
            frame = client.take("basic.deliver", "queue.declare-ok")
            if frame.name == "queue.declare-ok":
                break
            message, is_intact = history.read_body(run.seed, frame.content.body)
            run.history.deliver(session, message, frame.values["redelivered"], is_intact,
                                read_counts(queue, frame))
        if frame.values["message_count"] == 0:
            break
        if time.monotonic() > deadline:
            raise AssertionError(f"{queue} is not drained in {peer.DEADLINE_S} s")
    client.close()
