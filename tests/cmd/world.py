# A broker with settings, and short ways to use it, for tests of the programs.
"""Runs the programs in the folder that MILLRACE_BIN names; build/bin by default."""
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dialogue"))
import broker  # noqa: E402
import peer  # noqa: E402
import player  # noqa: E402
import wire  # noqa: E402

BIN = pathlib.Path(broker.program()).parent


class World:
    """A broker with settings, and what probes ask of it."""

    def __init__(self, test, *settings):
        self.test = test
        self.begin = 0  # of the diagnostics of the process that runs
        self.broker = broker.Broker(settings)
        test.addCleanup(self.broker.close)

    def peer(self):
        one = peer.Peer(self.broker.host, self.broker.port)
        self.test.addCleanup(one.socket.close)
        return one

    def start(self):
        """A connection that got connection.start, and its values."""
        one = self.peer()
        one.send(wire.GREETING)
        return one, player.take_named(one, 0, "connection.start")

    def start_ok(self, mechanism, response):
        """A connection that says who it is, and the next frame."""
        one, _ = self.start()
        one.send_method(0, "connection.start-ok", {
            "client_properties": [(b"capabilities", ("F", [
                (b"authentication_failure_close", ("t", True))]))],
            "mechanism": mechanism, "locale": b"en_US", "response": response})
        return one, one.take(0)

    def tune(self):
        return self.start_ok(b"PLAIN", b"\0guest\0guest")[1].values

    def login(self, **given):
        one = self.peer()
        player.login(one, {**player.LOGIN, **given})
        player.open_channel(one, 1)
        return one

    def call(self, one, name, reply, **values):
        one.send_method(1, name, values)
        return player.take_named(one, 1, reply)

    def refused(self, one, name, code, **values):
        one.send_method(1, name, values)
        frame = one.take(1)
        self.test.assertEqual((frame.name, frame.values["reply_code"]), ("channel.close", code))
        return frame.values["reply_text"].decode()

    def publish(self, one, queue, body, mode=2):
        one.send_method(1, "basic.publish", {"routing_key": queue})
        header = wire.encode_header(len(body), {"delivery_mode": mode})
        one.send(wire.encode_content(1, header, body, one.frame_max))

    def restart(self):
        self.begin = self.broker.diag.stat().st_size
        self.broker.restart()

    def stop(self):
        self.broker.stop()

    def files(self, pattern):
        return sorted((self.broker.home / "data").glob(pattern))

    def wait(self, is_true, what):
        deadline = time.monotonic() + broker.DEADLINE_S
        while not is_true():
            self.test.assertLess(time.monotonic(), deadline, what)
            self.broker.pause()

    def wait_files(self, pattern, count):
        self.wait(lambda: len(self.files(pattern)) >= count, f"{count} files {pattern}")

    def dump(self, *arguments):
        return subprocess.run([BIN / "millrace-logdump", *arguments, self.broker.home / "data"],
                              check=True, text=True, capture_output=True, timeout=60).stdout
