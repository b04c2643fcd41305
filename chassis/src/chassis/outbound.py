"""Which addresses a server may call on behalf of somebody else.

The guard sits where the socket is made: whatever a name, a redirect or an odd spelling (``http://2130706433/``)
resolved to, the address that is about to be dialled is what is judged.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

__all__ = ["URL_MAX_LENGTH", "AddressRefused", "check_url", "guarded_socket_factory", "is_public_address"]

URL_MAX_LENGTH = 2048
# Networks that ``is_global`` lets through although they lead inside: NAT64 and 6to4 carry an IPv4 address.
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"), ipaddress.ip_network("2002::/16"))


class AddressRefused(OSError):
    """The address is not one that may be called. An OSError, so that HTTP clients treat it as a failed connection."""


def is_public_address(text: str) -> bool:
    """Whether an IP address is globally reachable: not private, loopback, link-local, CGNAT, multicast, mapped…"""
    address = ipaddress.ip_address(text.split("%", 1)[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public_address(str(address.ipv4_mapped))
        if any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def guarded_socket_factory(allow_private: bool) -> Callable[[Any], socket.socket]:
    """For ``aiohttp.TCPConnector(socket_factory=…)``: opens a socket only towards an address that may be called."""

    def open_socket(address_info: Any) -> socket.socket:
        family, kind, protocol, _, address = address_info
        if not allow_private and not is_public_address(address[0]):
            raise AddressRefused(f"address {address[0]} is not allowed")
        return socket.socket(family, kind, protocol)

    return open_socket


def check_url(url: str, *, allow_private: bool) -> str | None:
    """What is wrong with a URL that somebody wants called, or None. Resolves the name; blocking."""
    if len(url) > URL_MAX_LENGTH:
        return f"must be at most {URL_MAX_LENGTH} characters long"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "must be a valid URL"
    if parts.scheme not in ("http", "https") or not host:
        return "must be an http or https URL"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user name or password"
    if any(character.isspace() or not character.isprintable() for character in url):
        return "must be a valid URL"
    if allow_private:
        return None
    return _check_host(host, port or (443 if parts.scheme == "https" else 80))


def _check_host(host: str, port: int) -> str | None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return "must have a host name that can be resolved"
    if not all(is_public_address(str(address[0])) for *_, address in found):
        return "must not point to a private or local address"
    return None
