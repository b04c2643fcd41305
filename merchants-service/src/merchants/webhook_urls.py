"""Webhook URLs, checked without holding anybody up: the check asks a name server, which may not answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future

from chassis.errors import BadRequest, Unavailable
from chassis.outbound import check_url

__all__ = ["checked_url"]

# A person is waiting at a form; a name server that takes longer is one that does not answer.
URL_CHECK_TIMEOUT_S = 2.0
# Look-ups that hang keep their threads for as long as the resolver goes on trying, half a minute at times.
URL_CHECKS_LIMIT = 8

_url_checks = threading.BoundedSemaphore(URL_CHECKS_LIMIT)


async def checked_url(
    url: str | None,
    *,
    allow_private_targets: bool,
    check: Callable[..., str | None] = check_url,
    timeout_s: float = URL_CHECK_TIMEOUT_S,
) -> str | None:
    """The webhook URL to store: None for an empty one, 400 for one that may not be called.

    A look-up cannot be interrupted. So it runs in a thread of its own that nobody waits for at the end, never with a
    transaction open, and is given up after ``timeout_s``.
    """
    stripped = (url or "").strip()
    if not stripped:
        return None
    if not _url_checks.acquire(blocking=False):
        raise Unavailable("Too many webhook URLs are being checked")
    outcome: Future[str | None] = Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(check(stripped, allow_private=allow_private_targets))
        finally:
            if not outcome.done():
                outcome.set_exception(RuntimeError("the check of a webhook URL broke off"))
            _url_checks.release()

    threading.Thread(target=run, name="webhook-url-check", daemon=True).start()
    try:
        problem = await asyncio.wait_for(asyncio.wrap_future(outcome), timeout_s)
    except TimeoutError:
        problem = "must have a host name that can be resolved"
    if problem:
        raise BadRequest(f"webhook_url {problem}")
    return stripped
