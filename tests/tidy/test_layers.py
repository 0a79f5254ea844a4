#!/usr/bin/env python3
# Tests of scripts/layers.py: every rule catches the small tree that breaks it, and only that.
import unittest

from tree import Tree  # first: it makes the scripts importable

import layers

TABLE = """\
# A house of four rooms.
base          :
io            : base
io/sim        : base io
log           : base io
server        : *
tools/dump    : base log

public base   : *
public io     : *
public io/sim : sim.h
public log    : log.h
"""

HOUSE = {
    "scripts/layers.txt": TABLE,
    "base/err.h": "",
    "base/err.c": '#include "base/err.h"\n',
    "io/io.h": '#include "base/err.h"\n',
    "io/io_parts.h": "",
    "io/sim/sim.h": '#include "io/io.h"\n',
    "io/sim/sim_parts.h": "",
    "log/log.h": "",
    "log/segment.h": "",
    "log/log.c": '#include "log/log.h"\n\n#include <stdio.h>\n\n#include "io/io.h"\n'
                 '#include "log/segment.h"\n',
    "server/main.c": '#include "log/log.h"\n#include "io/io.h"\n',
    "tools/dump/dump.c": '#include "log/log.h"\n',
    "tests/lib/fixture.h": "",
    "tests/unit/log/test_log.c": '#include "io/sim/sim.h"\n#include "log/segment.h"\n'
                                 '#include "tests/lib/fixture.h"\n',
    "tests/unit/base/test_err.c": '#include "base/err.h"\n',
    "tests/crash/test_all.c": '#include "log/log.h"\n#include "tests/crash/images.h"\n',
    "tests/crash/images.h": "",
    "tests/sim/world.h": "",
    "tests/trust/run.h": '#include "tests/sim/world.h"\n',
    "tests/fuzz/fuzz_segment.c": '#include "log/segment.h"\n#include "tests/sim/world.h"\n',
}


class Layers(Tree):
    def findings(self, changes):
        self.write({**HOUSE, **changes})
        return list(layers.findings(self.root))

    def assert_finds(self, changes, place, *words):
        """Exactly one finding, at that place, that says these words."""
        found = self.findings(changes)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(place + ": "), found[0])
        for word in words:
            self.assertIn(word, found[0])

    def test_a_tidy_house_has_no_finding(self):
        self.assertEqual(self.findings({}), [])

    def test_an_include_that_points_up_is_found_with_its_line(self):
        self.assert_finds({"io/io.c": '\n#include "log/log.h"\n'}, "io/io.c:2",
                          "io may not include log", "only point down")

    def test_an_include_of_a_room_beside_is_found(self):
        self.assert_finds({"io/io.c": '#include "io/sim/sim.h"\n'}, "io/io.c:1", "io/sim")

    def test_a_private_header_is_found(self):
        self.assert_finds({"tools/dump/dump.c": '#include "log/segment.h"\n'},
                          "tools/dump/dump.c:1", "log/segment.h is private to log")

    def test_a_private_header_is_private_to_the_room_that_may_include_all(self):
        self.assert_finds({"server/main.c": '#include "log/segment.h"\n'}, "server/main.c:1",
                          "private to log")

    def test_an_include_by_the_bare_name_is_found(self):
        self.assert_finds({"log/log.c": '#include "segment.h"\n'}, "log/log.c:1",
                          "not written from the root")

    def test_an_include_by_a_way_up_is_found(self):
        self.assert_finds({"log/log.c": '#include "../base/err.h"\n'}, "log/log.c:1",
                          "not written from the root")

    def test_an_include_of_no_room_is_found(self):
        self.assert_finds({"log/log.c": '#include "attic/old.h"\n'}, "log/log.c:1", "in no room")

    def test_an_example_includes_what_lies_beside_it(self):
        self.assertEqual(self.findings({"examples/c/hello.c": '#include "broker.h"\n',
                                        "examples/c/broker.h": ""}), [])

    def test_an_example_that_includes_a_room_is_found(self):
        for target in ("base/err.h", "err.h"):
            self.assert_finds({"examples/c/hello.c": f'#include "{target}"\n'},
                              "examples/c/hello.c:1", target, "does not lie beside it")

    def test_spaces_do_not_hide_an_include(self):
        self.assert_finds({"io/io.c": '  #  include   "log/log.h"\n'}, "io/io.c:1")

    def test_product_code_may_not_include_tests(self):
        self.assert_finds({"log/log.c": '#include "tests/lib/fixture.h"\n'}, "log/log.c:1",
                          "belongs to the tests")

    def test_tests_may_not_include_files_of_other_tests(self):
        self.assert_finds({"tests/unit/log/test_log.c": '#include "tests/crash/images.h"\n'},
                          "tests/unit/log/test_log.c:1", "tests/lib")
        self.assert_finds({"tests/sim/test_all.c": '#include "tests/trust/run.h"\n'},
                          "tests/sim/test_all.c:1", "tests/lib")

    def test_a_cycle_in_the_table_is_found_with_its_way(self):
        table = TABLE.replace("io            : base", "io            : base log")
        self.assert_finds({"scripts/layers.txt": table}, "scripts/layers.txt",
                          "io -> log -> io", "cycle")

    def test_a_word_in_the_table_that_is_no_room_is_found(self):
        table = TABLE.replace("log           : base io", "log           : base io wire")
        self.assert_finds({"scripts/layers.txt": table}, "scripts/layers.txt", "wire")

    def test_public_headers_of_no_room_are_found(self):
        self.assert_finds({"scripts/layers.txt": TABLE + "public wire : *\n"}, "scripts/layers.txt",
                          "wire")

    def test_a_room_that_stands_twice_is_found(self):
        self.assert_finds({"scripts/layers.txt": TABLE + "base :\n"}, "scripts/layers.txt:13",
                          "second time")

    def test_a_line_without_a_colon_is_found(self):
        self.assert_finds({"scripts/layers.txt": TABLE + "queue log\n"}, "scripts/layers.txt:13",
                          "cannot read this line")

    def test_a_folder_that_is_no_room_is_found_once(self):
        self.assert_finds({"queue/a.c": "", "queue/b.c": ""}, "queue", "no room")

    def test_a_unit_test_may_include_the_public_headers_below_its_room_only(self):
        self.assert_finds({"tests/unit/io/test_io.c": '#include "log/log.h"\n'},
                          "tests/unit/io/test_io.c:1", "unit tests of io may not include log")

    def test_a_unit_test_may_not_include_private_headers_of_another_room(self):
        table = TABLE.replace("public io     : *", "public io     : io.h")
        self.assert_finds({"scripts/layers.txt": table,
                           "tests/unit/log/test_log.c": '#include "io/io_parts.h"\n'},
                          "tests/unit/log/test_log.c:1", "private to io")

    def test_unit_tests_of_the_ground_floor_may_not_include_io(self):
        self.assert_finds({"tests/unit/base/test_err.c": '#include "io/io.h"\n'},
                          "tests/unit/base/test_err.c:1", "unit tests of base")

    def test_unit_tests_of_no_room_are_found(self):
        self.assert_finds({"tests/unit/attic/test_old.c": ""}, "tests/unit/attic", "attic")

    def test_other_tests_may_include_public_headers_only(self):
        self.assert_finds({"tests/crash/test_all.c": '#include "log/segment.h"\n'},
                          "tests/crash/test_all.c:1", "private to log")

    def test_the_test_library_is_told_where_a_fixture_of_one_room_belongs(self):
        self.assert_finds({"tests/lib/segments.h": '#include "log/segment.h"\n'},
                          "tests/lib/segments.h:1", "beside them, in tests/unit/log/")

    def test_build_folders_are_not_looked_at(self):
        self.assertEqual(self.findings({"build/x/y.c": '#include "z.h"\n',
                                        "build-asan/x.c": '#include "z.h"\n'}), [])


if __name__ == "__main__":
    unittest.main()
