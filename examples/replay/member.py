#!/usr/bin/env python3
# One of several workers that share a stream; the broker remembers how far they are.
"""usage: member.py NAME      runs until it is stopped"""
import os
import sys

import pika

if len(sys.argv) != 2:
    sys.exit(__doc__)
name = sys.argv[1]


def on_reading(channel, method, properties, body):
    sensor, reading = body.decode().split()
    print(f"{name}: sensor {sensor}, reading {reading}", flush=True)
    channel.basic_ack(method.delivery_tag)  # the ack is the commit of the offset


url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("readings", durable=True,
                          arguments={"x-queue-type": "stream", "x-partitions": 6})
    channel.basic_qos(prefetch_count=10)
    # x-group-start rules only when the group has never been here.
    channel.basic_consume("readings", on_reading,
                          arguments={"x-group": "dashboard", "x-group-start": "first"})
    print(f"{name}: here", flush=True)
    channel.start_consuming()
