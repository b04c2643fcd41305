"""What the shop is told by its environment. Every value has a default that fits `./gateway up` on the same machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Settings", "WrongSetting", "read_settings"]


class WrongSetting(Exception):
    """One line that names the variable."""


@dataclass(frozen=True)
class Settings:
    api_url: str
    # None: the checkout of the host by whose name the customer's browser knows this shop.
    checkout_url: str | None
    checkout_port: int
    api_key: str
    # Neither secret ever reaches a page or a log.
    api_secret: str = field(repr=False)
    # None: the gateway is asked for it when the shop starts.
    webhook_secret: str | None = field(repr=False)
    webhook_url: str
    host: str
    port: int
    file: Path


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings; an empty value counts as none."""
    given = {name: value for name, value in environment.items() if value}
    port = _port(given, "GATEWAY_DEMO_PORT", 4000)
    return Settings(
        api_url=_url(given, "GATEWAY_API_URL", "http://127.0.0.1:8000"),
        checkout_url=_url(given, "GATEWAY_CHECKOUT_URL", "") or None,
        checkout_port=_port(given, "GATEWAY_CHECKOUT_PORT", 3001),
        api_key=given.get("GATEWAY_API_KEY", "key_test_abc123"),
        api_secret=given.get("GATEWAY_API_SECRET", "secret_test_xyz789"),
        webhook_secret=given.get("GATEWAY_WEBHOOK_SECRET"),
        webhook_url=_url(given, "GATEWAY_DEMO_WEBHOOK_URL", f"http://127.0.0.1:{port}/webhook"),
        host=given.get("GATEWAY_DEMO_HOST", "127.0.0.1"),
        port=port,
        file=Path(given.get("GATEWAY_DEMO_FILE", ".gateway/shop.sqlite3")),
    )


def _port(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise WrongSetting(f"{name}: must be a port from 1 to 65535, not {text!r}")
    return int(text)


def _url(given: Mapping[str, str], name: str, default: str) -> str:
    text = given.get(name, default).rstrip("/")
    # It also goes into the page's Content-Security-Policy, where a space or a semicolon would end the entry.
    if text and re.fullmatch(r"https?://[^\s/;,\"'<>]+(/[^\s;,\"'<>]*)?", text) is None:
        raise WrongSetting(f"{name}: must be an http or https address, not {text!r}")
    return text
