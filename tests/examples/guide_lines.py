# Does what a page of docs/guide/ tells an application to do, word for word, and looks at what came.
"""usage: guide_lines.py PAGE URL

Run by test_guide.py with an interpreter that has pika. A page's blocks are run in the order in
which its function here asks for them, with the names that the page leaves to the reader.
"""
import pathlib
import re
import sys
import time

import pika

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 60
QUICK_MS = 300


def blocks_of(page):
    """Fenced and indented blocks, in their order."""
    text = (ROOT / "docs" / "guide" / f"{page}.md").read_text(encoding="utf-8")
    found = []
    for fenced, indented in re.findall(
            r"^```python\n(.*?)^```$|\n\n((?: {4}[^\n]*\n)+)", text, re.M | re.S):
        found.append(fenced or re.sub(r"^ {4}", "", indented, flags=re.M))
    return found


class Reader:
    """The reader of a page: a connection, what he was given, and what he defines himself."""

    def __init__(self, page, url):
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.blocks = blocks_of(page)
        self.got = []
        self.names = {"pika": pika, "body": b"body", "on_message": self.take, "on_order": self.take}
        self.new_channel()

    def new_channel(self):
        self.channel = self.connection.channel()
        self.names["channel"] = self.channel

    def take(self, channel, method, properties, body):
        self.got.append((method, properties, body))
        channel.basic_ack(method.delivery_tag)

    def run(self, which, **names):
        self.names.update(names)
        block = self.blocks[which]
        exec(compile(block, f"block {which}", "exec"), self.names)  # pylint: disable=exec-used
        return block

    def publish(self, exchange, key, bodies, **headers):
        channel = self.connection.channel()
        channel.confirm_delivery()
        for body in bodies:
            channel.basic_publish(exchange, key, body, pika.BasicProperties(
                delivery_mode=2, headers=headers))
        channel.close()

    def wait(self, is_done, what):
        end = time.monotonic() + DEADLINE_S
        while not is_done():
            if time.monotonic() > end:
                raise AssertionError(f"{what} did not happen; there is {self.got}")
            self.connection.process_data_events(time_limit=0.1)

    def wait_for(self, count):
        self.wait(lambda: len(self.got) >= count, f"delivery {count}")
        return self.got

    def count(self, queue):
        return self.channel.queue_declare(queue, passive=True).method.message_count


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r}, not {wanted!r}")


def streams(reader):
    reader.run(0)
    reader.publish("", "prices", [b"0", b"1", b"2"])
    got = reader.wait_for(3)
    equal([(p.headers["x-stream-offset"], b) for _, p, b in got],
          [(0, b"0"), (1, b"1"), (2, b"2")])
    reader.run(1)
    equal((reader.names["body"], reader.names["following"]), (b"0", 1))


def groups(reader):
    reader.run(0)
    for key in range(12):
        reader.publish("", "readings", [b"%d" % key], **{"x-partition-key": f"key {key}"})
    equal(sorted(int(b) for _, _, b in reader.wait_for(12)), list(range(12)))
    reader.connection.close()


def exchange_logs(reader):
    reader.names["channel"].exchange_declare("orders", "topic", durable=True,
                                             arguments={"x-log": True, "x-max-age": "30D"})
    reader.publish("orders", "order.eu", [b"yesterday"])
    reader.run(0)
    reader.publish("orders", "order.us", [b"today"])
    equal([(m.routing_key, b) for m, _, b in reader.wait_for(2)],
          [("order.eu", b"yesterday"), ("order.us", b"today")])


def replay(reader):
    reader.channel.exchange_declare("orders", "topic", durable=True, arguments={"x-log": True})
    reader.publish("orders", "order.eu", [b"0", b"1"])
    reader.publish("orders", "order.us", [b"no"])
    reader.run(0)
    reader.publish("orders", "order.eu", [b"2"])
    equal([((p.headers or {}).get("x-replayed"), b) for _, p, b in reader.wait_for(3)],
          [(True, b"0"), (True, b"1"), (None, b"2")])


def exactly_once(reader):
    numbered, once, in_one, beside = range(4)
    reader.channel.exchange_declare("orders", "direct", durable=True)
    reader.channel.queue_declare("kept", durable=True)
    reader.channel.queue_bind("kept", "orders", "new")
    reader.channel.confirm_delivery()
    for number in (7, 7, 8):
        reader.run(numbered, number=number)
    equal(reader.count("kept"), 2)
    reader.channel.exchange_delete("orders")
    reader.channel.queue_purge("kept")
    for order_id in ("a", "a", "b"):
        reader.run(once, order_id=order_id)
        reader.channel.queue_bind("kept", "orders")
    equal(reader.count("kept"), 1)  # "a" was seen before the queue was bound
    reader.channel.queue_declare("tasks", durable=True)
    reader.run(beside)
    reader.publish("", "tasks", [b"task"])
    reader.new_channel()
    task, _, _ = reader.channel.basic_get("tasks")
    reader.run(in_one, task=task, result=b"result")
    equal((reader.count("tasks"), reader.count("results")), (0, 1))


def delays(reader):
    reader.channel.queue_declare("work", durable=True)
    reader.blocks[0] = reader.blocks[0].replace("30000", str(QUICK_MS))
    begun = time.monotonic()
    reader.run(0)
    reader.wait(lambda: reader.count("work") == 1, "a message that is due")
    equal(time.monotonic() - begun >= QUICK_MS / 1000, True)


PAGES = {"streams": streams, "groups": groups, "exchange-logs": exchange_logs, "replay": replay,
         "exactly-once": exactly_once, "delays": delays}


def main():
    page, url = sys.argv[1:]
    PAGES[page](Reader(page, url))


main()
