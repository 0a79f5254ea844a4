# Small trees on disk for the tests of the scripts: a dict of path -> text becomes a folder.
"""Tree is a unittest.TestCase with a folder of its own that is gone after the test."""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-tree-"))
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, files):
        """Writes the files; a text that begins with #! may be run, and None removes a file."""
        for path, text in files.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                place.unlink()
                continue
            place.write_text(text)
            if text.startswith("#!"):
                os.chmod(place, 0o755)
