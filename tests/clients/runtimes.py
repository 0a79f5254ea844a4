# The clients: how the program of each is run, what it needs on this machine, what it must report.
import os
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NODE_PACKAGES = ROOT / "build" / "npm"  # scripts/install-needs puts them there
NODE_OLDEST = 18  # what both libraries from npm ask for
GO_PATH = "/usr/share/gocode"  # where Debian's Go libraries are
PREPARE_S = 300

SCENARIOS = ["publish_confirm", "ack_nack_requeue", "topic", "headers", "ttl_dead_letter",
             "priority", "rpc", "direct_reply_to", "large", "mandatory_return", "channel_error",
             "stop", "kill"]
# some are asked what no client need know
EXTENSIONS = ["delayed", "once", "streams", "keeps", "replay", "group", "atomic"]


class Absent(Exception):
    """What a client needs is not on this machine."""


def is_good(*command, **options):
    """Whether a command can be run and ends well."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=PREPARE_S, check=False,
                              **options).returncode == 0
    except FileNotFoundError:
        return False


class Client:
    """A library and its program."""

    def __init__(self, name, scenarios=None):
        self.name = name
        self.scenarios = scenarios or SCENARIOS

    def command(self, place):
        """What to run, without the port. `place` is an empty folder to build in."""
        raise NotImplementedError


class Python(Client):
    """Debian's Python sees Debian's libraries; the one first in PATH may not."""

    def __init__(self, name, modules, **options):
        super().__init__(name, **options)
        self.modules = modules

    def command(self, place):
        for python in ("/usr/bin/python3", "python3"):
            if is_good(python, "-c", f"import {self.modules}"):
                return [python, "-u", HERE / "python" / f"{self.name}_client.py"]
        raise Absent(f"no python3 here can import {self.modules}")


class Interpreted(Client):
    """A language where one call shows whether the library is there."""

    def __init__(self, name, probe, program, **options):
        super().__init__(name, **options)
        self.probe, self.program = probe, program

    def command(self, place):
        if not is_good(*self.probe):
            raise Absent(f"'{' '.join(self.probe)}' fails")
        return [self.probe[0], *self.program[:-1], HERE / self.program[-1]]


class C(Client):
    """Built with everything else, when the library was there."""

    def command(self, place):
        folder = pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin"))
        program = folder / "client_rabbitmq_c"
        if not program.exists():
            raise Absent("librabbitmq was not there when this was built")
        return [program]


class Go(Client):
    """Built each time: that takes seconds, and needs no network."""

    def command(self, place):
        if not pathlib.Path(GO_PATH, "src/github.com/rabbitmq/amqp091-go").is_dir():
            raise Absent("the Go library amqp091-go is not in Debian's place for it")
        if not shutil.which("go"):
            raise Absent("there is no go")
        program = place / "client"
        built = subprocess.run(
            ["go", "build", "-o", program, HERE / "go" / "amqp091_client.go"], text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=PREPARE_S, check=False,
            env=dict(os.environ, GO111MODULE="off", GOPATH=GO_PATH, CGO_ENABLED="0",
                     GOCACHE=str(ROOT / "build" / "go-cache"), GOFLAGS="", GOTOOLCHAIN="local"))
        if built.returncode != 0:
            raise AssertionError(f"the Go program does not build:\n{built.stderr}")
        return [program]


class Node(Client):
    """Packages from npm, whose names the program is told."""

    def __init__(self, name, package, program, **options):
        super().__init__(name, **options)
        self.package, self.program = package, program

    def command(self, place):
        try:
            said = subprocess.run(["node", "--version"], capture_output=True, text=True,
                                  check=True).stdout
        except FileNotFoundError:
            raise Absent("there is no node") from None
        if int(re.match(r"v(\d+)", said)[1]) < NODE_OLDEST:
            raise Absent(f"node {said.strip()} is older than {NODE_OLDEST}")
        if not (NODE_PACKAGES / "node_modules" / self.package).is_dir():
            raise Absent(f"{self.package} is not in build/npm; scripts/install-needs test gets it")
        # Node looks for packages beside the program.
        shutil.copytree(HERE / "node", place, dirs_exist_ok=True)
        (place / "node_modules").symlink_to(NODE_PACKAGES / "node_modules")
        return ["node", place / self.program, self.package]


CLIENTS = {client.name: client for client in [
    Python("pika", "pika", scenarios=SCENARIOS + EXTENSIONS),
    Python("amqp", "amqp"),
    Python("kombu", "kombu"),
    Python("celery", "celery", scenarios=[
        "results", "workflow", "retry", "countdown", "prefetch_grows", "broadcast", "worker_lost",
        "stop", "kill"]),
    Python("aio_pika", "aio_pika"),
    C("rabbitmq_c"),
    Interpreted("bunny", ["ruby", "-e", "require 'bunny'"], ["ruby/bunny_client.rb"]),
    Interpreted("php_amqplib", ["php", "-r", "require 'PhpAmqpLib/autoload.php';"],
                ["php/amqplib_client.php"]),
    Interpreted("anyevent", ["perl", "-MAnyEvent::RabbitMQ", "-e", "1"],
                ["perl/anyevent_client.pl"]),
    Go("amqp091_go", scenarios=SCENARIOS + EXTENSIONS),
    Node("amqplib", "amqplib", "amqplib_client.js", scenarios=SCENARIOS + EXTENSIONS),
    Node("amqplib_0_10", "amqplib-0.10", "amqplib_client.js", scenarios=SCENARIOS + EXTENSIONS),
    Node("rabbitmq_client", "rabbitmq-client", "rabbitmq_client_client.js"),
]}
