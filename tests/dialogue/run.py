#!/usr/bin/env python3
# Runs dialogue scripts: exact frames in and out, and the broker working on afterwards.
"""usage: run.py [--port N] [--tls] [--only ID] [script or folder ...]
       run.py --split [--seconds N] ...   what clients send is cut at every place, or at as many
                                          places of each case as there is time for
       run.py --coverage                  prints which cases each script has, for the README

Each script has a broker of its own, or with --port one that runs already; each of its cases has
connections of its own. After every case a fresh connection must find the broker working, and after
the script its process must have given back what it took. --only plays cases with this id, --tls
plays all over TLS.
Exit status 1 when a case failed.
"""
import argparse
import os
import pathlib
import sys
import threading
import time

sys.dont_write_bytecode = True
import broker  # noqa: E402
import player  # noqa: E402
import script  # noqa: E402
import split  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
FILES_MORE = 8
MEMORY_MORE = 64 << 20
SETTLE_S = 20


def scripts(paths):
    for path in map(pathlib.Path, paths or [HERE]):
        yield from sorted(path.rglob("*.dialogue")) if path.is_dir() else [path]


def play(case, where, probe):
    """None, or what went wrong."""
    one = player.Player(where)
    try:
        one.play(case.statements)
        one.close()
        player.probe(where, probe)
    except AssertionError as error:
        return str(error)
    finally:
        one.close()
    return None


def baseline(where, probe):
    """What the process has when nobody is connected."""
    for _ in range(3):
        player.probe(where, probe)
    where.memory_first = where.memory()
    return where.open_files()


def leak(where, files_first):
    """None, or what the process did not give back in time."""
    deadline = time.monotonic() + SETTLE_S
    is_judged = "MILLRACE_SIZE" not in os.environ  # sanitizers keep what was freed
    while True:
        files = where.open_files() - files_first
        memory = where.memory_more() if is_judged else 0
        if files <= FILES_MORE and memory <= MEMORY_MORE:
            return None
        if time.monotonic() > deadline:
            return f"the process has {files} more files open and {memory >> 20} MiB more memory"
        where.pause()


def run_cases(one, where, only):
    """(played, failures, skipped)"""
    failures, skipped, played = [], 0, 0
    for case in one.cases:
        if only and only not in case.ids:
            continue
        played += 1
        try:
            problem = play(case, where, one.probe)
        except broker.Skipped:
            skipped += 1
            continue
        if problem:
            failures.append(f"{' '.join(case.ids)}: {case.title}\n    {problem}")
            if isinstance(where, broker.Broker) and where.process.poll() is not None:
                failures[-1] += f"\n    the broker died: {where.last_lines()}"
                where.start()
    return played, failures, skipped


def run_split(path, only, is_tls, seconds):
    """The same of one script, with what is sent cut into pieces."""
    one = script.parse_script(path)
    replays = split.Replays(one, is_tls, seconds)
    failures, played = [], 0
    for case in one.cases:
        if (only and only not in case.ids) or split.restarts(case.statements):
            continue
        played += 1
        try:
            problem = replays.play(case)
        except AssertionError as error:
            problem = str(error)
        if problem:
            failures.append(f"{' '.join(case.ids)}: {case.title}\n    {problem}")
    if played:
        print(f"{one.path.stem:24} {replays.count} replays, {replays.cuts.count} cuts, an honest "
              f"client beside them was served {replays.served} times")
    return played, failures, 0


def run(path, port, only, is_tls):
    """(played, failures, skipped) of one script."""
    one = script.parse_script(path)
    if only and not any(only in case.ids for case in one.cases):
        return 0, [], 0
    where = broker.Elsewhere(port) if port else broker.Broker(one.settings, is_tls)
    try:
        before = None if port else baseline(where, one.probe)
        pid = None if port else where.process.pid
        played, failures, skipped = run_cases(one, where, only)
        if before and pid == where.process.pid and (problem := leak(where, before)):
            failures.append(f"after all: {problem}")
        if not port:
            where.stop()
    except AssertionError as error:
        return 1, [str(error)], 0
    finally:
        where.close()
    return played, failures, skipped


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--split", action="store_true")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("paths", nargs="*")
    arguments = parser.parse_args()
    if arguments.coverage:
        print("\n".join(coverage()))
        return 0
    total = failed = skipped = 0
    for path in scripts(arguments.paths):
        began = time.monotonic()
        try:
            if arguments.split:
                played, failures, left_out = run_split(path, arguments.only, arguments.tls,
                                                       arguments.seconds)
            else:
                played, failures, left_out = run(path, arguments.port, arguments.only,
                                                 arguments.tls)
        except script.ScriptError as error:
            played, failures, left_out = 1, [str(error)], 0
        if not played:
            continue
        total, failed, skipped = total + played, failed + len(failures), skipped + left_out
        print(f"{path.stem:24} {played:4} cases, {len(failures)} failed  "
              f"{time.monotonic() - began:6.1f} s", flush=True)
        for failure in failures:
            print(f"  FAILED {failure}", flush=True)
    print(f"{max(total - failed - skipped, 0)} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not total else 0


def coverage():
    """Lines of a table: each script, and the ids of its cases in their order."""
    lines = []
    for path in scripts([]):
        ids = dict.fromkeys(i for case in script.parse_script(path).cases for i in case.ids)
        lines.append(f"| `{path.relative_to(HERE)}` | {', '.join(ids)} |")
    return lines


def in_deep_thread(function):
    """Calls it with a stack that is good for tables nested ten thousand deep."""
    results = []
    sys.setrecursionlimit(100000)
    threading.stack_size(1 << 29)
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0] if results else 1


if __name__ == "__main__":
    sys.exit(in_deep_thread(main))
