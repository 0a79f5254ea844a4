#!/usr/bin/env python3
# The static analysers, run over every source of a configured build where something changed.
"""Runs clang-tidy or cppcheck over the sources that a build folder's compile_commands.json lists.

usage: scripts/lint.py clang-tidy|cppcheck BUILD_FOLDER      exit status 1 when it finds something

A source is judged again when it, one of our headers that it reaches, its compile command, or the
tool's configuration changed. What was clean is remembered in BUILD_FOLDER/<tool>.cache.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from c_source import Source
from tidy import digest

ROOT = pathlib.Path(__file__).resolve().parents[1]
CPPCHECK = ["cppcheck", "--quiet", "--error-exitcode=1", "--std=c11", "--language=c",
            "--platform=unix64", "--library=posix", "--inconclusive",
            "--enable=warning,performance,portability",
            "-D_GNU_SOURCE", "-D__x86_64__", "-D__linux__", "-D__GNUC__=12", "-I.",
            "--suppressions-list=scripts/cppcheck.suppressions"]
TOOLS = {
    "clang-tidy": (["clang-tidy-14", "--quiet"], [".clang-tidy", "tests/.clang-tidy"]),
    "cppcheck": (CPPCHECK, ["scripts/cppcheck.suppressions"]),
}
TOGETHER = 16  # sources that a tool is started for
FINDING = re.compile(r"^\S+:\d+:\d+: (?!note)")


class Texts:
    """The texts of our files, and of all that a file includes of ours."""

    def __init__(self):
        self.known = {}

    def read(self, path):
        if path not in self.known:
            text = (ROOT / path).read_text()
            self.known[path] = (text, [t for _, t in Source(text).includes])
        return self.known[path]

    def reached(self, path, seen):
        if path not in seen and (ROOT / path).exists():
            text, includes = self.read(path)
            seen[path] = text
            for target in includes:
                self.reached(target, seen)
        return seen


def sources(build):
    """Yields (path from the root, compile command) of every source of ours in the build."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["file"])
        if file.is_relative_to(ROOT) and not file.is_relative_to(build) and file.exists():
            yield file.relative_to(ROOT).as_posix(), entry["command"]


def judge(tool, paths, build):
    """Returns the lines in which the tool says something against the sources, by source."""
    command, _ = TOOLS[tool]
    command = command + (["-p", str(build)] if tool == "clang-tidy" else []) + paths
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return {path: [f"{command[0]} is not installed"] for path in paths}
    if done.returncode == 0:
        return {path: [] for path in paths}
    said = (done.stdout + done.stderr).splitlines()
    lines = [line for line in said if FINDING.search(line)] or said
    if len(paths) == 1:
        return {paths[0]: lines}
    found = {path: judge(tool, [path], build)[path] for path in paths}  # which one?
    return found if any(found.values()) else {path: lines for path in paths}


def main(tool, build):
    _, configurations = TOOLS[tool]
    cache = build / f"{tool}.cache"
    known = set(json.loads(cache.read_text())) if cache.exists() else set()
    texts, keys = Texts(), {}
    rules = repr(TOOLS[tool]) + "".join((ROOT / c).read_text() for c in configurations)
    for path, command in sources(build):
        reached = texts.reached(path, {})
        keys[path] = digest(tool, rules, command, *(p + reached[p] for p in sorted(reached)))

    changed = [path for path, key in keys.items() if key not in known]
    groups = [changed[at:at + TOGETHER] for at in range(0, len(changed), TOGETHER)]
    said = {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for lines in pool.map(lambda paths: judge(tool, paths, build), groups):
            said.update(lines)
    for line in sorted(set(line for lines in said.values() for line in lines)):
        print(line)  # once, though every source that reaches a header finds it there
    dirty = {path for path in said if said[path]}
    cache.write_text(json.dumps(sorted(key for path, key in keys.items() if path not in dirty)))
    print(f"{tool}: {len(keys)} sources, {len(changed)} judged anew, {len(dirty)} with findings")
    return 1 if dirty else 0


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in TOOLS:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]).resolve()))
