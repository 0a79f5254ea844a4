#!/usr/bin/env python3
# The layer check: includes only ever point down, and only at public headers (scripts/layers.txt).
"""Checks every #include "..." of the tree against scripts/layers.txt.

usage: scripts/layers.py [root]      exit status 1 when a rule is broken

The rules, one sentence per breach:
  - the table knows every room it names, and names no room that may, in the end, include itself;
  - every folder with C in it is a room of the table (tests have their own rules, below);
  - a room includes its own headers, and public headers of the rooms its line names;
  - an include is written from the root of the tree: "room/file.h".

Tests:
  - tests/unit/<room> may include every header of <room>, also the private ones, the test library
    ("tests/lib/..."), the simulated world (io/sim), and whatever <room> itself may include;
  - tests/fuzz may include every header of every room: parsers are private;
  - everything else under tests/ may include the test library, headers of its own folder, and the
    public headers of every room.

Examples are programs of the people who use the broker: they include none of our headers, only what
lies beside them, by its bare name.
"""
import pathlib
import re
import sys

TABLE = "scripts/layers.txt"
TEST_LIBRARY = "tests/lib"
# Whole nodes in the simulated world are driven by three kinds of tests.
STANDS_ON = {"tests/trust": "tests/sim", "tests/fuzz": "tests/sim",
             "tests/trust/load": "tests/trust"}
SIMULATED_WORLD = "io/sim"
FUZZ_TARGETS = "tests/fuzz"
EXAMPLES = "examples/"
SKIPPED = re.compile(r"(^|/)(\.[^/]+|build|build-[^/]+|data|fixtures|__pycache__)/")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


class Table:
    """What scripts/layers.txt says: `allowed` room -> rooms, `public` room -> headers."""

    def __init__(self, text):
        self.allowed, self.public, self.findings = {}, {}, []
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split("#")[0].strip()
            if line:
                self._line(f"{TABLE}:{number}", line)
        self._check_names()
        self._check_cycles()

    def _line(self, place, line):
        head, colon, tail = line.partition(":")
        head = head.strip()
        table = self.allowed
        if head.startswith("public "):
            table, head = self.public, head[len("public "):].strip()
        if not colon or not head or " " in head:
            self.findings.append(f'{place}: cannot read this line; write "room : rooms below it" '
                                 f'or "public room : headers"')
        elif head in table:
            self.findings.append(f"{place}: {head} stands here for the second time; "
                                 f"keep one line per room")
        else:
            table[head] = tail.split()

    def _check_names(self):
        for room, below in self.allowed.items():
            for other in below:
                if other != "*" and other not in self.allowed:
                    self.findings.append(f"{TABLE}: {room} may include {other}, but no line says "
                                         f"what {other} is; add one or take the word out")
        for room in self.public:
            if room not in self.allowed:
                self.findings.append(f"{TABLE}: public headers of {room} are listed, but no line "
                                     f"says what {room} may include; add one")

    def _check_cycles(self):
        cleared = set()

        def walk(room, trail):
            if room in trail:
                ring = " -> ".join(trail[trail.index(room):] + [room])
                self.findings.append(f"{TABLE}: {ring} is a cycle, so none of them can be read or "
                                     f"tested alone; move what they share to a room below")
                return True
            if room in cleared:
                return False
            for other in self.below(room):
                if other in self.allowed and walk(other, trail + [room]):
                    return True
            cleared.add(room)
            return False

        for room in self.allowed:
            if walk(room, []):
                return

    def below(self, room):
        names = self.allowed.get(room, [])
        return [r for r in self.allowed if r != room] if "*" in names else names

    def room_of(self, path):
        """The innermost room of the table that holds `path`, or None."""
        parts = path.split("/")[:-1]
        while parts:
            if "/".join(parts) in self.allowed:
                return "/".join(parts)
            parts.pop()
        return None

    def is_public(self, room, header):
        shown = self.public.get(room, [])
        return "*" in shown or header[len(room) + 1:] in shown


def sources(root):
    """Every .c and .h below `root`, as (path from the root, text)."""
    for folder in sorted(p for p in root.iterdir() if p.is_dir()):
        for file in sorted(folder.rglob("*.[ch]")):
            name = file.relative_to(root).as_posix()
            if not SKIPPED.search(name):
                yield name, file.read_text(errors="replace")


def breach(table, name, target):
    """Says why `name` may not include `target`, or None."""
    folder = name.rpartition("/")[0]
    in_tests = name.startswith("tests/")
    if "/" not in target or target.startswith((".", "/")):
        return (f'"{target}" is not written from the root; write "room/{target.split("/")[-1]}", '
                f"so that every file has one name")
    if in_tests and target.startswith((TEST_LIBRARY + "/", folder + "/",
                                       STANDS_ON.get(folder, folder) + "/")):
        return None
    if target.startswith("tests/") and in_tests:
        return f"{target} belongs to other tests; what several share is in {TEST_LIBRARY}/"
    if target.startswith("tests/"):
        return f"{target} belongs to the tests; the product must build without them"
    there = table.room_of(target)
    if there is None:
        return (f'"{target}" is in no room of {TABLE}; write the include from the root, as '
                f'"room/file.h"')
    if in_tests:
        return breach_of_test(table, folder, there, target)

    here = table.room_of(name)
    if there == here:
        return None
    if there not in table.below(here):
        return (f"{here} may not include {there}: includes only point down, and {TABLE} has no "
                f"{there} in the line of {here}; move the code to the room that may know both, "
                f"or hand it in as a parameter")
    return None if table.is_public(there, target) else private(target, there)


def breach_of_test(table, folder, there, target):
    if folder == FUZZ_TARGETS:
        return None
    own = folder[len("tests/unit/"):] if folder.startswith("tests/unit/") else None
    if own is not None:
        if there in (own, SIMULATED_WORLD):
            return None
        reach = table.below(own) + (table.below(SIMULATED_WORLD) if own != "base" else [])
        if own in table.allowed and there not in reach:
            return (f"the unit tests of {own} may not include {there}: {own} itself may not; "
                    f"test what both do together in tests/ of a room that knows both")
    if table.is_public(there, target):
        return None
    if folder == TEST_LIBRARY:
        return (f"{target} is private to {there}; what only its tests share belongs beside them, "
                f"in tests/unit/{there}/")
    return private(target, there)


def private(target, room):
    return (f"{target} is private to {room}; use one of its public headers, or make it public in "
            f"{TABLE} if others truly need it")


def breach_of_example(name, target, root):
    if "/" in target or not (root / name).with_name(target).is_file():
        return (f'"{target}" does not lie beside it; an example shows what people can do who have '
                f"nothing of ours but the broker")
    return None


def findings(root):
    table = Table((root / TABLE).read_text())
    yield from table.findings
    homeless = set()
    for name, text in sources(root):
        folder = name.rpartition("/")[0]
        in_unit = re.match(r"tests/unit/(.+)", folder)
        room = in_unit[1] if in_unit else table.room_of(name)
        if not in_unit and name.startswith("tests/"):
            room = "tests"
        if name.startswith(EXAMPLES):
            room = EXAMPLES
        if room is None or (in_unit and room not in table.allowed):
            if folder not in homeless:
                homeless.add(folder)
                yield (f"{folder}: holds C, but {room or folder} is no room of {TABLE}; "
                       f"give it a line there")
            continue
        for match in INCLUDE.finditer(text):
            why = (breach_of_example(name, match[1], root) if room == EXAMPLES
                   else breach(table, name, match[1]))
            if why:
                yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {why}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    found = list(findings(root))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
