#!/usr/bin/env python3
# A subscriber: it gets a copy of every message whose key is like one of its patterns.
"""usage: topic_subscriber.py PATTERN...      in a pattern, * is one word and # is any number"""
import os
import sys

import pika

if len(sys.argv) < 2:
    sys.exit(__doc__)


def on_message(_channel, method, _properties, body):
    print(f"{method.routing_key}: {body.decode()}", flush=True)


url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.exchange_declare("events", exchange_type="topic", durable=True)
    # A queue of our own, which the broker names and which ends with this connection.
    queue = channel.queue_declare("", exclusive=True).method.queue
    for pattern in sys.argv[1:]:
        channel.queue_bind(queue, "events", pattern)
    # Who comes late misses what was before anyway, so there is nothing to ack.
    channel.basic_consume(queue, on_message, auto_ack=True)
    print("waiting for", *sys.argv[1:], flush=True)
    try:
        channel.start_consuming()
    except KeyboardInterrupt:
        channel.stop_consuming()
