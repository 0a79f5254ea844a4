# Python's amqp (which kombu and Celery stand on) against a broker: every scenario.
"""usage: amqp_client.py PORT"""
import decimal
import sys

import amqp
from amqp.exceptions import (AccessRefused, ChannelError, MessageNacked, NotFound,
                             PreconditionFailed, RecoverableConnectionError)

from scenarios import (HEADERS, ask_for_restart, check_death, equal, large_body, report)

PORT = int(sys.argv[1])
WAIT_S = 30
PERSISTENT, TRANSIENT = 2, 1


def connect(confirm=False):
    connection = amqp.Connection(f"127.0.0.1:{PORT}", confirm_publish=confirm, heartbeat=30,
                                 connect_timeout=WAIT_S)
    connection.connect()
    return connection


def publish(channel, key, body, exchange="", mandatory=False, **properties):
    channel.basic_publish(amqp.Message(body, **properties), exchange, key, mandatory=mandatory)


def get_all(channel, queue):
    return [m.body for m in iter(lambda: channel.basic_get(queue, no_ack=True), None)]


def next_messages(channel, queue, count):
    """Consumes so many messages, waiting for them."""
    messages = []
    tag = channel.basic_consume(queue, callback=messages.append)
    while len(messages) < count:
        channel.connection.drain_events(timeout=WAIT_S)
    channel.basic_ack(messages[-1].delivery_tag, multiple=True)
    channel.basic_cancel(tag)
    return messages


def refused(kind, code, text, call, *arguments, **options):
    """The broker must close the channel with this code and a text that begins so."""
    try:
        call(*arguments, **options)
    except kind as error:
        equal((error.reply_code, error.reply_text[:len(text)]), (code, text), "the error")
    else:
        raise AssertionError(f"the broker did not close the channel with {code}")


def publish_confirm(_channel):
    with connect(confirm=True) as connection:
        channel = connection.channel()
        channel.queue_declare("amqp.confirm", durable=True, auto_delete=False)
        sent = {"content_type": "text/plain", "content_encoding": "utf-8", "delivery_mode": 2,
                "application_headers": {"n": 1}, "priority": 3, "correlation_id": "c",
                "reply_to": "r", "expiration": "60000", "message_id": "m", "type": "t",
                "user_id": "guest", "app_id": "a"}
        for number in range(100):
            publish(channel, "amqp.confirm", str(number), mandatory=True, **sent)
        equal(channel.queue_declare("amqp.confirm", passive=True).message_count, 100)
        message = channel.basic_get("amqp.confirm", no_ack=True)
        equal((message.body, message.properties), ("0", sent), "the message")
        equal(channel.queue_purge("amqp.confirm"), 99)
        channel.queue_delete("amqp.confirm")

        channel.queue_declare("amqp.full", exclusive=True, arguments={
            "x-max-length": 1, "x-overflow": "reject-publish"})
        publish(channel, "amqp.full", "fits")
        try:
            publish(channel, "amqp.full", "does not")
        except MessageNacked:
            return
        raise AssertionError("a message that did not fit was confirmed")


def ack_nack_requeue(channel):
    channel.queue_declare("amqp.ack", exclusive=True, auto_delete=False)
    for body in "abcd":
        publish(channel, "amqp.ack", body)
    channel.basic_qos(0, 1, False)
    seen = []

    def on_message(message):
        seen.append((message.body, message.delivery_info["redelivered"]))
        if len(seen) == 1:
            channel.basic_reject(message.delivery_tag, requeue=True)
        elif message.body == "b":
            channel.basic_reject(message.delivery_tag, requeue=False)
        elif message.body != "c":
            channel.basic_ack(message.delivery_tag)

    channel.basic_consume("amqp.ack", callback=on_message)
    while not seen or seen[-1][0] != "c":
        channel.connection.drain_events(timeout=WAIT_S)
    equal(seen, [("a", False), ("a", True), ("b", False), ("c", False)], "the deliveries")

    other = channel.connection.channel()
    channel.close()  # and c, which was not acked, is there again, before d
    again = [other.basic_get("amqp.ack") for _ in range(2)]
    equal([(m.body, m.delivery_info["redelivered"]) for m in again], [("c", True), ("d", False)])
    other.basic_ack(again[-1].delivery_tag, multiple=True)
    other.basic_recover(requeue=True)
    equal(get_all(other, "amqp.ack"), [])


def topic(channel):
    channel.exchange_declare("amqp.topic", "topic", auto_delete=True)
    queues = {}
    for pattern in ("a.*.c", "a.#", "#.c", "#"):
        queues[pattern] = channel.queue_declare("", exclusive=True).queue
        channel.queue_bind(queues[pattern], "amqp.topic", pattern)
    for key in ("a.b.c", "a", "a.c", "c", "x.y"):
        publish(channel, key, key, "amqp.topic")
    equal({pattern: get_all(channel, queue) for pattern, queue in queues.items()}, {
        "a.*.c": ["a.b.c"], "a.#": ["a.b.c", "a", "a.c"], "#.c": ["a.b.c", "a.c", "c"],
        "#": ["a.b.c", "a", "a.c", "c", "x.y"]}, "what was routed")
    # An exchange bound to an exchange routes on.
    channel.exchange_declare("amqp.behind", "fanout", auto_delete=True)
    channel.exchange_bind("amqp.behind", "amqp.topic", "x.*")
    behind = channel.queue_declare("", exclusive=True).queue
    channel.queue_bind(behind, "amqp.behind")
    publish(channel, "x.y", "passed on", "amqp.topic")
    publish(channel, "a.b", "not passed on", "amqp.topic")
    equal(get_all(channel, behind), ["passed on"])


def headers(channel):
    sent = dict(HEADERS, price=decimal.Decimal("12.34"), half=0.5)
    channel.exchange_declare("amqp.headers", "headers", auto_delete=True)
    queues = {}
    for match in ("all", "any"):
        queues[match] = channel.queue_declare("", exclusive=True).queue
        channel.queue_bind(queues[match], "amqp.headers", "",
                           arguments={"x-match": match, "text": "Zürich", "small": 8})
    publish(channel, "", "one", "amqp.headers", application_headers=sent)
    publish(channel, "", "both", "amqp.headers", application_headers=dict(sent, small=8))
    publish(channel, "", "none", "amqp.headers", application_headers={"text": "Bern"})
    message = channel.basic_get(queues["any"], no_ack=True)
    equal((message.body, message.headers), ("one", sent), "the message")
    equal(get_all(channel, queues["any"]), ["both"])
    equal(get_all(channel, queues["all"]), ["both"])


def ttl_dead_letter(channel):
    channel.exchange_declare("amqp.dlx", "fanout", auto_delete=True)
    channel.queue_declare("amqp.dead", exclusive=True, auto_delete=False)
    channel.queue_bind("amqp.dead", "amqp.dlx")
    channel.queue_declare("amqp.ttl", exclusive=True, auto_delete=False, arguments={
        "x-message-ttl": 50, "x-dead-letter-exchange": "amqp.dlx"})
    publish(channel, "amqp.ttl", "old", application_headers={"mine": {"a": [1]}})
    message = next_messages(channel, "amqp.dead", 1)[0]
    equal((message.body, message.delivery_info["exchange"], message.delivery_info["routing_key"]),
          ("old", "amqp.dlx", "amqp.ttl"))
    death = {"count": 1, "reason": "expired", "queue": "amqp.ttl", "exchange": "",
             "routing-keys": ["amqp.ttl"]}
    check_death(message.headers, death)
    equal(message.headers["mine"], {"a": [1]})
    publish(channel, "amqp.ttl", "own", expiration="20")
    message = next_messages(channel, "amqp.dead", 1)[0]
    equal((message.body, "expiration" in message.properties), ("own", False))
    check_death(message.headers, dict(death, **{"original-expiration": "20"}))


def priority(channel):
    channel.queue_declare("amqp.priority", exclusive=True, arguments={"x-max-priority": 9})
    for level in (1, 9, 0, 5, 200):
        publish(channel, "amqp.priority", str(level), priority=level)
    publish(channel, "amqp.priority", "none")
    equal(get_all(channel, "amqp.priority"), ["9", "200", "5", "1", "0", "none"], "the order")


def call(channel, queue, replies, no_ack):
    """Ten questions, answered on another channel; returns the names the answers were sent to."""
    channel.queue_declare(queue, exclusive=True)
    server = channel.connection.channel()
    answers, names = {}, set()

    def on_request(message):
        names.add(message.reply_to)
        publish(server, message.reply_to, message.body.upper(),
                correlation_id=message.correlation_id)
        server.basic_ack(message.delivery_tag)

    server.basic_consume(queue, callback=on_request)
    channel.basic_consume(replies, no_ack=no_ack, callback=lambda message: answers.update(
        {message.correlation_id: message.body}))
    for number in range(10):
        publish(channel, queue, f"question {number}", reply_to=replies,
                correlation_id=str(number))
    while len(answers) < 10:
        channel.connection.drain_events(timeout=WAIT_S)
    equal(answers, {str(n): f"QUESTION {n}" for n in range(10)}, "the answers")
    return names


def rpc(channel):
    replies = channel.queue_declare("", exclusive=True).queue
    equal(replies[:8], "amq.gen-")
    equal(call(channel, "amqp.rpc", replies, False), {replies})


def direct_reply_to(channel):
    names = call(channel, "amqp.direct", "amq.rabbitmq.reply-to", True)
    equal([name[:22] for name in names], ["amq.rabbitmq.reply-to."])


def large(channel):
    channel.queue_declare("amqp.large", exclusive=True, auto_delete=False)
    sent = large_body()
    publish(channel, "amqp.large", sent, delivery_mode=PERSISTENT)
    publish(channel, "amqp.large", sent[:-1])
    publish(channel, "amqp.large", b"")
    bodies = [message.body for message in next_messages(channel, "amqp.large", 3)]
    equal([len(body) for body in bodies], [len(sent), len(sent) - 1, 0], "the lengths")
    assert bodies[:2] == [sent, sent[:-1]], "the bodies came back changed"


def mandatory_return(channel):
    returned = []
    channel.events["basic_return"].add(lambda error, exchange, key, message: returned.append(
        (error.reply_code, error.reply_text, exchange, key, message.message_id, message.body)))
    channel.queue_declare("amqp.known", exclusive=True)
    publish(channel, "unknown", "lost", "amq.direct", mandatory=True, message_id="7")
    publish(channel, "amqp.known", "kept", mandatory=True)
    publish(channel, "unknown", "not asked for", "amq.direct")
    equal(get_all(channel, "amqp.known"), ["kept"])
    equal(returned, [(312, "NO_ROUTE", "amq.direct", "unknown", "7", "lost")], "the returns")


def channel_error(channel):
    connection = channel.connection
    refused(NotFound, 404, "NOT_FOUND - no queue 'amqp.none' in vhost '/'",
            channel.queue_declare, "amqp.none", passive=True)
    channel = connection.channel()
    channel.queue_declare("amqp.error", exclusive=True, auto_delete=False)
    refused(PreconditionFailed, 406, "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for "
            "queue 'amqp.error' in vhost '/'", channel.queue_declare, "amqp.error",
            exclusive=True, auto_delete=True)
    channel = connection.channel()
    refused(AccessRefused, 403, "ACCESS_REFUSED - ", channel.queue_declare, "amq.mine")
    channel = connection.channel()
    channel.basic_ack(99)  # has no answer but an error, which the next call meets
    refused(ChannelError, 406, "PRECONDITION_FAILED - unknown delivery tag 99",
            connection.drain_events, timeout=WAIT_S)
    channel = connection.channel()
    publish(channel, "amqp.error", "still works")
    equal(get_all(channel, "amqp.error"), ["still works"])


def restart(how):
    connection = connect(confirm=True)
    channel = connection.channel()
    name = f"amqp.{how}"
    channel.queue_declare(name, durable=True, auto_delete=False)
    channel.exchange_declare(name, "fanout", durable=True, auto_delete=False)
    channel.queue_bind(name, name)
    for number in range(100):
        publish(channel, "", str(number), name, delivery_mode=PERSISTENT)
    publish(channel, "", "transient", name, delivery_mode=TRANSIENT)
    held = channel.basic_get(name)
    equal(held.body, "0")
    ask_for_restart(how)
    try:
        channel.queue_declare(name, passive=True)
    except (RecoverableConnectionError, OSError, amqp.ConnectionError):
        pass
    else:
        raise AssertionError("the connection outlived the broker")
    with connect(confirm=True) as connection:
        channel = connection.channel()
        publish(channel, "", "new", name, delivery_mode=PERSISTENT)
        equal(get_all(channel, name), [str(n) for n in range(100)] + ["new"], "what was kept")
        channel.queue_delete(name)
        channel.exchange_delete(name)


def on_channel(work):
    def run():
        with connect() as connection:
            work(connection.channel())
    return run


for scenario in (publish_confirm, ack_nack_requeue, topic, headers, ttl_dead_letter, priority,
                 rpc, direct_reply_to, large, mandatory_return, channel_error):
    report(scenario.__name__, on_channel(scenario))
for way in ("stop", "kill"):
    report(way, lambda: restart(way))
