# The language of dialogue scripts: from text to cases and statements.
"""Parses a script into a Script. The language is described in tests/dialogue/README.md.

A value is parsed into a function of the variables, which gives a plain value or a pattern:

    int, float, bool, bytes     as they are
    Tagged(tag, value)          a value of a field table with its type said
    Table(entries, is_open)     entries are (name, value) in order
    list                        an array
    VOID                        the value of a field table that is nothing
    ANY, Regex, Variable        patterns, only where something is expected
"""
import re

TOKEN = re.compile(r"""
    (?P<space>\s+|\#.*)
  | (?P<hex>h"[0-9a-fA-F\s]*")
  | (?P<string>"(?:\\.|[^"\\])*")
  | (?P<tag>[tbBsuIilLfdDSATFx]:)
  | (?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:e\d+)?|(?:inf|nan)\b(?!\s*=)))
  | (?P<variable>\$\w+)
  | (?P<word>[A-Za-z_][\w./-]*)
  | (?P<mark>\.\.\.|\.\.|->|[={}\[\],*~<>.])
""", re.VERBOSE)
BLOCKS = ("repeat", "each", "unordered")
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)|\$\{(\w+)\}", re.DOTALL)
ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0", '"': b'"', "\\": b"\\", "$": b"$"}
STATEMENTS = set("""connect tcp do refused failed closed hangup close quiet await restart repeat
                    each confirms log drip pause resume unordered alive memory let
                    stop end""".split())


class ScriptError(Exception):
    """The script itself is wrong."""


class Tagged:
    def __init__(self, tag, value):
        self.tag, self.value = tag, value


class Table:
    def __init__(self, entries, is_open):
        self.entries, self.is_open = entries, is_open


class Regex:
    def __init__(self, text):
        self.text = text


class Variable:
    def __init__(self, name):
        self.name = name


class Any:
    """Matches everything."""


ANY, VOID = Any(), object()


class Statement:
    """One line. `verb` is a word of the language, ">" or "<"; `fields` maps names to values."""

    def __init__(self, place, where, verb):
        self.place, self.connection, self.channel, self.verb = place, where[0], where[1], verb
        self.words = []  # what stands before the fields
        self.fields, self.is_open = {}, False
        self.reply, self.reply_words, self.reply_is_open = {}, [], False  # behind "->"
        self.block = []  # of those in BLOCKS


class Case:
    def __init__(self, place, ids, title):
        self.place, self.ids, self.title, self.statements = place, ids, title, []


class Script:
    def __init__(self, path):
        self.path, self.settings, self.cases = path, [], []
        self.probe = "publish"  # or "connect": how far the probe behind each case goes


class Line:
    """The tokens of one line, taken from the left."""

    def __init__(self, text, place):
        self.tokens, self.at, self.place = [], 0, place
        position = 0
        while position < len(text):
            match = TOKEN.match(text, position)
            if not match:
                raise ScriptError(f"{place}: cannot read '{text[position:]}'")
            position = match.end()
            if match.lastgroup != "space":
                self.tokens.append((match.lastgroup, match[0]))

    def peek(self, ahead=0):
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else ("end", "")

    def take(self, kind=None, text=None):
        token = self.peek()
        if token[0] == "end" or kind not in (None, token[0]) or text not in (None, token[1]):
            raise ScriptError(f"{self.place}: '{token[1]}' where "
                              f"{text or kind or 'something'} must stand")
        self.at += 1
        return token[1]

    def has(self, text):
        if self.peek() in (("mark", text), ("word", text)):
            self.at += 1
            return True
        return False

    # ---- values ----

    def value(self):
        kind, text = self.peek()
        if kind == "tag":
            return self.tagged()
        if text == "{":
            return self.table()
        if text == "[":
            return self.array()
        self.at += 1
        if kind == "number":
            number = parse_number(text)
            return lambda _: number
        if kind == "hex":
            data = bytes.fromhex(text[2:-1])
            return self.times(lambda _: data)
        if kind == "string":
            return self.times(parse_string(text[1:-1]))
        if kind == "variable":
            return lambda names: names.get(text[1:], Variable(text[1:]))
        if text == "*":
            return lambda _: ANY
        if text == "~":
            pattern = parse_string(self.take("string")[1:-1], is_pattern=True)
            return lambda names: Regex(pattern(names))
        if kind == "word":
            known = {"true": True, "false": False, "void": VOID}.get(text, text.encode())
            return lambda _: known
        raise ScriptError(f"{self.place}: '{text}' is no value")

    def times(self, text):
        """A string, or with `*N` behind it that string N times."""
        if self.peek() == ("mark", "*") and self.peek(1)[0] in ("number", "variable"):
            self.at += 1
            count = self.value()
            return lambda names: text(names) * count(names)
        return text

    def tagged(self):
        tag = self.take("tag")[0]
        value = self.value()
        return lambda names: Tagged(tag, value(names))

    def table(self):
        self.take("mark", "{")
        entries, is_open = [], False
        while not self.has("}"):
            if self.has("..."):
                is_open = True
            else:
                kind, text = self.peek()
                name = self.value() if kind in ("string", "hex") else None
                if name is None:
                    self.take("word")
                    name = (lambda data: lambda _: data)(text.encode())
                self.take("mark", "=")
                entries.append((name, self.value()))
            if not self.has(","):
                self.take("mark", "}")
                break
        return lambda names: Table([(n(names), v(names)) for n, v in entries], is_open)

    def array(self):
        self.take("mark", "[")
        items = []
        while not self.has("]"):
            items.append(self.value())
            if not self.has(","):
                self.take("mark", "]")
                break
        return lambda names: [item(names) for item in items]

    def fields(self):
        """`name=value`, `name` for true, `a..b` and values alone as words; ends at "->"."""
        words, fields, is_open = [], {}, False
        while self.peek()[0] != "end" and self.peek()[1] != "->":
            if self.has("..."):
                is_open = True
            elif self.peek()[0] == "word" and self.peek(1)[1] == "=":
                name = self.take("word")
                self.take("mark", "=")
                fields[name] = self.value()
                if self.has(".."):
                    last = self.value()
                    fields[name] = (lambda a, b: lambda names: (a(names), b(names)))(
                        fields[name], last)
            else:
                words.append(self.value())
        return words, fields, is_open


def parse_number(text):
    try:
        return int(text, 0)
    except ValueError:
        return float(text)


def parse_string(text, is_pattern=False):
    """A string with escapes and ${variables}, as a function of the variables."""
    parts, at = [], 0
    for match in ESCAPE.finditer(text):
        parts.append(text[at:match.start()].encode())
        at = match.end()
        if match[2]:
            parts.append(match[2])
        elif is_pattern:
            parts.append(match[0].encode())
        elif match[1][0] == "x" and len(match[1]) == 3:
            parts.append(bytes([int(match[1][1:], 16)]))
        elif match[1] in ESCAPES:
            parts.append(ESCAPES[match[1]])
        else:
            raise ScriptError(f"no escape: {match[0]}")
    parts.append(text[at:].encode())
    if all(isinstance(part, bytes) for part in parts):
        whole = b"".join(parts)
        return lambda _: whole
    return lambda names: b"".join(p if isinstance(p, bytes) else as_bytes(names, p) for p in parts)


def as_bytes(names, name):
    if name not in names:
        raise ScriptError(f"${name} has no value yet")
    value = names[name]
    return value if isinstance(value, bytes) else str(value).encode()


def parse_where(line):
    """What a line begins with: [connection][.channel] before its verb."""
    connection, channel = "a", None
    kind, text = line.peek()
    if kind == "number":
        channel = int(line.take())
    elif kind == "string":  # with ${variables}
        return parse_string(line.take()[1:-1]), None
    elif kind == "word" and text not in STATEMENTS:
        connection, _, number = line.take().partition(".")
        channel = int(number) if number else None
    return connection, channel


def parse_statement(text, place):
    line = Line(text, place)
    where = parse_where(line)
    verb = line.take()
    if verb not in STATEMENTS and verb not in ("<", ">"):
        raise ScriptError(f"{place}: '{verb}' is no statement")
    statement = Statement(place, where, verb)
    statement.words, statement.fields, statement.is_open = line.fields()
    if line.has("->"):
        statement.reply_words, statement.reply, statement.reply_is_open = line.fields()
    if line.peek()[0] != "end":
        raise ScriptError(f"{place}: '{line.peek()[1]}' is left over")
    return statement


def logical_lines(path):
    """(place, text) of each line; a line that ends in a backslash goes on in the next."""
    waiting, begin = "", 0
    for number, text in enumerate(path.read_text().split("\n"), 1):
        begin = begin or number
        if text.endswith("\\"):
            waiting += text[:-1] + " "
            continue
        yield f"{path.name}:{begin}", (waiting + text).strip()
        waiting, begin = "", 0


def parse_script(path):
    script, blocks = Script(path), []
    for place, text in logical_lines(path):
        if not text or text.startswith("#"):
            continue
        word, _, rest = text.partition(" ")
        if word == "set" and not script.cases:
            key, _, value = rest.partition("=")
            script.settings.append(f"{key.strip()}={value.strip()}")
            continue
        if word == "probe" and not script.cases:
            script.probe = rest
            continue
        if word == "case":
            ids, _, title = rest.partition(": ")
            script.cases.append(Case(place, ids.split(), title))
            blocks = [script.cases[-1].statements]
            continue
        if not blocks:
            raise ScriptError(f"{place}: stands in no case")
        statement = parse_statement(text, place)
        if statement.verb == "end":
            if len(blocks) == 1:
                raise ScriptError(f"{place}: there is nothing to end")
            blocks.pop()
            continue
        blocks[-1].append(statement)
        if statement.verb in BLOCKS:
            blocks.append(statement.block)
    if len(blocks) > 1:
        raise ScriptError(f"{path.name}: a block has no end")
    return script
