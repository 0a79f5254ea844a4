#!/usr/bin/env python3
# The smallest honest publisher: of each message it knows whether the broker has taken it.
"""usage: publisher.py KEY MESSAGE..."""
import os
import sys

import pika

if len(sys.argv) < 3:
    sys.exit(__doc__)
key, *messages = sys.argv[1:]

url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
with pika.BlockingConnection(pika.URLParameters(url)) as connection:
    channel = connection.channel()
    channel.exchange_declare("events", exchange_type="topic", durable=True)
    # From now on the broker confirms each message, and basic_publish() waits for that.
    channel.confirm_delivery()
    for message in messages:
        try:
            channel.basic_publish(
                exchange="events", routing_key=key, body=message.encode(),
                # Persistent: written to disk before it is confirmed.
                properties=pika.BasicProperties(delivery_mode=2),
                # Mandatory: a message that no queue wants comes back instead of vanishing.
                mandatory=True)
        except pika.exceptions.UnroutableError:
            sys.exit(f"returned: no queue wants '{key}'")
        except pika.exceptions.NackError:
            sys.exit(f"refused: {message}")
        print(f"confirmed: {message}", flush=True)
