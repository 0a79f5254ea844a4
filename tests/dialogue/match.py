# What is expected against what came: values, tables, whole methods.
"""Turns values of a script into values of the wire, and compares them with what came.

A pattern may be a variable without a value; comparing gives it one.
"""
import re
import struct

import script
import wire

EVERYTHING = (script.Any, script.Regex, script.Variable)


def to_wire(kind, value):
    """A value of a script as a field of this kind of a method or a property."""
    if isinstance(value, script.Variable):
        raise script.ScriptError(f"${value.name} has no value yet")
    if kind == "BIT":
        return bool(value)
    if kind == "TABLE":
        return table_to_wire(value)
    if kind in wire.NUMBERS:
        return int(value)
    return value if isinstance(value, bytes) else str(value).encode()


def table_to_wire(table):
    if not isinstance(table, script.Table):
        raise script.ScriptError(f"{table!r} where a table must stand")
    return [(name, pair_to_wire(value)) for name, value in table.entries]


def pair_to_wire(value):
    """A value of a field table with its tag; without one said, the usual tag of what it is."""
    if isinstance(value, script.Tagged):
        inside = value.value
        if value.tag == "F":
            return "F", table_to_wire(inside)
        if value.tag == "A":
            return "A", [pair_to_wire(item) for item in inside]
        if value.tag == "D":
            return "D", tuple(inside)
        if value.tag in "Sx":
            return value.tag, to_wire("LONGSTR", inside)
        return value.tag, inside
    if isinstance(value, bool):
        return "t", value
    if isinstance(value, int):
        return ("I" if -2**31 <= value < 2**31 else "l"), value
    if isinstance(value, float):
        return "d", value
    if isinstance(value, bytes):
        return "S", value
    if value is script.VOID:
        return "V", None
    if isinstance(value, script.Table):
        return "F", table_to_wire(value)
    if isinstance(value, list):
        return "A", [pair_to_wire(item) for item in value]
    raise script.ScriptError(f"{value!r} is no value of a table")


class Matcher:
    """Compares and says where the first difference is; gives variables their values."""

    def __init__(self, names):
        self.names = names

    def differs(self, where, expected, got):
        return f"{where}: expected {show(expected)}, got {show(got)}"

    def value(self, where, kind, expected, got):
        """None, or the difference between a field as expected and as it came."""
        if isinstance(expected, EVERYTHING):
            return self.pattern(where, expected, got)
        if kind == "TABLE":
            return self.table(where, expected, got)
        if to_wire(kind, expected) != got:
            return self.differs(where, to_wire(kind, expected), got)
        return None

    def pattern(self, where, expected, got):
        if isinstance(expected, script.Any):
            return None
        if isinstance(expected, script.Regex):
            data = got if isinstance(got, bytes) else str(got).encode()
            if re.fullmatch(expected.text, data, re.DOTALL):
                return None
            return f"{where}: expected ~{show(expected.text)}, got {show(got)}"
        if expected.name in self.names:  # was given a value in this very comparison
            known = self.names[expected.name]
            return None if known == got else self.differs(where, known, got)
        self.names[expected.name] = got
        return None

    def table(self, where, expected, got):
        """Tables are equal when they have equal entries, in whatever order."""
        want = sorted(expected.entries, key=lambda entry: entry[0])
        have = sorted(got, key=lambda entry: entry[0])
        if expected.is_open:
            known = {name for name, _ in want}
            have = [entry for entry in have if entry[0] in known]
        if [name for name, _ in want] != [name for name, _ in have]:
            return (f"{where}: expected the keys {show([name for name, _ in want])}, got "
                    f"{show([name for name, _ in have])}")
        for (name, value), (_, pair) in zip(want, have):
            difference = self.pair(f"{where}.{show(name)}", value, pair)
            if difference:
                return difference
        return None

    def pair(self, where, expected, got):
        tag, value = got
        if isinstance(expected, script.Tagged):
            if tag != expected.tag:
                return f"{where}: expected the type {expected.tag}, got {tag} {show(value)}"
            expected = expected.value
            if tag == "D":
                return None if tuple(expected) == value else self.differs(where, expected, value)
        elif not isinstance(expected, EVERYTHING):
            usual = pair_tag(expected)
            if usual != tag:
                return f"{where}: expected the type {usual}, got {tag} {show(value)}"
        if isinstance(expected, EVERYTHING):
            return self.pattern(where, expected, value)
        if tag == "F":
            return self.table(where, expected, value)
        if tag == "A":
            return self.array(where, expected, value)
        if expected is script.VOID:
            expected = None
        if same(expected, value):
            return None
        return self.differs(where, expected, value)

    def array(self, where, expected, got):
        if len(expected) != len(got):
            return f"{where}: expected {len(expected)} items, got {len(got)}: {show(got)}"
        for number, (item, pair) in enumerate(zip(expected, got)):
            difference = self.pair(f"{where}[{number}]", item, pair)
            if difference:
                return difference
        return None

    def fields(self, where, kinds, expected, got, is_open):
        """None, or the first difference. Fields that are not mentioned must be empty."""
        for name, kind in kinds:
            if name in expected:
                difference = self.value(f"{where} {name}", kind, expected[name], got[name])
            elif is_open or got[name] == wire.EMPTY[kind]:
                continue
            else:
                difference = self.differs(f"{where} {name}", wire.EMPTY[kind], got[name])
            if difference:
                return difference
        return None

    def properties(self, expected, got, is_open):
        """None, or the first difference. Properties that are not mentioned must be absent."""
        for name, kind in wire.PROPERTIES:
            if name in expected and name not in got:
                return f"property {name}: expected {show(expected[name])}, got none"
            if name in expected:
                difference = self.value(f"property {name}", kind, expected[name], got[name])
                if difference:
                    return difference
            elif name in got and not is_open:
                return f"property {name}: expected none, got {show(got[name])}"
        return None


def pair_tag(expected):
    """The tag of an expected value; tables may have patterns inside, so they are not encoded."""
    if isinstance(expected, script.Table):
        return "F"
    if isinstance(expected, list):
        return "A"
    return pair_to_wire(expected)[0]


def same(expected, got):
    """Equality in which a NaN is one."""
    if isinstance(got, float):
        return struct.pack(">d", expected) == struct.pack(">d", got)
    return expected == got


def show(value):
    """A value in the words of a script, shortened."""
    if isinstance(value, bytes):
        text = '"' + value.decode("utf-8", "backslashreplace") + '"'
    elif isinstance(value, script.Table):
        text = "{" + ", ".join(f"{show(n)}={show(v)}" for n, v in value.entries) + "}"
    elif isinstance(value, script.Tagged):
        text = f"{value.tag}:{show(value.value)}"
    elif isinstance(value, script.Regex):
        text = "~" + show(value.text)
    elif isinstance(value, script.Any):
        text = "*"
    elif isinstance(value, script.Variable):
        text = "$" + value.name
    elif isinstance(value, (list, tuple)):
        text = "[" + ", ".join(show(item) for item in value) + "]"
    else:
        text = str(value)
    return text if len(text) <= 400 else text[:400] + f"... ({len(text)} characters)"
