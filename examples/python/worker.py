#!/usr/bin/env python3
# The smallest honest worker: it acks a message when the work is done, and not before.
"""usage: worker.py      start several, and they share the work"""
import os

import pika


def work(message):
    return message[::-1]


def on_message(channel, method, _properties, body):
    print(f"done: {work(body.decode())}", flush=True)
    # If this program dies before here, the broker gives the message to another worker.
    channel.basic_ack(method.delivery_tag)


url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.exchange_declare("events", exchange_type="topic", durable=True)
    # Durable: the queue is there again after the broker was restarted.
    channel.queue_declare("tasks", durable=True)
    channel.queue_bind("tasks", "events", "task.#")
    # At most ten messages are on their way to this worker; the rest is for others.
    channel.basic_qos(prefetch_count=10)
    channel.basic_consume("tasks", on_message)
    print("waiting for task.#", flush=True)
    try:
        channel.start_consuming()
    except KeyboardInterrupt:
        channel.stop_consuming()
