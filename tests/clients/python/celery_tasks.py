# The application that celery_client.py runs in a real Celery worker.
import os

from celery import Celery
from celery.signals import worker_ready

PORT = os.environ["MILLRACE_CLIENT_PORT"]
REPORTS = os.environ["MILLRACE_CLIENT_REPORTS"]  # a named pipe to the program that watches

app = Celery("celery_tasks", broker=f"amqp://guest:guest@127.0.0.1:{PORT}//", backend="rpc://")
app.conf.update(
    task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1,
    broker_connection_timeout=30, broker_transport_options={"confirm_publish": True},
    task_default_priority=None, worker_hijack_root_logger=False)


def tell(line):
    """Lines that are short enough do not mix, whoever writes them."""
    with open(REPORTS, "w", encoding="utf-8") as reports:
        reports.write(f"{line}\n")


@worker_ready.connect
def on_ready(sender=None, **_):
    tell(f"ready {sender.hostname}")


@app.task
def add(x, y):
    return x + y


@app.task(bind=True, default_retry_delay=0, max_retries=3)
def fail_twice(self):
    if self.request.retries < 2:
        raise self.retry()
    return self.request.retries


@app.task
def crash():
    raise ValueError("the task's own fault")


@app.task
def record(number):
    tell(f"record {number}")


@app.task(bind=True)
def die_once(self):
    """Kills the process that runs it, unless the message comes for the second time."""
    redelivered = self.request.delivery_info["redelivered"]
    tell(f"die_once {redelivered}")
    if not redelivered:
        os.abort()
