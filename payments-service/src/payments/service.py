"""What can be done with payments: create and settle, a batch at a time; capture; look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.db import Cursor
from chassis.errors import ApiError, BadRequest
from chassis.idempotency import Answer, IdempotencyKey, decide
from chassis.ids import id_pattern, new_id
from chassis.rendering import render
from chassis.times import now
from orders import PayableOrder, mark_orders_paid, payable_orders
from webhooks import NewEvent, record_events

from payments import repository
from payments.acquirer import Acquirer, Decline
from payments.contract import PaymentView, payment_json, public_payment_json
from payments.errors import NotCapturable, OrderAlreadyPaid, PaymentNotFound, TooManyAttempts, UnknownOrder
from payments.instruments import Card, Instrument, Upi
from payments.repository import DuePayment, NewPayment, Tally

__all__ = ["PAYMENT_ID", "CreatePayment", "capture", "create_payments", "get_payment", "get_public_payment", "settle"]

PAYMENT_PREFIX = "pay_"
PAYMENT_ID = id_pattern(PAYMENT_PREFIX)

# The bank approved, but another payment of the same order was first.
ALREADY_PAID = Decline("ORDER_ALREADY_PAID", "The order was paid by another payment")


# ---- creation -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreatePayment:
    """A validated request. ``merchant_id`` None: from the public checkout, for whoever the order belongs to.

    ``amount`` and ``currency``, if the client sent them, must be the order's. The merchant of ``key`` is known only
    once the order is read.
    """

    merchant_id: str | None
    order_id: str
    amount: int | None
    currency: str | None
    instrument: Instrument
    key: IdempotencyKey | None
    request_id: str


@dataclass(frozen=True, slots=True)
class _Draft:
    """A request and what it would become if it were new."""

    request: CreatePayment
    key: IdempotencyKey | None
    payment: PaymentView | None
    outcome: Answer | ApiError


def create_payments(
    cursor: Cursor, requests: Sequence[CreatePayment], acquirer: Acquirer, public_attempts_limit: int
) -> list[Answer | ApiError]:
    """Creates a pending payment for each request, or gives the answer that its idempotency key got before.

    The public checkout may try an order ``public_attempts_limit`` times: it is where stolen card numbers are tried out.

    The order is only read: whether it is still unpaid is decided when the payment is settled, under its lock.
    """
    orders = payable_orders(cursor, [request.order_id for request in requests])
    created_at = now()
    public = {request.order_id for request in requests if request.merchant_id is None}
    exhausted = repository.orders_with_attempts(cursor, public, public_attempts_limit)
    drafts = [_draft(request, orders.get(request.order_id), created_at, exhausted) for request in requests]
    verdicts = decide(cursor, [(draft.key, draft.outcome) for draft in drafts])
    new = [draft for draft, verdict in zip(drafts, verdicts, strict=True) if verdict.carry_out]
    if new:
        _write(cursor, new, acquirer)
    return [verdict.answer for verdict in verdicts]


def _draft(request: CreatePayment, order: PayableOrder | None, created_at: datetime, exhausted: set[str]) -> _Draft:
    merchant_id = request.merchant_id or (order.merchant_id if order else None)
    key = request.key.of(merchant_id) if request.key and merchant_id else None
    refusal = _refusal(request, order, exhausted)
    if refusal is not None or order is None:
        return _Draft(request, key, None, refusal or UnknownOrder())
    payment = _pending_payment(request, order, created_at)
    document = payment_json(payment) if request.merchant_id else public_payment_json(payment)
    return _Draft(request, key, payment, Answer(201, render(document)))


def _refusal(request: CreatePayment, order: PayableOrder | None, exhausted: set[str]) -> ApiError | None:
    if order is None or request.merchant_id not in (None, order.merchant_id):
        return UnknownOrder()
    if request.amount is not None and request.amount != order.amount:
        return BadRequest("amount must equal the order's amount")
    if request.currency is not None and request.currency != order.currency:
        return BadRequest("currency must equal the order's currency")
    if order.status == "paid":
        return OrderAlreadyPaid()
    return TooManyAttempts() if request.merchant_id is None and order.id in exhausted else None


def _pending_payment(request: CreatePayment, order: PayableOrder, created_at: datetime) -> PaymentView:
    instrument = request.instrument
    return PaymentView(
        id=new_id(PAYMENT_PREFIX),
        order_id=order.id,
        merchant_id=order.merchant_id,
        amount=order.amount,
        currency=order.currency,
        method="upi" if isinstance(instrument, Upi) else "card",
        status="pending",
        captured=False,
        vpa=instrument.vpa if isinstance(instrument, Upi) else None,
        card_network=instrument.network if isinstance(instrument, Card) else None,
        card_last4=instrument.last4 if isinstance(instrument, Card) else None,
        error_code=None,
        error_description=None,
        created_at=created_at,
        updated_at=created_at,
    )


def _write(cursor: Cursor, drafts: Sequence[_Draft], acquirer: Acquirer) -> None:
    new = [
        NewPayment(draft.payment, draft.request.instrument.instruction, acquirer.delay_ms(), draft.request.request_id)
        for draft in drafts
        if draft.payment is not None
    ]
    repository.insert_payments(cursor, new)
    repository.add_tallies(
        cursor, (Tally(p.view.merchant_id, p.view.created_at.date(), p.view.method, "pending", p.view.amount) for p in new)
    )
    record_events(
        cursor,
        [_event(name, payment.view, payment.request_id) for payment in new for name in ("payment.created", "payment.pending")],
    )


def _event(name: str, payment: PaymentView, request_id: str | None) -> NewEvent:
    return NewEvent(
        merchant_id=payment.merchant_id,
        event=name,
        data={"payment": payment_json(payment)},
        occurred_at=payment.updated_at,
        payment_id=payment.id,
        order_id=payment.order_id,
        request_id=request_id,
    )


# ---- settlement -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settled:
    payment: PaymentView
    request_id: str | None
    lateness_s: float


def settle(cursor: Cursor, payment_ids: Sequence[str], acquirer: Acquirer) -> list[Settled]:
    """Asks the bank about the payments that still wait for it and writes its answers, in one transaction.

    Safe to run twice, late, or after a crash: what has been settled is not pending any more, and what a twin has
    locked is left to it. Orders are marked paid here; of two approved payments of one order, the one that marks it
    succeeds and the other fails. The partial unique index on successful payments stands behind that.
    """
    due = repository.lock_due(cursor, payment_ids)
    if not due:
        return []
    outcomes = _outcomes(cursor, due, acquirer)
    settled = repository.settle_payments(cursor, list(outcomes.items()))
    by_id = {payment.id: payment for payment in due}
    repository.add_tallies(cursor, _moves(settled, by_id))
    record_events(cursor, [_event(f"payment.{payment.status}", payment, by_id[payment.id].request_id) for payment in settled])
    return [Settled(payment, by_id[payment.id].request_id, by_id[payment.id].lateness_s) for payment in settled]


def _outcomes(cursor: Cursor, due: Sequence[DuePayment], acquirer: Acquirer) -> dict[str, Decline | None]:
    outcomes = {payment.id: acquirer.answer(payment.method, payment.instruction) for payment in due}
    approved = [payment for payment in due if outcomes[payment.id] is None]
    free = mark_orders_paid(cursor, sorted({payment.order_id for payment in approved}))
    for payment in approved:
        if payment.order_id in free:
            free.remove(payment.order_id)
        else:
            outcomes[payment.id] = ALREADY_PAID
    return outcomes


def _moves(settled: Sequence[PaymentView], due: dict[str, DuePayment]) -> list[Tally]:
    moves: list[Tally] = []
    for payment in settled:
        day = due[payment.id].created_on
        moves.append(Tally(payment.merchant_id, day, payment.method, "pending", payment.amount, -1))
        moves.append(Tally(payment.merchant_id, day, payment.method, payment.status, payment.amount))
    return moves


# ---- capture and looking --------------------------------------------------------------------------------------------


def capture(
    cursor: Cursor, payment_id: str, merchant_id: str, amount: int | None, key: IdempotencyKey | None
) -> Answer | ApiError:
    """Captures a successful payment, once. Racing captures take turns on its lock; exactly one of them captures."""
    payment = repository.find(cursor, payment_id, merchant_id, for_update=True)
    captured_at = now()
    (verdict,) = decide(cursor, [(key, _capture_outcome(payment, amount, captured_at))])
    if verdict.carry_out and not repository.mark_captured(cursor, payment_id, merchant_id, captured_at):
        raise NotCapturable()
    return verdict.answer


def _capture_outcome(payment: PaymentView | None, amount: int | None, captured_at: datetime) -> Answer | ApiError:
    if payment is None:
        return PaymentNotFound()
    if payment.status != "success" or payment.captured:
        return NotCapturable()
    if amount is not None and amount != payment.amount:
        return BadRequest("amount must equal the payment's amount")
    return Answer(200, render(payment_json(payment) | {"captured": True, "updated_at": captured_at}))


def get_payment(cursor: Cursor, payment_id: str, merchant_id: str) -> dict[str, Any]:
    payment = repository.find(cursor, payment_id, merchant_id)
    if payment is None:
        raise PaymentNotFound()
    return payment_json(payment)


def get_public_payment(cursor: Cursor, payment_id: str) -> dict[str, Any]:
    payment = repository.find(cursor, payment_id, None)
    if payment is None:
        raise PaymentNotFound()
    return public_payment_json(payment)
