#!/usr/bin/env python3
# Tests of definitions that are imported at the start: a file, a folder, and when not again.
"""Runs the programs in the folder that MILLRACE_BIN names; build/bin by default."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from world import BIN, World

USER = {"name": "ann", "password": "secret", "tags": "administrator"}
PERMISSION = {"user": "ann", "vhost": "valley", "configure": ".*", "write": ".*", "read": ".*"}
ANN = {"user": b"ann", "password": b"secret", "vhost": b"valley"}


class Definitions(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-definitions-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, **sections):
        (self.folder / name).write_text(json.dumps(sections))
        return self.folder / name

    def write_some(self):
        """Files of which each needs the one before it; written in another order."""
        self.write("30.json", permissions=[PERMISSION], queues=[
            {"name": "orders", "vhost": "valley", "durable": True, "auto_delete": False}])
        self.write("10.json", vhosts=[{"name": "valley"}])
        self.write("20.json", users=[USER])
        (self.folder / "notes.txt").write_text("no definitions")
        (self.folder / "old.json.bak").write_text("neither")

    def seen(self, world, queue=b"orders"):
        one = world.login(**ANN)
        world.call(one, "queue.declare", "queue.declare-ok", queue=queue, passive=True)

    def refused(self, *settings):
        """What is said on the way to not starting."""
        with tempfile.TemporaryDirectory() as data:
            arguments = ["--data-dir", f"{data}/d", "--set", "listeners.tcp.default=127.0.0.1:0",
                         "--set", "management.tcp.port=none", "--set", "prometheus.tcp.port=none"]
            for setting in settings:
                arguments += ["--set", setting]
            result = subprocess.run([BIN / "millrace", *arguments], text=True, timeout=60,
                                    capture_output=True, check=False)
        self.assertEqual(result.returncode, 1, result.stderr)
        return result.stderr.splitlines()[-1]

    def test_a_folder_is_read_in_the_order_of_names(self):
        self.write_some()
        for setting in (("load_definitions={}",), ("management.load_definitions={}",),
                        ("definitions.import_backend=local_filesystem",
                         "definitions.local.path={}")):
            with self.subTest(setting=setting):
                world = World(self, *(text.format(self.folder) for text in setting))
                self.seen(world)
                one, frame = world.start_ok(b"PLAIN", b"\0guest\0guest")
                self.assertEqual(frame.values["reply_code"], 403)  # no default user is made
                one.socket.close()

    def test_a_file_and_a_folder_are_both_imported(self):
        self.write_some()
        other = self.folder / "more"
        other.mkdir()
        (other / "q.json").write_text(json.dumps({"queues": [
            {"name": "more", "vhost": "valley", "durable": True, "auto_delete": False}]}))
        world = World(self, f"load_definitions={self.folder}", f"definitions.local.path={other}",
                      "definitions.import_backend=local_filesystem")
        self.seen(world)
        self.seen(world, b"more")

    def test_what_has_not_changed_is_passed_over(self):
        self.write_some()
        world = World(self, f"load_definitions={self.folder}",
                      "definitions.skip_if_unchanged=true")
        one = world.login(**ANN)
        world.call(one, "queue.delete", "queue.delete-ok", queue=b"orders")
        world.restart()
        world.broker.wait_log("definitions are not imported again", world.begin)
        world.refused(world.login(**ANN), "queue.declare", 404, queue=b"orders", passive=True)
        self.write("10.json", vhosts=[{"name": "valley"}, {"name": "hill"}])
        world.restart()
        self.seen(world)  # one file changed, so all are imported
        world.login(user=b"ann", password=b"secret", vhost=b"valley")

    def test_a_bad_file_among_good_ones_is_named(self):
        self.write_some()
        (self.folder / "25.json").write_text("{")
        self.assertIn(f"the definitions in '{self.folder}/25.json' are not valid JSON: line 1",
                      self.refused(f"load_definitions={self.folder}"))

    def test_an_empty_folder_is_said(self):
        world = World(self, f"load_definitions={self.folder}")
        world.broker.wait_log(f"there are no definitions, *.json, in the folder '{self.folder}'")

    def test_half_of_a_source_is_refused(self):
        self.assertIn("definitions.local.path needs definitions.import_backend = local_filesystem",
                      self.refused(f"definitions.local.path={self.folder}"))
        self.assertIn("local_filesystem needs definitions.local.path",
                      self.refused("definitions.import_backend=local_filesystem"))
        self.assertIn("definitions.import_backend",
                      self.refused("definitions.import_backend=https"))
        result = subprocess.run([BIN / "millrace", "--check-conf", "--set",
                                 "definitions.local.path=/x"], text=True, timeout=60,
                                capture_output=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("definitions.local.path needs", result.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
