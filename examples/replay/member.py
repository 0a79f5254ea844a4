#!/usr/bin/env python3
# One of those who look at the readings. Start as many as you like, stop or kill some: each sensor
# is always looked after by one of them, and no reading is left out.
"""usage: member.py      until it is interrupted"""
import os
import sys

import pika

if len(sys.argv) != 1:
    sys.exit(__doc__)


def on_reading(channel, method, properties, body):
    print(properties.headers["sensor"], body.decode(),
          "again" if method.redelivered else "", flush=True)
    # The ack is what the group remembers: after it the reading is done with.
    channel.basic_ack(method.delivery_tag)


url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("readings", durable=True,
                          arguments={"x-queue-type": "stream", "x-partitions": 6})
    channel.basic_qos(prefetch_count=20)
    # All who say the same x-group share the partitions; a group that is new begins with the oldest.
    channel.basic_consume("readings", on_reading,
                          arguments={"x-group": "watch", "x-group-start": "first"})
    print("watching", flush=True)
    try:
        channel.start_consuming()
    except KeyboardInterrupt:
        channel.stop_consuming()
