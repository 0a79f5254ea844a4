#!/usr/bin/env python3
# Tests of millrace-logdump on directories that are written here, byte by byte, from the drawings in
# the headers of log/: so they also test that the drawings say what the program does.
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

PROGRAM = pathlib.Path(os.environ.get("MILLRACE_BIN", "build/bin")) / "millrace-logdump"
LOG_ID = bytes(range(1, 17))
TIME = 1767225600000  # 2026-01-01 00:00:00
SEGMENT_BYTES = 64 * 1024


def crc32c(data, table=[]):
    if not table:
        for n in range(256):
            for _ in range(8):
                n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
            table.append(n)
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


def padded(data, size):
    return data + b"\0" * (-len(data) % size)


def state_file(magic, generation, content, version=1, log_id=LOG_ID):
    covered = struct.pack("<I16sQQ", version, log_id, generation, len(content)) + content
    return magic + struct.pack("<I", crc32c(covered)) + covered


def record(kind, key, body, number=None):
    numbered = b"" if number is None else struct.pack("<Qq", number, TIME)
    size = 8 + len(numbered) + len(key) + len(body)
    return struct.pack("<IBBH", size, kind, 0, len(key)) + numbered + key + body


def crc_of(batch):
    return struct.unpack_from("<I", batch, 4)[0]


def batch(base, records, chain=0, durable=0, numbered=False, epoch=1):
    payload = b"".join(records)
    covered = struct.pack("<IHHQIIQqQI4s", 64 + len(payload), 1, int(numbered), base, len(records),
                          chain, epoch, TIME, durable, len(payload), LOG_ID[:4]) + payload
    return padded(b"MRB1" + struct.pack("<I", crc32c(covered)) + covered, 512)


def header(kind, file_id, destination, first, bytes_before=0, chain_before=0):
    covered = padded(struct.pack("<HBB16sQQQQQI", 1, kind, 0, LOG_ID, file_id, destination, first,
                                 1, bytes_before, chain_before), 500)
    return padded(b"MRSEGM01" + struct.pack("<I", crc32c(covered)) + covered, 4096)


def footer(first, end, at, records, entries):
    covered = struct.pack("<I16sQQQQ", len(entries), LOG_ID, first, end, at, records)
    covered += b"".join(struct.pack("<QQq", number, place, TIME) for number, place in entries)
    return b"MRINDEX1" + struct.pack("<I", crc32c(covered)) + covered


def slot(number, epoch, position):
    covered = struct.pack("<I16sQQQ", 0, LOG_ID, number, epoch, position)
    return padded(b"MRMARK01" + struct.pack("<I", crc32c(covered)) + covered, 4096)


def hot_name(position):
    return f"hot-{position:016x}.seg"


def write_log(folder):
    """Positions 0 to 3 were sorted, two went to lane 5; 4 to 6 are sealed, 7 to 9 are the last."""
    folder.mkdir(parents=True)
    first = batch(4, [record(7, b"apple", b"body of four"), record(8, b"", b"five")], 0x1234, 4)
    second = batch(6, [record(7, b"pear", bytes(range(256)) * 2)], crc_of(first), 4)
    batches = first + second
    end = 4096 + len(batches)
    (folder / hot_name(4)).write_bytes(padded(
        header(1, 4, 0, 4, 5120, 0x1234) + batches
        + footer(4, 7, end, 0, [(4, 4096), (6, 4096 + len(first))]), SEGMENT_BYTES))
    tail = batch(7, [record(1, b"k", b"v"), record(1, b"k", b"w"), record(1, b"k", b"x")],
                 crc_of(second), 7)
    (folder / hot_name(7)).write_bytes(padded(header(1, 7, 0, 7, end, crc_of(second)) + tail,
                                              SEGMENT_BYTES))
    cold = batch(10, [record(3, b"a", b"one", 10), record(3, b"b", b"two", 12)], 1,
                 numbered=True)
    cold_end = 4096 + len(cold)
    cold_file = header(2, 1, 5, 10, 0, 1) + cold + footer(10, 13, cold_end, 2, [(10, 4096)])
    (folder / "cold-0000000000000001.seg").write_bytes(cold_file)
    entry = struct.pack("<QQQQQQQQqqII", 1, 5, 10, 13, 2, 2, cold_end, len(cold_file), TIME, TIME,
                        crc_of(cold), 0)
    manifest = state_file(b"MRMANI01", 3, struct.pack("<QQQQQ", 4, 2, 1, 0, 4) + entry)
    (folder / "manifest").write_bytes(manifest)
    (folder / "manifest.copy").write_bytes(manifest)
    (folder / "checkpoint-0000000000000004").write_bytes(state_file(b"MRCHECK1", 4, b"state"))
    (folder / "watermark").write_bytes(slot(2, 1, 10) + slot(1, 1, 7))
    (folder / "spare-0000000000000002.seg").write_bytes(b"\0" * SEGMENT_BYTES)
    (folder / "trash").mkdir()
    (folder / "wounded").mkdir()


class Logdump(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.data = pathlib.Path(self.place.name) / "data"
        self.log = self.data / "partition-0"
        write_log(self.log)
        (self.data / "format").write_bytes(state_file(b"MRFORMAT", 1, b""))
        (self.data / "LOCK").write_bytes(b"")

    def run_with(self, *arguments):
        """Returns (exit status, standard output, standard error)."""
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def change(self, name, at, new):
        path = self.log / name
        old = path.read_bytes()
        path.write_bytes(old[:at] + new + old[at + len(new):])

    def assert_problem(self, *parts, count=1):
        status, out, err = self.run_with("--verify", self.data)
        self.assertEqual((status, err), (1, ""), out)
        problems = [line for line in out.splitlines() if line.startswith("problem: ")]
        self.assertEqual(len(problems), count, out)
        for part in parts:
            self.assertIn(part, out)

    # ------------------------------------------------------------------ a good directory

    def test_a_good_directory_is_verified_without_a_finding(self):
        status, out, err = self.run_with("--verify", self.data)
        self.assertEqual((status, out, err),
                         (0, f"{self.data}: all is well: 0 problems, 0 notes\n", ""))
        self.assertEqual(self.run_with("--verify", self.log)[0], 0)

    def test_the_summary_tells_positions_lanes_and_checkpoints(self):
        status, out, _ = self.run_with(self.data)
        self.assertEqual(status, 0)
        self.assertIn(f"data directory, format 1, node {LOG_ID.hex()}", out)
        self.assertIn("positions    4 to 10 in the hot log, proven durable below 10", out)
        self.assertIn("segments 2, 128.0 KiB", out)
        self.assertIn("lanes 1, files 1, 4.6 KiB", out)
        self.assertIn("checkpoints  1, the newest at position 4 with 5 B", out)
        self.assertIn("tail         byte 4608, clean", out)

    def test_each_section_shows_its_part(self):
        for option, parts in {
                "--manifest": ["manifest.copy", "generation 3, hot log from position 4",
                               "durable below 4",
                               "cold-0000000000000001.seg          5           10           13"],
                "--watermark": ["4096", "good"],
                "--checkpoints": ["checkpoint-0000000000000004", " 5 ", "good"],
                "--segments": [hot_name(4), hot_name(7), "cold-0000000000000001.seg", "sealed"],
                "--index": ["positions from 4", "     4         4096  2026-01-01 00:00:00.000Z"],
                "--batches": ["00001234", "numbered", "lane 5"],
                "--records": ["apple", "pear", "          12    3          3"],
        }.items():
            status, out, err = self.run_with(option, self.log)
            self.assertEqual((status, err), (0, ""), option)
            for part in parts:
                self.assertIn(part, out, option)

    def test_the_body_is_shown_as_digits_and_characters(self):
        _, out, _ = self.run_with("--body", "--from", "4", "--count=3", self.log)
        self.assertIn("000000  62 6f 64 79 20 6f 66 20 66 6f 75 72              |body of four|",
                      out)
        self.assertIn("000020  20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f  "
                      "| !\"#$%&'()*+,-./|", out)
        self.assertIn("... and 256 more bytes", out)
        self.assertNotIn("positions from 7", out)

    def test_one_file_can_be_shown_alone(self):
        for name in ("manifest", "watermark", "checkpoint-0000000000000004", hot_name(4),
                     hot_name(7), "cold-0000000000000001.seg"):
            status, out, err = self.run_with("--verify", "--file", self.log / name)
            self.assertEqual((status, err), (0, ""), out)
        _, out, _ = self.run_with("--records", f"--file={self.log / hot_name(4)}")
        self.assertIn("apple", out)
        os.symlink(self.log / hot_name(4), self.data / "link")
        self.assertEqual(self.run_with("--file", self.data / "link")[0], 0)

    def test_nothing_is_changed(self):
        def seen():
            return {path: (path.stat().st_mtime_ns, path.stat().st_ctime_ns, path.stat().st_size)
                    for path in [self.data, *self.data.rglob("*")]}
        before = seen()
        self.run_with("--verify", "--records", "--body", "--index", "--segments", self.data)
        self.change(hot_name(4), 4200, b"!")
        (self.log / "manifest").unlink()
        (self.log / "manifest.new").write_bytes(b"half")
        middle = seen()
        self.run_with("--verify", self.data)
        self.run_with(self.log)
        self.assertEqual(seen(), middle)
        self.assertEqual({p: s for p, s in before.items() if p.name == "watermark"},
                         {p: s for p, s in middle.items() if p.name == "watermark"})

    # ------------------------------------------------------------------ damage

    def test_damage_names_file_byte_and_positions(self):
        self.change(hot_name(4), 4096 + 90, b"!")
        self.assert_problem(f"{self.log}/{hot_name(4)}: byte 4096: the batch here has a wrong "
                            "checksum; positions 4 to 5 cannot be read",
                            "SOMETHING IS WRONG: 1 problem, 0 notes")

    def test_a_torn_tail_above_the_watermark_is_a_note(self):
        self.change(hot_name(7), 4096 + 90, b"!")
        (self.log / "watermark").write_bytes(slot(2, 1, 7) + slot(1, 1, 7))
        status, out, _ = self.run_with("--verify", self.data)
        self.assertEqual(status, 0, out)
        self.assertIn(f"note: {self.log}/{hot_name(7)}: byte 4096: torn tail", out)
        self.assertIn("tail         byte 4096, torn", self.run_with(self.log)[1])

    def test_the_same_below_the_watermark_is_a_problem(self):
        self.change(hot_name(7), 4096 + 90, b"!")
        self.assert_problem("byte 4096: the batch here has a wrong checksum; positions 7 to 9")

    def test_missing_and_unknown_files_are_told(self):
        (self.log / "cold-0000000000000001.seg").unlink()
        (self.log / "letter.txt").write_bytes(b"dear")
        self.assert_problem("cold-0000000000000001.seg: it does not exist; records of lane 5",
                            f"note: {self.log}/letter.txt: it is none of the log's files")

    def test_a_newer_format_is_a_problem(self):
        (self.data / "format").write_bytes(state_file(b"MRFORMAT", 1, b"", version=2))
        self.assert_problem(f"{self.data}/format: it was written by a newer version")

    def test_a_summary_of_a_damaged_directory_ends_with_one(self):
        (self.log / "watermark").unlink()
        status, out, _ = self.run_with(self.log)
        self.assertEqual(status, 1)
        self.assertIn("problem: ", out)
        self.assertIn("positions    4 to 10", out)

    # ------------------------------------------------------------------ usage

    def test_wrong_usage_ends_with_two_and_one_sentence(self):
        for arguments, part in ((["--nonsense", "x"], "unknown argument '--nonsense'"),
                                ([], "which directory?"),
                                (["a", "b"], "one path at a time"),
                                (["--from"], "--from needs a value"),
                                (["--count", "many", "x"], "'many' is no number"),
                                (["--verify=yes", "x"], "--verify takes no value"),
                                (["/nowhere/at/all"], "cannot list '/nowhere/at/all'"),
                                (["--file", "/nowhere"], "cannot read '/nowhere'"),
                                (["--file", os.devnull], "is no file of a log"),
                                ([os.path.dirname(__file__)], "neither a log nor a data")):
            status, out, err = self.run_with(*arguments)
            self.assertEqual((status, out), (2, ""), arguments)
            self.assertTrue(err.startswith("millrace-logdump: ") and err.count("\n") == 1, err)
            self.assertIn(part, err)

    def test_a_full_output_ends_with_two(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAM, "--records", self.log], stdout=full, check=False,
                                  stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"cannot write", done.stderr)

    def test_help_and_version_go_to_standard_output(self):
        for option, part in (("--help", "usage: millrace-logdump"),
                             ("--version", "millrace-logdump ")):
            status, out, err = self.run_with(option)
            self.assertEqual((status, err), (0, ""))
            self.assertIn(part, out)


if __name__ == "__main__":
    unittest.main()
