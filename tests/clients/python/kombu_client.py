# Python's kombu against a broker: every scenario, in kombu's own words where it has some.
"""usage: kombu_client.py PORT"""
import socket
import sys
import uuid

import amqp.exceptions
from kombu import Connection, Consumer, Exchange, Producer, Queue, binding
from kombu.mixins import ConsumerMixin

from scenarios import HEADERS, ask_for_restart, check_death, equal, large_body, report

PORT = int(sys.argv[1])
WAIT_S = 30


def connect(**options):
    return Connection(f"amqp://guest:guest@127.0.0.1:{PORT}//", connect_timeout=WAIT_S,
                      transport_options=dict(options, confirm_publish=True))


def get_all(queue):
    return [message.payload for message in iter(lambda: queue.get(no_ack=True), None)]


def consume(connection, queue, count, on_message=None):
    """Consumes so many messages of a queue, acking each unless `on_message` does something else."""
    messages = []

    def take(message):
        messages.append(message)
        (on_message or type(message).ack)(message)

    with Consumer(connection.channel(), [queue], on_message=take, prefetch_count=1):
        while len(messages) < count:
            connection.drain_events(timeout=WAIT_S)
    return messages


def publish_confirm(connection):
    queue = Queue("kombu.confirm", durable=True)(connection.channel())
    queue.declare()
    producer = connection.Producer(serializer="json")
    for number in range(100):
        producer.publish({"number": number, "why": ["nested", None]}, routing_key=queue.name,
                         mandatory=True, correlation_id="c", priority=1)
    equal(queue.queue_declare(passive=True).message_count, 100)
    message = queue.get(no_ack=True)
    equal((message.payload, message.content_type, message.content_encoding,
           message.properties["delivery_mode"], message.properties["correlation_id"]),
          ({"number": 0, "why": ["nested", None]}, "application/json", "utf-8", 2, "c"))
    equal(queue.purge(), 99)
    queue.delete()
    full = Queue("kombu.full", exclusive=True, max_length=1,
                 queue_arguments={"x-overflow": "reject-publish"})(connection.channel())
    full.declare()
    producer.publish("fits", routing_key=full.name)
    try:
        producer.publish("does not", routing_key=full.name)
    except amqp.exceptions.MessageNacked:
        return
    raise AssertionError("a message that did not fit was confirmed")


def ack_nack_requeue(connection):
    queue = Queue("kombu.ack", durable=False)
    producer = connection.Producer()
    for body in "abc":
        producer.publish(body, routing_key="kombu.ack", declare=[queue])
    seen = []

    def on_message(message):
        seen.append((message.payload, message.delivery_info["redelivered"]))
        if len(seen) == 1:
            message.requeue()
        elif message.payload == "b":
            message.reject()
        else:
            message.ack()

    consume(connection, queue, 4, on_message)
    equal(seen, [("a", False), ("a", True), ("b", False), ("c", False)], "the deliveries")
    equal(get_all(queue(connection.channel())), [])
    queue(connection.channel()).delete()


def topic(connection):
    exchange = Exchange("kombu.topic", "topic", auto_delete=True)
    channel = connection.channel()
    queues = {pattern: Queue(f"kombu.{n}", exchange, pattern, exclusive=True)(channel)
              for n, pattern in enumerate(("a.*", "a.#", "#.b"))}
    queues["two"] = Queue("kombu.two", [binding(exchange, "c"), binding(exchange, "d")],
                          exclusive=True)(channel)
    for queue in queues.values():
        queue.declare()
    producer = Producer(channel, exchange)
    for key in ("a.b", "a", "a.c.b", "b", "c", "d"):
        producer.publish(key, routing_key=key)
    equal({pattern: get_all(queue) for pattern, queue in queues.items()},
          {"a.*": ["a.b"], "a.#": ["a.b", "a", "a.c.b"], "#.b": ["a.b", "a.c.b", "b"],
           "two": ["c", "d"]}, "what was routed")


def headers(connection):
    queue = Queue("kombu.headers", durable=False)
    connection.Producer().publish("x", routing_key="kombu.headers", declare=[queue],
                                  headers=dict(HEADERS))
    message, = consume(connection, queue, 1)
    equal(message.headers, HEADERS, "the headers")
    # kombu announces packed bodies in a header, and unpacks what comes back.
    connection.Producer().publish({"a": "b" * 5000}, routing_key="kombu.headers",
                                  compression="zlib", serializer="json")
    message, = consume(connection, queue, 1)
    equal((message.payload, message.headers), ({"a": "b" * 5000},
                                               {"compression": "application/x-gzip"}))
    queue(connection.channel()).delete()


def ttl_dead_letter(connection):
    exchange = Exchange("kombu.dlx", "direct", auto_delete=True)
    dead = Queue("kombu.dead", exchange, "died", durable=False)
    dead(connection.channel()).declare()
    queue = Queue("kombu.ttl", exclusive=True, message_ttl=0.05, queue_arguments={
        "x-dead-letter-exchange": "kombu.dlx", "x-dead-letter-routing-key": "died"})
    producer = connection.Producer()
    producer.publish("old", routing_key="kombu.ttl", declare=[queue])
    death = {"count": 1, "reason": "expired", "queue": "kombu.ttl", "exchange": "",
             "routing-keys": ["kombu.ttl"]}
    message, = consume(connection, dead, 1)
    equal((message.payload, message.delivery_info["routing_key"]), ("old", "died"))
    check_death(message.headers, death)
    producer.publish("own", routing_key="kombu.ttl", expiration=0.02)
    message, = consume(connection, dead, 1)
    equal((message.payload, message.properties.get("expiration")), ("own", None))
    check_death(message.headers, dict(death, **{"original-expiration": "20"}))
    dead(connection.channel()).delete()


def priority(connection):
    queue = Queue("kombu.priority", exclusive=True, max_priority=3)
    for level in (0, 3, 1, 2, 3):
        connection.Producer().publish(level, routing_key=queue.name, priority=level,
                                      declare=[queue])
    equal(get_all(queue(connection.channel())), [3, 3, 2, 1, 0], "the order")


def call(connection, requests, replies):
    """Ten questions, answered on the same connection.

    Not in the consumer's callback: there another message may come while a confirm is waited for,
    and the library takes one confirm for the other.
    """
    answers, names, questions = {}, set(), []
    answering = connection.Producer()
    channel = connection.channel()
    with Consumer(connection.channel(), [requests], on_message=questions.append), \
            Consumer(channel, [replies], no_ack=True, on_message=lambda message: answers.update(
                {message.properties["correlation_id"]: message.payload})):
        for number in range(10):
            Producer(channel).publish(f"question {number}", routing_key=requests.name,
                                      reply_to=replies.name, correlation_id=str(number))
        while len(answers) < 10:
            if not questions:
                connection.drain_events(timeout=WAIT_S)
            while questions:
                question = questions.pop(0)
                names.add(question.properties["reply_to"])
                answering.publish(question.payload.upper(),
                                  routing_key=question.properties["reply_to"],
                                  correlation_id=question.properties["correlation_id"])
                question.ack()
    equal(answers, {str(n): f"QUESTION {n}" for n in range(10)}, "the answers")
    return names


def rpc(connection):
    replies = Queue(str(uuid.uuid4()), exclusive=True, expires=WAIT_S)
    equal(call(connection, Queue("kombu.rpc", exclusive=True), replies), {replies.name})


def direct_reply_to(connection):
    replies = Queue("amq.rabbitmq.reply-to", no_declare=True, no_ack=True)
    names = call(connection, Queue("kombu.direct", exclusive=True), replies)
    equal([name[:22] for name in names], ["amq.rabbitmq.reply-to."])


def large(connection):
    queue = Queue("kombu.large", durable=False)
    sent = large_body()
    connection.Producer().publish(sent, routing_key="kombu.large", declare=[queue],
                                  content_type="application/data", content_encoding="binary")
    message, = consume(connection, queue, 1)
    equal(len(message.body), len(sent))
    assert message.body == sent, "the body came back changed"
    queue(connection.channel()).delete()


def mandatory_return(connection):
    returned = []

    def on_return(error, exchange, key, message):
        returned.append((error.reply_code, error.reply_text, exchange, key, message.body))

    producer = connection.Producer(on_return=on_return)
    queue = Queue("kombu.known", exclusive=True)
    producer.publish("lost", exchange="amq.direct", routing_key="unknown", mandatory=True)
    producer.publish("kept", routing_key="kombu.known", mandatory=True, declare=[queue])
    equal(get_all(queue(connection.channel())), ["kept"])
    equal(returned, [(312, "NO_ROUTE", "amq.direct", "unknown", "lost")], "the returns")


def channel_error(connection):
    try:
        Queue("kombu.none")(connection.channel()).queue_declare(passive=True)
    except connection.channel_errors as error:
        equal((error.reply_code, error.reply_text),
              (404, "NOT_FOUND - no queue 'kombu.none' in vhost '/'"), "the error")
    else:
        raise AssertionError("a queue that is not there was found")
    queue = Queue("kombu.error", exclusive=True)(connection.channel())
    queue.declare()
    try:
        Queue("kombu.error", exclusive=True, max_length=3)(connection.channel()).declare()
    except connection.channel_errors as error:
        equal(error.reply_code, 406, "the error")
    else:
        raise AssertionError("another queue of the same name was declared")
    connection.Producer().publish("still works", routing_key=queue.name)
    equal(get_all(Queue("kombu.error")(connection.channel())), ["still works"])


class Worker(ConsumerMixin):
    """kombu's own consumer, which connects again by itself; asks for a restart on the way."""

    def __init__(self, connection, queue, how):
        self.connection, self.queue, self.how = connection, queue, how
        self.seen = []

    def get_consumers(self, Consumer, channel):
        return [Consumer([self.queue], callbacks=[self.on_task], prefetch_count=1)]

    def on_task(self, body, message):
        if not self.seen:
            self.seen.append(("before", body))
            ask_for_restart(self.how)  # while this message is held
            return
        self.seen.append((message.delivery_info["redelivered"], body))
        message.ack()
        self.should_stop = body == 99


def restart(how):
    with connect() as connection:
        queue = Queue(f"kombu.{how}", Exchange(f"kombu.{how}", "direct"), "key")
        producer = connection.Producer(exchange=queue.exchange, serializer="json")
        for number in range(100):
            producer.publish(number, routing_key="key", declare=[queue] if number == 0 else [],
                             retry=True)
        worker = Worker(connection.clone(), queue, how)
        worker.run(timeout=WAIT_S)
        equal([number for _, number in worker.seen], [0, *range(100)], "what was consumed")
        if how == "stop":  # after a crash RabbitMQ marks more than what was held
            equal([n for redelivered, n in worker.seen[1:] if redelivered], [0], "what came again")
        # The producer's connection broke too, and is mended by the retry.
        producer.publish("new", routing_key="key", retry=True)
        with connect() as fresh:
            here = queue(fresh.channel())
            equal(get_all(here), ["new"])
            here.delete()
            here.exchange.delete()


def connected(work):
    def run():
        with connect() as connection:
            connection.connect()
            work(connection)
    return run


socket.setdefaulttimeout(WAIT_S)
for scenario in (publish_confirm, ack_nack_requeue, topic, headers, ttl_dead_letter, priority,
                 rpc, direct_reply_to, large, mandatory_return, channel_error):
    report(scenario.__name__, connected(scenario))
for way in ("stop", "kill"):
    report(way, lambda: restart(way))
