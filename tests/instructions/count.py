#!/usr/bin/env python3
# Instructions that the broker executes for each message, beside those of the table.
"""usage: tests/instructions/count.py [ROW...]      counts, compares; exit status 1: it is more
       tests/instructions/count.py --renew       writes what is counted into the table

Times differ from run to run and from machine to machine; how many instructions a message costs does
not, or hardly. The broker runs under valgrind --tool=callgrind; each row is played with two
numbers of messages, of which the difference counts, so that all that happens once drops out.

Instructions are what a compiler made: the table has a column for each compiler it was renewed with,
and a build by another one is compared loosely, with the column that all its rows fit best.
"""
import argparse
import pathlib
import re
import shutil
import statistics
import sys

import rows

import broker  # from tests/dialogue; rows.py knows the way

TABLE = pathlib.Path(__file__).with_name("table.txt")
SKIPPED = 77
TOLERANCE = 0.10
LOOSE = 0.30  # for a compiler without a column, once its own factor is taken off
FACTORS = (0.7, 1.4)  # and that must be near one
TIMES = 3  # the larger size, to the smaller
MARK = "define_exchange_delete"  # a function that nothing of a row calls: there the counts are cut


class Counted(broker.Broker):
    """A broker under callgrind."""

    def launch(self):
        self.prefix = ["valgrind", "--tool=callgrind", "--dump-before=" + MARK,
                       f"--callgrind-out-file={self.home}/counts"]
        return super().launch()

    def cut(self, one):
        rows.player.ask(one, "exchange.delete", "exchange.delete-ok", exchange=b"mark")

    def counts(self):
        """Of what lies between one cut and the next, in order."""
        dumps = sorted(self.home.glob("counts.*"), key=lambda path: int(path.suffix[1:]))
        return [int(re.search(r"^totals: (\d+)", dump.read_text(), re.MULTILINE)[1])
                for dump in dumps]


def compiler():
    """Who made the program, as it says itself: "gcc-12"."""
    data = pathlib.Path(broker.program()).read_bytes()
    for name, pattern in (("clang", rb"clang version (\d+)"), ("gcc", rb"GCC: \([^)]*\) (\d+)")):
        match = re.search(pattern, data)
        if match:
            return f"{name}-{match[1].decode()}"
    return "unknown"


def count(chosen):
    """Instructions for each message (or whatever the row has), by row; what the broker does by the
    clock is in none of them."""
    place, found = Counted(["collect_statistics_interval=60000"]), {}
    try:
        control = rows.connect(place)
        for row in chosen:
            row.open(place)
            row.play(row.step)
            place.cut(control)
            row.play(row.step)
            place.cut(control)
            row.play(TIMES * row.step)
            place.cut(control)
            row.close()
            few, many = place.counts()[-2:]
            found[row.name] = (many - few) / ((TIMES - 1) * row.step * row.fan)
        place.stop()
    finally:
        place.close()
    return found


# ---- the table ----

def read_table():
    """Columns by compiler: instructions by row."""
    columns = {}
    if not TABLE.exists():
        return columns
    lines = [line.split() for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    for place, name in enumerate(lines[0][1:], 1):
        columns[name] = {line[0]: int(line[place]) for line in lines[1:] if line[place] != "-"}
    return columns


def write_table(columns):
    text = ["# Instructions of the broker for each message, by the compiler that made it.",
            "# Written by tests/instructions/count.py --renew; what the rows are: rows.py.",
            f"{'row':<18}" + "".join(f"{name:>12}" for name in columns)]
    text += [f"{row.name:<18}" + "".join(f"{column.get(row.name, '-'):>12}"
                                         for column in columns.values()) for row in rows.ROWS]
    TABLE.write_text("\n".join(text) + "\n")


def renew(found, name):
    columns = read_table()
    columns.setdefault(name, {}).update({row: round(value) for row, value in found.items()})
    write_table(columns)
    print(f"wrote the column {name} of {TABLE.relative_to(rows.ROOT)}")
    return 0


# ---- the verdict ----

def loose_column(found, columns):
    """For a compiler without a column: the one it fits best, and its factor to it."""
    fits = []
    for name, column in columns.items():
        ratios = [found[row] / column[row] for row in found if row in column]
        factor = statistics.median(ratios)
        fits.append((statistics.median(abs(ratio / factor - 1) for ratio in ratios), name, factor))
    return min(fits)[1:]


def compare(found, name, columns):
    """Prints a line for each row. Returns how many are over."""
    factor, tolerance, column = 1.0, TOLERANCE, columns.get(name)
    if column is None:
        like, factor = loose_column(found, columns)
        column, tolerance = columns[like], LOOSE
        print(f"no column for {name}: compared with {like}, which all of it is {factor:.2f} of, "
              f"within {tolerance:.0%}; --renew adds one")
    over = 0 if FACTORS[0] < factor < FACTORS[1] else 1
    for row in rows.ROWS:
        if row.name not in found:
            continue
        value, known = found[row.name], column.get(row.name)
        line = f"{row.name:<18}{value:>12,.0f}  "
        if known is None:
            print(line + "not in the table: --renew adds it")
            over += 1
            continue
        ratio = value / (known * factor)
        line += f"{known:>12,}  {ratio:6.3f}"
        if ratio > 1 + tolerance:
            line += f"  MORE than {1 + tolerance:.2f}: find out why, or --renew and say so"
            over += 1
        elif ratio < 1 - tolerance:
            line += "  fewer: --renew, so that it stays so"
        print(line)
    return over


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n", maxsplit=1)[0].removeprefix(
        "usage: "))
    parser.add_argument("--renew", action="store_true")
    parser.add_argument("rows", nargs="*")
    given = parser.parse_args()
    chosen = [row for row in rows.ROWS if not given.rows or row.name in given.rows]
    if len(chosen) < len(given.rows):
        parser.error(f"the rows are {' '.join(row.name for row in rows.ROWS)}")
    if not shutil.which("valgrind"):
        print("skipped: instructions are counted by valgrind, which is not installed")
        return SKIPPED
    columns = read_table()
    found = count(chosen)
    if given.renew:
        return renew(found, compiler())
    if not columns:
        print(f"{TABLE} has no column: --renew makes one")
        return 1
    return 1 if compare(found, compiler(), columns) else 0


if __name__ == "__main__":
    sys.exit(main())
