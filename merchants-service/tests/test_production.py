from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest

from .support import WHOAMI_SERVICE, Account, DatabaseUrl, Service, StartService, log_in, plain_environment, sign_up

PUBLISHED = {"X-Api-Key": "key_test_abc123", "X-Api-Secret": "secret_test_xyz789"}


@pytest.fixture(scope="module")
def production(service: Service, start_service: StartService) -> Service:
    """Started on a database that a development set-up has seeded."""
    return start_service(ENVIRONMENT="production")


def test_the_published_credentials_open_nothing(service: Service, production: Service) -> None:
    assert httpx.get(f"{service.url}/api/v1/merchants/me", headers=PUBLISHED).status_code == 200
    assert httpx.get(f"{production.url}/api/v1/merchants/me", headers=PUBLISHED).status_code == 401
    assert httpx.get(f"{production.url}/api/v1/test/merchant").status_code == 404
    assert "published test credentials" in production.output_so_far()


def test_no_other_service_takes_them_either(start_service: StartService, service: Service) -> None:
    other = start_service(WHOAMI_SERVICE, role="orders_service", ENVIRONMENT="production")
    assert httpx.get(f"{other.url}/whoami", headers=PUBLISHED).status_code == 401
    assert httpx.get(f"{other.url}/whose-page", headers={"X-Api-Key": PUBLISHED["X-Api-Key"]}).status_code == 401


def test_a_published_secret_under_another_key_is_refused_too(
    start_service: StartService, account: Account, run_sql: Callable[..., object]
) -> None:
    other = start_service(WHOAMI_SERVICE, role="orders_service", ENVIRONMENT="production")
    assert httpx.get(f"{other.url}/whoami", headers=account.keys).status_code == 200
    run_sql("UPDATE merchants SET api_secret = %s WHERE id = %s", PUBLISHED["X-Api-Secret"], account.merchant["id"])
    fresh = start_service(WHOAMI_SERVICE, role="orders_service", ENVIRONMENT="production")
    keys = account.keys | {"X-Api-Secret": PUBLISHED["X-Api-Secret"]}
    assert httpx.get(f"{fresh.url}/whoami", headers=keys).status_code == 401


def test_the_cookie_travels_over_https_alone(production: Service, account: Account) -> None:
    with production.client() as client:
        assert "Secure" in log_in(client, account.email).headers["set-cookie"]
        assert "Secure" in sign_up(client).headers["set-cookie"]
        assert "Secure" in client.post("/api/v1/auth/logout").headers["set-cookie"]


def test_the_test_merchant_does_not_sign_in(production: Service) -> None:
    with production.client() as client:
        assert log_in(client, "test@example.com", "anything").status_code == 401


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        (
            {"ENVIRONMENT": "production", "TEST_MERCHANT_ANY_PASSWORD": "true"},
            "configuration error: TEST_MERCHANT_ANY_PASSWORD: must not be true while ENVIRONMENT is production",
        ),
        ({"TEST_MERCHANT_EMAIL": "nobody"}, "configuration error: TEST_MERCHANT_EMAIL: must be an e-mail address"),
        ({"SESSION_LIFETIME_HOURS": "0"}, "configuration error: SESSION_LIFETIME_HOURS: "),
        ({"LOGIN_FAILURES_PER_ACCOUNT": "ten"}, "configuration error: LOGIN_FAILURES_PER_ACCOUNT: "),
        ({"CREDENTIAL_CACHE_MS": "60000"}, "configuration error: CREDENTIAL_CACHE_MS: "),
        ({"TEST_API_SECRET": "with a space"}, "configuration error: TEST_API_SECRET: "),
    ],
)
def test_a_wrong_setting_stops_the_process_with_a_line_that_names_it(
    database_url: DatabaseUrl, environment: dict[str, str], line: str
) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "merchants.api"],
        env=plain_environment() | {"DATABASE_URL": database_url("merchants_service")} | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert process.returncode == 78
    assert process.stderr.startswith(line)
    assert process.stderr.count("\n") == 1
