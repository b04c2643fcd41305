"""What every error of the API looks like, whoever answers."""

from __future__ import annotations

import re

import httpx

__all__ = ["refused"]

_CODE = re.compile(r"[A-Z]+(_[A-Z]+)+")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def refused(response: httpx.Response, *statuses: int) -> dict[str, str]:
    """The error of a response that must have one of the statuses, in the envelope and with a request id."""
    where = f"{response.request.method} {response.request.url}: {response.status_code} {response.text[:300]}"
    assert response.status_code in statuses, where
    assert response.headers["content-type"].split(";")[0] == "application/json", where
    assert _REQUEST_ID.fullmatch(response.headers["x-request-id"]), where
    document = response.json()
    assert set(document) == {"error"}, where
    assert set(document["error"]) == {"code", "description"}, where
    assert _CODE.fullmatch(document["error"]["code"]), where
    assert document["error"]["description"], where
    return dict(document["error"])
