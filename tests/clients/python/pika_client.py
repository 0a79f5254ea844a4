# Python's pika against a broker: every scenario of tests/clients/runtimes.py.
"""usage: pika_client.py PORT"""
import datetime
import decimal
import sys
import threading
import time

import pika
from pika.exceptions import (AMQPConnectionError, ChannelClosedByBroker, NackError,
                             UnroutableError)

from scenarios import (HEADERS, ask_for_restart, check_death, equal, large_body, report)

PORT = int(sys.argv[1])
WAIT_S = 30
PERSISTENT, TRANSIENT = 2, 1


def connect():
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", PORT, heartbeat=30,
                                                             socket_timeout=WAIT_S))


def get(channel, queue, auto_ack=True):
    """The next message as (method, properties, body); (None, None, None) when there is none."""
    return channel.basic_get(queue, auto_ack=auto_ack)


def get_all(channel, queue):
    return [body for _, _, body in iter(lambda: get(channel, queue), (None, None, None))]


def next_message(channel, queue):
    """Consumes one message: waits for what is not there yet, and puts back what was sent ahead."""
    for method, properties, body in channel.consume(queue, inactivity_timeout=WAIT_S):
        assert method is not None, f"no message came to {queue}"
        channel.basic_ack(method.delivery_tag)
        channel.cancel()
        return method, properties, body
    raise AssertionError("the consumer ended")


def publish(channel, key, body, exchange="", **properties):
    channel.basic_publish(exchange, key, body, pika.BasicProperties(**properties))


def closed_with(code, text, call, *arguments, **options):
    """The broker must close the channel with this code and a text that begins so."""
    try:
        call(*arguments, **options)
    except ChannelClosedByBroker as closed:
        equal((closed.reply_code, closed.reply_text[:len(text)]), (code, text), "the error")
    else:
        raise AssertionError(f"the broker did not close the channel with {code}")


def publish_confirm(channel):
    channel.queue_declare("pika.confirm", durable=True)
    channel.confirm_delivery()
    sent = pika.BasicProperties(
        content_type="text/plain", content_encoding="utf-8", headers={"n": 1}, delivery_mode=2,
        priority=3, correlation_id="c", reply_to="r", expiration="60000", message_id="m",
        timestamp=1700000000, type="t", user_id="guest", app_id="a")
    for number in range(100):
        channel.basic_publish("", "pika.confirm", b"%d" % number, sent, mandatory=True)
    equal(channel.queue_declare("pika.confirm", passive=True).method.message_count, 100)
    _, properties, body = get(channel, "pika.confirm")
    equal(body, b"0")
    equal(vars(properties), vars(sent), "the properties")
    equal(channel.queue_purge("pika.confirm").method.message_count, 99)
    channel.queue_delete("pika.confirm")

    channel.queue_declare("pika.full", exclusive=True,
                          arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    publish(channel, "pika.full", b"fits")
    try:
        publish(channel, "pika.full", b"does not")
    except NackError:
        return
    raise AssertionError("a message that did not fit was confirmed")


def ack_nack_requeue(channel):
    channel.queue_declare("pika.ack", exclusive=True)
    for body in (b"a", b"b", b"c", b"d"):
        publish(channel, "pika.ack", body)
    channel.basic_qos(prefetch_count=1)
    seen = []
    for method, _, body in channel.consume("pika.ack", inactivity_timeout=WAIT_S):
        assert method is not None, f"nothing came after {seen}"
        if body == b"0":
            continue  # taking it was not synced before the kill, so it may come again
        seen.append((body, method.redelivered))
        if seen == [(b"a", False)]:
            channel.basic_nack(method.delivery_tag, requeue=True)
        elif body == b"b":
            channel.basic_reject(method.delivery_tag, requeue=False)
        elif body == b"c":
            break
        else:
            channel.basic_ack(method.delivery_tag)
    equal(seen, [(b"a", False), (b"a", True), (b"b", False), (b"c", False)], "the deliveries")

    other = channel.connection.channel()
    other.queue_declare("pika.ack", passive=True)
    channel.close()  # and c, which was not acked, is there again, before d
    again = [get(other, "pika.ack", auto_ack=False) for _ in range(2)]
    equal([(m.redelivered, m.message_count, b) for m, _, b in again],
          [(True, 1, b"c"), (False, 0, b"d")], "what came back")
    other.basic_ack(again[-1][0].delivery_tag, multiple=True)
    other.basic_recover(requeue=True)
    equal(get_all(other, "pika.ack"), [])


def topic(channel):
    channel.exchange_declare("pika.topic", "topic", auto_delete=True)
    queues = {}
    for pattern in ("stock.*.nyc", "stock.#", "#.error", "*", "#"):
        queues[pattern] = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queues[pattern], "pika.topic", pattern)
    for key in ("stock.ibm.nyc", "stock", "stock.ibm.nyc.error", "error", "other.thing"):
        publish(channel, key, key.encode(), "pika.topic")
    equal({pattern: get_all(channel, queue) for pattern, queue in queues.items()}, {
        "stock.*.nyc": [b"stock.ibm.nyc"],
        "stock.#": [b"stock.ibm.nyc", b"stock", b"stock.ibm.nyc.error"],
        "#.error": [b"stock.ibm.nyc.error", b"error"],
        "*": [b"stock", b"error"],
        "#": [b"stock.ibm.nyc", b"stock", b"stock.ibm.nyc.error", b"error", b"other.thing"],
    }, "what was routed")
    channel.queue_unbind(queues["#"], "pika.topic", "#")
    publish(channel, "error", b"x", "pika.topic")
    equal(get_all(channel, queues["#"]), [])


def headers(channel):
    sent = dict(HEADERS, price=decimal.Decimal("12.34"), raw=b"\x00\xff")
    channel.exchange_declare("pika.headers", "headers", auto_delete=True)
    queues = {}
    for match in ("all", "any"):
        queues[match] = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queues[match], "pika.headers", "",
                           {"x-match": match, "text": "Zürich", "small": 8})
    publish(channel, "", b"one", "pika.headers", headers=sent)
    publish(channel, "", b"both", "pika.headers", headers=dict(sent, small=8))
    publish(channel, "", b"none", "pika.headers", headers={"text": "Bern"})
    _, properties, body = get(channel, queues["any"])
    equal((body, properties.headers), (b"one", sent), "the message")
    equal(get_all(channel, queues["any"]), [b"both"])
    equal(get_all(channel, queues["all"]), [b"both"])


def ttl_dead_letter(channel):
    channel.exchange_declare("pika.dlx", "direct", auto_delete=True)
    channel.queue_declare("pika.dead", exclusive=True)
    channel.queue_bind("pika.dead", "pika.dlx", "died")
    arguments = {"x-message-ttl": 50, "x-dead-letter-exchange": "pika.dlx",
                 "x-dead-letter-routing-key": "died"}
    channel.queue_declare("pika.ttl", exclusive=True, arguments=arguments)
    publish(channel, "pika.ttl", b"old", headers={"mine": [1, 2]}, content_type="x/y")
    method, properties, body = next_message(channel, "pika.dead")
    equal((body, method.exchange, method.routing_key, properties.content_type),
          (b"old", "pika.dlx", "died", "x/y"))
    death = {"count": 1, "reason": "expired", "queue": "pika.ttl", "exchange": "",
             "routing-keys": ["pika.ttl"]}
    check_death(properties.headers, death)
    equal({k: v for k, v in properties.headers.items() if k.startswith("x-first-death")},
          {"x-first-death-reason": "expired", "x-first-death-queue": "pika.ttl",
           "x-first-death-exchange": ""})
    equal(properties.headers["mine"], [1, 2])

    publish(channel, "pika.ttl", b"own", expiration="20")
    _, properties, body = next_message(channel, "pika.dead")
    equal((body, properties.expiration), (b"own", None))
    check_death(properties.headers, dict(death, **{"original-expiration": "20"}))

    del arguments["x-message-ttl"]
    channel.queue_declare("pika.reject", exclusive=True, arguments=dict(arguments,
                                                                        **{"x-max-length": 1}))
    publish(channel, "pika.reject", b"pushed out")
    publish(channel, "pika.reject", b"rejected")
    _, properties, body = next_message(channel, "pika.dead")
    equal(body, b"pushed out")
    check_death(properties.headers, dict(death, reason="maxlen", queue="pika.reject",
                                         **{"routing-keys": ["pika.reject"]}))
    channel.basic_reject(get(channel, "pika.reject", auto_ack=False)[0].delivery_tag,
                         requeue=False)
    _, properties, body = next_message(channel, "pika.dead")
    equal(body, b"rejected")
    check_death(properties.headers, dict(death, reason="rejected", queue="pika.reject",
                                         **{"routing-keys": ["pika.reject"]}))


def priority(channel):
    channel.queue_declare("pika.priority", exclusive=True, arguments={"x-max-priority": 5})
    for body, level in ((b"1", 1), (b"5", 5), (b"none", None), (b"3", 3), (b"9", 9), (b"0", 0),
                        (b"3 too", 3)):
        publish(channel, "pika.priority", body, priority=level)
    equal(get_all(channel, "pika.priority"),
          [b"5", b"9", b"3", b"3 too", b"1", b"none", b"0"], "the order")


def serve(queue, ready):
    """An RPC server for ten requests: it answers in capitals."""
    with connect() as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        ready.set()
        served = 0
        for method, properties, body in channel.consume(queue, inactivity_timeout=WAIT_S):
            if method is None:
                return
            publish(channel, properties.reply_to, body.upper(),
                    correlation_id=properties.correlation_id)
            channel.basic_ack(method.delivery_tag)
            served += 1
            if served == 10:
                return


def rpc(channel):
    replies = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_declare("pika.rpc", auto_delete=True)
    ready = threading.Event()
    server = threading.Thread(target=serve, args=("pika.rpc", ready))
    server.start()
    assert ready.wait(WAIT_S)
    for number in range(10):
        publish(channel, "pika.rpc", b"question %d" % number, reply_to=replies,
                correlation_id=str(number))
    answers = {}
    for method, properties, body in channel.consume(replies, inactivity_timeout=WAIT_S):
        assert method is not None, f"only these came: {answers}"
        channel.basic_ack(method.delivery_tag)
        answers[properties.correlation_id] = body
        if len(answers) == 10:
            break
    server.join()
    equal(answers, {str(n): b"QUESTION %d" % n for n in range(10)}, "the answers")


def direct_reply_to(channel):
    answers = {}
    channel.queue_declare("pika.direct", auto_delete=True)
    channel.basic_consume("amq.rabbitmq.reply-to", auto_ack=True, on_message_callback=lambda
                          _c, _m, properties, body: answers.update(
                              {properties.correlation_id: body}))
    server = channel.connection.channel()
    names = set()

    def on_request(_channel, method, properties, body):
        names.add(properties.reply_to)
        publish(server, properties.reply_to, body.upper(),
                correlation_id=properties.correlation_id)
        server.basic_ack(method.delivery_tag)

    server.basic_consume("pika.direct", on_request)
    for number in range(10):
        publish(channel, "pika.direct", b"question %d" % number, correlation_id=str(number),
                reply_to="amq.rabbitmq.reply-to")
    while len(answers) < 10:
        before = len(answers)
        channel.connection.process_data_events(time_limit=WAIT_S)
        assert names or len(answers) > before, f"only these came: {answers}"
    equal(answers, {str(n): b"QUESTION %d" % n for n in range(10)}, "the answers")
    equal([name[:22] for name in names], ["amq.rabbitmq.reply-to."])


def large(channel):
    channel.queue_declare("pika.large", exclusive=True)
    sent = large_body()
    channel.confirm_delivery()
    for _ in range(3):
        publish(channel, "pika.large", sent, delivery_mode=PERSISTENT)
    equal(len(get(channel, "pika.large")[2]), len(sent))
    for _ in range(2):
        assert next_message(channel, "pika.large")[2] == sent, "the body came back changed"


def mandatory_return(channel):
    returned = []
    channel.add_on_return_callback(lambda _c, method, properties, body: returned.append(
        (method.reply_code, method.reply_text, method.exchange, method.routing_key,
         properties.message_id, body)))
    channel.queue_declare("pika.known", exclusive=True)
    properties = pika.BasicProperties(message_id="7")
    channel.basic_publish("amq.direct", "unknown", b"lost", properties, mandatory=True)
    channel.basic_publish("", "pika.known", b"kept", properties, mandatory=True)
    channel.basic_publish("amq.direct", "unknown", b"not asked for")
    equal(get(channel, "pika.known")[2], b"kept")
    channel.connection.process_data_events(0)
    equal(returned, [(312, "NO_ROUTE", "amq.direct", "unknown", "7", b"lost")], "the returns")

    sure = channel.connection.channel()
    sure.confirm_delivery()
    try:
        sure.basic_publish("amq.direct", "unknown", b"lost", mandatory=True)
    except UnroutableError as unroutable:
        equal([m.body for m in unroutable.messages], [b"lost"])
    else:
        raise AssertionError("an unroutable message was confirmed and not returned")


def channel_error(channel):
    connection = channel.connection
    closed_with(404, "NOT_FOUND - no queue 'pika.none' in vhost '/'",
                channel.queue_declare, "pika.none", passive=True)
    assert channel.is_closed and connection.is_open
    channel = connection.channel()
    channel.queue_declare("pika.error", exclusive=True)
    closed_with(406, "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue "
                     "'pika.error' in vhost '/'", channel.queue_declare, "pika.error",
                exclusive=True, arguments={"x-max-length": 5})
    channel = connection.channel()
    closed_with(404, "NOT_FOUND - no exchange 'pika.none' in vhost '/'",
                channel.exchange_declare, "pika.none", passive=True)
    channel = connection.channel()
    channel.confirm_delivery()
    closed_with(404, "NOT_FOUND - no exchange 'pika.none' in vhost '/'",
                channel.basic_publish, "pika.none", "", b"")
    channel = connection.channel()
    closed_with(403, "ACCESS_REFUSED - ", channel.exchange_delete, "amq.topic")
    channel = connection.channel()
    publish(channel, "pika.error", b"still works")
    equal(get(channel, "pika.error")[2], b"still works")


def restart(how):
    connection = connect()
    channel = connection.channel()
    name = f"pika.{how}"
    channel.exchange_declare(name, "topic", durable=True)
    channel.queue_declare(name, durable=True)
    channel.queue_bind(name, name, "k.#")
    channel.confirm_delivery()
    for number in range(200):
        publish(channel, f"k.{number}", b"%d" % number, name, delivery_mode=PERSISTENT,
                headers={"number": [number]})
    publish(channel, "k", b"transient", name, delivery_mode=TRANSIENT)
    taken = [get(channel, name, auto_ack=False) for _ in range(10)]
    channel.basic_ack(taken[4][0].delivery_tag, multiple=True)
    equal(channel.queue_declare(name, passive=True).method.message_count, 191)
    ask_for_restart(how)
    try:
        channel.queue_declare(name, passive=True)
    except AMQPConnectionError:
        pass
    else:
        raise AssertionError("the connection outlived the broker")

    channel = connect().channel()
    channel.confirm_delivery()
    publish(channel, "k.new", b"new", name, delivery_mode=PERSISTENT, headers={"number": ["new"]})
    numbers, redelivered = [], []
    for method, properties, body in iter(lambda: get(channel, name), (None, None, None)):
        numbers.append(body.decode())
        equal(str(properties.headers["number"][0]), numbers[-1])
        if method.redelivered:
            redelivered.append(numbers[-1])
    # An ack that was not synced may be lost with a kill, and then costs a redelivery.
    first = int(numbers[0])
    assert first == 5 or how == "kill" and first < 5, f"the first message is {first}"
    equal(numbers, [str(n) for n in range(first, 200)] + ["new"], "what was kept")
    if how == "stop":
        equal(redelivered[:5], ["5", "6", "7", "8", "9"], "what is marked redelivered")
    channel.queue_delete(name)
    channel.exchange_delete(name)


def delayed():
    """Messages wait in the exchange, also while the broker is killed, and come in the order of
    their dates."""
    channel = connect().channel()
    channel.exchange_declare("pika.delayed", "x-delayed-message", durable=True,
                             arguments={"x-delayed-type": "topic"})
    channel.queue_declare("pika.delayed", durable=True)
    channel.queue_bind("pika.delayed", "pika.delayed", "later.#")
    channel.confirm_delivery()
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
    for body, headers in ((b"2", {"x-delay": 1500}), (b"4", {"x-deliver-at": soon}),
                          (b"1", {"x-delay": 500}), (b"0", {"x-delay": 0}),
                          (b"never", {"x-delay": 2 ** 40})):
        publish(channel, "later.on", body, "pika.delayed", delivery_mode=PERSISTENT,
                headers=headers)
    equal(get(channel, "pika.delayed")[2], b"0", "what is not delayed")
    equal(get(channel, "pika.delayed")[2], None, "what is delayed")
    ask_for_restart("kill")
    channel = connect().channel()
    seen = []
    for method, properties, body in channel.consume("pika.delayed", auto_ack=True,
                                                    inactivity_timeout=WAIT_S):
        assert method is not None, f"nothing came after {seen}"
        if body == b"0":
            continue  # taking it was not synced before the kill, so it may come again
        seen.append((body, method.exchange, method.routing_key, properties.headers.get("x-delay")))
        if body == b"4":
            break
    equal(seen, [(body, "pika.delayed", "later.on", delay)
                 for body, delay in ((b"1", -500), (b"2", -1500), (b"4", None))], "what came")
    channel.cancel()
    channel.exchange_delete("pika.delayed")
    channel.queue_delete("pika.delayed")
    closed_with(406, "PRECONDITION_FAILED - Invalid argument, 'x-delayed-type' must be an existing "
                "exchange type", channel.exchange_declare, "pika.bad", "x-delayed-message")


def once():
    """What is sent again is stored once, also by a broker that was killed; so are duplicates."""
    channel = connect().channel()
    channel.queue_declare("pika.once", durable=True)
    channel.exchange_declare("pika.once", "x-message-deduplication", durable=True,
                             arguments={"x-cache-size": 100})
    channel.queue_bind("pika.once", "pika.once", "")
    channel.confirm_delivery()

    def send(numbers):
        for number in numbers:
            publish(channel, "pika.once", b"%d" % number, delivery_mode=PERSISTENT,
                    headers={"x-publisher-id": "pika", "x-publish-seq": number})
            publish(channel, "", b"key %d" % number, "pika.once", delivery_mode=PERSISTENT,
                    headers={"x-deduplication-header": f"key {number}"})

    send(range(1, 6))
    send(range(3, 8))
    ask_for_restart("kill")
    channel = connect().channel()
    channel.confirm_delivery()
    send(range(1, 10))
    bodies = get_all(channel, "pika.once")
    equal(sorted(bodies), sorted([b"%d" % n for n in range(1, 10)] +
                                 [b"key %d" % n for n in range(1, 10)]), "what is stored")
    channel.queue_delete("pika.once")
    channel.exchange_delete("pika.once")


def read_stream(channel, name, count, **arguments):
    """So many messages of a stream, as (offset, body); fewer when no more come."""
    channel.basic_qos(prefetch_count=7)
    seen = []
    for method, properties, body in channel.consume(name, inactivity_timeout=2, arguments={
            key.replace("_", "-"): value for key, value in arguments.items()}):
        if method is None:
            break
        seen.append((properties.headers["x-stream-offset"], body))
        channel.basic_ack(method.delivery_tag)
        if len(seen) == count:
            break
    channel.cancel()
    return seen


def get_from(channel, name, place):
    """What a basic.get finds at that place, at the offset behind, and so on."""
    seen = []
    while True:
        method, properties, body = channel.basic_get(f"{name}@{place}", auto_ack=True)
        if method is None:
            return seen
        seen.append((properties.headers["x-stream-offset"], body))
        place = seen[-1][0] + 1


def streams():
    """A stream keeps what was read, also when the broker is killed; so does one with partitions,
    in which messages of a key stay in order."""
    channel = connect().channel()
    channel.queue_declare("pika.stream", durable=True, arguments={"x-queue-type": "stream"})
    channel.queue_declare("pika.parts", durable=True,
                          arguments={"x-queue-type": "stream", "x-partitions": 3})
    channel.confirm_delivery()
    sent = large_body()
    for number in range(100):
        value = "even" if number % 2 == 0 else "odd"
        publish(channel, "pika.stream", b"%d" % number,
                headers={**HEADERS, "x-stream-filter-value": value})
        publish(channel, "pika.parts", b"%d" % number,
                headers={"x-partition-key": "key %d" % (number % 10)})
    publish(channel, "pika.stream", sent)
    wanted = [(number, b"%d" % number) for number in range(100)]
    equal(read_stream(channel, "pika.stream", 100, x_stream_offset="first"), wanted, "the stream")
    ask_for_restart("kill")
    channel = connect().channel()
    equal(read_stream(channel, "pika.stream", 100, x_stream_offset="first"), wanted, "what is kept")
    equal(read_stream(channel, "pika.stream", 10, x_stream_offset=90), wanted[90:], "behind 89")
    equal(read_stream(channel, "pika.stream", 2, x_stream_offset=-2)[0], wanted[99], "the last two")
    equal(read_stream(channel, "pika.stream", 50, x_stream_offset="1h", x_stream_filter="odd"),
          wanted[1::2], "what is odd")
    last = read_stream(channel, "pika.stream", 1, x_stream_offset="last")
    assert last == [(100, sent)], "the large body came back changed"
    equal(get_from(channel, "pika.stream", 95), wanted[95:] + last, "one by one")
    bodies = [body for _, body in read_stream(channel, "pika.parts", 100, x_stream_offset="first")]
    equal(sorted(int(body) for body in bodies), list(range(100)), "all partitions")
    for key in range(10):
        mine = [int(body) for body in bodies if int(body) % 10 == key]
        equal(mine, sorted(mine), f"the order of key {key}")
    equal(sum(len(read_stream(channel, f"pika.parts-{i}", 100, x_stream_offset="first"))
              for i in range(3)), 100, "the partitions one by one")
    channel.queue_delete("pika.parts")
    channel.queue_delete("pika.stream")


def keeps():
    """Of a compacted stream the newest message of each key is there, also after a kill; a stream
    with a limit loses its oldest, and one with an age what is older."""
    channel = connect().channel()
    for name, arguments in (("pika.table", {"x-compact": True}),
                            ("pika.short", {"x-max-length-bytes": 100000, "x-max-age": "1D"}),
                            ("pika.old", {"x-max-age": "1s"})):
        channel.queue_declare(name, durable=True,
                              arguments={"x-queue-type": "stream", **arguments})
    channel.confirm_delivery()
    for number in range(200):
        publish(channel, "pika.table", b"%d" % number,
                headers={"x-partition-key": f"key {number % 10}"})
        publish(channel, "pika.short", b"x" * 2000)
        publish(channel, "pika.old", b"x")
    ask_for_restart("kill")
    channel = connect().channel()
    table = {}
    for offset, body in read_stream(channel, "pika.table", 200, x_stream_offset="first"):
        table[int(body) % 10] = int(body)
    equal(table, {key: 190 + key for key in range(10)}, "the newest of each key")
    deadline = time.monotonic() + WAIT_S
    while get(channel, "pika.short@first")[1].headers["x-stream-offset"] == 0:
        assert time.monotonic() < deadline, "what is too much does not go"
    while get(channel, "pika.old@first")[0] is not None:
        assert time.monotonic() < deadline, "what is too old does not go"
    channel.queue_delete("pika.old")
    channel.queue_delete("pika.table")
    channel.queue_delete("pika.short")
    for name, value in (("x-compact", "yes"), ("x-max-age", "soon"), ("x-max-length-bytes", -1),
                        ("x-partitions", 0), ("x-tombstone-age", True)):
        closed_with(406, f"PRECONDITION_FAILED - invalid arg '{name}' for queue 'pika.bad'",
                    connect().channel().queue_declare, "pika.bad", durable=True,
                    arguments={"x-queue-type": "stream", name: value})


def atomic():
    """Results of the work go out with its acks: both happen, or neither does."""
    channel = connect().channel()
    channel.queue_declare("pika.in", durable=True)
    channel.queue_declare("pika.out", durable=True, arguments={"x-colocate": "pika.in"})
    for number in range(10):
        publish(channel, "pika.in", b"%d" % number, delivery_mode=PERSISTENT)
    worker = connect().channel()
    worker.tx_select()
    for number in range(10):
        method, _, body = get(worker, "pika.in", auto_ack=False)
        publish(worker, "pika.out", body, delivery_mode=PERSISTENT)
        worker.basic_ack(method.delivery_tag)
        if number == 4:
            worker.tx_commit()
    worker.tx_rollback()
    worker.close()
    ask_for_restart("kill")
    channel = connect().channel()
    equal(get_all(channel, "pika.out"), [b"%d" % n for n in range(5)], "what was committed")
    equal(get_all(channel, "pika.in"), [b"%d" % n for n in range(5, 10)], "what was not")
    channel.queue_delete("pika.in")
    channel.queue_delete("pika.out")
    closed_with(406, "PRECONDITION_FAILED - invalid arg 'x-colocate' for queue 'pika.bad'",
                channel.queue_declare, "pika.bad", durable=True, arguments={"x-colocate": 7})


def publish_orders(channel, numbers):
    for number in numbers:
        channel.basic_publish("pika.log", "order.us" if number % 2 else "order.eu", b"%d" % number)


def replay():
    """An exchange keeps what came through it; a queue that is bound later gets that first, then
    what comes, also when the broker is killed in between."""
    channel = connect().channel()
    channel.exchange_declare("pika.log", "topic", durable=True, arguments={"x-log": True})
    channel.confirm_delivery()
    publish_orders(channel, range(50))
    ask_for_restart("kill")
    channel = connect().channel()
    channel.confirm_delivery()
    equal(read_stream(channel, "amq.log.pika.log", 50, x_stream_offset="first"),
          [(number, b"%d" % number) for number in range(50)], "the log")
    channel.queue_declare("pika.audit", durable=True)
    for _ in range(2):
        channel.queue_bind("pika.audit", "pika.log", "order.eu",
                           arguments={"x-replay-from": "first"})
    publish_orders(channel, range(50, 60))
    for number, (method, properties, body) in zip(range(0, 60, 2), channel.consume(
            "pika.audit", auto_ack=True, inactivity_timeout=WAIT_S)):
        equal(body, b"%d" % number, "an order")
        equal((method.exchange, method.routing_key), ("pika.log", "order.eu"), "its way")
        if number < 50:
            equal(properties.headers, {"x-replayed": True}, "its headers")
    equal(channel.cancel(), 0, "what came twice")
    equal(channel.queue_delete("pika.audit").method.message_count, 0, "what is left")
    channel.exchange_delete("pika.log")


class Member:
    """A consumer in a group, on a connection of its own, that keeps what it gets until acked."""

    def __init__(self, queue, group, **arguments):
        self.connection = connect()
        self.channel = self.connection.channel()
        self.channel.basic_qos(prefetch_count=1000)
        self.got = []
        arguments = {name.replace("_", "-"): value for name, value in arguments.items()}
        self.channel.basic_consume(queue, self.on_message,
                                   arguments={"x-group": group, **arguments})

    def on_message(self, _, method, properties, body):
        self.got.append((method.routing_key, properties.headers["x-stream-offset"], int(body),
                         method.delivery_tag))

    def ack_all(self):
        for message in self.got:
            self.channel.basic_ack(message[3])

    def numbers(self):
        return [number for _, _, number, _ in self.got]


def wait_for(members, count, from_number=0):
    """Until they have so many messages together, from that number on."""
    deadline = time.monotonic() + WAIT_S
    while sum(n >= from_number for member in members for n in member.numbers()) < count:
        assert time.monotonic() < deadline, "messages of a group did not come"
        for member in members:
            member.connection.process_data_events(time_limit=0.01)


def publish_keyed(channel, queue, numbers):
    for number in numbers:
        publish(channel, queue, b"%d" % number,
                headers={"x-partition-key": "key %d" % (number % 10)})


def check_keys_in_order(numbers):
    for key in range(10):
        mine = [number for number in numbers if number % 10 == key]
        equal(mine, sorted(mine), f"the order of key {key}")


def group():
    """Members share a stream's partitions; what one who is lost had comes again to the others, and
    after a kill the group goes on where it stopped."""
    channel = connect().channel()
    channel.queue_declare("pika.shared", durable=True,
                          arguments={"x-queue-type": "stream", "x-partitions": 4})
    channel.confirm_delivery()
    publish_keyed(channel, "pika.shared", range(100))
    first = Member("pika.shared", "g", x_group_start="first")
    wait_for([first], 100)
    equal(sorted(first.numbers()), list(range(100)), "what one alone gets")
    check_keys_in_order(first.numbers())
    first.ack_all()
    second = Member("pika.shared", "g")
    publish_keyed(channel, "pika.shared", range(100, 200))
    wait_for([first, second], 200)
    mine, others = first.numbers()[100:], second.numbers()
    equal(sorted(mine + others), list(range(100, 200)), "what both get")
    assert not {n % 10 for n in mine} & {n % 10 for n in others}, "a key has two owners"
    first.got = first.got[100:]
    first.ack_all()
    first.got = []
    second.connection.close()
    wait_for([first], len(others))
    equal(sorted(first.numbers()), sorted(others), "what comes again")
    check_keys_in_order(first.numbers())
    first.ack_all()
    first.connection.close()
    ask_for_restart("kill")
    channel = connect().channel()
    channel.confirm_delivery()
    third = Member("pika.shared", "g", x_group_start="first")
    publish_keyed(channel, "pika.shared", range(200, 300))
    wait_for([third], 100, 200)  # acks of the last moment may be lost, so older ones may come too
    new = [number for number in third.numbers() if number >= 200]
    equal(sorted(new), list(range(200, 300)), "what follows a kill")
    third.connection.close()
    closed_with(406, "PRECONDITION_FAILED - invalid arg 'x-group' for queue 'pika.shared'",
                connect_and_consume, "pika.shared", {"x-group": 7})
    connect().channel().queue_delete("pika.shared")


def connect_and_consume(queue, arguments):
    channel = connect().channel()
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(queue, lambda *_: None, arguments=arguments)


def on_channel(work):
    def run():
        with connect() as connection:
            return work(connection.channel())
    return run


for scenario in (publish_confirm, ack_nack_requeue, topic, headers, ttl_dead_letter, priority,
                 rpc, direct_reply_to, large, mandatory_return, channel_error):
    report(scenario.__name__, on_channel(scenario))
for way in ("stop", "kill"):
    report(way, lambda: restart(way))
report("delayed", delayed)
report("once", once)
report("streams", streams)
report("keeps", keeps)
report("replay", replay)
report("group", group)
report("atomic", atomic)
