#!/usr/bin/env python3
# How the broker's figures grow: with sizes, queues, connections, bindings, backlogs, streams, fans.
"""usage: scripts/bench growth [--curve NAME]... [--points N,N,...] [--duration 2s] [--json FILE]
                             [--deep] [--quick]

Measures each point of each curve by millrace-bench amqp, on a broker of its own, and prints a table
for each curve. What each curve measures is in CURVES below; --points gives other points for it;
--deep goes on to what takes long (a backlog of ten million); --quick is for trying it out. The
figures go to a file (growth.json) of which scripts/plot.py draws pictures.
"""
import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin"))
KIB, MIB = 1024, 1024 * 1024
STORED = "persistent=true durable=true"


class Curve:
    """Figures over one number, which {n} stands for; {few} is at most 20 of them."""

    def __init__(self, name, what, options, figures, points, deep=()):
        self.name, self.what, self.options, self.figures = name, what, options, figures
        self.points, self.deep = points, list(deep)


CURVES = [
    Curve("size", "bytes of a body; transient, 1:1, no acks", "size={n}",
          ["bodies", "delivered", "broker CPU a message"],
          [16, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB]),
    Curve("queues", "durable queues, window 100, acks every 10",
          STORED + " queues={n} producers={few} consumers={n} consumer-connections={few} "
          "window=100 ack=10 prefetch=100",
          ["confirmed", "broker CPU a message", "confirm p99"], [1, 10, 100, 1000, 10000]),
    Curve("connections", "publishing connections, one queue, transient",
          "producers={n}", ["delivered", "broker CPU a message"], [1, 10, 100, 1000, 10000]),
    Curve("bindings", "bindings of a topic exchange, of which ten match",
          "exchange=topic queues=10 consumers=10 bindings={n}",
          ["delivered", "broker CPU a message"], [10, 100, 1000, 10000, 100000]),
    Curve("backlog", "messages that wait, persistent, then drained",
          STORED + " shape=backlog count={n} window=1000",
          ["published", "drained", "memory for the backlog", "disk a message"],
          [10000, 100000, 1000000, 3000000], [10000000]),
    Curve("streams", "streams, each with a reader, window 1000",
          STORED + " stream=true queues={n} producers={few} consumers={n} "
          "consumer-connections={few} window=1000 ack=100 prefetch=1000",
          ["confirmed", "delivered", "broker CPU a message"], [1, 3, 10, 30, 100]),
    Curve("fan-out", "queues that get each message, transient",
          "exchange=fanout queues={n} consumers={n} consumer-connections={few}",
          ["delivered", "broker CPU a message"], [1, 3, 10, 30, 100, 300, 1000]),
    Curve("idle-connections", "connections with a channel that do nothing",
          "shape=connections objects={n}",
          ["memory each", "broker CPU while idle"], [100, 1000, 9000]),
    Curve("idle-queues", "durable queues that do nothing",
          "shape=queues objects={n} durable=true",
          ["memory each", "broker CPU while idle", "declared one at a time"],
          [1000, 10000, 50000]),
]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def broker_words(folder, *settings):
    """Options of millrace-bench that start a broker in a folder of its own."""
    port = free_port()
    pathlib.Path(folder).mkdir(exist_ok=True)
    return ["--uri", f"amqp://127.0.0.1:{port}", "--name", "millrace",
            "--broker-data", f"{folder}/data", "--broker-command",
            f"'{BIN}/millrace' --data-dir '{folder}/data' "
            f"--set listeners.tcp.default=127.0.0.1:{port} --set management.tcp.port=none "
            "--set prometheus.tcp.port=none " + " ".join(f"--set {one}" for one in settings)]


def run_bench(words, folder):
    """The figures of one workload by name, and what failed (or None)."""
    path = pathlib.Path(folder, "figures")
    path.unlink(missing_ok=True)
    done = subprocess.run([BIN / "millrace-bench", "amqp", *map(str, words), "--json", path],
                          capture_output=True, text=True, check=False)
    if not path.exists():
        return {}, done.stderr.strip() or f"millrace-bench ended with {done.returncode}"
    found = json.loads(path.read_text().splitlines()[0])
    return found["figures"], found.get("failure")


def options_of(curve, n, given):
    words = ["--rounds", given.rounds, "--duration", given.duration, "--warmup", given.warmup]
    for pair in curve.options.format(n=n, few=min(n, 20)).split():
        name, value = pair.split("=")
        words += ["--" + name, value]
    return words


def measure(curve, given):
    points = given.points or curve.points + (curve.deep if given.deep else [])
    found = []
    print(f"\n{curve.name}: {curve.what}")
    for n in points[:2] if given.quick else points:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            figures, failure = run_bench(broker_words(folder) + options_of(curve, n, given), folder)
        found.append({"n": n, "figures": figures, "failure": failure})
        shown = [f"{name} {figures[name]['median']:,.4g} {figures[name]['unit']}"
                 for name in curve.figures if name in figures]
        print(f"{n:>12,}  " + "   ".join(shown) + (f"   FAILED: {failure}" if failure else ""),
              flush=True)
    return {"curve": curve.name, "what": curve.what, "options": curve.options,
            "shown": curve.figures, "points": found}


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n", maxsplit=1)[0][len("usage: "):])
    parser.add_argument("--curve", action="append", choices=[one.name for one in CURVES])
    parser.add_argument("--points", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--duration", default="2s")
    parser.add_argument("--warmup", default="500ms")
    parser.add_argument("--rounds", default="1")
    parser.add_argument("--json", default="growth.json")
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.duration = given.warmup = "100ms"
    given.folder = ROOT / "bench-data"
    given.folder.mkdir(exist_ok=True)
    curves = [measure(one, given) for one in CURVES if not given.curve or one.name in given.curve]
    pathlib.Path(given.json).write_text(json.dumps(curves, indent=1) + "\n")
    return 1 if any(point["failure"] for one in curves for point in one["points"]) else 0


if __name__ == "__main__":
    sys.exit(main())
