#!/usr/bin/env python3
# The verdicts of count.py: what is too much, and what of a compiler that the table does not know.
import contextlib
import io
import unittest

import count

NAMES = ["transient-16", "transient-1k", "transient-acked", "queues-10", "stream", "publish-25"]
COLUMNS = {"gcc-12": dict(zip(NAMES, [300, 600, 2800, 5700, 3000, 2800])),
           "clang-14": dict(zip(NAMES, [330, 500, 3100, 5000, 3900, 2500]))}
ALL_BY_A_FIFTH = {name: value * 1.2 for name, value in COLUMNS["gcc-12"].items()}


def verdict(compiler, **found):
    """How many rows are over, and what was printed."""
    counted = {**COLUMNS["gcc-12"], **found}
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        over = count.compare(counted, compiler, COLUMNS)
    return over, out.getvalue()


class Verdicts(unittest.TestCase):
    def test_what_the_table_says_is_good(self):
        self.assertEqual(verdict("gcc-12")[0], 0)

    def test_a_tenth_more_is_borne_and_a_bit_more_is_not(self):
        self.assertEqual(verdict("gcc-12", stream=3290)[0], 0)
        over, text = verdict("gcc-12", stream=3310)
        self.assertEqual(over, 1)
        self.assertIn("MORE", text)

    def test_fewer_is_good_and_said(self):
        over, text = verdict("gcc-12", stream=2000)
        self.assertEqual(over, 0)
        self.assertIn("fewer", text)

    def test_a_row_without_a_figure_is_an_error(self):
        self.assertEqual(verdict("gcc-12", backlog=100)[0], 1)

    def test_another_compiler_may_be_slower_in_all(self):
        over, text = verdict("gcc-14", **ALL_BY_A_FIFTH)
        self.assertEqual(over, 0)
        self.assertIn("compared with gcc-12", text)

    def test_another_compiler_may_not_be_much_slower_in_one(self):
        self.assertEqual(verdict("gcc-14", stream=4500)[0], 1)
        self.assertEqual(verdict("gcc-14", **{**ALL_BY_A_FIFTH, "stream": 5000})[0], 1)

    def test_another_compiler_may_not_be_half_as_slow_again(self):
        more = {name: value * 1.5 for name, value in COLUMNS["gcc-12"].items()}
        self.assertEqual(verdict("gcc-14", **more)[0], 1)


class Compilers(unittest.TestCase):
    def test_a_program_says_who_made_it(self):
        self.assertRegex(count.compiler(), r"^(gcc|clang)-\d+$")


if __name__ == "__main__":
    unittest.main()
