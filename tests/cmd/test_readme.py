#!/usr/bin/env python3
# Does what README.md and docs/guide/service.md tell a newcomer to do, step by step.
"""The steps are taken out of the texts. What is different here: programs are those in MILLRACE_BIN
and nothing is built, ports are free ones, and python3 is one that has pika."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "cmd"), str(ROOT / "tests" / "clients")]

import runtimes  # noqa: E402
from world import BIN, World  # noqa: E402

DEADLINE_S = 240
GUIDE_PORTS = ("5671", "15672", "15692", "9090")


def blocks(path, section=None):
    """The indented blocks of a text, or of one of its sections, without the indent."""
    text = path.read_text()
    if section is not None:
        text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]
    found = re.findall(r"(?:^ {4}.*\n)+", text, re.M)
    return [re.sub(r"^ {4}", "", one, flags=re.M) for one in found]


def free_ports(count):
    """Different ones."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Newcomer(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-readme-"))
        self.addCleanup(shutil.rmtree, self.home)
        try:
            python = runtimes.Python("pika", "pika").command(None)[0]
        except runtimes.Absent as absent:
            self.skipTest(str(absent))
        self.tool("python3", f'exec {python} "$@"')
        path = f"{self.home}/tools:{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}

    def tool(self, name, text):
        """A program that stands before others of its name."""
        path = self.home / "tools" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def tell_time(self, what, begun, promised_s):
        """Says how long it took; machines differ, so nobody is held to it."""
        print(f"{what}: {time.monotonic() - begun:.1f} s of the {promised_s} s that the text gives "
              "a newcomer, without the build", flush=True)

    # ---- README.md ----

    def wait_for(self, path, part):
        deadline = time.monotonic() + DEADLINE_S
        while part not in path.read_text():
            self.assertLess(time.monotonic(), deadline, f"'{part}' in '{path.read_text()}'")
            try:
                self.worker.wait(0.01)
            except subprocess.TimeoutExpired:
                pass  # it works on

    def test_a_first_message_is_seen(self):
        commands, message = blocks(ROOT / "README.md", "Two commands")[:2]
        self.assertEqual([line.split("#")[0].split() for line in commands.splitlines()],
                         [["scripts/run"], ["scripts/test"]])  # tests/tidy has what they do
        begun = time.monotonic()
        world = World(self)
        self.environment["AMQP_URL"] = f"amqp://guest:guest@127.0.0.1:{world.broker.port}/%2F"
        first, second = message.splitlines()
        self.assertTrue(first.endswith(" &"))
        seen = self.home / "seen"
        with open(seen, "wb") as out:
            self.worker = subprocess.Popen(["bash", "-c", "exec " + first.removesuffix("&")],
                                           cwd=ROOT, env=self.environment, stdout=out)
        self.addCleanup(self.worker.wait)
        self.addCleanup(self.worker.kill)
        self.wait_for(seen, "waiting")
        done = subprocess.run(["bash", "-ec", second], cwd=ROOT, env=self.environment, text=True,
                              capture_output=True, timeout=DEADLINE_S, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("confirmed", done.stdout)
        self.wait_for(seen, "done: ecarlliM ,olleh")
        self.tell_time("a first message", begun, 120)

    # ---- the guide ----

    def test_a_service_with_tls_passwords_and_metrics(self):
        for program in ("openssl", "curl", "prometheus", "promtool"):
            if shutil.which(program) is None:
                self.skipTest(f"there is no {program}")
        script = "".join(blocks(ROOT / "docs" / "guide" / "service.md"))
        for port, free in zip(GUIDE_PORTS, free_ports(len(GUIDE_PORTS))):
            script = re.sub(rf"\b{port}\b", free, script)
        clone = self.home / "clone"
        (clone / "scripts").mkdir(parents=True)
        (clone / "scripts" / "build").symlink_to("/bin/true")
        (clone / "build").mkdir()
        (clone / "build" / "bin").symlink_to(BIN.resolve())
        begun = time.monotonic()
        guard = "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n"
        done = subprocess.run(["bash", "-euc", guard + script], cwd=clone, text=True,
                              env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.tell_time("a service with TLS, passwords and metrics", begun, 600)
        for sentence in ("the configuration is valid", "got: two rabbits", "ACCESS_REFUSED",
                         "rabbitmq_connections 0", '"value":'):
            self.assertIn(sentence, done.stdout)
        said = (clone / "service" / "millrace.log").read_text() + done.stdout
        for name in ("admin", "orders"):
            self.assertNotIn((clone / "service" / f"{name}.password").read_text().strip(), said)
        self.assertIn("stops as it was told", said)


if __name__ == "__main__":
    unittest.main()
