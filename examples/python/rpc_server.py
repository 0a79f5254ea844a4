#!/usr/bin/env python3
# A server that is asked through a queue, and answers to where each question says.
"""usage: rpc_server.py      start several, and they share the questions"""
import os

import pika


def answer(question):
    return question.upper()


def on_question(channel, method, properties, body):
    channel.basic_publish(
        exchange="", routing_key=properties.reply_to, body=answer(body.decode()).encode(),
        # The asker knows by this which of its questions is answered.
        properties=pika.BasicProperties(correlation_id=properties.correlation_id))
    channel.basic_ack(method.delivery_tag)


url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("questions", durable=True)
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume("questions", on_question)
    print("waiting for questions", flush=True)
    try:
        channel.start_consuming()
    except KeyboardInterrupt:
        channel.stop_consuming()
