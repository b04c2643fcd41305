"""The states of a webhook log, as a table.

The statement that records attempts (``repository.record_attempts``) says the same in SQL, because it must judge the
row as it is when it is written; a test holds the two together, and CHECK constraints repeat what must never be.
"""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["ATTEMPTS_MAX", "STATUSES", "TRANSITIONS", "WebhookStatus", "status_after_attempt"]

WebhookStatus = Literal["pending", "success", "failed"]

STATUSES: tuple[WebhookStatus, ...] = get_args(WebhookStatus)
ATTEMPTS_MAX = 5

# Everything goes back to pending by a manual retry, also what has been delivered: receivers lose things too.
TRANSITIONS: frozenset[tuple[WebhookStatus, WebhookStatus]] = frozenset(
    {("pending", "pending"), ("pending", "success"), ("pending", "failed"), ("success", "pending"), ("failed", "pending")}
)


def status_after_attempt(attempts_before: int, succeeded: bool) -> WebhookStatus:
    """The status of a pending log after one more attempt; ``failed`` is a dead letter until somebody retries it."""
    if succeeded:
        return "success"
    return "failed" if attempts_before + 1 >= ATTEMPTS_MAX else "pending"
