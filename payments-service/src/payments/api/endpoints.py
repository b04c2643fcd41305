"""Endpoints of the payments service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Annotated

from chassis.app import ApiResponse
from chassis.db import Cursor, Database
from chassis.errors import ApiError, BadRequest
from chassis.heartbeat import live_queues
from chassis.hot_paths import HotPaths
from chassis.http import request_id
from chassis.idempotency import Answer, key_from
from chassis.invariants import EVERYTHING_TIMEOUT_S, check_everything, check_recent
from chassis.jobs import job_totals
from chassis.lanes import Lane
from chassis.openapi import MERCHANT, documented
from chassis.pagination import From, Limit, Offset, To, page, period
from chassis.rendering import render
from chassis.requests import StorableText, read_json, read_model
from chassis.times import now
from fastapi import APIRouter, Query
from merchants import Authenticator
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from payments import repository, service
from payments.api.export import EXPORT_LIMIT, csv_lines
from payments.api.schemas import (
    CAPTURE_EXAMPLES,
    PAYMENT_EXAMPLES,
    CaptureBody,
    Invariants,
    JobTotals,
    PayBody,
    PaymentBody,
    PaymentId,
    PaymentPage,
    PublicPaymentBody,
    Statistics,
    TestJob,
    read_instrument,
)
from payments.contract import payment_json
from payments.errors import (
    ExpiredCard,
    InvalidCard,
    InvalidVpa,
    NotCapturable,
    OrderAlreadyPaid,
    PaymentNotFound,
    TooManyAttempts,
    UnknownOrder,
)
from payments.repository import PaymentFilter
from payments.service import PAYMENT_ID, CreatePayment
from payments.states import PaymentMethod, PaymentStatus
from payments.statistics import payment_statistics

__all__ = ["REQUIRED_QUEUES", "create_router"]

# Money needs all three to move.
REQUIRED_QUEUES = frozenset({"payments", "refunds", "webhooks"})
SEARCH_MAX_LENGTH = 255

Search = Annotated[
    StorableText | None, Query(max_length=SEARCH_MAX_LENGTH, description="Beginning of a payment id, order id or VPA")
]
OrderId = Annotated[StorableText | None, Query(max_length=64)]
Full = Annotated[bool, Query(description="Look at everything, not only at what changed lately")]

_CREATION_ERRORS = [
    OrderAlreadyPaid(),
    InvalidVpa(),
    InvalidCard("Card number is invalid"),
    ExpiredCard("Card has expired"),
    UnknownOrder(),
]
_CREATE = documented(
    "createPayment",
    answer=PaymentBody,
    body=PayBody,
    examples=PAYMENT_EXAMPLES,
    errors=_CREATION_ERRORS,
    by=MERCHANT,
    idempotent=True,
)
_CREATE_PUBLIC = documented(
    "createPublicPayment",
    answer=PublicPaymentBody,
    body=PayBody,
    examples=PAYMENT_EXAMPLES,
    errors=[*_CREATION_ERRORS, TooManyAttempts()],
    idempotent=True,
)
_CAPTURE = documented(
    "capturePayment",
    answer=PaymentBody,
    body=CaptureBody,
    body_required=False,
    examples=CAPTURE_EXAMPLES,
    errors=[NotCapturable(), BadRequest("amount must equal the payment's amount"), PaymentNotFound()],
    by=MERCHANT,
    idempotent=True,
)
_BAD_QUERY = BadRequest("limit must be at most 100")
_BAD_FULL = BadRequest("full must be a boolean")
_BAD_PERIOD = BadRequest("from must be an ISO 8601 date or time")
_LIST = documented("listPayments", answer=PaymentPage, errors=[_BAD_QUERY, _BAD_PERIOD], by=MERCHANT)
_EXPORT = documented("exportPayments", errors=[_BAD_PERIOD], by=MERCHANT)
_STATISTICS = documented("getPaymentStatistics", answer=Statistics, errors=[_BAD_PERIOD], by=MERCHANT)
_GET = documented("getPayment", answer=PaymentBody, errors=[PaymentNotFound()], by=MERCHANT)
_GET_PUBLIC = documented("getPublicPayment", answer=PublicPaymentBody, errors=[PaymentNotFound()])
_GET_PUBLIC_ALIAS = documented("getPublicPaymentByAlias", answer=PublicPaymentBody, errors=[PaymentNotFound()])


class _Csv(StreamingResponse):
    media_type = "text/csv"


def create_router(
    database: Database, authenticator: Authenticator, writer: Lane[CreatePayment, Answer], hot: HotPaths
) -> APIRouter:
    router = APIRouter(prefix="/api/v1")
    _add_creation(router, authenticator, writer, hot)
    _add_capture(router, database, authenticator)
    _add_lists(router, database, authenticator)
    _add_single_views(router, database, authenticator)
    _add_test_endpoints(router, database)
    return router


def _add_creation(router: APIRouter, authenticator: Authenticator, writer: Lane[CreatePayment, Answer], hot: HotPaths) -> None:
    @hot.add("POST", "/api/v1/payments")
    @router.post("/payments", status_code=201, **_CREATE)
    async def create_payment(request: Request) -> Response:
        """Asks the bank for the order's amount. The answer is pending; webhooks tell how it ends."""
        merchant = await authenticator.merchant(request)
        return (await writer.submit(await _read_payment(request, merchant.merchant_id))).response()

    @hot.add("POST", "/api/v1/payments/public")
    @router.post("/payments/public", status_code=201, **_CREATE_PUBLIC)
    async def create_public_payment(request: Request) -> Response:
        """The same from a checkout page, for whoever the order belongs to."""
        return (await writer.submit(await _read_payment(request, None))).response()


def _add_capture(router: APIRouter, database: Database, authenticator: Authenticator) -> None:
    @router.post("/payments/{payment_id}/capture", **_CAPTURE)
    async def capture_payment(request: Request, payment_id: PaymentId) -> Response:
        """Takes the money of a successful payment, once."""
        merchant = await authenticator.merchant(request)
        _refuse_malformed(payment_id)
        body = await read_model(request, CaptureBody, optional=True)
        material = [payment_id, body.amount]
        key = key_from(request.headers, merchant.merchant_id, "payments.capture", material)
        answer = await database.run_cursor(
            lambda cursor: service.capture(cursor, payment_id, merchant.merchant_id, body.amount, key)
        )
        if isinstance(answer, ApiError):
            raise answer
        return answer.response()


async def _read_payment(request: Request, merchant_id: str | None) -> CreatePayment:
    body, instrument = read_instrument(await read_json(request))
    endpoint = "payments" if merchant_id else "payments.public"
    material = [body.order_id, body.amount, body.currency, *instrument.material]
    return CreatePayment(
        merchant_id=merchant_id,
        order_id=body.order_id,
        amount=body.amount,
        currency=body.currency,
        instrument=instrument,
        key=key_from(request.headers, merchant_id or "", endpoint, material),
        request_id=request_id(request.scope),
    )


def _add_lists(router: APIRouter, database: Database, authenticator: Authenticator) -> None:
    @router.get("/payments", **_LIST)
    async def list_payments(
        request: Request,
        limit: Limit = 10,
        offset: Offset = 0,
        status: PaymentStatus | None = None,
        method: PaymentMethod | None = None,
        order_id: OrderId = None,
        q: Search = None,
        created_from: From = None,
        created_to: To = None,
    ) -> Response:
        """Payments, newest first."""
        merchant = await authenticator.merchant(request)
        wanted = PaymentFilter(status, method, order_id, q or None, *period(created_from, created_to))

        def read(cursor: Cursor) -> bytes:
            payments = repository.page_of_payments(cursor, merchant.merchant_id, wanted, limit, offset)
            total = repository.count_payments(cursor, merchant.merchant_id, wanted)
            return render(page([payment_json(payment) for payment in payments], total, limit, offset))

        return ApiResponse(await database.run_cursor(read))

    @router.get("/payments/export", response_class=_Csv, **_EXPORT)
    async def export_payments(
        request: Request,
        status: PaymentStatus | None = None,
        method: PaymentMethod | None = None,
        order_id: OrderId = None,
        q: Search = None,
        created_from: From = None,
        created_to: To = None,
    ) -> Response:
        """All matches as CSV, newest first."""
        merchant = await authenticator.merchant(request)
        wanted = PaymentFilter(status, method, order_id, q or None, *period(created_from, created_to))

        def lines() -> Iterator[str]:
            with database.cursor() as cursor:
                yield from csv_lines(repository.stream_payments(cursor, merchant.merchant_id, wanted, EXPORT_LIMIT, 1000))

        return _Csv(
            lines(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="payments.csv"'}
        )

    @router.get("/payments/stats", **_STATISTICS)
    async def get_payment_statistics(request: Request, created_from: From = None, created_to: To = None) -> Response:
        """Figures for charts: totals, success rate, per day (UTC), per method. A period counts whole days."""
        merchant = await authenticator.merchant(request)
        start, before = period(created_from, created_to)
        return await _answer(database, lambda cursor: payment_statistics(cursor, merchant.merchant_id, start, before))


def _add_single_views(router: APIRouter, database: Database, authenticator: Authenticator) -> None:
    @router.get("/payments/public/{payment_id}", **_GET_PUBLIC_ALIAS)
    @router.get("/payments/{payment_id}/public", **_GET_PUBLIC)
    async def get_public_payment(payment_id: PaymentId) -> Response:
        """What a checkout page polls."""
        _refuse_malformed(payment_id)
        return await _answer(database, lambda cursor: service.get_public_payment(cursor, payment_id))

    @router.get("/payments/{payment_id}", **_GET)
    async def get_payment(request: Request, payment_id: PaymentId) -> Response:
        """One of the merchant's payments."""
        merchant = await authenticator.merchant(request)
        _refuse_malformed(payment_id)
        return await _answer(database, lambda cursor: service.get_payment(cursor, payment_id, merchant.merchant_id))


def _add_test_endpoints(router: APIRouter, database: Database) -> None:
    @router.get("/test/jobs/status", **documented("getJobStatus", answer=JobTotals))
    async def get_job_status() -> Response:
        """Jobs not started, being run, done and failed, over all queues; and whether every queue has a worker."""

        def read(cursor: Cursor) -> dict[str, int | str]:
            running = live_queues(cursor) >= REQUIRED_QUEUES
            return job_totals(cursor) | {"worker_status": "running" if running else "stopped"}

        return await _answer(database, read)

    @router.post("/test/jobs/enqueue", status_code=201, **documented("enqueueTestJob", answer=TestJob))
    async def enqueue_test_job() -> Response:
        """Puts a job through the payments queue that does nothing but be done."""
        job_id, created_at = await database.run_cursor(repository.insert_test_job)
        return ApiResponse(render({"id": job_id, "queue": "payments", "status": "pending", "created_at": created_at}), 201)

    # Anybody may ask, and looking at everything is work for the database: one at a time.
    taking_turns = asyncio.Lock()

    @router.get("/test/invariants", **documented("getInvariants", answer=Invariants, errors=[_BAD_FULL]))
    async def get_invariants(full: Full = False) -> Response:
        """Whether all that must hold does, by what the database itself finds. Looks at what changed in the last
        minutes; with ``full=true`` at everything, which takes seconds where there is much."""
        async with taking_turns:
            checks = await database.run_cursor(check_everything if full else check_recent, EVERYTHING_TIMEOUT_S)
        violated = any(check.violations for check in checks)
        report = {"status": "violated" if violated else "ok", "checks": [asdict(check) for check in checks], "checked_at": now()}
        return ApiResponse(render(report))


async def _answer(database: Database, read: Callable[[Cursor], object]) -> ApiResponse:
    return ApiResponse(render(await database.run_cursor(read)))


def _refuse_malformed(payment_id: str) -> None:
    """An id that no payment can have needs no look-up, and may hold what PostgreSQL cannot compare."""
    if not PAYMENT_ID.fullmatch(payment_id):
        raise PaymentNotFound()
