#!/usr/bin/env python3
# The curves of scripts/bench growth: two points of one, and the file that pictures are made of.
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import growth  # noqa: E402


class Curves(unittest.TestCase):
    def run_growth(self, *words):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "growth.json")
            done = subprocess.run([sys.executable, ROOT / "scripts" / "growth.py", *words,
                                   "--quick", "--json", path], capture_output=True, text=True,
                                  env={**os.environ, "MILLRACE_BIN": str(growth.BIN)}, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return json.loads(path.read_text()), done.stdout

    def test_a_curve_has_its_points_and_figures(self):
        curves, text = self.run_growth("--curve", "fan-out", "--points", "1,2")
        self.assertEqual([point["n"] for point in curves[0]["points"]], [1, 2])
        for point in curves[0]["points"]:
            self.assertGreater(point["figures"]["delivered"]["median"], 0)
        self.assertIn("delivered", text)

    def test_each_curve_names_options_that_there_are(self):
        known = subprocess.run([growth.BIN / "millrace-bench", "amqp", "--help"],
                               capture_output=True, text=True, check=True).stdout
        for curve in growth.CURVES:
            for pair in curve.options.format(n=1, few=1).split():
                self.assertIn("  --" + pair.split("=")[0] + " ", known, curve.name)


if __name__ == "__main__":
    unittest.main()
