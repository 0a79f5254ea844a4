#!/usr/bin/env python3
# Takes orders, and publishes each to the exchange "orders", which keeps them all.
"""usage: orders.py FIRST COUNT      publishes so many orders and waits for each confirm"""
import json
import os
import sys

import pika

if len(sys.argv) != 3:
    sys.exit(__doc__)
first, count = int(sys.argv[1]), int(sys.argv[2])

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    # x-log: whatever is published here is kept, whether somebody is bound or not.
    channel.exchange_declare("orders", "topic", durable=True,
                             arguments={"x-log": True, "x-max-age": "30D"})
    channel.confirm_delivery()
    for number in range(first, first + count):
        order = {"number": number, "item": "book", "amount": number % 3 + 1}
        channel.basic_publish("orders", "order.eu" if number % 2 else "order.us",
                              json.dumps(order),
                              pika.BasicProperties(content_type="application/json",
                                                   delivery_mode=2))
        print(f"order {number} is safe", flush=True)
