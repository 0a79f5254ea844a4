#!/usr/bin/env python3
# Sends random words.
"""usage: producer.py COUNT"""
import os
import random
import sys

import pika

LETTERS = "abcdefghijklmnopqrstuvwxyz"

if len(sys.argv) != 2:
    sys.exit(__doc__)

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("words", durable=True)
    channel.confirm_delivery()
    for _ in range(int(sys.argv[1])):
        word = "".join(random.choices(LETTERS, k=random.randint(4, 24)))
        channel.basic_publish("", "words", word, pika.BasicProperties(delivery_mode=2))
        print(word, flush=True)
