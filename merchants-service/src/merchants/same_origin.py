"""Whether a browser sent a request from our own pages.

A cookie travels with whatever page makes the browser send something, so a cookie alone proves nothing about who
wants a change. Browsers say by themselves where a request comes from, and pages cannot forge it.

Sources: https://www.w3.org/TR/fetch-metadata/ and https://www.rfc-editor.org/rfc/rfc6454 (Origin)
"""

from __future__ import annotations

from chassis.errors import Forbidden
from starlette.datastructures import Headers

__all__ = ["refuse_foreign_pages", "require_same_origin"]

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_REFUSED = "Cross-site request refused"


def require_same_origin(headers: Headers) -> None:
    """For a write that a cookie authenticates: 403 without proof that it comes from a page of this very origin."""
    site = headers.get("sec-fetch-site")
    # Browsers leave the header out on plain http beyond localhost; there the origin has to do.
    if not (site == "same-origin" if site is not None else _origin_is_host(headers)):
        raise Forbidden(_REFUSED)


def refuse_foreign_pages(headers: Headers) -> None:
    """For signing in and up: 403 where another site's page makes a browser do it, so that nobody is signed in to
    somebody else's account without noticing. Programs, which send neither header, pass."""
    site = headers.get("sec-fetch-site")
    by_site = site is not None and site not in ("same-origin", "none")
    by_origin = site is None and "origin" in headers and not _origin_is_host(headers)
    if by_site or by_origin:
        raise Forbidden(_REFUSED)


def _origin_is_host(headers: Headers) -> bool:
    host = headers.get("host", "").lower()
    scheme, _, authority = headers.get("origin", "").lower().partition("://")
    default_port = _DEFAULT_PORTS.get(scheme)
    if default_port is None or not host:
        return False
    return authority.removesuffix(default_port) == host.removesuffix(default_port)
