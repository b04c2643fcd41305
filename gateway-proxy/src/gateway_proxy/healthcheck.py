"""`python -m gateway_proxy.healthcheck`: the container's health check. Asks for the API's health through the proxy."""

import http.client
import sys

PORT = 8000
TIMEOUT_SECONDS = 4


def is_healthy() -> bool:
    """Whether `/health` answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_healthy() else 1)
