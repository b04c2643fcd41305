"""What can be done with refunds: ask for one, settle a batch, look at them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.db import Cursor
from chassis.errors import ApiError
from chassis.idempotency import Answer, IdempotencyKey, decide
from chassis.ids import id_pattern, new_id
from chassis.rendering import render
from chassis.times import now
from payments import PaymentView, payment_json, read_payments
from webhooks import NewEvent, record_events

from refunds import repository
from refunds.errors import NotRefundable, RefundExceedsPayment, RefundNotFound, UnknownPayment
from refunds.repository import DueRefund, RefundView
from refunds.settings import RefundsSettings
from refunds.states import RefundStatus

__all__ = ["REFUND_ID", "CreateRefund", "Settled", "create_refund", "delay_ms", "get_refund", "refund_json", "settle"]

REFUND_PREFIX = "rfnd_"
REFUND_ID = id_pattern(REFUND_PREFIX)

_random = random.SystemRandom()


def delay_ms(settings: RefundsSettings) -> int:
    """How long the bank will take for a refund that is asked for now."""
    if settings.test_mode:
        return settings.test_processing_delay
    return _random.randint(settings.refund_delay_min_ms, max(settings.refund_delay_min_ms, settings.refund_delay_max_ms))


@dataclass(frozen=True, slots=True)
class CreateRefund:
    """A validated request; ``amount`` in paise."""

    merchant_id: str
    payment_id: str
    amount: int
    reason: str | None
    key: IdempotencyKey | None
    delay_ms: int
    request_id: str


def create_refund(cursor: Cursor, request: CreateRefund) -> Answer | ApiError:
    """Reserves the amount and creates a pending refund, or gives the answer that its idempotency key got before.

    Refunds of one payment take turns on its balance row; what they reserve is checked by a constraint besides.
    """
    payment = read_payments(cursor, [request.payment_id]).get(request.payment_id)
    refusal = _refusal(cursor, request, payment)
    refund = RefundView(
        new_id(REFUND_PREFIX), request.payment_id, request.merchant_id, request.amount, request.reason, "pending", now(), None
    )
    outcome = refusal or Answer(201, render(refund_json(refund)))
    (verdict,) = decide(cursor, [(request.key, outcome)])
    if verdict.carry_out and payment is not None:
        repository.reserve(cursor, refund.payment_id, refund.amount)
        repository.insert(cursor, refund, request.delay_ms, request.request_id)
        record_events(cursor, [_event("refund.created", refund, payment, request.request_id)])
    return verdict.answer


def _refusal(cursor: Cursor, request: CreateRefund, payment: PaymentView | None) -> ApiError | None:
    if payment is None or payment.merchant_id != request.merchant_id:
        return UnknownPayment()
    if payment.status != "success":
        return NotRefundable()
    available = repository.lock_available(cursor, payment.id, payment.amount)
    return RefundExceedsPayment() if request.amount > available else None


def refund_json(refund: RefundView) -> dict[str, Any]:
    return {
        "id": refund.id,
        "payment_id": refund.payment_id,
        "merchant_id": refund.merchant_id,
        "amount": refund.amount,
        "reason": refund.reason,
        "status": refund.status,
        "created_at": refund.created_at,
        "processed_at": refund.processed_at,
    }


def _event(name: str, refund: RefundView, payment: PaymentView, request_id: str | None) -> NewEvent:
    return NewEvent(
        merchant_id=refund.merchant_id,
        event=name,
        data={"payment": payment_json(payment), "refund": refund_json(refund)},
        occurred_at=refund.processed_at or (refund.created_at if refund.status == "pending" else now()),
        payment_id=payment.id,
        order_id=payment.order_id,
        request_id=request_id,
    )


def get_refund(cursor: Cursor, refund_id: str, merchant_id: str) -> dict[str, Any]:
    refund = repository.find(cursor, refund_id, merchant_id)
    if refund is None:
        raise RefundNotFound()
    return refund_json(refund)


# ---- settlement -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settled:
    refund: RefundView
    request_id: str | None
    lateness_s: float


def settle(cursor: Cursor, refund_ids: Sequence[str]) -> list[Settled]:
    """Gives the money back, or fails what no longer fits its payment, in one transaction.

    Safe to run twice, late, or after a crash: what has been settled is not pending any more.
    """
    due = repository.lock_due(cursor, refund_ids)
    if not due:
        return []
    payments = read_payments(cursor, [refund.payment_id for refund in due])
    excess = repository.refunded_beyond(cursor, [refund.payment_id for refund in due])
    outcomes = [(refund.id, _outcome(refund, payments[refund.payment_id], excess)) for refund in due]
    settled = repository.settle(cursor, outcomes)
    for refund in settled:
        if refund.status == "failed":
            repository.reserve(cursor, refund.payment_id, -refund.amount)
    by_id = {refund.id: refund for refund in due}
    record_events(
        cursor,
        [_event(f"refund.{r.status}", r, payments[r.payment_id], by_id[r.id].request_id) for r in settled],
    )
    return [Settled(refund, by_id[refund.id].request_id, by_id[refund.id].lateness_s) for refund in settled]


def _outcome(refund: DueRefund, payment: PaymentView, excess: dict[str, int]) -> RefundStatus:
    """The second check, by the refunds themselves and not by the balance that let them in."""
    if payment.status == "success" and excess.get(payment.id, 0) <= 0:
        return "processed"
    excess[payment.id] = excess.get(payment.id, 0) - refund.amount
    return "failed"
