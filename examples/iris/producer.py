#!/usr/bin/env python3
# Sends one attribute of every flower of the Iris data set.
"""usage: producer.py ATTRIBUTE

The attributes are sepal_length, sepal_width, petal_length, petal_width and species.
"""
import csv
import os
import pathlib
import sys

import pika

with open(pathlib.Path(__file__).with_name("iris.csv"), newline="", encoding="ascii") as file:
    flowers = list(csv.DictReader(file))
if len(sys.argv) != 2 or sys.argv[1] not in flowers[0]:
    sys.exit(__doc__)
attribute = sys.argv[1]

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.exchange_declare("iris", exchange_type="direct", durable=True)
    # Every producer and the merger declare the queue, so it does not matter who starts first.
    channel.queue_declare("iris.merge", durable=True)
    channel.queue_bind("iris.merge", "iris", attribute)
    channel.confirm_delivery()
    for row, flower in enumerate(flowers):
        # The header says which flower it is: messages of different producers mix.
        channel.basic_publish("iris", attribute, flower[attribute],
                              pika.BasicProperties(headers={"row": row}, delivery_mode=2))
print(f"sent {len(flowers)} times {attribute}")
