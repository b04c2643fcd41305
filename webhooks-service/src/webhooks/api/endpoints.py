"""Endpoints of the webhooks service."""

from __future__ import annotations

from typing import Annotated

from chassis.app import ApiResponse
from chassis.db import Database
from chassis.errors import BadRequest
from chassis.http import request_id
from chassis.openapi import MERCHANT, documented
from chassis.pagination import From, Limit, Offset, To, page, period
from chassis.rendering import render
from chassis.requests import StorableText, read_model
from fastapi import APIRouter, Query
from merchants import Authenticator
from starlette.requests import Request
from starlette.responses import Response

from webhooks import repository, service
from webhooks.api.schemas import (
    RETRY_FAILED_EXAMPLES,
    EventDetail,
    EventId,
    EventPage,
    FailedCount,
    RetryFailedBody,
    RetryScheduled,
    WebhookDetail,
    WebhookId,
    WebhookItem,
    WebhookPage,
    event_detail_json,
    event_json,
    webhook_detail_json,
    webhook_json,
)
from webhooks.contract import EventName
from webhooks.errors import EventNotFound, WebhookNotFound, WebhookUrlMissing
from webhooks.repository import EventFilter, LogFilter
from webhooks.states import WebhookStatus

__all__ = ["create_router"]

# As long as the columns are.
Id = Annotated[StorableText | None, Query(max_length=64)]

_BAD_QUERY = BadRequest("limit must be at most 100")
_LIST = documented("listWebhooks", answer=WebhookPage, errors=[_BAD_QUERY], by=MERCHANT)
_GET = documented("getWebhook", answer=WebhookDetail, errors=[WebhookNotFound()], by=MERCHANT)
_TEST = documented("sendTestWebhook", answer=WebhookItem, errors=[WebhookUrlMissing()], by=MERCHANT)
_RETRY = documented("retryWebhook", answer=RetryScheduled, errors=[WebhookNotFound()], by=MERCHANT)
_RETRY_FAILED = documented(
    "retryFailedWebhooks",
    answer=FailedCount,
    body=RetryFailedBody,
    body_required=False,
    examples=RETRY_FAILED_EXAMPLES,
    errors=[BadRequest("from must be an ISO 8601 date or time")],
    by=MERCHANT,
)
_LIST_EVENTS = documented("listEvents", answer=EventPage, errors=[_BAD_QUERY], by=MERCHANT)
_GET_EVENT = documented("getEvent", answer=EventDetail, errors=[EventNotFound()], by=MERCHANT)


def create_router(database: Database, authenticator: Authenticator) -> APIRouter:
    router = APIRouter(prefix="/api/v1")
    _add_webhooks(router, database, authenticator)
    _add_retries(router, database, authenticator)
    _add_events(router, database, authenticator)
    return router


def _add_webhooks(router: APIRouter, database: Database, authenticator: Authenticator) -> None:
    @router.get("/webhooks", **_LIST)
    async def list_webhooks(
        request: Request,
        limit: Limit = 10,
        offset: Offset = 0,
        status: WebhookStatus | None = None,
        event: EventName | None = None,
        payment_id: Id = None,
        created_from: From = None,
        created_to: To = None,
    ) -> Response:
        """Deliveries, newest first."""
        merchant = await authenticator.merchant(request)
        wanted = LogFilter(status, event, payment_id, *period(created_from, created_to))
        logs, total = await database.run(
            lambda session: repository.list_logs(session, merchant.merchant_id, wanted, limit, offset)
        )
        return ApiResponse(render(page([webhook_json(log) for log in logs], total, limit, offset)))

    @router.get("/webhooks/{webhook_id}", **_GET)
    async def get_webhook(request: Request, webhook_id: WebhookId) -> Response:
        """One delivery with its payload, the last response, and every attempt ever made."""
        merchant = await authenticator.merchant(request)
        view = await database.run(lambda session: service.get_webhook(session, merchant.merchant_id, webhook_id))
        return ApiResponse(render(webhook_detail_json(view)))

    @router.post("/webhooks/test", status_code=201, **_TEST)
    async def send_test_webhook(request: Request) -> Response:
        """Queues a ``webhook.test`` delivery with a sample payment to the merchant's webhook URL."""
        merchant = await authenticator.merchant(request)
        log = await database.run(lambda session: service.send_test(session, merchant.merchant_id, request_id(request.scope)))
        return ApiResponse(render(webhook_json(log)), 201)


def _add_retries(router: APIRouter, database: Database, authenticator: Authenticator) -> None:
    @router.post("/webhooks/retry-failed", **_RETRY_FAILED)
    async def retry_failed_webhooks(request: Request) -> Response:
        """Schedules failed deliveries, up to 10,000, oldest first; with ``dry_run`` only counts them."""
        merchant = await authenticator.merchant(request)
        body = await read_model(request, RetryFailedBody, optional=True)
        wanted = LogFilter("failed", body.event, None, *period(body.created_from, body.created_to))
        use_case = service.count_failed if body.dry_run else service.retry_failed
        count = await database.run(lambda session: use_case(session, merchant.merchant_id, wanted))
        return ApiResponse(render({"count": count}))

    @router.post("/webhooks/{webhook_id}/retry", **_RETRY)
    async def retry_webhook(request: Request, webhook_id: WebhookId) -> Response:
        """Delivers again at once, with five attempts to go, whatever became of the delivery before."""
        merchant = await authenticator.merchant(request)
        await database.run(lambda session: service.retry(session, merchant.merchant_id, webhook_id))
        return ApiResponse(render({"id": webhook_id.lower(), "status": "pending", "message": "Webhook retry scheduled"}))


def _add_events(router: APIRouter, database: Database, authenticator: Authenticator) -> None:
    @router.get("/events", **_LIST_EVENTS)
    async def list_events(
        request: Request,
        limit: Limit = 10,
        offset: Offset = 0,
        event: EventName | None = None,
        payment_id: Id = None,
        order_id: Id = None,
        created_from: From = None,
        created_to: To = None,
    ) -> Response:
        """Everything that happened to the merchant's payments and refunds, newest first, delivered or not."""
        merchant = await authenticator.merchant(request)
        wanted = EventFilter(event, payment_id, order_id, *period(created_from, created_to))
        events, total = await database.run(
            lambda session: repository.list_events(session, merchant.merchant_id, wanted, limit, offset)
        )
        return ApiResponse(render(page([event_json(found) for found in events], total, limit, offset)))

    @router.get("/events/{event_id}", **_GET_EVENT)
    async def get_event(request: Request, event_id: EventId) -> Response:
        """One event with its deliveries."""
        merchant = await authenticator.merchant(request)
        view = await database.run(lambda session: service.get_event(session, merchant.merchant_id, event_id))
        return ApiResponse(render(event_detail_json(view)))
