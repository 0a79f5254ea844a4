#!/usr/bin/env python3
# Looks at every order, those from before it existed first, then live ones.
"""usage: audit.py PATTERN COUNT      ends after so many orders; PATTERN as order.eu or order.*"""
import json
import os
import sys

import pika

if len(sys.argv) != 3:
    sys.exit(__doc__)
pattern, count = sys.argv[1], int(sys.argv[2])

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("audit", durable=True)
    # The queue first gets what the exchange has seen, in order, then goes live: no gap, nothing
    # twice. Doing this again, with each start of the program, changes nothing.
    channel.queue_bind("audit", "orders", pattern, arguments={"x-replay-from": "first"})
    channel.basic_qos(prefetch_count=100)
    for method, properties, body in channel.consume("audit"):
        is_old = (properties.headers or {}).get("x-replayed", False)
        print("from before:" if is_old else "live:", json.loads(body)["number"], flush=True)
        channel.basic_ack(method.delivery_tag)
        count -= 1
        if count == 0:
            break
    channel.cancel()
