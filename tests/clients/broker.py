# A broker for the client programs: ours, or RabbitMQ to see that a program is right about AMQP.
"""Both have a port, start(), stop() as an operator does it, and kill() as a crash does it.

start() returns when clients can connect; the port and the data stay the same from start to start.
"""
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 60  # generous: a slow machine is not a failure
# Below the ports that the kernel gives to outgoing connections: one of those could take the port
# of a stopped broker, or be a client that is connected to itself.
PORTS = range(20000, 32000)
LINES_SHOWN = 40


def free_port():
    """A port that nobody listens on, on loopback."""
    chance = random.SystemRandom()
    while True:
        port = chance.choice(PORTS)
        with socket.socket() as attempt:
            try:
                attempt.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Broker:
    """A broker process whose lines are read as they come."""

    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-clients-"))
        self.port = free_port()
        self.process = None
        self.lines = []
        self.changed = threading.Condition()

    def command(self):
        """What to run, with which environment, and which part of a line says that it is ready."""
        raise NotImplementedError

    def start(self):
        arguments, environment, ready = self.command()
        seen = len(self.lines)
        self.process = subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        errors="replace", start_new_session=True)
        reader = threading.Thread(target=self.read_lines, args=(self.process,), daemon=True)
        reader.start()
        with self.changed:
            self.changed.wait_for(lambda: any(ready in line for line in self.lines[seen:])
                                  or not reader.is_alive(), DEADLINE_S)
            if not any(ready in line for line in self.lines[seen:]):
                raise AssertionError(f"the broker does not start:\n{self.last_lines()}")

    def read_lines(self, process):
        for line in process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        process.stdout.close()
        with self.changed:
            self.changed.notify_all()

    def last_lines(self):
        with self.changed:
            return "\n".join(self.lines[-LINES_SHOWN:])

    def stop(self):
        """Asks it to stop; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def close(self):
        if self.is_running():
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)


class Millrace(Broker):
    name = "millrace"

    def command(self):
        path = pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin"))
        program = path / "millrace" if path.is_dir() else path
        return [program, "--data-dir", self.home / "data", "--set",
                f"listeners.tcp.default=127.0.0.1:{self.port}", "--set",
                "management.tcp.port=none", "--set", "prometheus.tcp.port=none"], None, "is ready"


class RabbitMQ(Broker):
    """RabbitMQ as Debian packs it, beside any other on the machine, with an epmd of its own."""
    name = "rabbitmq"

    def __init__(self):
        super().__init__()
        self.epmd_port = free_port()
        self.dist_port = free_port()
        self.epmd = subprocess.Popen(["epmd", "-port", str(self.epmd_port), "-address",
                                      "127.0.0.1"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL)

    def command(self):
        home = str(self.home)
        (self.home / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self.port}\nloopback_users.guest = true\n"
            f"log.console = true\nlog.console.level = info\n")
        (self.home / "plugins").write_text("[].\n")
        environment = dict(
            os.environ, HOME=home, ERL_EPMD_PORT=str(self.epmd_port),
            ERL_EPMD_ADDRESS="127.0.0.1", RABBITMQ_DIST_PORT=str(self.dist_port),
            RABBITMQ_NODENAME=f"clients{self.port}@localhost", RABBITMQ_MNESIA_BASE=home,
            RABBITMQ_LOG_BASE=home, RABBITMQ_CONFIG_FILE=f"{home}/rabbitmq.conf",
            RABBITMQ_ADVANCED_CONFIG_FILE=f"{home}/none.config",
            RABBITMQ_CONF_ENV_FILE=f"{home}/none", RABBITMQ_PID_FILE=f"{home}/pid",
            RABBITMQ_ENABLED_PLUGINS_FILE=f"{home}/plugins",
            RABBITMQ_SERVER_START_ARGS="-start_epmd false -kernel inet_dist_use_interface "
                                       "{127,0,0,1}",
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 2:2")
        environment.pop("RABBITMQ_NODE_PORT", None)
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"], environment, "Server startup complete"

    def kill(self):
        """The server is a shell script's child: the whole session that start() made."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def close(self):
        super().close()
        self.epmd.kill()
        self.epmd.wait()


def new():
    """The broker that MILLRACE_TEST_BROKER names: millrace, or rabbitmq."""
    kinds = {kind.name: kind for kind in (Millrace, RabbitMQ)}
    return kinds[os.environ.get("MILLRACE_TEST_BROKER", "millrace")]()
