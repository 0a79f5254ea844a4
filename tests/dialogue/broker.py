# A broker for tests: started on a free port with a data folder of its own, watched, restarted.
"""Runs the program in the folder (or at the path) that MILLRACE_BIN names; build/bin by default."""
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(1, str(ROOT / "tests" / "lib"))
import certificates  # noqa: E402

DEADLINE_S = 60
READY = "is ready"
POLL_S = 0.01


def program():
    path = pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin"))
    return str(path / "millrace" if path.is_dir() else path)


class Broker:
    """One broker process at a time, on one data folder."""

    host = "127.0.0.1"
    arguments = ()  # more of them
    prefix = ()  # of the whole command

    def __init__(self, settings=(), is_tls=False, data=None):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-dialogue-"))
        self.data = data or self.home / "data"
        self.own_settings = tuple(settings)
        self.settings = list(settings)
        self.kind, self.terms = "tcp", None
        if is_tls:
            self.certify()
        self.diag = self.home / "diag"
        self.port = 0
        self.process = None
        self.memory_first, self.is_stopping = 0, False
        self.start()

    def certify(self):
        """Clients come by TLS only, and trust the certificate."""
        authority = certificates.Authority(self.home, "authority")
        own = authority.issue("broker", alternatives="DNS:localhost")
        self.kind = "ssl"
        self.settings += ["listeners.tcp=none", f"ssl_options.certfile={own.certificate}",
                          f"ssl_options.keyfile={own.key}"]
        self.terms = ssl.create_default_context(cafile=authority.certificate)

    def start(self):
        """Starts it and waits until it is ready; then `port` is known."""
        begin = self.launch()
        line = self.wait_log(READY, begin)
        self.port = int(re.search(r" amqps?=\S*:(\d+)", line)[1])

    def launch(self):
        """Starts it; returns where its diagnostics begin."""
        self.is_stopping = False
        arguments = [*self.prefix, program(), "--data-dir", self.data, *self.arguments]
        for setting in [f"listeners.{self.kind}.default={self.host}:{self.port}",
                        "management.tcp.port=none", "prometheus.tcp.port=none", *self.settings]:
            arguments += ["--set", setting]
        begin = self.diag.stat().st_size if self.diag.exists() else 0
        with open(self.diag, "ab") as out:
            self.process = subprocess.Popen(list(map(str, arguments)), stdin=subprocess.DEVNULL,
                                            stderr=out)
        return begin

    def wait_log(self, part, begin=0):
        """Waits for a line with `part` in what was written to standard error; returns it."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            is_over = self.process.poll() is not None
            text = self.diag.read_bytes()[begin:].decode("utf-8", "replace")
            for line in text.split("\n")[:-1]:
                if part in line:
                    return line
            if is_over or time.monotonic() > deadline:
                raise AssertionError(f"no line with '{part}' came: {text[-2000:]}")
            self.pause()

    def pause(self):
        """Waits a moment for the end of the process."""
        try:
            self.process.wait(POLL_S)
        except subprocess.TimeoutExpired:
            pass

    def restart(self, is_kill=False):
        self.stop(is_kill)
        self.start()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def begin_stop(self):
        """Tells it to stop."""
        self.is_stopping = True
        self.process.send_signal(signal.SIGTERM)

    def stop(self, is_kill=False):
        """Ends it; an exit status that is not good is a failure."""
        if is_kill:
            return self.kill()
        if not self.is_stopping:
            self.begin_stop()
        status = self.process.wait(DEADLINE_S)
        if status != 0:
            raise AssertionError(f"the broker ended with {status}: {self.last_lines()}")
        return None

    def last_lines(self):
        return self.diag.read_bytes()[-2000:].decode("utf-8", "replace")

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.home)

    # ---- how much it has ----

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self):
        """Bytes of it that are in memory."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        size = re.search(r"VmRSS:\s+(\d+) kB", text)
        if not size:
            raise AssertionError(f"the broker has ended: {self.last_lines()}")
        return int(size[1]) * 1024

    def memory_more(self):
        return self.memory() - self.memory_first


class Elsewhere:
    """A broker that somebody else started: no restart, no look at its process."""

    host = "127.0.0.1"
    terms = None

    def __init__(self, port):
        self.port = port

    def restart(self, is_kill=False):
        raise Skipped("it is not ours to restart")

    def begin_stop(self):
        raise Skipped("it is not ours to stop")

    def wait_log(self, part):
        raise Skipped("its diagnostics are elsewhere")

    def memory_more(self):
        raise Skipped("its process is not known")

    def close(self):
        """Nothing was started."""


class Skipped(Exception):
    """This case cannot be played against this broker."""
