#!/usr/bin/env python3
# Does what docs/guide/tls.md says, step by step.
"""Each indented block of the guide is run by bash in a folder of its own, in their order. Only the
port is another one, and those that start the broker are started here, to be stopped again."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients")]

import runtimes  # noqa: E402
from broker import free_port  # noqa: E402
from test_millrace import DEADLINE_S, Broker, program  # noqa: E402

GUIDE = HERE.parents[1] / "docs" / "guide" / "tls.md"
START = "millrace --conf"


def blocks():
    """The indented blocks, in their order."""
    found = []
    for part in re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", GUIDE.read_text(), re.MULTILINE):
        found += [re.sub(r"^ {4}", "", one, flags=re.MULTILINE).strip("\n")
                  for one in part.split("\n\n") if one.strip()]
    return found


class GuideTest(unittest.TestCase):
    def setUp(self):
        try:
            self.python = runtimes.Python("pika", "pika").command(None)[0]
        except runtimes.Absent as absent:
            self.skipTest(str(absent))
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-guide-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.port = str(free_port())
        self.broker = None

    def run_block(self, text):
        """What it prints."""
        text = re.sub(r"\bmillrace (?=--)", program()
                      + " --set management.tcp.port=none --set prometheus.tcp.port=none ", text)
        text = re.sub(r"\bpython3\b", self.python, text)
        pid = str(self.broker.process.pid) if self.broker else ""
        done = subprocess.run(["bash", "-ec", text], cwd=self.home, text=True, timeout=DEADLINE_S,
                              env={**os.environ, "PID": pid}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout}")
        return done.stdout

    def start(self, text):
        arguments = text.removesuffix(" & PID=$!").split()[1:]
        self.broker = Broker(*arguments, "--set", "management.tcp.port=none",
                             "--set", "prometheus.tcp.port=none", cwd=self.home)
        self.addCleanup(self.broker.close)
        self.assertIn(f"amqps=*:{self.port}", self.broker.wait_for_line("is ready"))

    def test_the_guide_works(self):
        said = ""
        for text in blocks():
            text = text.replace("5671", self.port)
            if text.startswith(START) and text.endswith("& PID=$!"):
                self.start(text)
                continue
            said += self.run_block(text)
            if "kill $PID" in text:
                self.assertEqual(self.broker.wait(), 0)
            elif "kill -HUP" in text:
                self.broker.wait_for_line("read the certificates again")
        for sentence in ("the configuration is valid", "connected by TLSv1.3",
                         "logged in by certificate"):
            self.assertIn(sentence, said)
        self.assertEqual(self.broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
