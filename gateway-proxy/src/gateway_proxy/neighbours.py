"""Whose word about a client's address is taken: the other containers of this network, and nobody else's.

The gateway of the network is left out: through it comes whoever uses the published port from the host itself, and
would otherwise choose its own address in `X-Forwarded-For`, and with it the limits that count by address.
"""

import ipaddress
import socket
from pathlib import Path

__all__ = ["ROUTES", "neighbour_networks"]

# Linux's own routing table: a header, then interface, destination, gateway, …, mask at the eighth place, in
# hexadecimal numbers whose bytes are in the machine's order.
ROUTES = Path("/proc/net/route")
DESTINATION, GATEWAY, MASK = 1, 2, 7
NOWHERE = "00000000"


def neighbour_networks(routes: str) -> list[str]:
    """The directly connected networks of a routing table without their gateways, as networks in CIDR form."""
    rows = [line.split() for line in routes.splitlines()[1:]]
    gateways = {address_of(row[GATEWAY]) for row in rows if row[GATEWAY] != NOWHERE}
    networks = [
        ipaddress.IPv4Network(f"{address_of(row[DESTINATION])}/{address_of(row[MASK])}")
        for row in rows
        if row[GATEWAY] == NOWHERE
    ]
    return [str(part) for network in networks for part in without(network, gateways)]


def without(network: ipaddress.IPv4Network, addresses: set[ipaddress.IPv4Address]) -> list[ipaddress.IPv4Network]:
    """The network in as many parts as it takes to leave the addresses out."""
    parts = [network]
    for address in addresses:
        parts = [
            rest
            for part in parts
            for rest in (part.address_exclude(ipaddress.IPv4Network(address)) if address in part else [part])
        ]
    return sorted(parts)


def address_of(hexadecimal: str) -> ipaddress.IPv4Address:
    """An address as the kernel writes it."""
    return ipaddress.IPv4Address(socket.ntohl(int(hexadecimal, 16)))
