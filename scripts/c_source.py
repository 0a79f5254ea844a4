# Reads C well enough to measure it: comments, functions, parameters, nesting, structs, includes.
"""One class, Source. It trusts the form that clang-format gives (which tidy.py checks too): a
function opens with a lone brace in the first column and closes with one; nothing else does."""
import re
from dataclasses import dataclass
from functools import cached_property

_HIDDEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)
_BODY = re.compile(r"^\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_PROTOTYPE = re.compile(r"^[A-Za-z_][^;{}=()]*\([^;{}]*\)[^;{}()]*;", re.MULTILINE)
_STRUCT = re.compile(r"\b(struct|union)\s+(\w+)\s*\{")
_TOKEN = re.compile(r"\w+|[(){};:]")  # all that tells statements apart
_LOOP = re.compile(r"(?:if|for|while|switch|[A-Z]\w*_FOREACH(?:_\w+)?)\Z")


@dataclass
class Function:
    name: str
    is_static: bool
    line: int
    line_count: int
    parameter_count: int
    nesting: int
    nesting_line: int


def _blank(match):
    """The same text with only its newlines and, for strings, its quotes left."""
    text = match[0]
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[0]
    return re.sub(r"[^\n]", " ", text)


class Source:
    def __init__(self, text):
        self.text = text
        self.includes = [(self.line_at(m.start()), m[1]) for m in _INCLUDE.finditer(text)]

    @cached_property
    def code(self):
        """No comments, no texts."""
        return _HIDDEN.sub(_blank, self.text)

    @cached_property
    def body(self):
        """And no directives."""
        return _DIRECTIVE.sub(_blank, self.code)

    def line_at(self, place):
        return self.text.count("\n", 0, place) + 1

    @cached_property
    def functions(self):
        return list(self._functions())

    def _functions(self):
        for match in _BODY.finditer(self.body):
            start = self._signature(match.start())
            if start == match.start():
                continue
            nesting, line = _nesting(self.body, match.start(), match.end())
            first, last = self.line_at(start), self.line_at(match.end())
            name, count = _parameters(self.body[start:match.start()])
            is_static = self.body.startswith("static ", start)
            yield Function(name, is_static, first, last - first + 1, count, nesting, line)

    def _signature(self, place):
        """Where the lines that lead to the brace at `place` begin."""
        while place > 0:
            above = self.body.rfind("\n", 0, place - 1) + 1
            line = self.body[above:place].strip()
            if not line or line[-1] in ";}{":
                break
            place = above
        return place

    def prototypes(self):
        """Yields (line, name, number of parameters) of what is declared at the outermost level."""
        for match in _PROTOTYPE.finditer(self.body):
            name, count = _parameters(match[0])
            yield self.line_at(match.start()), name, count

    def structs(self):
        """Yields (line, name, number of fields); the fields of unnamed parts count too."""
        for match in _STRUCT.finditer(self.body):
            end = _closing(self.body, match.end() - 1)
            yield self.line_at(match.start()), match[2], self.body.count(";", match.end(), end)


def _closing(text, place):
    """The place of the brace or parenthesis that closes the one at `place`."""
    depth = 0
    for i in range(place, len(text)):
        depth += (text[i] in "({") - (text[i] in ")}")
        if depth == 0:
            return i
    return len(text)


def _parameters(signature):
    """The name before the first parenthesis, and how many parameters stand in it."""
    match = re.search(r"(\w+)\s*\(", signature)
    if not match:
        return "?", 0
    inside = signature[match.end():_closing(signature, match.end() - 1)]
    parts, depth = [""], 0
    for letter in inside:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return match[1], len([p for p in parts if p.strip() not in ("", "void", "...")])


def _after_closing(words):
    """For each opening brace or parenthesis the place behind the one that closes it."""
    after, open_places = {}, []
    for i, word in enumerate(words):
        if word in ("(", "{"):
            open_places.append(i)
        elif word in (")", "}") and open_places:
            after[open_places.pop()] = i + 1
    return after | dict.fromkeys(open_places, len(words))


def _nesting(text, start, end):
    """How deep control statements lie in one another in a function body, and the line of the
    deepest. `else if` goes on at the depth of its `if`."""
    tokens = [(m[0], m.start()) for m in _TOKEN.finditer(text, start, end)]
    words = [token for token, _ in tokens]
    count = len(words)
    words += [""] * 4  # so that one may look ahead
    after = _after_closing(words)
    deepest = (0, start)

    def enter(i, depth):
        nonlocal deepest
        if depth > deepest[0]:
            deepest = (depth, tokens[i][1])

    def statement(i, depth):
        """Reads one statement that lies under `depth` control statements; returns what follows."""
        if words[i] == "{":
            i += 1
            while i < count and words[i] != "}":
                i = statement(i, depth)
            return i + 1
        if words[i] in ("case", "default") or (words[i + 1] == ":" and words[i].isidentifier()):
            while i < count and words[i] != ":":
                i += 1
            return i + 1
        if words[i] == "do":
            enter(i, depth + 1)
            return simple(statement(i + 1, depth + 1))
        if _LOOP.match(words[i]) and words[i + 1] == "(":
            enter(i, depth + 1)
            end = statement(after[i + 1], depth + 1)
            if words[i] == "if" and words[end] == "else":
                is_chain = words[end + 1] == "if"
                end = statement(end + 1, depth if is_chain else depth + 1)
            return end
        return simple(i)

    def simple(i):
        """Skips to behind the semicolon; braces of initialisers are part of the statement."""
        while i < count and words[i] not in (";", "}"):
            i = after[i] if words[i] in ("(", "{") else i + 1
        return i + 1 if words[i] == ";" else i

    statement(0, 0)
    return deepest[0], text.count("\n", 0, deepest[1]) + 1
