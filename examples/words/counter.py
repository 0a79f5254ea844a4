#!/usr/bin/env python3
# Counts words with fewer and with more than three vowels; shares the words with other counters.
"""usage: counter.py IDLE_S      ends when no word came for so long after the last"""
import os
import sys

import pika

if len(sys.argv) != 2:
    sys.exit(__doc__)
counts = {"fewer": 0, "three": 0, "more": 0}


def kind(word):
    vowels = sum(word.count(vowel) for vowel in "aeiou")
    return "fewer" if vowels < 3 else "more" if vowels > 3 else "three"


url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.queue_declare("words", durable=True)
    # Without this limit the first counter would get all words that wait, and the others none.
    channel.basic_qos(prefetch_count=5)
    print("waiting for words", flush=True)
    for method, _properties, body in channel.consume("words",
                                                     inactivity_timeout=float(sys.argv[1])):
        if method is None and not any(counts.values()):
            continue  # before the first word it waits as long as it takes
        if method is None:
            break
        counts[kind(body.decode())] += 1
        channel.basic_ack(method.delivery_tag)
    channel.cancel()

print(*(f"{name}={count}" for name, count in counts.items()))
