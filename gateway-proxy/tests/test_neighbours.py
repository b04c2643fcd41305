"""Whom the proxy believes."""

import ipaddress

from gateway_proxy.neighbours import neighbour_networks

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
# A container at 172.18.0.5 in 172.18.0.0/16, whose gateway is 172.18.0.1; bytes in the order of a small-endian machine.
ROUTES = (
    HEADER
    + "eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    + "eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
)


def is_trusted(address: str) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in neighbour_networks(ROUTES))


def test_other_containers_are_trusted():
    assert is_trusted("172.18.0.2")
    assert is_trusted("172.18.255.254")


def test_the_host_behind_the_gateway_is_not():
    assert not is_trusted("172.18.0.1")


def test_other_private_networks_are_not():
    assert not is_trusted("172.19.0.2")
    assert not is_trusted("192.168.1.20")


def test_without_a_network_nobody_is_trusted():
    assert neighbour_networks(HEADER) == []
