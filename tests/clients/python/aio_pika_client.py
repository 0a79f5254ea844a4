# Python's aio-pika against a broker: every scenario; its robust connection mends itself.
"""usage: aio_pika_client.py PORT"""
import asyncio
import sys

import aio_pika
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.exceptions import (ChannelNotFoundEntity, ChannelPreconditionFailed, DeliveryError,
                                 QueueEmpty)

from scenarios import HEADERS, ask_for_restart, check_death, equal, large_body, report

PORT = int(sys.argv[1])
URL = f"amqp://guest:guest@127.0.0.1:{PORT}/?reconnect_interval=0.1"
WAIT_S = 30


async def get_all(queue):
    bodies = []
    try:
        while True:
            bodies.append((await queue.get(no_ack=True, timeout=WAIT_S)).body)
    except QueueEmpty:
        return bodies


async def next_message(queue):
    """Consumes one message, waiting for it."""
    async with queue.iterator() as messages:
        message = await asyncio.wait_for(messages.__anext__(), WAIT_S)
        await message.ack()
        return message


async def publish(channel, key, body, **properties):
    return await channel.default_exchange.publish(Message(body, **properties), key)


async def publish_confirm(channel):
    queue = await channel.declare_queue("aio.confirm", durable=True)
    sent = {"headers": {"n": 1}, "content_type": "text/plain", "content_encoding": "utf-8",
            "delivery_mode": DeliveryMode.PERSISTENT, "priority": 3, "correlation_id": "c",
            "reply_to": "r", "expiration": 60, "message_id": "m", "type": "t",
            "user_id": "guest", "app_id": "a"}
    confirms = await asyncio.gather(*(publish(channel, queue.name, b"%d" % n, **sent)
                                      for n in range(100)))
    assert all(type(confirm).__name__ == "Ack" for confirm in confirms), confirms
    message = await queue.get()
    equal(message.body, b"0")
    equal({name: getattr(message, name) for name in sent}, sent, "the properties")
    await message.ack()
    equal((await queue.purge()).message_count, 99)
    await queue.delete()
    full = await channel.declare_queue("aio.full", exclusive=True, arguments={
        "x-max-length": 1, "x-overflow": "reject-publish"})
    await publish(channel, full.name, b"fits")
    try:
        await publish(channel, full.name, b"does not")
    except DeliveryError:
        return
    raise AssertionError("a message that did not fit was confirmed")


async def ack_nack_requeue(channel):
    queue = await channel.declare_queue("aio.ack", exclusive=True)
    await channel.set_qos(prefetch_count=1)
    for body in (b"a", b"b", b"c"):
        await publish(channel, queue.name, body)
    seen = []
    async with queue.iterator() as messages:
        async for message in messages:
            seen.append((message.body, message.redelivered))
            if len(seen) == 1:
                await message.nack(requeue=True)
            elif message.body == b"b":
                await message.reject(requeue=False)
            elif message.body == b"c" and not message.redelivered:
                try:
                    async with message.process(requeue=True):
                        raise RuntimeError("the work failed")
                except RuntimeError:
                    pass
            else:
                await message.ack()
            if message.body == b"c" and message.redelivered:
                break
    equal(seen, [(b"a", False), (b"a", True), (b"b", False), (b"c", False), (b"c", True)],
          "the deliveries")
    equal(await get_all(queue), [])


async def topic(channel):
    exchange = await channel.declare_exchange("aio.topic", ExchangeType.TOPIC, auto_delete=True)
    queues = {}
    for pattern in ("a.*", "a.#", "#.b"):
        queues[pattern] = await channel.declare_queue(exclusive=True)
        await queues[pattern].bind(exchange, pattern)
    for key in ("a.b", "a", "a.c.b", "b"):
        await exchange.publish(Message(key.encode()), key, mandatory=False)
    equal({pattern: await get_all(queue) for pattern, queue in queues.items()},
          {"a.*": [b"a.b"], "a.#": [b"a.b", b"a", b"a.c.b"], "#.b": [b"a.b", b"a.c.b", b"b"]},
          "what was routed")


async def headers(channel):
    sent = HEADERS
    exchange = await channel.declare_exchange("aio.headers", ExchangeType.HEADERS,
                                              auto_delete=True)
    queues = {}
    for match in ("all", "any"):
        queues[match] = await channel.declare_queue(exclusive=True)
        await queues[match].bind(exchange, "", arguments={"x-match": match, "text": "Zürich",
                                                          "small": 8})
    for body, table in ((b"one", sent), (b"both", dict(sent, small=8)), (b"none", {"text": "B"})):
        await exchange.publish(Message(body, headers=table), "", mandatory=False)
    message = await queues["any"].get(no_ack=True)
    seen = dict(message.headers)
    # This library reads times with the zone of their clock, UTC.
    seen["when"] = seen["when"].replace(tzinfo=None)
    equal((message.body, seen), (b"one", sent), "the message")
    equal(await get_all(queues["any"]), [b"both"])
    equal(await get_all(queues["all"]), [b"both"])


async def ttl_dead_letter(channel):
    exchange = await channel.declare_exchange("aio.dlx", ExchangeType.DIRECT, auto_delete=True)
    dead = await channel.declare_queue("aio.dead", exclusive=True)
    await dead.bind(exchange, "died")
    queue = await channel.declare_queue("aio.ttl", exclusive=True, arguments={
        "x-message-ttl": 50, "x-dead-letter-exchange": exchange.name,
        "x-dead-letter-routing-key": "died"})
    await publish(channel, queue.name, b"old")
    message = await next_message(dead)
    death = {"count": 1, "reason": "expired", "queue": "aio.ttl", "exchange": "",
             "routing-keys": ["aio.ttl"]}
    equal((message.body, message.routing_key), (b"old", "died"))
    check_death(message.headers, death)
    await publish(channel, queue.name, b"own", expiration=0.02)
    message = await next_message(dead)
    equal((message.body, message.expiration), (b"own", None))
    check_death(message.headers, dict(death, **{"original-expiration": "20"}))


async def priority(channel):
    queue = await channel.declare_queue("aio.priority", exclusive=True,
                                        arguments={"x-max-priority": 3})
    for level in (0, 3, 1, 2, 3):
        await publish(channel, queue.name, b"%d" % level, priority=level)
    equal(await get_all(queue), [b"3", b"3", b"2", b"1", b"0"], "the order")


async def call(channel, name, replies, no_ack):
    """Ten questions at once; returns the names that the answers were sent to."""
    requests = await channel.declare_queue(name, exclusive=True)
    answers, names, done = {}, set(), asyncio.Event()

    async def on_request(message):
        async with message.process():
            names.add(message.reply_to)
            await channel.default_exchange.publish(
                Message(message.body.upper(), correlation_id=message.correlation_id),
                message.reply_to, mandatory=False)

    async def on_answer(message):
        answers[message.correlation_id] = message.body
        if len(answers) == 10:
            done.set()

    await requests.consume(on_request)
    await replies.consume(on_answer, no_ack=no_ack)
    await asyncio.gather(*(publish(channel, name, b"question %d" % n, correlation_id=str(n),
                                   reply_to=replies.name) for n in range(10)))
    await asyncio.wait_for(done.wait(), WAIT_S)
    equal(answers, {str(n): b"QUESTION %d" % n for n in range(10)}, "the answers")
    return names


async def rpc(channel):
    replies = await channel.declare_queue(exclusive=True)
    equal(await call(channel, "aio.rpc", replies, False), {replies.name})


async def direct_reply_to(channel):
    replies = await channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
    names = await call(channel, "aio.direct", replies, True)
    equal([name[:22] for name in names], ["amq.rabbitmq.reply-to."])


async def large(channel):
    queue = await channel.declare_queue("aio.large", exclusive=True)
    sent = large_body()
    await publish(channel, queue.name, sent, delivery_mode=DeliveryMode.PERSISTENT)
    message = await next_message(queue)
    equal(len(message.body), len(sent))
    assert message.body == sent, "the body came back changed"


async def mandatory_return(channel):
    async with await aio_pika.connect(URL) as connection:
        sure = await connection.channel(on_return_raises=True)
        try:
            await publish(sure, "aio.unknown", b"lost", message_id="7")
        except DeliveryError as error:
            returned = error.message
            equal((returned.delivery.reply_code, returned.delivery.reply_text,
                   returned.delivery.routing_key, returned.header.properties.message_id,
                   bytes(returned.body)), (312, "NO_ROUTE", "aio.unknown", "7", b"lost"))
        else:
            raise AssertionError("an unroutable message was not returned")
        queue = await sure.declare_queue("aio.known", exclusive=True)
        await publish(sure, queue.name, b"kept")
        equal(await get_all(queue), [b"kept"])
    confirm = await channel.default_exchange.publish(Message(b"lost"), "aio.unknown",
                                                     mandatory=False)
    equal(type(confirm).__name__, "Ack", "the confirm of what nobody asked to have back")


async def channel_error(channel):
    connection = await aio_pika.connect(URL)
    async with connection:
        first = await connection.channel()
        try:
            await first.declare_queue("aio.none", passive=True)
        except ChannelNotFoundEntity as error:
            assert "no queue 'aio.none' in vhost '/'" in str(error), error
        else:
            raise AssertionError("a queue that is not there was found")
        second = await connection.channel()
        queue = await second.declare_queue("aio.error", exclusive=True)
        try:
            await second.declare_queue("aio.error", exclusive=True,
                                       arguments={"x-message-ttl": 1})
        except ChannelPreconditionFailed as error:
            assert "inequivalent arg 'x-message-ttl'" in str(error), error
        else:
            raise AssertionError("another queue of the same name was declared")
        third = await connection.channel()
        await publish(third, queue.name, b"still works")
        queue = await third.get_queue(queue.name)
        equal(await get_all(queue), [b"still works"])


async def restart(how):
    """The robust connection declares, binds and consumes again by itself."""
    connection = await aio_pika.connect_robust(URL, timeout=WAIT_S)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1)
        exchange = await channel.declare_exchange(f"aio.{how}", ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue(f"aio.{how}", durable=True)
        await queue.bind(exchange, "k.*")
        for number in range(100):
            await exchange.publish(Message(b"%d" % number,
                                           delivery_mode=DeliveryMode.PERSISTENT), "k.k")
        seen, held, done = [], asyncio.Event(), asyncio.Event()

        async def on_message(message):
            seen.append((message.body, message.redelivered))
            if len(seen) == 1:
                held.set()  # and the message is neither acked nor refused
                return
            await message.ack()
            if message.body == b"99":
                done.set()

        await queue.consume(on_message)
        await asyncio.wait_for(held.wait(), WAIT_S)
        await asyncio.get_running_loop().run_in_executor(None, ask_for_restart, how)
        await asyncio.wait_for(done.wait(), WAIT_S)
        equal(seen[1], (b"0", True), "what came again")
        equal([body for body, _ in seen], [b"0", *(b"%d" % n for n in range(100))], "what came")
        await asyncio.wait_for(exchange.publish(Message(b"new"), "k.k"), WAIT_S)
        await queue.delete(if_empty=False, if_unused=False)
        await exchange.delete()


def on_channel(work):
    async def connected():
        connection = await aio_pika.connect_robust(URL, timeout=WAIT_S)
        async with connection:
            await work(await connection.channel())
    return lambda: asyncio.run(connected())


for scenario in (publish_confirm, ack_nack_requeue, topic, headers, ttl_dead_letter, priority,
                 rpc, direct_reply_to, large, mandatory_return, channel_error):
    report(scenario.__name__, on_channel(scenario))
for way in ("stop", "kill"):
    report(way, lambda: asyncio.run(restart(way)))
