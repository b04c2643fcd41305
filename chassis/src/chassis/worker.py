"""The Celery worker every queue runs in, with its dispatcher."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging, worker_process_init, worker_ready, worker_shutdown, worker_shutting_down
from celery.worker import state as worker_state
from kombu import Connection
from prometheus_client import start_http_server
from pydantic import Field

from chassis import logging
from chassis.db import Database
from chassis.jobs import Consumer, Dispatcher, JobSource, Periodic
from chassis.settings import ProcessSettings

__all__ = ["WorkerSettings", "create_worker", "run"]


class WorkerSettings(ProcessSettings):
    """What every worker takes."""

    # Threads: each has its own pooled connection. Tasks are batches, so few are enough.
    worker_concurrency: int = Field(default=2, ge=1, le=64)
    worker_pool: str = Field(default="threads", pattern="^(threads|prefork|solo)$")
    # 0 turns the metrics server off.
    worker_metrics_port: int = Field(default=0, ge=0, le=65535)


# Between two tries to reach Redis again. Left to itself Celery waits ever longer, up to half a minute, and every payment
# would wait with it long after Redis is back.
_RECONNECT_INTERVAL_S = 0.5


class _EagerConnection(Connection):
    def _ensure_connection(self, *arguments: Any, **options: Any) -> Any:
        pace = {"interval_start": _RECONNECT_INTERVAL_S, "interval_step": 0, "interval_max": _RECONNECT_INTERVAL_S}
        return super()._ensure_connection(*arguments, **{**options, **pace})


class _EagerAmqp(AMQP):
    Connection = _EagerConnection


_CELERY = Consumer(taken=lambda: worker_state.all_total_count[0], in_hand=lambda: len(worker_state.reserved_requests))


def create_worker(name: str, settings: WorkerSettings, queue: str) -> Celery:
    """A Celery application that takes from one queue, acknowledges early and keeps no results.

    Early acknowledgement and no visibility timeout to speak of, because redelivery is the lease's business: with
    both at work a slow task would be run by each.
    """
    app = Celery(name, broker=settings.redis_url, amqp=_EagerAmqp)
    app.conf.update(
        task_default_queue=queue,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_concurrency=settings.worker_concurrency,
        worker_pool=settings.worker_pool,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"socket_timeout": 10, "socket_connect_timeout": 2, "health_check_interval": 10},
    )
    return app


def run(
    app: Celery,
    *,
    settings: WorkerSettings,
    database: Database,
    queue: str,
    sources: Sequence[JobSource],
    periodic: Sequence[Periodic] = (),
    on_stopping: Callable[[], None] | None = None,
    on_stop: Callable[[], None] | None = None,
) -> None:
    """Consumes the queue and dispatches its due rows until SIGTERM; running tasks are finished first.

    ``on_stopping`` is called as soon as SIGTERM comes and must return at once; ``on_stop`` once no task runs any more.
    """
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    service = f"{queue}-worker"
    logging.configure(service, settings.log_level)
    dispatcher = Dispatcher(database, settings.redis_url, queue, _CELERY, sources, periodic)

    # Signals keep weak references: the handlers live as long as this frame does.
    @setup_logging.connect
    def keep_our_logging(**_: Any) -> None:
        """Celery leaves logging alone as soon as somebody listens to this signal."""

    @worker_process_init.connect
    def forget_parents_connections(**_: Any) -> None:
        database.forget_connections()

    @worker_ready.connect
    def start_dispatcher(**_: Any) -> None:
        dispatcher.start()

    @worker_shutting_down.connect
    def stop_claiming(**_: Any) -> None:
        # What is claimed from here on would lie in Redis until its lease ends: nobody takes it any more.
        dispatcher.close()
        if on_stopping is not None:
            on_stopping()

    @worker_shutdown.connect
    def stop(**_: Any) -> None:
        dispatcher.stop()
        if on_stop is not None:
            on_stop()

    # Celery warns root because a pickle in a message could run anything; this worker reads JSON alone.
    warnings.simplefilter("ignore", SecurityWarning)
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port, addr="127.0.0.1")
    app.worker_main(
        [
            "--quiet",
            "worker",
            f"--queues={queue}",
            f"--hostname={queue}@%h",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )
