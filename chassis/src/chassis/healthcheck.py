"""``python -m chassis.healthcheck service`` or ``worker``: the health check of a container.

It runs every few seconds in each container, so it loads next to nothing. A service is asked over HTTP; a worker has
beaten into PostgreSQL lately, or it is stuck, whatever its process looks like.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
from typing import Any

__all__ = ["service_is_healthy", "worker_is_healthy"]

# Longer than the probes behind /health may take, shorter than what the container engine allows a check.
_TIMEOUT_S = 3


def service_is_healthy(port: int) -> bool:
    """Whether ``/health`` answers 200; it does so as long as the database is there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker_is_healthy(database_url: str, role: str, password: str) -> bool:
    """Whether this container's worker has a fresh heartbeat."""
    import psycopg2

    from chassis.heartbeat import is_live_on

    login = {"user": role, "password": password}
    given: dict[str, Any] = {name: value for name, value in login.items() if value}
    url = database_url.replace("postgresql+psycopg2://", "postgresql://", 1)
    try:
        connection = psycopg2.connect(url, connect_timeout=_TIMEOUT_S, application_name="healthcheck", **given)
    except psycopg2.OperationalError:
        return False
    try:
        with connection.cursor() as cursor:
            return is_live_on(cursor, socket.gethostname())
    finally:
        connection.close()


def main(kind: str) -> int:
    if kind == "worker":
        environment = os.environ
        healthy = worker_is_healthy(
            environment["DATABASE_URL"],
            environment.get("DATABASE_ROLE", ""),
            environment.get("SERVICE_DATABASE_PASSWORD", ""),
        )
    else:
        healthy = service_is_healthy(int(os.environ["PORT"]))
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
