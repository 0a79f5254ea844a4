# A real Celery worker and its client against a broker.
"""usage: celery_client.py PORT"""
import contextlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

from scenarios import ask_for_restart, equal, report

WAIT_S = 60
LATER_S = 20
HERE = pathlib.Path(__file__).resolve().parent
os.environ["MILLRACE_CLIENT_PORT"] = sys.argv[1]
os.environ["MILLRACE_CLIENT_REPORTS"] = os.path.abspath("reports")
os.environ["C_FORCE_ROOT"] = "yes"
os.mkfifo("reports")

import celery  # noqa: E402 (these read the environment)
import celery_tasks  # noqa: E402


class Reports:
    """What tasks and workers say, line by line."""

    def __init__(self):
        self.pipe = os.open("reports", os.O_RDWR | os.O_NONBLOCK)
        self.rest = b""

    def take(self):
        deadline = time.monotonic() + WAIT_S
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.pipe], [], [], left)[0]:
                raise AssertionError("no report came")
            self.rest += os.read(self.pipe, 65536)
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode()


reports = Reports()


@contextlib.contextmanager
def worker(name):
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--concurrency=2",
         f"--hostname={name}@localhost", "--loglevel=WARNING"],
        cwd=os.getcwd(), env=dict(os.environ, PYTHONPATH=str(HERE)), stdin=subprocess.DEVNULL,
        stdout=sys.stderr, stderr=sys.stderr, start_new_session=True)
    try:
        equal(reports.take(), f"ready {name}@localhost", "the worker's report")
        yield process
        process.send_signal(signal.SIGTERM)
        equal(process.wait(WAIT_S), 0, "the worker's exit status")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def results():
    sent = [celery_tasks.add.delay(n, n) for n in range(30)]
    equal([result.get(timeout=WAIT_S) for result in sent], [2 * n for n in range(30)])
    try:
        celery_tasks.crash.delay().get(timeout=WAIT_S)
    except ValueError as error:
        equal(str(error), "the task's own fault")
    else:
        raise AssertionError("a task that fails has a result")


def workflow():
    """A chain hands each result on; the workers send the next message themselves."""
    chain = celery.chain(celery_tasks.add.s(1, 2), celery_tasks.add.s(4), celery_tasks.add.s(8))
    equal(chain.delay().get(timeout=WAIT_S), 15)
    group = celery.group(celery_tasks.add.s(n, 1) for n in range(10))
    equal(group.delay().get(timeout=WAIT_S), list(range(1, 11)))


def retry():
    equal(celery_tasks.fail_twice.delay().get(timeout=WAIT_S), 2, "the number of retries")


def countdown():
    """The worker holds the message until it is due; it is acked only then."""
    began = time.monotonic()
    equal(celery_tasks.add.apply_async((1, 1), countdown=1).get(timeout=WAIT_S), 2)
    assert time.monotonic() - began > 0.9, "the task ran too early"


def prefetch_grows():
    """For each message that it holds for later the worker asks for one more to be sent ahead.

    How it asks (basic.qos for the channel or for each consumer) hangs on who the broker says it is.
    """
    began = time.monotonic()
    for number in range(10):
        celery_tasks.add.apply_async((number, 1), countdown=LATER_S)
    equal(celery_tasks.add.delay(1, 1).get(timeout=WAIT_S), 2)
    assert time.monotonic() - began < LATER_S, "what is for later holds up what is for now"


def broadcast():
    """Workers are asked through a fanout exchange, and answer to a queue of the asker."""
    equal(celery_tasks.app.control.ping(destination=["first@localhost"], timeout=WAIT_S, limit=1),
          [{"first@localhost": {"ok": "pong"}}])
    inspect = celery_tasks.app.control.inspect(destination=["first@localhost"], timeout=WAIT_S,
                                               limit=1)
    tasks = inspect.registered()["first@localhost"]
    assert "celery_tasks.add" in tasks, tasks


def worker_lost():
    celery_tasks.die_once.delay()
    equal([reports.take() for _ in range(2)], ["die_once False", "die_once True"])


def wait_until_idle():
    """A pool that is stopped while it works takes half a minute to notice that it is done."""
    inspect = celery_tasks.app.control.inspect(destination=["first@localhost"], timeout=WAIT_S,
                                               limit=1)
    deadline = time.monotonic() + WAIT_S
    while any((inspect.active() or {None: [1]}).values()) or any(inspect.reserved().values()):
        assert time.monotonic() < deadline, "the worker is never done"


def restart(how):
    """The worker connects again by itself; what was sent before is done, and what comes after."""
    for number in range(20):
        celery_tasks.record.apply_async((number,), countdown=0)
    ask_for_restart(how)
    for number in range(20, 40):
        celery_tasks.record.apply_async((number,), retry=True)
    seen = set()
    while len(seen) < 40:
        line = reports.take()
        if line != "die_once True":  # it was told before it was acked, so it may come once more
            seen.add(int(line.removeprefix("record ")))
    equal(seen, set(range(40)), "what was done")
    wait_until_idle()


with worker("first"):
    for scenario in (results, workflow, retry, countdown, prefetch_grows, broadcast,
                     worker_lost):
        report(scenario.__name__, scenario)
    for way in ("stop", "kill"):
        report(way, lambda: restart(way))
