#!/usr/bin/env python3
# Twelve sensors measure, and their readings go to a stream with six partitions.
"""usage: sensor.py FIRST COUNT      publishes COUNT readings of each, numbered from FIRST on"""
import os
import sys

import pika

SENSORS = [f"sensor-{number}" for number in range(12)]

if len(sys.argv) != 3:
    sys.exit(__doc__)
first, count = int(sys.argv[1]), int(sys.argv[2])

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("readings", durable=True,
                          arguments={"x-queue-type": "stream", "x-partitions": 6})
    channel.confirm_delivery()
    for number in range(first, first + count):
        for sensor in SENSORS:
            # The key says which partition: the readings of a sensor stay in order.
            channel.basic_publish("", "readings", b"%d" % number,
                                  pika.BasicProperties(headers={"x-partition-key": sensor,
                                                                "sensor": sensor}))
print(f"{count} readings of {len(SENSORS)} sensors are safe")
