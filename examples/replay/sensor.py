#!/usr/bin/env python3
# Publishes readings of several sensors to a stream of six partitions.
"""usage: sensor.py COUNT      readings of each of twelve sensors"""
import os
import sys

import pika

if len(sys.argv) != 2:
    sys.exit(__doc__)
count = int(sys.argv[1])

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("readings", durable=True,
                          arguments={"x-queue-type": "stream", "x-partitions": 6})
    channel.confirm_delivery()
    for reading in range(count):
        for sensor in range(12):
            # Readings of one sensor have one key: they are in one partition and stay in order.
            channel.basic_publish("", "readings", f"{sensor} {reading}",
                                  pika.BasicProperties(delivery_mode=2, headers={
                                      "x-partition-key": f"sensor {sensor}"}))
print(f"{12 * count} readings are safe")
