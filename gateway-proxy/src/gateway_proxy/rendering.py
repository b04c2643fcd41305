"""From templates and settings to the files that nginx reads.

Only `${NAMES_IN_BRACES}` are filled in, which is what the nginx image's `envsubst` does too, so
nginx's own `$variables` need no escaping.
"""

import dataclasses
import ipaddress
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

CONTEXTS = ("merchants", "webhooks", "orders", "payments", "refunds")
PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
STATIC_FILES = ("mime.types", "routes.conf")
# Longer than any answer of a service should take; a service gives up by itself well before.
READ_TIMEOUT_SECONDS = "30"
# No copy is ever left out for what happened before. A refused connection costs a fraction of a millisecond and the
# request goes to the next copy; remembering it keeps requests from a copy that is back, and where the other one
# is replaced in that very second nobody is left to answer (502).
SERVER_OPTIONS = "max_fails=0"
UPSTREAM_ADDRESS = re.compile(r"[A-Za-z0-9_.-]+:[0-9]{1,5}")


class ProxyConfigurationError(Exception):
    """A setting is missing or wrong; the message names it."""


@dataclasses.dataclass(frozen=True)
class Site:
    """A further server block that this nginx serves: a template and the values it needs."""

    template: Path
    values: Mapping[str, str]


def render(template: str, values: Mapping[str, str]) -> str:
    """The template with every `${NAME}` filled in; an unknown name is an error."""

    def value_of(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            raise ProxyConfigurationError(f"{match[1]}: the nginx configuration needs it") from None

    return PLACEHOLDER.sub(value_of, template)


def render_configuration(source: Path, target: Path, values: Mapping[str, str], sites: Sequence[Site] = ()) -> Path:
    """Writes the configuration below `target` and answers with its main file.

    `values` holds the names of `nginx.conf.template`, where `UPSTREAM_<CONTEXT>` is one or more
    addresses `host:port` and `TRUSTED_PROXIES` are networks, each list with spaces between.
    """
    target.mkdir(parents=True, exist_ok=True)
    complete = {"READ_TIMEOUT_SECONDS": READ_TIMEOUT_SECONDS, **values, **derived_values(values)}
    for name in STATIC_FILES:
        shutil.copyfile(source / name, target / name)
    main = target / "nginx.conf"
    main.write_text(render((source / "nginx.conf.template").read_text(), complete))
    folder = target / "sites"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for site in sites:
        text = render(site.template.read_text(), {**complete, **site.values})
        (folder / f"{site.template.parent.name}.conf").write_text(text)
    return main


def derived_values(values: Mapping[str, str]) -> dict[str, str]:
    """What the template needs and nobody should have to write by hand."""
    limited = required(values, "RATE_LIMIT_ENABLED").lower() in ("true", "1")
    derived = {f"SERVERS_{name.upper()}": server_lines(values, f"UPSTREAM_{name.upper()}") for name in CONTEXTS}
    networks = required(values, "TRUSTED_PROXIES").split()
    return {
        **derived,
        # nginx does not count a request whose key is empty.
        "RATE_LIMIT_KEY": "$http_x_api_key" if limited else '""',
        "RATE_LIMIT_ADDRESS": "$binary_remote_addr" if limited else '""',
        "RATE_LIMIT_BURST_PER_KEY": str(2 * int(required(values, "RATE_LIMIT_PER_KEY"))),
        "RATE_LIMIT_BURST_PER_ADDRESS": str(2 * int(required(values, "RATE_LIMIT_PER_ADDRESS"))),
        "TRUSTED_PROXY_LINES": "\n    ".join(f"set_real_ip_from {network};" for network in networks),
    }


def required(values: Mapping[str, str], name: str) -> str:
    """A value that has to be there."""
    if name not in values:
        raise ProxyConfigurationError(f"{name}: the nginx configuration needs it")
    return values[name]


def server_lines(values: Mapping[str, str], name: str) -> str:
    """The `server` lines of an upstream; names are looked up again whenever their answer expires."""
    lines = []
    for address in required(values, name).split():
        if UPSTREAM_ADDRESS.fullmatch(address) is None:
            raise ProxyConfigurationError(f"{name}: must be HOST:PORT, not {address!r}")
        resolve = "" if is_ip_address(address.rsplit(":", 1)[0]) else " resolve"
        lines.append(f"server {address} {SERVER_OPTIONS}{resolve};")
    if not lines:
        raise ProxyConfigurationError(f"{name}: must name at least one HOST:PORT")
    return "\n        ".join(lines)


def is_ip_address(host: str) -> bool:
    """Whether the host needs no name server."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
