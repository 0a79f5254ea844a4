#!/usr/bin/env python3
# Runs one client library's program against a broker and says how each of its scenarios ended.
"""usage: tests/clients/run.py CLIENT        exit status 0 passed, 1 failed, 77 not on this machine
       tests/clients/run.py --list        the names of the clients

The program of a client is told the broker's port. It says on its standard output, a line each:

    pass SCENARIO             the scenario did what it should
    fail SCENARIO: why        it did not
    stop                      start the broker again after it was asked to stop
    kill                      start the broker again after it was killed

and reads a line from its standard input when the broker is ready again. Everything else that it
says is shown when something failed. A scenario that it does not report has failed.

MILLRACE_TEST_BROKER=rabbitmq runs the program against RabbitMQ: what fails there is asked wrongly.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import broker
from runtimes import CLIENTS, Absent

CLIENT_S = 240  # a program that takes longer hangs
SKIPPED = 77


class Run:
    """One program with its broker."""

    def __init__(self, client, command, place):
        self.client = client
        self.broker = broker.new()
        self.place = place
        self.command = [str(part) for part in command]
        self.ended = {}  # scenario -> (word, why)
        self.said = []  # lines that are no report
        self.began = time.monotonic()

    def go(self):
        """Runs the program to its end; returns whether everything passed."""
        self.broker.start()
        with tempfile.TemporaryFile(mode="w+", errors="replace") as errors:
            program = subprocess.Popen([*self.command, str(self.broker.port)], cwd=self.place,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=errors, text=True, errors="replace")
            limit = threading.Timer(CLIENT_S, program.kill)
            limit.start()
            try:
                self.listen(program)
                status = program.wait()
            finally:
                limit.cancel()
                program.kill()
                program.wait()
            errors.seek(0)
            return self.judge(status, errors.read())

    def listen(self, program):
        for line in program.stdout:
            line = line.rstrip("\n")
            word, _, rest = line.partition(" ")
            if word in ("pass", "fail"):
                scenario, _, why = rest.partition(": ")
                self.report(word, scenario, why)
            elif line in ("stop", "kill"):
                getattr(self.broker, line)()
                self.broker.start()
                program.stdin.write("go\n")
                program.stdin.flush()
            else:
                self.said.append(line)

    def report(self, word, scenario, why):
        now = time.monotonic()
        text = {"pass": "passed", "fail": "FAILED"}[word]
        print(f"{self.client.name} {scenario}: {text}{why and ': '}{why} "
              f"({now - self.began:.1f} s)", flush=True)
        self.began = now
        self.ended[scenario] = (word, why)

    def judge(self, status, errors):
        wrong = []
        for scenario in self.client.scenarios:
            word, why = self.ended.pop(scenario, ("fail", "it was never reported"))
            if word == "fail":
                wrong.append(f"{scenario}: {why}")
        wrong += [f"{scenario}: nobody knows this scenario" for scenario in self.ended]
        if status != 0:
            wrong.append(f"the program ended with status {status}")
        if not self.broker.is_running():
            wrong.append("the broker is gone")
        elif self.broker.stop() != 0:
            wrong.append("the broker did not stop well")
        for line in wrong:
            print(f"{self.client.name} {line}")
        if wrong:
            print("-- the program said:", *self.said, errors, sep="\n")
            print("-- the broker said:", self.broker.last_lines(), sep="\n")
        return not wrong


def main(arguments):
    if arguments == ["--list"]:
        print(*CLIENTS, sep="\n")
        return 0
    if len(arguments) != 1 or arguments[0] not in CLIENTS:
        print(f"usage: tests/clients/run.py {'|'.join(CLIENTS)}", file=sys.stderr)
        return 2
    client = CLIENTS[arguments[0]]
    with tempfile.TemporaryDirectory(prefix="millrace-client-") as place:
        try:
            command = client.command(pathlib.Path(place))
        except Absent as absent:
            print(f"{client.name} skipped: {absent}")
            return SKIPPED
        run = Run(client, command, place)
        try:
            return 0 if run.go() else 1
        finally:
            run.broker.close()


if __name__ == "__main__":
    os.environ["PYTHONUNBUFFERED"] = "1"
    sys.exit(main(sys.argv[1:]))
