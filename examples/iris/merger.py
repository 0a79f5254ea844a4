#!/usr/bin/env python3
# Puts the attributes of each flower together again, and writes each when it is complete.
"""usage: merger.py COUNT      ends after so many flowers"""
import csv
import os
import sys

import pika

ATTRIBUTES = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]

if len(sys.argv) != 2:
    sys.exit(__doc__)
count = int(sys.argv[1])
flowers = {}  # row -> what is known of the flower
tags = {}  # row -> the delivery tags of the messages that told it
output = csv.writer(sys.stdout, lineterminator="\n")
output.writerow(["row", *ATTRIBUTES])

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.exchange_declare("iris", exchange_type="direct", durable=True)
    channel.queue_declare("iris.merge", durable=True)
    for attribute in ATTRIBUTES:
        channel.queue_bind("iris.merge", "iris", attribute)
    # No limit of unacked messages here: one producer may be far ahead of the others, and the
    # messages that complete its flowers would never be sent.
    for method, properties, body in channel.consume("iris.merge"):
        row = properties.headers["row"]
        flower = flowers.setdefault(row, {})
        flower[method.routing_key] = body.decode()
        tags.setdefault(row, []).append(method.delivery_tag)
        if len(flower) == len(ATTRIBUTES):
            output.writerow([row, *(flower[attribute] for attribute in ATTRIBUTES)])
            # Acked only now: if this program dies, the next one gets all parts of every flower
            # that is not written.
            for tag in tags.pop(row):
                channel.basic_ack(tag)
            del flowers[row]
            count -= 1
        if count == 0:
            break
    channel.cancel()
