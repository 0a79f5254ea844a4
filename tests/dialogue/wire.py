# The bytes of AMQP 0-9-1 for tests: methods, frames, field tables, properties.
"""Reads and writes what goes over the wire, knowing the methods from amqp/wire/methods.def.

Strings are bytes everywhere. A value of a table is a pair (tag, value) with the one-letter tag of
the wire; a table is a list of (name, pair), so that order and duplicates are kept.
"""
import pathlib
import re
import struct

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS_DEF = ROOT / "amqp" / "wire" / "methods.def"

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
END = 0xCE
GREETING = b"AMQP\0\0\x09\x01"
CLASS_BASIC = 60

# name of the property, its type; the first has the highest flag
PROPERTIES = [
    ("content_type", "SHORTSTR"), ("content_encoding", "SHORTSTR"), ("headers", "TABLE"),
    ("delivery_mode", "OCTET"), ("priority", "OCTET"), ("correlation_id", "SHORTSTR"),
    ("reply_to", "SHORTSTR"), ("expiration", "SHORTSTR"), ("message_id", "SHORTSTR"),
    ("timestamp", "LONGLONG"), ("type", "SHORTSTR"), ("user_id", "SHORTSTR"),
    ("app_id", "SHORTSTR"), ("cluster_id", "SHORTSTR"),
]
PROPERTY_TYPES = dict(PROPERTIES)
NUMBERS = {"OCTET": "B", "SHORT": "H", "LONG": "I", "LONGLONG": "Q"}
# tags of a table whose values have a fixed size
FIXED = {"t": "?", "b": "b", "B": "B", "s": "h", "u": "H", "I": "i", "i": "I", "l": "q", "L": "q",
         "f": "f", "d": "d", "T": "Q"}
EMPTY = {"OCTET": 0, "SHORT": 0, "LONG": 0, "LONGLONG": 0, "BIT": False, "SHORTSTR": b"",
         "LONGSTR": b"", "TABLE": []}


class WireError(Exception):
    """The peer sent what is no AMQP."""


class Method:
    """One row of the table of methods."""

    def __init__(self, name, ids, sender, has_content, replies):
        self.name, self.ids, self.sender = name, ids, sender
        self.has_content, self.replies, self.fields = has_content, replies, []


def read_methods():
    """All methods, by name ("queue.declare-ok") and by (class id, method id)."""
    text = re.sub(r"(?s)/\*.*?\*/", "", METHODS_DEF.read_text())
    rows = re.compile(r"^METHOD(?:_EMPTY)?\(([^)]+)\)|^ +([A-Z]+)\((\w+)\)", re.MULTILINE)
    constants, by_name, by_ids = {}, {}, {}
    for match in rows.finditer(text):
        if match[2]:
            method.fields.append((match[3], match[2]))
            continue
        constant, room, verb, room_id, verb_id, sender, content, *replies = \
            [part.strip() for part in match[1].split(",")]
        method = Method(f"{room}.{verb}".replace("_", "-"), (int(room_id), int(verb_id)), sender,
                        content == "CONTENT", replies)
        constants[constant] = by_name[method.name] = by_ids[method.ids] = method
    for method in by_name.values():
        method.replies = [constants[name] for name in method.replies if name != "NONE"]
    return by_name, by_ids


METHODS, METHODS_BY_IDS = read_methods()


class Reader:
    """A place in some bytes; reading beyond their end is the peer's mistake."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise WireError(f"{size} bytes at {self.at} of {len(self.data)}")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))[0]

    def value(self, kind):
        if kind in NUMBERS:
            return self.number(NUMBERS[kind])
        if kind == "SHORTSTR":
            return self.take(self.number("B"))
        if kind == "LONGSTR":
            return self.take(self.number("I"))
        return self.table()

    def table(self):
        inside = Reader(self.take(self.number("I")))
        entries = []
        while inside.at < len(inside.data):
            name = inside.take(inside.number("B"))
            entries.append((name, inside.tagged()))
        return entries

    def tagged(self):
        tag = self.take(1).decode("latin-1")
        if tag in FIXED:
            return tag, self.number(FIXED[tag])
        if tag in "Sx":
            return tag, self.take(self.number("I"))
        if tag == "D":
            return tag, (self.number("B"), self.number("I"))
        if tag == "F":
            return tag, self.table()
        if tag == "A":
            inside, items = Reader(self.take(self.number("I"))), []
            while inside.at < len(inside.data):
                items.append(inside.tagged())
            return tag, items
        if tag == "V":
            return tag, None
        raise WireError(f"a value of type {tag!r}")


def encode_value(kind, value):
    if kind in NUMBERS:
        return struct.pack(">" + NUMBERS[kind], value)
    if kind == "SHORTSTR":
        return bytes([len(value)]) + value
    if kind == "LONGSTR":
        return struct.pack(">I", len(value)) + value
    return encode_table(value)


def encode_table(entries):
    inside = b"".join(bytes([len(name)]) + name + encode_tagged(*pair) for name, pair in entries)
    return struct.pack(">I", len(inside)) + inside


def encode_tagged(tag, value):
    head = tag.encode("latin-1")
    if tag in FIXED:
        return head + struct.pack(">" + FIXED[tag], value)
    if tag in "Sx":
        return head + struct.pack(">I", len(value)) + value
    if tag == "D":
        return head + struct.pack(">BI", *value)
    if tag == "F":
        return head + encode_table(value)
    if tag == "A":
        inside = b"".join(encode_tagged(*pair) for pair in value)
        return head + struct.pack(">I", len(inside)) + inside
    return head


def encode_method(name, values):
    """The payload of a method frame; fields that are not in `values` are empty."""
    method = METHODS[name]
    out, bits, count = [struct.pack(">HH", *method.ids)], 0, 0
    for field, kind in method.fields:
        value = values.get(field, EMPTY[kind])
        if kind == "BIT":
            bits |= bool(value) << count
            count += 1
            continue
        if count:
            out.append(bytes([bits]))
            bits = count = 0
        out.append(encode_value(kind, value))
    if count:
        out.append(bytes([bits]))
    return b"".join(out)


def decode_method(payload):
    """(name, values) of the payload of a method frame."""
    reader = Reader(payload)
    ids = reader.number("H"), reader.number("H")
    if ids not in METHODS_BY_IDS:
        raise WireError(f"no method has the ids {ids}")
    method, values, bits, count = METHODS_BY_IDS[ids], {}, 0, 0
    for field, kind in method.fields:
        if kind != "BIT":
            count = 0
            values[field] = reader.value(kind)
            continue
        if count % 8 == 0:
            bits = reader.number("B")
        values[field] = bool(bits >> count % 8 & 1)
        count += 1
    if reader.at != len(payload):
        raise WireError(f"{len(payload) - reader.at} bytes left over behind {method.name}")
    return method.name, values


def encode_header(size, properties, class_id=CLASS_BASIC, weight=0):
    """The payload of a content header."""
    flags, out = 0, []
    for place, (name, kind) in enumerate(PROPERTIES):
        if name in properties:
            flags |= 1 << 15 - place
            out.append(encode_value(kind, properties[name]))
    return struct.pack(">HHQH", class_id, weight, size, flags) + b"".join(out)


def decode_header(payload):
    """(class id, size of the body, properties) of a content header."""
    reader = Reader(payload)
    class_id, weight, size, flags = (reader.number(form) for form in "HHQH")
    if weight or flags & 2 or flags & 1 and reader.number("H"):
        raise WireError(f"a content header with weight {weight} and flags {flags:#x}")
    properties = {}
    for place, (name, kind) in enumerate(PROPERTIES):
        if flags & 1 << 15 - place:
            properties[name] = reader.value(kind)
    if reader.at != len(payload):
        raise WireError("bytes left over behind the last property")
    return class_id, size, properties


def encode_frame(kind, channel, payload):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + bytes([END])


def encode_content(channel, header, body, frame_max):
    """The frames of a content: its header, and its body cut into frames."""
    room = frame_max - 8 if frame_max else max(len(body), 1)
    return encode_frame(HEADER, channel, header) + b"".join(
        encode_frame(BODY, channel, body[at:at + room]) for at in range(0, len(body), room))


def decode_frame(window):
    """(type, channel, payload, size of the frame) of the first frame, or None: not all there."""
    if len(window) < 8:
        return None
    kind, channel, size = struct.unpack_from(">BHI", window)
    if kind not in (METHOD, HEADER, BODY, HEARTBEAT):
        raise WireError(f"a frame of type {kind}: {bytes(window[:32])!r}")
    if len(window) < size + 8:
        return None
    if window[size + 7] != END:
        raise WireError(f"a frame that ends in {window[size + 7]:#x}")
    return kind, channel, bytes(window[7:size + 7]), size + 8
