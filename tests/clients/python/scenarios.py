# What the Python programs share: reporting to the runner, and the data that all of them send.
"""A scenario is a function; what it asserts is what it tests. See tests/clients/run.py."""
import datetime
import hashlib
import sys
import traceback

LARGE_BYTES = 4 * 1024 * 1024 + 7  # several frames, and a last one that is short

# Values of every type of field table that Python libraries write, nested both ways.
HEADERS = {
    "text": "Zürich",
    "small": 7,
    "negative": -70000,
    "long": 2 ** 40 + 1,
    "yes": True,
    "no": False,
    "nothing": None,
    "when": datetime.datetime(2024, 2, 29, 12, 30, 15),
    "list": ["a", 1, [True, ["deep"]], {"in": "list"}],
    "table": {"in": {"in": {"text": "deep", "list": [1, 2, 3]}}, "empty": {}},
    "empty list": [],
}


def large_body():
    """Bytes without a period that a lost or doubled frame could hide in."""
    blocks = (hashlib.sha256(str(i).encode()).digest() for i in range(LARGE_BYTES // 32 + 1))
    return b"".join(blocks)[:LARGE_BYTES]


def equal(seen, wanted, what="value"):
    assert seen == wanted, f"{what} is {seen!r}, not {wanted!r}"


def check_death(headers, wanted):
    """The newest death in x-death has these fields, and no others but a time."""
    death = dict(headers["x-death"][0])
    when = death.pop("time")
    assert isinstance(when, datetime.datetime), when
    equal(death, wanted, "x-death")


def ask_for_restart(how):
    """`how` is stop or kill; returns when the broker is ready again."""
    print(how, flush=True)
    equal(sys.stdin.readline(), "go\n", "the runner's answer")


def report(name, work):
    """Runs one scenario and tells the runner how it ended."""
    try:
        work()
    except Exception as error:  # a scenario must not stop the others
        traceback.print_exc()
        text = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"fail {name}: {text}", flush=True)
        return
    print(f"pass {name}", flush=True)
