"""The settings of a platform: from the environment, else from `.env`, else the local defaults."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from devstack.dotenv import DotenvError, read_dotenv
from devstack.ports import Ports
from devstack.problems import ConfigurationError

# What the local set-up runs with when nobody says otherwise. Settings that are not listed here are
# passed on just the same: each service checks its own.
DEFAULTS = {
    "ENVIRONMENT": "development",
    "TEST_MERCHANT_EMAIL": "test@example.com",
    "TEST_API_KEY": "key_test_abc123",
    "TEST_API_SECRET": "secret_test_xyz789",
    "UPI_SUCCESS_RATE": "0.90",
    "CARD_SUCCESS_RATE": "0.95",
    "PROCESSING_DELAY_MIN": "5000",
    "PROCESSING_DELAY_MAX": "10000",
    "TEST_MODE": "false",
    "TEST_PAYMENT_SUCCESS": "true",
    "TEST_PROCESSING_DELAY": "1000",
    "WEBHOOK_RETRY_INTERVALS_TEST": "false",
    "WEBHOOK_ALLOW_PRIVATE_TARGETS": "true",
    "TEST_MERCHANT_ANY_PASSWORD": "true",
    "RATE_LIMIT_ENABLED": "false",
    "RATE_LIMIT_PER_KEY": "1000",
    "RATE_LIMIT_PER_ADDRESS": "500",
    "PUBLIC_API_URL": "",
    "PUBLIC_CHECKOUT_URL": "",
}
# What the integration guide calls the API and the checkout where they have names of their own.
PUBLIC_URL_SETTINGS = ("PUBLIC_API_URL", "PUBLIC_CHECKOUT_URL")
# Also in dashboard/check-settings.sh. Nothing that would mean something to nginx or end a string.
PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9._~:/-]+", re.ASCII)
OWN_DATABASE_HOST = "postgres"
OWN_REDIS_HOST = "redis"
OWN_DATABASE_URL = "postgresql://gateway_user:gateway_pass@postgres:5432/payment_gateway"
OWN_REDIS_URL = "redis://redis:6379/0"
DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")
REDIS_SCHEMES = ("redis", "rediss", "unix")
PORT_SETTINGS = {
    "api": "GATEWAY_API_PORT",
    "dashboard": "GATEWAY_DASHBOARD_PORT",
    "checkout": "GATEWAY_CHECKOUT_PORT",
    "demo": "GATEWAY_DEMO_PORT",
    "postgres": "GATEWAY_POSTGRES_PORT",
    "redis": "GATEWAY_REDIS_PORT",
    "services": "GATEWAY_SERVICES_PORT",
}
STACK_SETTINGS = frozenset([*DEFAULTS, *PORT_SETTINGS.values(), "DATABASE_URL", "REDIS_URL", "GATEWAY_HOME", "PORT", "HOST"])


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where a platform lives, its ports, and the environment of its processes."""

    home: Path
    ports: Ports
    environment: dict[str, str]


def read_settings(root: Path, machine: Mapping[str, str]) -> Settings:
    """The settings of the platform of this repository; a wrong one is a `ConfigurationError`."""
    try:
        file = read_dotenv(root / ".env")
    except (DotenvError, UnicodeDecodeError) as error:
        raise ConfigurationError(f".env: {error}") from error
    environment = {**file, **machine}
    # An empty value means "not set", as in compose files.
    environment = {name: value for name, value in environment.items() if value != ""}
    home = root / environment.get("GATEWAY_HOME", ".gateway")
    return Settings(home.resolve(), read_ports(environment), environment)


def read_ports(environment: Mapping[str, str]) -> Ports:
    """The ports; `PORT` is the brief's name for the API's."""
    given = {field: environment.get(name) for field, name in PORT_SETTINGS.items()}
    names = dict(PORT_SETTINGS)
    if given["api"] is None and "PORT" in environment:
        given["api"] = environment["PORT"]
        names["api"] = "PORT"
    return Ports(**{field: port_number(names[field], text) for field, text in given.items() if text is not None})


def port_number(name: str, text: str) -> int:
    """A port that can be listened on."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ConfigurationError(f"{name}: must be a port from 1 to 65535, not {text!r}")
    return int(text)


@dataclasses.dataclass(frozen=True)
class Database:
    """A PostgreSQL server's address with the superuser of the platform's database."""

    host: str
    port: int
    user: str
    password: str
    name: str
    is_own: bool

    def url(self, user: str | None = None, password: str | None = None) -> str:
        """The address as a URL, of the superuser or of a service's login role."""
        login = f"{quote(user or self.user, safe='')}:{quote(password or self.password, safe='')}"
        return f"postgresql://{login}@{self.host}:{self.port}/{quote(self.name, safe='')}"


def database_of(environment: Mapping[str, str], ports: Ports) -> Database:
    """The database that DATABASE_URL names, or the platform's own.

    The host `postgres` is the platform's own server, as it is in compose: one `.env` serves both.
    """
    text = environment.get("DATABASE_URL", OWN_DATABASE_URL)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"DATABASE_URL: {error}") from error
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in DATABASE_SCHEMES or not (parts.hostname and parts.username and parts.password and name):
        raise ConfigurationError("DATABASE_URL: must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    is_own = parts.hostname == OWN_DATABASE_HOST
    return Database(
        host="127.0.0.1" if is_own else parts.hostname,
        port=ports.postgres if is_own else port or 5432,
        user=unquote(parts.username),
        password=unquote(parts.password),
        name=name,
        is_own=is_own,
    )


@dataclasses.dataclass(frozen=True)
class Redis:
    """A Redis server's address."""

    url: str
    is_own: bool


def redis_of(environment: Mapping[str, str], ports: Ports) -> Redis:
    """The Redis that REDIS_URL names, or the platform's own, which compose calls `redis`."""
    text = environment.get("REDIS_URL", OWN_REDIS_URL)
    parts = urlsplit(text)
    if parts.scheme not in REDIS_SCHEMES or not (parts.hostname or parts.scheme == "unix"):
        raise ConfigurationError("REDIS_URL: must be redis://HOST:PORT/NUMBER")
    if parts.hostname != OWN_REDIS_HOST:
        return Redis(text, is_own=False)
    return Redis(f"redis://127.0.0.1:{ports.redis}{parts.path or '/0'}", is_own=True)


def complete_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the defaults of the local set-up; what the proxy is told is checked here."""
    complete = {**DEFAULTS, **environment}
    for name in ("RATE_LIMIT_PER_KEY", "RATE_LIMIT_PER_ADDRESS"):
        if re.fullmatch(r"[1-9][0-9]{0,5}", complete[name], re.ASCII) is None:
            raise ConfigurationError(f"{name}: must be a whole number of requests per second from 1 to 999999")
    if complete["RATE_LIMIT_ENABLED"].lower() not in ("true", "false", "1", "0"):
        raise ConfigurationError("RATE_LIMIT_ENABLED: must be true or false")
    for name in PUBLIC_URL_SETTINGS:
        if complete[name] and PUBLIC_URL.fullmatch(complete[name]) is None:
            raise ConfigurationError(f"{name}: must be an address such as https://pay.example.com, not {complete[name]!r}")
    if complete["ENVIRONMENT"] not in ("development", "production"):
        raise ConfigurationError("ENVIRONMENT: must be development or production")
    return complete
