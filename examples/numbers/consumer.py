#!/usr/bin/env python3
# Takes the numbers of all producers as they come, and says the mean of each at the end.
"""usage: consumer.py COUNT      ends after so many numbers"""
import json
import os
import sys

import pika

if len(sys.argv) != 2:
    sys.exit(__doc__)
count = int(sys.argv[1])
seen = {}  # producer -> its numbers

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("numbers", durable=True)
    channel.basic_qos(prefetch_count=10)
    if count > 0:
        for method, _properties, body in channel.consume("numbers"):
            message = json.loads(body)
            seen.setdefault(message["from"], []).append(message["number"])
            print(message["from"], message["number"], flush=True)
            channel.basic_ack(method.delivery_tag)
            if method.delivery_tag == count:
                break
    channel.cancel()

for name, numbers in sorted(seen.items()):
    print(f"{name}: {len(numbers)} numbers, mean {sum(numbers) / len(numbers):.1f}")
