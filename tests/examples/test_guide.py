#!/usr/bin/env python3
# The lines of code in the pages of docs/guide/ about history do what the pages say.
"""Each page is read by guide_lines.py against a broker of its own. Ends with 77 without pika."""
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tests/clients"))

import broker  # noqa: E402
from runtimes import Absent, Python  # noqa: E402

DEADLINE_S = 120
SKIPPED = 77


class Guide(unittest.TestCase):
    python = None

    def read(self, page):
        b = broker.new()
        self.addCleanup(b.close)
        b.start()
        url = f"amqp://guest:guest@127.0.0.1:{b.port}/%2F"
        done = subprocess.run([self.python, HERE / "guide_lines.py", page, url], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertEqual(done.stderr, "")

    def test_streams(self):
        self.read("streams")

    def test_groups(self):
        self.read("groups")

    def test_logs_of_exchanges(self):
        self.read("exchange-logs")

    def test_replay(self):
        self.read("replay")

    def test_exactly_once(self):
        self.read("exactly-once")

    def test_delays(self):
        self.read("delays")


if __name__ == "__main__":
    try:
        Guide.python = Python("pika", "pika").command(None)[0]
    except Absent as absent:
        print(absent)
        sys.exit(SKIPPED)
    unittest.main()
