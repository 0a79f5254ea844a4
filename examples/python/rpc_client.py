#!/usr/bin/env python3
# Asks a server through a queue and waits for the answer, but not for ever.
"""usage: rpc_client.py QUESTION"""
import os
import sys
import uuid

import pika

if len(sys.argv) != 2:
    sys.exit(__doc__)

WAIT_S = 10
# A name that stands for this channel: an answer sent there needs no queue.
REPLIES = "amq.rabbitmq.reply-to"

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("questions", durable=True)
    mine = str(uuid.uuid4())
    answers = []

    def on_answer(_channel, _method, properties, body):
        if properties.correlation_id == mine:
            answers.append(body.decode())
            channel.stop_consuming()

    channel.basic_consume(REPLIES, on_answer, auto_ack=True)
    channel.basic_publish(
        exchange="", routing_key="questions", body=sys.argv[1].encode(),
        # A question that waited too long is worth nothing: it expires.
        properties=pika.BasicProperties(reply_to=REPLIES, correlation_id=mine,
                                        expiration=str(WAIT_S * 1000)))
    connection.call_later(WAIT_S, channel.stop_consuming)
    channel.start_consuming()
    if not answers:
        sys.exit(f"nobody answered within {WAIT_S} s")
    print(answers[0])
