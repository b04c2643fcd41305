"""Payments as CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from chassis.times import wire_time

from payments.contract import PaymentView

__all__ = ["EXPORT_LIMIT", "csv_lines"]

# A spreadsheet holds a little over a million rows, and a request should end: whoever needs more narrows the period.
EXPORT_LIMIT = 100_000

_COLUMNS = (
    "id", "order_id", "amount", "currency", "method", "status", "captured", "vpa", "card_network", "card_last4",
    "error_code", "error_description", "created_at", "updated_at",
)  # fmt: skip


def csv_lines(chunks: Iterable[Iterable[PaymentView]]) -> Iterator[str]:
    """A header and a line per payment, a chunk at a time. ``amount`` in paise."""
    yield ",".join(_COLUMNS) + "\r\n"
    for chunk in chunks:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        for payment in chunk:
            writer.writerow(_cells(payment))
        yield buffer.getvalue()


def _cells(payment: PaymentView) -> list[object]:
    values = {name: getattr(payment, name) for name in _COLUMNS}
    values["captured"] = "true" if payment.captured else "false"
    values["created_at"], values["updated_at"] = wire_time(payment.created_at), wire_time(payment.updated_at)
    return [_inert(value) for value in values.values()]


def _inert(value: object) -> object:
    """Spreadsheets run cells that begin like a formula; a VPA may begin with a minus."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
