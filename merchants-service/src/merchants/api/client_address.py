"""Where a request comes from, for counting failures."""

from __future__ import annotations

import ipaddress

from starlette.requests import Request

__all__ = ["client_address"]

# One household or office gets a whole /64, and may use any address in it.
_IPV6_SUBSCRIBER_BITS = 64


def client_address(request: Request) -> str:
    """The client's IPv4 address or IPv6 network.

    The last entry of ``X-Forwarded-For`` counts, which is what the proxy saw, and only where the proxy can have
    written it: from this machine or a private network. Whoever comes from outside past the proxy is taken for what
    the socket says.
    """
    peer = _parsed(request.client.host) if request.client else None
    if peer is None or peer.is_private or peer.is_loopback:
        peer = _parsed(request.headers.get("x-forwarded-for", "").rpartition(",")[2]) or peer
    if peer is None:
        return "unknown"
    if isinstance(peer, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((peer, _IPV6_SUBSCRIBER_BITS), strict=False))
    return str(peer)


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip().split("%", 1)[0])
    except ValueError:
        return None
    # A socket that listens on both families shows IPv4 clients in IPv6 clothes.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
