#!/usr/bin/env python3
# Tests of the broker's program: how it starts, what it refuses and in which words, how it stops.
"""Runs the program in the folder (or at the path) that MILLRACE_BIN names; build/bin by default.

Nothing here sleeps: each step waits for a line or for the end of the process, with a deadline.
"""
import json
import os
import pathlib
import re
import select
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 60  # generous: a slow machine is not a failure
READY = "is ready"
ANY_PORT = ("--set", "listeners.tcp.default=127.0.0.1:0",
            "--set", "management.tcp.port=127.0.0.1:0",
            "--set", "prometheus.tcp.port=127.0.0.1:0")
NOBODY = 65534


def program():
    path = pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin"))
    return str(path / "millrace" if path.is_dir() else path)


class Broker:
    """A running broker, whose standard error is read line by line."""

    def __init__(self, *arguments, **options):
        self.process = subprocess.Popen([program(), *map(str, arguments)], stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, **options)
        self.lines = []
        self.rest = b""

    def wait_for_line(self, part):
        """Returns the next line that has `part` in it."""
        deadline = time.monotonic() + DEADLINE_S
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            while True:
                line = self.take_line()
                if line is not None and part in line:
                    return line
                if line is not None:
                    continue
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise AssertionError(f"no line with '{part}' came: {self.lines}")
                read = os.read(self.process.stderr.fileno(), 65536)
                if not read:
                    raise AssertionError(f"ended without a line with '{part}': {self.lines}")
                self.rest += read

    def take_line(self):
        line, end, rest = self.rest.partition(b"\n")
        if not end:
            return None
        self.rest = rest
        self.lines.append(line.decode())
        return self.lines[-1]

    def send(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Waits for the end; returns the exit status."""
        status = self.process.wait(DEADLINE_S)
        self.rest += self.process.stderr.read()
        while self.take_line() is not None:
            pass
        return status

    def stop(self):
        self.send(signal.SIGTERM)
        return self.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()


class MillraceTest(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-cmd-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.data = self.home / "data"

    def write(self, text, name="my.conf"):
        path = self.home / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def start(self, *arguments, data=None):
        broker = Broker("--data-dir", data or self.data, *ANY_PORT, *arguments)
        self.addCleanup(broker.close)
        return broker

    def start_ready(self, *arguments, data=None):
        broker = self.start(*arguments, data=data)
        broker.wait_for_line(READY)
        return broker

    def call(self, *arguments):
        return subprocess.run([program(), *map(str, arguments)], stdin=subprocess.DEVNULL,
                              text=True, capture_output=True, timeout=DEADLINE_S, cwd=self.home,
                              check=False)

    def call_as_nobody(self, *arguments):
        """As call(), by a user who may do nothing here; a root user may do everything."""
        if os.geteuid() != 0:
            return self.call(*arguments)
        copy = shutil.copy(program(), tempfile.mkdtemp(dir=self.home))  # where he may reach it
        os.chmod(pathlib.Path(copy).parent, 0o755)
        return subprocess.run([copy, *map(str, arguments)], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=DEADLINE_S, cwd="/", check=False,
                              user=NOBODY)

    def refused(self, *arguments, status=1, call=None):
        """The program must end with `status` and one sentence, which is returned."""
        result = (call or self.call)(*arguments)
        self.assertEqual((result.returncode, result.stdout), (status, ""), result.stderr)
        self.assertRegex(result.stderr, r"\Amillrace: [^\n]+[^.\n]\n\Z")
        return result.stderr.removeprefix("millrace: ").rstrip("\n")

    def refused_conf(self, text):
        """The sentence about a configuration file with this text, without the folder."""
        path = self.write(text)
        sentence = self.refused("--data-dir", self.data, "--conf", path)
        self.assertFalse(self.data.exists(), "refused before anything was made")
        return sentence.replace(str(path), "my.conf")


class StartAndStop(MillraceTest):
    def test_it_says_once_that_it_is_ready_and_stops_on_sigterm(self):
        broker = self.start_ready()
        self.assertEqual(broker.stop(), 0)
        ready = [line for line in broker.lines if READY in line]
        self.assertEqual(len(ready), 1)
        self.assertRegex(ready[0], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z info +\[server\] "
                                   r"millrace \d+\.\d+\.\d+ is ready ")
        self.assertIn(f"data_dir={self.data}", ready[0])

    def test_it_stops_on_sigint_too(self):
        broker = self.start_ready()
        broker.send(signal.SIGINT)
        self.assertEqual(broker.wait(), 0)

    def test_a_second_sigterm_does_not_disturb_the_first(self):
        broker = self.start_ready()
        broker.send(signal.SIGTERM)
        broker.send(signal.SIGTERM)
        self.assertEqual(broker.wait(), 0)

    def test_it_starts_again_where_it_was(self):
        self.assertEqual(self.start_ready().stop(), 0)
        self.assertEqual(self.start_ready().stop(), 0)

    def test_it_starts_after_it_was_killed(self):
        broker = self.start_ready()
        broker.send(signal.SIGKILL)
        broker.wait()
        self.assertEqual(self.start_ready().stop(), 0)

    def test_what_it_makes_is_private(self):
        self.start_ready().stop()
        self.assertEqual(self.data.stat().st_mode & 0o777, 0o700)
        for path in self.data.rglob("*"):
            wanted = 0o700 if path.is_dir() else 0o600
            self.assertEqual(path.stat().st_mode & 0o777, wanted, path)

    def test_it_lives_without_standard_files(self):
        script = f'exec "{program()}" --data-dir "{self.data}" {" ".join(ANY_PORT)} 0<&- 1>&-'
        process = subprocess.Popen(["sh", "-c", script], stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.assertTrue(any(READY in line.decode() for line in process.stderr))
        for number in (0, 1):  # or a file of ours would have got the number
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{number}"), "/dev/null")
        process.terminate()
        self.assertEqual(process.wait(DEADLINE_S), 0)

    def test_a_reader_of_its_diagnostics_may_go_away(self):
        broker = self.start_ready("--set", "log.console.level=debug")
        broker.process.stderr.close()
        broker.process.stderr = open(os.devnull, "rb")
        broker.send(signal.SIGHUP)  # it says something about that
        broker.send(signal.SIGTERM)
        self.assertEqual(broker.process.wait(DEADLINE_S), 0)


class DataDirectory(MillraceTest):
    def test_a_directory_has_one_broker(self):
        broker = self.start_ready()
        sentence = self.refused("--data-dir", self.data)
        self.assertIn(f"'{self.data}' is in use", sentence)
        self.assertEqual(broker.stop(), 0)

    def test_a_missing_parent_is_refused(self):
        sentence = self.refused("--data-dir", self.home / "no" / "data")
        self.assertIn(f"'{self.home}/no/data'", sentence)

    def test_a_file_in_its_place_is_refused(self):
        self.data.write_text("not a directory")
        self.assertIn(str(self.data), self.refused("--data-dir", self.data))
        self.assertEqual(self.data.read_text(), "not a directory")

    def test_no_name_is_refused(self):
        self.assertIn("data directory", self.refused("--data-dir", ""))

    def test_a_parent_that_may_not_be_written_is_refused(self):
        parent = self.home / "parent"
        parent.mkdir()
        os.chmod(parent, 0o555)
        os.chmod(self.home, 0o755)
        sentence = self.refused("--data-dir", parent / "data", call=self.call_as_nobody)
        self.assertIn(f"'{parent}/data'", sentence)
        self.assertIn("permission", sentence)

    def test_a_linked_directory_is_followed(self):
        self.data.mkdir()
        link = self.home / "link"
        link.symlink_to(self.data)
        self.assertEqual(self.start_ready(data=link).stop(), 0)
        self.assertTrue(any(self.data.iterdir()))


class Configuration(MillraceTest):
    def test_values_come_from_the_file_and_set_wins(self):
        other = self.home / "other"
        conf = self.write(f"millrace.data_dir = {self.home}/unused\nmillrace.io.workers = 3\n")
        broker = Broker("--conf", conf, "--set", f"millrace.data_dir={other}", *ANY_PORT,
                        "--set", "millrace.io.workers=2")
        self.addCleanup(broker.close)
        line = broker.wait_for_line(READY)
        self.assertIn("workers=2", line)
        self.assertIn(f"data_dir={other}", line)
        self.assertEqual(broker.stop(), 0)
        self.assertFalse((self.home / "unused").exists())

    def test_a_file_of_rabbitmq_is_accepted_with_warnings(self):
        conf = self.write("# from RabbitMQ\r\n"
                          "listeners.tcp.default = 5672\r\n"
                          "default_pass = 'se#cret'\r\n"
                          "password_hashing_module = 'secret'\r\n"
                          "net_ticktime = 60")
        broker = self.start_ready("--conf", conf)
        self.assertEqual(broker.stop(), 0)
        warnings = [line for line in broker.lines if " warning " in line]
        self.assertEqual(len(warnings), 2)
        self.assertIn(f"{conf}:4: 'password_hashing_module' is accepted but has no effect in this "
                      f"version", warnings[0])
        self.assertIn(f"{conf}:5: 'net_ticktime' is accepted but has no meaning here", warnings[1])
        self.assertNotIn("cret", "".join(broker.lines))

    def test_a_linked_file_is_followed(self):
        self.write("millrace.io.workers = 5\n")
        link = self.home / "link.conf"
        link.symlink_to("my.conf")
        self.assertIn("workers=5", self.start("--conf", link).wait_for_line(READY))

    def test_each_bad_line_has_its_sentence(self):
        cases = {
            "listeners.tcp.defualt = 5672\n":
                "my.conf:1: unknown setting 'listeners.tcp.defualt'; did you mean "
                "'listeners.tcp.default'?",
            "\n\nsomething.else.entirely = 1\n":
                "my.conf:3: unknown setting 'something.else.entirely'",
            "listeners.tcp.default = 70000\n":
                "my.conf:1: setting 'listeners.tcp.default' is '70000', but must be none, a port "
                "from 1 to 65535, or an address and a port such as 127.0.0.1:5672 or [::1]:5672",
            "millrace.io.workers = 0\n":
                "my.conf:1: setting 'millrace.io.workers' is '0', but must be a whole number from "
                "1 to 64",
            "log.console.level = loud\n":
                "my.conf:1: setting 'log.console.level' is 'loud', but must be one of debug, info, "
                "notice, warning, error, critical, alert, emergency or none",
            "millrace.io.workers\n":
                "my.conf:1: expected 'key = value', found 'millrace.io.workers'",
            "millrace.io.workers = # none\n":
                "my.conf:1: 'millrace.io.workers' has no value; write '' for an empty one",
            "a b = 1\n":
                "my.conf:1: 'a b' is no key; a key is letters, digits, '_' and '-', with dots "
                "between its words",
            "millrace.data_dir = 'x\n":
                "my.conf:1: the quote of 'millrace.data_dir' does not end on its line",
            "include other.conf\n":
                "my.conf:1: include is not supported; name several files, or a folder, with --conf",
            b"# \xff\n": "my.conf:1: the line is not valid UTF-8",
            b"# a\n\x00\n": "my.conf:2: the line has a zero byte; this is no text file",
            b"\x7fELF\x02\x01": "my.conf:1: the line has a control character, 0x7f",
            b"\xff\xfeh\x00": "my.conf: the file is UTF-16; save it as UTF-8",
            b"#" * 5000: "my.conf:1: the line is longer than 4096 bytes",
            b"# x\n" * 300000: "my.conf: the file is larger than 1048576 bytes",
        }
        for text, sentence in cases.items():
            with self.subTest(text=text[:40]):
                self.assertEqual(self.refused_conf(text), sentence)

    def test_of_several_errors_the_first_is_said(self):
        sentence = self.refused_conf("x = 1\nmillrace.io.workers = 0\ny\n")
        self.assertEqual(sentence, "my.conf:1: unknown setting 'x' (and 2 more; --check-conf says "
                                   "them all)")

    def test_a_file_that_cannot_be_read_is_named(self):
        fifo = self.home / "fifo"
        os.mkfifo(fifo)
        for path, why in ((self.home / "none.conf", "it does not exist"),
                          (fifo, "it is not a plain file"),
                          ("/dev/null", "it is not a plain file")):
            sentence = self.refused("--data-dir", self.data, "--conf", path)
            self.assertEqual(sentence, f"cannot read the configuration '{path}': {why}")

    def test_a_file_of_somebody_else_is_denied(self):
        path = self.write("")
        os.chmod(path, 0)
        os.chmod(self.home, 0o755)
        sentence = self.refused("--data-dir", self.data, "--conf", path, call=self.call_as_nobody)
        self.assertEqual(sentence,
                         f"cannot read the configuration '{path}': permission was denied")

    def test_a_bad_set_is_named_without_its_value(self):
        cases = {
            "default_pas=secret":
                "--set default_pas: unknown setting 'default_pas'; did you mean 'default_pass'?",
            "millrace.io.workers=many":
                "--set millrace.io.workers: setting 'millrace.io.workers' is 'many', but must be a "
                "whole number from 1 to 64",
            "millrace.io.workers": "--set: expected 'key=value', found 'millrace.io.workers'",
            "=1":
                "--set: '' is no key; a key is letters, digits, '_' and '-', with dots between its "
                "words",
        }
        for text, sentence in cases.items():
            with self.subTest(text=text):
                self.assertEqual(self.refused("--data-dir", self.data, "--set", text), sentence)


    def test_of_several_files_the_later_wins(self):
        first = self.write("millrace.io.workers = 2\nheartbeat = 7\n", "first")
        second = self.write("millrace.io.workers = 3\n", "second")
        line = self.start("--conf", first, "--conf", second).wait_for_line(READY)
        self.assertIn("workers=3", line)

    def test_a_folder_is_all_its_files_in_the_order_of_their_names(self):
        folder = self.home / "conf.d"
        folder.mkdir()
        (folder / "30-c.conf").mkdir()
        self.write("millrace.io.workers = 4\n", "conf.d/20-b.conf")
        self.write("millrace.io.workers = 3\n", "conf.d/10-a.conf")
        self.write("no key\n", "conf.d/99.conf.save")
        self.assertIn("workers=4", self.start("--conf", folder).wait_for_line(READY))
        self.write("broken\n", "conf.d/15.conf")
        sentence = self.refused("--data-dir", self.data, "--conf", folder)
        self.assertEqual(sentence, f"{folder}/15.conf:1: expected 'key = value', found 'broken'")

    def test_too_many_files_are_refused(self):
        folder = self.home / "conf.d"
        folder.mkdir()
        for i in range(257):
            self.write("", f"conf.d/{i}.conf")
        sentence = self.refused("--data-dir", self.data, "--conf", folder)
        self.assertEqual(sentence, "there are more than 256 configuration files")


class Environment(MillraceTest):
    def check(self, variables, *arguments):
        """What --check-conf says with these variables: its end and its sentences."""
        result = subprocess.run([program(), "--check-conf", *map(str, arguments)], text=True,
                                stdin=subprocess.DEVNULL, capture_output=True, check=False,
                                timeout=DEADLINE_S, env={**os.environ, **variables})
        return result.returncode, result.stderr

    def test_it_names_the_file_when_no_argument_does(self):
        conf = self.write("typo = 1\n")
        for name in ("MILLRACE_CONF", "RABBITMQ_CONFIG_FILE"):
            self.assertEqual(self.check({name: str(conf)}),
                             (1, f"millrace: {conf}:1: unknown setting 'typo'\n"))
        good = self.write("", "good.conf")
        self.assertEqual(self.check({"MILLRACE_CONF": str(conf)}, "--conf", good), (0, ""))
        self.assertEqual(self.check({"MILLRACE_CONF": ""}), (0, ""))
        self.assertEqual(self.check({"MILLRACE_CONF": str(good),
                                     "RABBITMQ_CONFIG_FILE": str(conf)}), (0, ""))

    def test_settings_in_a_variable_count_over_the_file_and_under_a_set(self):
        conf = self.write("millrace.io.workers = 2\n")
        variables = {"MILLRACE_SETTINGS": "millrace.io.workers = 3\nheartbeat = 5",
                     "MILLRACE_DATA_DIR": str(self.home / "elsewhere")}
        for more, workers in (((), "workers=3"), (("--set", "millrace.io.workers=5"), "workers=5")):
            broker = Broker("--conf", conf, *ANY_PORT, *more, env={**os.environ, **variables})
            self.addCleanup(broker.close)
            line = broker.wait_for_line(READY)
            self.assertIn(workers, line)
            self.assertIn(f"data_dir={self.home}/elsewhere", line)
            self.assertEqual(broker.stop(), 0)
        self.assertEqual(self.check({"MILLRACE_SETTINGS": "heartbeat = 1\nx = 2"}),
                         (1, "millrace: MILLRACE_SETTINGS:2: unknown setting 'x'\n"))

    def test_it_is_read_like_the_rest_of_the_configuration(self):
        self.assertEqual(self.check({"MILLRACE_DATA_DIR": "x" * 5000}),
                         (1, "millrace: MILLRACE_DATA_DIR: the value is too long\n"))


class Reload(MillraceTest):
    def test_sighup_changes_what_can_be_changed(self):
        conf = self.write("log.console.level = info\n")
        broker = self.start_ready("--conf", conf)
        self.write("log.console.level = debug\nmillrace.io.workers = 9\n")
        broker.send(signal.SIGHUP)
        changed = broker.wait_for_line("changed from")
        self.assertIn("setting 'log.console.level' changed from 'info' to 'debug'", changed)
        self.assertIn("'millrace.io.workers' keeps '4' until the next start, which will make it "
                      "'9'", broker.wait_for_line("keeps"))
        self.assertIn(f"file={conf} changed=1 waiting_for_a_restart=1",
                      broker.wait_for_line("read the configuration again"))
        self.assertEqual(broker.stop(), 0)

    def test_the_level_hides_what_is_less_important(self):
        conf = self.write("")
        broker = self.start_ready("--conf", conf)
        self.write("log.default.level = warning\nnet_ticktime = 60\n")
        broker.send(signal.SIGHUP)
        broker.wait_for_line("net_ticktime")
        self.assertEqual(broker.stop(), 0)
        self.assertNotIn("stops", "".join(broker.lines))

    def test_a_bad_file_leaves_the_old_settings(self):
        conf = self.write("log.console.level = info\n")
        broker = self.start_ready("--conf", conf)
        self.write("log.console.level = error\nbroken\n")
        broker.send(signal.SIGHUP)
        self.assertIn(f"{conf}:2: expected 'key = value'", broker.wait_for_line("error"))
        self.assertIn("the old settings stay", broker.wait_for_line("stay"))
        conf.unlink()
        broker.send(signal.SIGHUP)
        self.assertIn("it does not exist", broker.wait_for_line("cannot read"))
        broker.wait_for_line("stay")
        self.write("log.console.level = info\n")
        broker.send(signal.SIGHUP)
        broker.wait_for_line("read the configuration again")  # which an error level would hide
        self.assertEqual(broker.stop(), 0)

    def test_set_wins_after_a_reload_too(self):
        conf = self.write("")
        broker = self.start_ready("--conf", conf, "--set", "log.console.level=info")
        self.write("log.console.level = none\n")
        broker.send(signal.SIGHUP)
        broker.wait_for_line("read the configuration again")
        self.assertEqual(broker.stop(), 0)

    def test_without_a_file_there_is_nothing_to_read(self):
        broker = self.start_ready()
        broker.send(signal.SIGHUP)
        broker.wait_for_line("there is no configuration file to read again")
        self.assertEqual(broker.stop(), 0)

    def test_a_secret_is_never_said(self):
        conf = self.write("default_pass = hunter1\n")
        broker = self.start_ready("--conf", conf)
        for text in ("default_pass = hunter2\nanonymous_login_pass = hunter3\n",
                     "default_pass hunter4\n", "default_pas = hunter5\n",
                     "default_pass = 'hunter6' hunter7\n", "default_pass = 'hunter8\n",
                     "password hunter9\n", "default_pass\thunter9\n"):
            self.write(text)
            broker.send(signal.SIGHUP)
            broker.wait_for_line("configuration" if "hunter3" in text else "the old settings stay")
        self.assertEqual(broker.stop(), 0)
        self.assertIn("'default_pass' keeps what it is", "".join(broker.lines))
        self.assertNotIn("hunter", "".join(broker.lines))

    def test_many_hangups_and_a_stop_end_well(self):
        broker = self.start_ready("--conf", self.write(""))
        for _ in range(50):
            broker.send(signal.SIGHUP)
        self.assertEqual(broker.stop(), 0)


class Diagnostics(MillraceTest):
    def test_json_lines_are_objects(self):
        broker = self.start_ready("--set", "log.console.formatter=json")
        self.assertEqual(broker.stop(), 0)
        for line in broker.lines:
            self.assertEqual(set(json.loads(line)), {"time", "level", "domain", "msg"})
        self.assertIn(READY, broker.lines[-3] + broker.lines[-2] + broker.lines[-1])

    def test_a_file_gets_what_the_console_does_not(self):
        broker = self.start("--set", "log.console=false", "--set", "log.file=broker.log",
                            "--set", f"log.dir={self.home}", "--set", "log.file.level=debug")
        path = self.home / "broker.log"
        self.wait_for_ready_in(path, broker)
        self.assertEqual(broker.stop(), 0)
        self.assertEqual(broker.lines, [])
        self.assertIn("millrace stops as it was told", path.read_text())
        self.assertEqual(path.stat().st_mode & 0o137, 0)

    def wait_for_ready_in(self, path, broker):
        deadline = time.monotonic() + DEADLINE_S
        while READY not in (path.read_text() if path.exists() else ""):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(broker.process.poll())
            select.select([], [], [], 0.01)

    def test_sighup_opens_the_file_anew(self):
        path, moved = self.home / "broker.log", self.home / "moved.log"
        broker = self.start_ready("--set", f"log.file={path}")
        self.wait_for_ready_in(path, broker)  # the console has a line first
        path.rename(moved)
        broker.send(signal.SIGHUP)
        broker.wait_for_line("no configuration file to read again")
        self.assertEqual(broker.stop(), 0)
        self.assertIn(READY, moved.read_text())
        self.assertNotIn(READY, path.read_text())
        self.assertIn("stops as it was told", path.read_text())


class CheckConf(MillraceTest):
    def test_a_good_file_is_valid_and_nothing_is_made(self):
        conf = self.write("reverse_dns_lookups = true\n")
        result = self.call("--check-conf", "--conf", conf, "--data-dir", self.data)
        self.assertEqual((result.returncode, result.stdout), (0, "the configuration is valid\n"))
        self.assertEqual(result.stderr, f"millrace: warning: {conf}:1: 'reverse_dns_lookups' is "
                                        f"accepted but has no effect in this version\n")
        self.assertFalse(self.data.exists())

    def test_every_error_is_said(self):
        conf = self.write("x = 1\nmillrace.io.workers = 0\n")
        result = self.call("--check-conf", "--conf", conf)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(result.stderr.count("\n"), 2)
        self.assertTrue(all(line.startswith(f"millrace: {conf}:")
                            for line in result.stderr.splitlines()))

    def test_of_very_many_errors_ten_are_said(self):
        conf = self.write("x = 1\n" * 25)
        result = self.call("--check-conf", "--conf", conf)
        self.assertEqual(result.returncode, 1)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 11)
        self.assertEqual(lines[-1], "millrace: and 15 more errors")

    def test_a_missing_file_is_said(self):
        sentence = self.refused("--check-conf", "--conf", self.home / "none")
        self.assertIn("it does not exist", sentence)


class Arguments(MillraceTest):
    def test_help_and_version_go_to_standard_output(self):
        result = self.call("--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for option in ("--conf", "--data-dir", "--set", "--check-conf", "--print-conf",
                       "--print-man", "--version", "--help"):
            self.assertIn(option, result.stdout)
        self.assertTrue(all(len(line) <= 80 for line in result.stdout.splitlines()))

        result = self.call("--version")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        build = (ROOT / "CMakeLists.txt").read_text()
        version = re.search(r"project\(millrace VERSION (\S+)", build)[1]
        self.assertEqual(result.stdout, f"millrace {version}\n")

    def test_help_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            status = subprocess.run([program(), "--help"], stdout=full, check=False,
                                    timeout=DEADLINE_S).returncode
        self.assertEqual(status, 1)

    def test_what_makes_no_sense_ends_with_two(self):
        for arguments, part in ((["--foo"], "'--foo'"), (["x"], "'x'"), ([""], "''"), (["-h"], "h"),
                                (["--conf"], "--conf needs"), (["--set"], "--set needs"),
                                (["--check-conf=yes"], "takes no value"),
                                (["--con", "x"], "'--con'")):
            with self.subTest(arguments=arguments):
                self.assertIn(part, self.refused(*arguments, status=2))

    def test_a_value_may_follow_an_equals_sign(self):
        result = self.call("--check-conf", "--set=net_ticktime=60", f"--conf={self.write('')}")
        self.assertEqual(result.returncode, 0)
        self.assertIn("--set net_ticktime:", result.stderr)

    def test_the_sample_is_what_the_tables_print(self):
        result = self.call("--print-conf")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        sample = (ROOT / "conf" / "millrace.conf.sample").read_text()
        self.assertEqual(sample, result.stdout, "print it anew: build/bin/millrace --print-conf "
                                                "> conf/millrace.conf.sample")

    def test_the_manual_page_has_every_setting_and_no_mistake(self):
        result = self.call("--print-man")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        names = re.findall(r"(?m)^# (\S+) = ", self.call("--print-conf").stdout)
        for name in names:
            self.assertIn("\\fB" + name.replace("-", "\\-") + "\\fR = ", result.stdout)
        if shutil.which("groff") is None:
            self.skipTest("there is no groff to judge the page's form")
        page = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=result.stdout,
                              text=True, capture_output=True, check=True, timeout=DEADLINE_S)
        self.assertEqual(page.stderr, "")

    def test_the_sample_can_be_read_with_every_setting_on(self):
        text = self.call("--print-conf").stdout
        on = re.sub(r"(?m)^# (\S+ = )", r"\1", text)
        self.assertNotEqual(on, text)
        result = self.call("--check-conf", "--conf", self.write(on))
        self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
