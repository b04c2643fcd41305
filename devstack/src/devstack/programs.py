"""What a platform consists of: one `Program` per process, in the words of the supervisor."""

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path

from devstack.ports import EVERYWHERE, LOOPBACK, SERVICES, Ports
from devstack.settings import Database, Redis

# Groups stop in this order reversed: first the door, then who works, last what they work on.
GROUP_ORDER = ("servers", "application", "door")
# Services and workers end their work within 10 s; a little more before they are killed.
STOP_TIMEOUT_SECONDS = 12
DATABASE_STOP_TIMEOUT_SECONDS = 30


@dataclasses.dataclass(frozen=True)
class Program:
    """One supervised process.

    `user` is a system user to run under, for a supervisor that is root. `environment` comes on top
    of the supervisor's own.
    """

    name: str
    command: tuple[str, ...]
    group: str = "application"
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_timeout_seconds: int = STOP_TIMEOUT_SECONDS


def service_programs(
    ports: Ports, database: Database, redis: Redis, password: str | None, scale: Mapping[str, int]
) -> list[Program]:
    """The HTTP services; a further copy of one is called `payments-2`."""
    programs = []
    for service in SERVICES:
        for copy in range(scale.get(service, 1)):
            environment = {
                "DATABASE_URL": database.url(f"{service}_service", password),
                "REDIS_URL": redis.url,
                "HOST": LOOPBACK,
                "PORT": str(ports.of_service(service, copy)),
            }
            name = service if copy == 0 else f"{service}-{copy + 1}"
            programs.append(Program(name, (sys.executable, "-m", f"{service}.api"), environment=environment))
    return programs


def worker_programs(database: Database, redis: Redis, password: str | None, scale: Mapping[str, int]) -> list[Program]:
    """The Celery workers, one kind per queue."""
    kinds = {
        "payment-worker": (("payment_worker", "payments"), "payments_service"),
        "refund-worker": (("payment_worker", "refunds"), "refunds_service"),
        "webhook-worker": (("webhook_worker",), "webhooks_service"),
    }
    programs = []
    for kind, (arguments, role) in kinds.items():
        environment = {"DATABASE_URL": database.url(role, password), "REDIS_URL": redis.url}
        for copy in range(scale.get(kind, 1)):
            name = kind if copy == 0 else f"{kind}-{copy + 1}"
            programs.append(Program(name, (sys.executable, "-m", *arguments), environment=environment))
    return programs


def redis_program(binary: Path, data: Path, port: int, user: str | None) -> Program:
    """Redis without a disk: every job is a row in PostgreSQL, Redis only carries."""
    options = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(data),
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Program("redis", (str(binary), *arguments), group="servers", user=user, stop_timeout_seconds=5)


def nginx_program(binary: Path, work_folder: Path, configuration: Path) -> Program:
    """nginx ends the requests in flight on QUIT, for as long as `worker_shutdown_timeout` allows."""
    return Program("nginx", (str(binary), "-p", str(work_folder), "-c", str(configuration)), group="door", stop_signal="QUIT")


def upstream_values(ports: Ports, scale: Mapping[str, int]) -> dict[str, str]:
    """The addresses of each service's copies, as the proxy's template names them."""
    return {
        f"UPSTREAM_{service.upper()}": " ".join(
            f"{LOOPBACK}:{ports.of_service(service, copy)}" for copy in range(scale.get(service, 1))
        )
        for service in SERVICES
    }


def listen_lines(port: int, *, has_ipv6: bool, options: str = "") -> str:
    """The `listen` directives of a published port: `localhost` may mean either protocol."""
    lines = [f"listen {EVERYWHERE}:{port}{options};"]
    if has_ipv6:
        lines.append(f"listen [::]:{port}{options} ipv6only=on;")
    return "\n        ".join(lines)
