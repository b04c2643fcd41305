"""The orders service, assembled."""

from __future__ import annotations

from chassis.app import create_app
from chassis.db import Database
from chassis.hot_paths import HotPaths
from chassis.idempotency import Answer
from chassis.lanes import Lane
from chassis.settings import load
from fastapi import FastAPI
from merchants import AuthenticationSettings, Authenticator

from orders.api.endpoints import create_router
from orders.service import CreateOrder, ReadOrder, create_orders, get_orders
from orders.settings import OrdersSettings

__all__ = ["create"]


def create(settings: OrdersSettings) -> FastAPI:
    database = Database(settings, "orders-service")
    queue_limit, timeout_ms = settings.write_queue_limit, settings.write_timeout_ms
    writer: Lane[CreateOrder, Answer] = Lane(
        "orders.create", database, create_orders, queue_limit=queue_limit, timeout_ms=timeout_ms
    )
    reader: Lane[ReadOrder, bytes] = Lane(
        "orders.read", database, get_orders, queue_limit=queue_limit, timeout_ms=timeout_ms, reads_only=True
    )
    authenticator = Authenticator(database, load(AuthenticationSettings))
    hot = HotPaths()
    return create_app(
        service="orders",
        title="Orders",
        description="What is to be paid, and whether it has been.",
        settings=settings,
        database=database,
        routers=[create_router(database, authenticator, writer, reader, hot)],
        hot=hot,
        lanes=[authenticator.lane, writer, reader],
    )
