#!/usr/bin/env python3
# Tests of scripts/tidy.py: every rule catches the small tree that breaks it, and only that.
import os
import subprocess
import unittest

from tree import ROOT, Tree  # first: it makes the scripts importable

import c_source
import tidy

HEADER = """\
/* A pump: moves water from one place to another. */
#ifndef LOG_PUMP_H
#define LOG_PUMP_H

struct pump;

void pump_step(struct pump *p);

#endif
"""

SOURCE = """\
/* See pump.h. */
#include "log/pump.h"

#include "base/ground.h"

/* strcpy() in a comment, and "sprintf(" in a text, are no calls. */
static const char *const pump_text = "malloc(1)";

void pump_step(struct pump *p)
{
    (void)p;
    (void)pump_text;
}
"""

GROUND = """\
/* What everything stands on. */
#ifndef BASE_GROUND_H
#define BASE_GROUND_H

#endif
"""

README = """\
# {room}

## What is not here
## Public headers
## Files in reading order
{files}
## Invariants and owner
## How to add a thing
## Tests
"""

HOUSE = {
    "README.md": "# A house\n\n| [log](log/) | bytes |\n| [base](base/) | ground |\n",
    ".clang-format": (ROOT / ".clang-format").read_text(),
    "scripts/layers.txt": "base :\nlog : base\npublic base : *\npublic log : pump.h\n",
    "log/pump.h": HEADER,
    "log/pump.c": SOURCE,
    "log/README.md": README.format(room="log", files="pump.h, [the ground](../base/README.md)"),
    "base/ground.h": GROUND,
    "base/README.md": README.format(room="base", files="ground.h"),
}


def body(lines):
    """pump.c with these lines in its function."""
    return SOURCE.replace("    (void)p;\n", "".join(f"    {x}\n" for x in ["(void)p;", *lines]))


def header(lines):
    """pump.h with these lines in its middle."""
    return HEADER.replace("struct pump;\n", "struct pump;\n\n" + "".join(f"{x}\n" for x in lines))


# rule -> (what is changed in the house, where the finding is, words it says)
CASES = {
    "line-length": ({"log/pump.c": SOURCE + "/* " + "long " * 20 + "*/\n"}, "log/pump.c:14", "105"),
    "white-space": ({"log/README.md": HOUSE["log/README.md"] + "space \n"}, "log/README.md:10",
                    "end of the line"),
    "file-length": ({"log/pump.c": SOURCE + "/* and more */\n" * 1000}, "log/pump.c:1", "1013"),
    "file-size": ({"log/sample.txt": "x" * 80 + "\n" + "y\n" * 120000}, "log/sample.txt:1",
                  "240081"),
    "file-name": ({"log/pump_util.txt": "x\n"}, "log/pump_util.txt:1", "'util'"),
    "first-line": ({"scripts/go": "#!/bin/sh\ntrue\n"}, "scripts/go:1", "what this file is"),
    "executable": ({"scripts/go.py": "# Goes somewhere.\n",
                    "scripts/stop": "#!/bin/sh\n# Stops it.\n"}, "scripts/stop:1", "chmod"),
    "unfinished": ({"log/pump.c": SOURCE + "/* TO" "DO: more */\n"}, "log/pump.c:14", "finish"),
    "function-length": ({"log/pump.c": body(["(void)p;"] * 66)}, "log/pump.c:9", "71 lines"),
    "parameters": ({"log/pump.h": header(["int pump_six(int a, int b, int (*f)(int x, int y), "
                                          "int d, int e, int g);"])}, "log/pump.h:7", "takes 6"),
    "nesting": ({"log/pump.c": body(["if (p) {", "    for (int i = 0; i < 1; i++) {",
                                     "        while (p) {", "            if (i)",
                                     "                p = 0;", "        }", "    }", "}"])},
                "log/pump.c:15", "nests 4 deep"),
    "header-length": ({"log/pump.h": header(["/* and more */"] * 300)}, "log/pump.h:1", "310"),
    "struct-fields": ({"log/pump.h": header(["struct valve {",
                                             *[f"    int f{i};" for i in range(31)], "};"])},
                      "log/pump.h:7", "31 fields"),
    "includes": ({"log/pump.h": header(['#include "base/ground.h"'] * 7)}, "log/pump.h:1", "7 of"),
    "guard": ({"log/pump.h": HEADER.replace("LOG_PUMP_H", "PUMP_H")}, "log/pump.h:1", "LOG_PUMP_H"),
    "word": ({"log/pump.h": header(["struct pump_context;"])}, "log/pump.h:7", "'context'"),
    "banned-text": ({"log/pump.c": body(["strcpy((char *)p, pump_text);"])}, "log/pump.c:12",
                    "base/bytes.h"),
    "banned-memory": ({"log/pump.c": body(["free(p);"])}, "log/pump.c:12", "base/mem.h"),
    "banned-world": ({"log/pump.c": body(["fsync(1);"])}, "log/pump.c:12", "io/disk.h"),
    "banned-print": ({"log/pump.c": body(['printf("x");'])}, "log/pump.c:12", "base/diag.h"),
    "banned-wait": ({"log/pump.c": body(["us" "leep(1);"])}, "log/pump.c:12", "condition"),
    "banned-assert": ({"log/pump.c": body(["assert(p);"])}, "log/pump.c:12", "ASSERT"),
    "readme": ({"log/valve.h": HEADER.replace("PUMP", "VALVE")}, "log/README.md:1", "'valve'"),
    "link": ({"log/README.md": HOUSE["log/README.md"] + "[gone](../docs/gone.md#x)\n"},
             "log/README.md:10", "'../docs/gone.md' leads nowhere"),
    "document": ({"log/pump.h": header(["/* OFFSET SIZE", " *      0    4   water */"])},
                 "log/pump.h:7", "docs/FORMATS.md does not name log/pump.h"),
    "format": ({"log/pump.c": SOURCE.replace("(void)p;", "(void) p;")}, "log/pump.c:11",
               "clang-format-14 -i"),
    "header-alone": ({"log/pump.h": HEADER.replace("struct pump;", "size_t pump_size(void);")},
                     "log/pump.h:1", "size_t"),
    "allow": ({"scripts/tidy.allow": "# Exceptions.\nlog/pump.c line-length : a table\n"},
              "scripts/tidy.allow:2", "no longer needs this"),
}

# What more than one rule, or one rule in more than one way, has to see.
MORE_CASES = [
    ("white-space", {"log/pump.c": SOURCE.replace("    (void)p;", "\t(void)p;")}, "tab"),
    ("white-space", {"log/README.md": HOUSE["log/README.md"] + "\n"}, "one newline"),
    ("file-name", {"common/x.txt": "x\n"}, "'common'"),
    ("first-line", {"log/pump.c": SOURCE.replace("/* See pump.h. */\n", "")}, "what this file is"),
    ("guard", {"log/pump.h": HEADER + "/* outside */\nstruct after;\n#define AFTER 1\n"},
     "all around"),
    ("parameters", {"log/pump.c": SOURCE.replace(
        "void pump_step(struct pump *p)", "static void pump_it(struct pump *p, int a, int b, "
        "int c, int d,\n                    int e)")}, "takes 6"),
    ("includes", {"log/pump.c": SOURCE.replace('#include "base/ground.h"\n',
                                               '#include "base/ground.h"\n' * 15)}, "16 of"),
    ("readme", {"log/README.md": None}, "say what this room is for"),
    ("readme", {"log/README.md": HOUSE["log/README.md"].replace("## Tests\n", "")}, "'tests'"),
    ("readme", {"log/README.md": HOUSE["log/README.md"] + "More.\n" * 120}, "129 lines"),
    ("readme", {"README.md": "# A house\n\n| [log](log/) | bytes |\n"}, "does not show base"),
    ("banned-world", {"log/pump.c": body(["(void)clock_gettime(0, 0);"])}, "io_now_ns()"),
    ("banned-world", {"log/pump.c": body(["(void)socket(0, 0, 0);"])}, "io/net.h"),
    ("banned-text", {"log/pump.c": body(["(void)atoi(pump_text);"])}, "base/parse.h"),
    ("banned-memory", {"log/pump.c": SOURCE.replace("static const", "#define GET() malloc(1)\n"
                                                    "static const")}, "base/mem.h"),
    ("link", {"docs/LIFE.md": "# Life\n\nIn `log/pump.h`, not in `log/valve.h`.\n"},
     "there is no log/valve.h"),
    ("link", {"docs/LIFE.md": "# Life\n\n    pump_step   log/pump.c   moves\n"
                              "      pump_stop log/pump.c   stops\n"}, "pump_stop is not in log"),
    ("document", {"log/pump.c": SOURCE.replace("static const", "pthread_mutex_t pump_lock;\n"
                                               "static const"),
                  "docs/LOCKS.md": "None.\n"}, "LOCKS.md does not name log/pump.c"),
    ("document", {"log/pump.c": SOURCE.replace("malloc(1)", "millrace.pump.size"),
                  "docs/LIMITS.md": "millrace.pump.speed\n"}, "name millrace.pump.size"),
    ("allow", {"scripts/tidy.allow": "# Exceptions.\nlog/pump.c line-length\n"}, "path rule"),
    ("allow", {"scripts/tidy.allow": "# Exceptions.\nlog/pump.c beauty : a matter of taste\n"},
     "path rule"),
]


# Rules that ask another program; for all others it is left out, and this file takes half a second.
ASKING_RULES = ("format", "header-alone")


def all_is_well(command, _text):
    return subprocess.CompletedProcess(command, 0, "", "")


class Rules(Tree):
    def findings(self, changes, is_asking=False):
        self.write({**HOUSE, **{p: t for p, t in changes.items() if t is not None}})
        self.write({p: t for p, t in changes.items() if t is None})
        if "scripts/stop" in changes:
            os.chmod(self.root / "scripts/stop", 0o644)
        check = tidy.Tidy(self.root)
        if not is_asking:
            check.call = all_is_well
        return check.run()

    def test_a_tidy_house_has_no_finding(self):
        self.assertEqual(self.findings({}, is_asking=True), [])

    def test_every_rule_has_a_case(self):
        self.assertEqual(sorted(CASES), sorted(tidy.RULES))

    def test_a_reason_in_the_allow_list_is_enough(self):
        allow = "# Exceptions.\nlog/pump.c banned-memory : the pump is older than the house\n"
        self.assertEqual(self.findings({"log/pump.c": body(["free(p);", "free(p);"]),
                                        "scripts/tidy.allow": allow}), [])

    def test_what_looks_like_a_finding_and_is_none(self):
        for line in ["p->close(p);", "pump_free(p);", "int (*open)(int a) = 0;", "reopen(p);",
                     "switch (*p) {", "if (p) {} else if (p) {} else if (p) {} else if (p) {}"]:
            self.assertEqual(self.findings({"log/pump.c": body([line])}), [], line)

    def test_a_picture_is_no_text(self):
        self.assertEqual(self.findings({"docs/img/pump.png": "PNG \n" + "x" * 200}), [])

    def test_a_function_of_ones_own_may_have_a_banned_name(self):
        own = SOURCE + "\nstatic void send(int n)\n{\n    (void)n;\n    send(1);\n}\n"
        self.assertEqual(self.findings({"log/pump.c": own}), [])

    def test_what_was_clean_is_remembered_until_it_changes(self):
        self.write(HOUSE)
        cache = self.root / "build"
        cache.mkdir()
        self.assertEqual(tidy.Tidy(self.root, cache).run(), [])
        again = tidy.Tidy(self.root, cache)
        again.call = self.fail
        self.assertEqual(again.run(), [])
        # A header that the pump's header reaches is enough to judge that again.
        self.write({"log/pump.h": HEADER.replace("struct pump;", '#include "base/ground.h"')
                    .replace("struct pump *p", "ground g"),
                    "base/ground.h": GROUND.replace("_H\n\n", "_H\n\ntypedef int ground;\n\n")})
        self.assertEqual(tidy.Tidy(self.root, cache).run(), [])
        self.write({"base/ground.h": GROUND})
        self.assertEqual([f[:3] for f in tidy.Tidy(self.root, cache).run()],
                         [("log/pump.h", 1, "header-alone")])


def add_case(name, rule, changes, check):
    def test(self):
        found = self.findings(changes, is_asking=rule in ASKING_RULES)
        self.assertIn(rule, [r for _, _, r, _ in found], found)
        check(self, [f for f in found if f[2] == rule])
    setattr(Rules, name, test)


for _rule, (_changes, _place, _word) in CASES.items():
    def _check(self, found, place=_place, word=_word):
        self.assertEqual([f"{p}:{n}" for p, n, _, _ in found], [place])
        self.assertIn(word, found[0][3])
    add_case(f"test_rule_{_rule}", _rule, _changes, _check)

for _number, (_rule, _changes, _word) in enumerate(MORE_CASES):
    def _check(self, found, word=_word):
        self.assertIn(word, found[0][3])
    add_case(f"test_more_{_number:02}_{_rule}", _rule, _changes, _check)


class Reading(unittest.TestCase):
    """Tests of scripts/c_source.py."""

    def function(self, *lines):
        text = "/* x */\n\nint f(void)\n{\n" + "".join(f"    {x}\n" for x in lines) + "}\n"
        return c_source.Source(text).functions[0]

    def test_nesting_counts_control_statements_with_and_without_braces(self):
        self.assertEqual(self.function("return 1;").nesting, 0)
        self.assertEqual(self.function("if (a) return 1;").nesting, 1)
        self.assertEqual(self.function("{ { f(); } }").nesting, 0)
        self.assertEqual(self.function("for (;;) if (a) while (b) f();").nesting, 3)
        self.assertEqual(self.function("LIST_FOREACH(l, n) if (a) f();").nesting, 2)

    def test_a_chain_of_else_if_is_one_level(self):
        f = self.function("if (a) f(); else if (b) f(); else if (c) { f(); } else { f(); }")
        self.assertEqual(f.nesting, 1)

    def test_an_if_in_an_else_is_a_level_more(self):
        self.assertEqual(self.function("if (a) f(); else { if (b) f(); }").nesting, 2)

    def test_nesting_ends_where_the_statement_ends(self):
        f = self.function("if (a)", "    f();", "if (b)", "    f();", "while (c)", "    f();")
        self.assertEqual(f.nesting, 1)

    def test_do_while_and_switch_are_levels(self):
        self.assertEqual(self.function("do { if (a) f(); } while (b);", "if (c) f();").nesting, 2)
        f = self.function("switch (a) {", "case 1:", "    if (b)", "        f();", "    break;",
                          "default:", "    while (c)", "        f();", "}")
        self.assertEqual((f.nesting, f.nesting_line), (2, 7))

    def test_initialisers_and_labels_are_read_over(self):
        f = self.function("struct p a[] = {{1}, {2}};", "if (a) goto fail;", "fail:",
                          "while (b) if (c) f();")
        self.assertEqual(f.nesting, 2)

    def test_parameters_of_parameters_do_not_count(self):
        text = "int f(int (*g)(int a, int b), void *p, const char *format, ...);\n"
        self.assertEqual(list(c_source.Source(text).prototypes()), [(1, "f", 3)])

    def test_a_signature_may_have_many_lines(self):
        text = "/* x */\nint\nf(int a,\n  int b)\n{\n    return 1;\n}\n"
        f = c_source.Source(text).functions[0]
        self.assertEqual((f.name, f.line, f.line_count, f.parameter_count), ("f", 2, 6, 2))

    def test_unnamed_parts_of_a_struct_count_too(self):
        text = "struct s {\n    int a;\n    union {\n        int b;\n        int c;\n    };\n};\n"
        self.assertEqual(list(c_source.Source(text).structs()), [(1, "s", 4)])


if __name__ == "__main__":
    unittest.main()
