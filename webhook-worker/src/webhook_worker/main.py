"""The webhook worker, assembled."""

from __future__ import annotations

import resource

from chassis.db import Database
from chassis.settings import load
from chassis.worker import create_worker, run
from webhooks.contract import QUEUE
from webhooks.delivery import DeliveryEngine

from webhook_worker import tasks
from webhook_worker.settings import WebhookWorkerSettings

__all__ = ["main"]

# For POSTs under way, idle connections and everything else; the usual soft limit of 1024 is for programs that select().
_OPEN_FILES = 65_536


def main() -> None:
    settings = load(WebhookWorkerSettings)
    _raise_open_files()
    database = Database(settings, "webhook-worker")
    engine = DeliveryEngine(database, settings)
    app = create_worker("webhook_worker", settings, QUEUE)
    tasks.register(app, engine)
    engine.start()
    run(
        app,
        settings=settings,
        database=database,
        queue=QUEUE,
        sources=[engine.job_source()],
        periodic=engine.periodic(),
        on_stopping=engine.close,
        on_stop=engine.stop,
    )


def _raise_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
