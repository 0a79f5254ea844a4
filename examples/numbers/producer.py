#!/usr/bin/env python3
# Sends random numbers, one after each interval.
"""usage: producer.py NAME INTERVAL_MS COUNT"""
import json
import os
import random
import sys

import pika

if len(sys.argv) != 4:
    sys.exit(__doc__)
name, interval_ms, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("numbers", durable=True)
    channel.confirm_delivery()
    for _ in range(count):
        number = random.randint(1, 1000)
        channel.basic_publish("", "numbers", json.dumps({"from": name, "number": number}),
                              pika.BasicProperties(content_type="application/json",
                                                   delivery_mode=2))
        print(number, flush=True)
        # Not time.sleep(): the connection must go on answering the broker's heartbeats.
        connection.sleep(interval_ms / 1000)
