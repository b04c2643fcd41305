"""Ports: which ones a platform uses, whether they are free, and who has one that is not."""

import contextlib
import dataclasses
import errno
import random
import socket
from collections.abc import Iterator
from pathlib import Path

from devstack.problems import StackError

SERVICES = ("merchants", "webhooks", "orders", "payments", "refunds")
# Further copies of a service follow the five first ones: enough for four copies of each.
SERVICE_PORTS = 20
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # the API and the pages are published as compose publishes them
# Below the range from which systems take the ports of outgoing connections.
FREE_PORT_FIRST = 15_000
FREE_PORT_LAST = 31_000
FREE_PORT_ATTEMPTS = 200


@dataclasses.dataclass(frozen=True)
class Ports:
    """The ports of one platform; `services` is the first of a range."""

    api: int = 8000
    dashboard: int = 3000
    checkout: int = 3001
    demo: int = 4000
    postgres: int = 5432
    redis: int = 6379
    services: int = 8101

    def of_service(self, name: str, copy: int = 0) -> int:
        """The port of a service's first copy (0) or of a further one."""
        return self.services + len(SERVICES) * copy + SERVICES.index(name)


def free_ports() -> Ports:
    """Ports of which nobody listens on any, for a platform beside others."""
    length = 6 + SERVICE_PORTS
    for _ in range(FREE_PORT_ATTEMPTS):
        first = random.randrange(FREE_PORT_FIRST, FREE_PORT_LAST - length)
        if all(is_free(EVERYWHERE, port) for port in range(first, first + length)):
            return Ports(*range(first, first + 7))
    raise StackError(f"no {length} free ports in a row between {FREE_PORT_FIRST} and {FREE_PORT_LAST}")


def is_free(address: str, port: int) -> bool:
    """Whether this process could listen on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise StackError(f"port {port}: {error.strerror}") from error
    return True


def owner_of_port(port: int) -> str | None:
    """The process that listens on a port, as "name (pid N)", where this system tells."""
    sockets = listening_sockets(port)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if sockets.intersection(open_files(folder / "fd")):
                return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
        except OSError:  # gone meanwhile, or another user's
            continue
    return None


def open_files(folder: Path) -> Iterator[str]:
    """The kernel's names of what a process has open."""
    for file in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            yield str(file.readlink())


def listening_sockets(port: int) -> set[str]:
    """The kernel's names of the sockets that listen on a port (Linux: /proc/net/tcp)."""
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            local_port, state = int(fields[1].rsplit(":", 1)[1], 16), fields[3]
            if local_port == port and state == "0A":
                found.add(f"socket:[{fields[9]}]")
    return found
