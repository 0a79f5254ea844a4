#!/usr/bin/env python3
# A table of the latest price of each share, kept as a compacted stream.
"""usage: prices.py set SHARE PRICE...      publishes a row of prices for the share
       prices.py drop SHARE              an empty message: the share is gone
       prices.py show                    reads the stream from its start, and prints the table"""
import os
import sys

import pika

ARGUMENTS = {"x-queue-type": "stream", "x-compact": True}


def publish(channel, share, text):
    channel.confirm_delivery()
    channel.basic_publish("", "prices", text,
                          pika.BasicProperties(delivery_mode=2,
                                               headers={"x-partition-key": share}))


def read(channel):
    """The table: of each share the message that came last."""
    end = channel.queue_declare("prices", passive=True).method.message_count
    table = {}
    channel.basic_qos(prefetch_count=100)
    if end == 0:
        return table
    # The last message tells where to stop: what is older may have been compacted away.
    for method, properties, body in channel.consume("prices", inactivity_timeout=1,
                                                    arguments={"x-stream-offset": "first"}):
        if method is None:
            break
        share = properties.headers["x-partition-key"]
        table[share] = body.decode()
        if not body:
            del table[share]
        channel.basic_ack(method.delivery_tag)
    channel.cancel()
    return table


words = sys.argv[1:]
if not words or words[0] not in ("set", "drop", "show"):
    sys.exit(__doc__)
url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("prices", durable=True, arguments=ARGUMENTS)
    if words[0] == "set":
        for price in words[2:]:
            publish(channel, words[1], price)
    elif words[0] == "drop":
        publish(channel, words[1], "")
    else:
        for share, price in sorted(read(channel).items()):
            print(share, price)
