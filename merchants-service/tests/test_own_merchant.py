from __future__ import annotations

from typing import Any

import httpx
import pytest

from .support import Account, RunSql, Service, StartService, error_of, together, wait_until

URL = "/api/v1/merchants/me"


@pytest.fixture(scope="module")
def guarded(service: Service) -> Service:
    """Private webhook targets are refused unless a setting allows them."""
    return service


@pytest.fixture(scope="module")
def permissive(start_service: StartService) -> Service:
    return start_service(WEBHOOK_ALLOW_PRIVATE_TARGETS="true")


def patch(service: Service, account: Account, **changes: Any) -> httpx.Response:
    return httpx.patch(f"{service.url}{URL}", json=changes, headers=account.keys)


def test_name_and_public_orders_are_changed(service: Service, account: Account) -> None:
    changed = patch(service, account, name=" Bigger Shop ", public_orders_enabled=True)
    assert changed.status_code == 200
    assert changed.json() == account.merchant | {
        "name": "Bigger Shop",
        "public_orders_enabled": True,
        "updated_at": changed.json()["updated_at"],
    }


def test_an_empty_change_changes_nothing(service: Service, account: Account, run_sql: RunSql) -> None:
    before = run_sql("SELECT updated_at FROM merchants WHERE id = %s", account.merchant["id"])
    assert patch(service, account).json() == account.merchant
    assert run_sql("SELECT updated_at FROM merchants WHERE id = %s", account.merchant["id"]) == before


@pytest.mark.parametrize(
    ("field", "value", "description"),
    [
        ("name", "", "name must not be blank"),
        ("name", " \t", "name must not be blank"),
        ("name", None, "name must be a string"),
        ("name", "x" * 256, "name must be at most 255 characters long"),
        ("name", "a\0b", "name must not contain NUL characters"),
        ("public_orders_enabled", None, "public_orders_enabled must be a boolean"),
        ("public_orders_enabled", "true", "public_orders_enabled must be a boolean"),
        ("public_orders_enabled", 1, "public_orders_enabled must be a boolean"),
        ("webhook_url", 1, "webhook_url must be a string"),
        ("webhook_url", "http://shop.example/" + "x" * 2048, "webhook_url must be at most 2048 characters long"),
    ],
)
def test_wrong_values_are_named(service: Service, account: Account, field: str, value: Any, description: str) -> None:
    assert error_of(patch(service, account, **{field: value})) == (400, "BAD_REQUEST_ERROR", description)


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_a_webhook_url_is_set_and_cleared(permissive: Service, account: Account, empty: str | None) -> None:
    assert patch(permissive, account, webhook_url=" http://127.0.0.1:4000/webhook\n").json()["webhook_url"] == (
        "http://127.0.0.1:4000/webhook"
    )
    assert patch(permissive, account, name="Other").json()["webhook_url"] == "http://127.0.0.1:4000/webhook"
    assert patch(permissive, account, webhook_url=empty).json()["webhook_url"] is None


def test_a_merchant_without_a_secret_gets_one_with_its_url(permissive: Service, account: Account, run_sql: RunSql) -> None:
    run_sql("UPDATE merchants SET webhook_secret = NULL WHERE id = %s", account.merchant["id"])
    assert patch(permissive, account, webhook_url="https://shop.example/hook").json()["webhook_secret"].startswith("whsec_")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://localhost:4000/hook", "http://[::1]/", "http://10.0.0.1/", "http://192.168.1.1/", "http://172.16.0.1/",
     "http://169.254.169.254/latest/meta-data", "http://100.64.0.1/", "http://0.0.0.0/", "http://2130706433/", "http://0x7f000001/",
     "http://0177.0.0.1/", "http://127.1/", "http://[::ffff:127.0.0.1]/", "http://[::127.0.0.1]/", "http://[fe80::1]/", "http://[fc00::1]/",
     "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://224.0.0.1/", "http://255.255.255.255/"],
)  # fmt: skip
def test_targets_inside_are_refused(guarded: Service, account: Account, url: str) -> None:
    assert error_of(patch(guarded, account, webhook_url=url)) == (
        400,
        "BAD_REQUEST_ERROR",
        "webhook_url must not point to a private or local address",
    )


@pytest.mark.parametrize(
    "url",
    ["shop", "shop.example/hook", "ftp://shop.example/",
     "file:///etc/passwd", "javascript:alert(1)", "http://", "http:///hook", "http://[::1",
     "http://shop.example:99999/", "http://shop.example:port/", "http://user:secret@shop.example/", "http://user@shop.example/",
     "http://shop.example/a b", "http://shop.example/\u202e", "http://ho\tst.example/"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(permissive: Service, guarded: Service, account: Account, url: str) -> None:
    for service in (permissive, guarded):
        status, code, description = error_of(patch(service, account, webhook_url=url))
        assert (status, code) == (400, "BAD_REQUEST_ERROR")
        assert description.startswith("webhook_url must ")


def test_a_public_address_is_taken(guarded: Service, account: Account) -> None:
    assert patch(guarded, account, webhook_url="https://1.1.1.1/hook").json()["webhook_url"] == "https://1.1.1.1/hook"


def test_rotated_keys_replace_the_old_at_once_here_and_in_five_seconds_everywhere(
    service: Service, orders_like_service: Service, account: Account
) -> None:
    assert httpx.get(f"{orders_like_service.url}/whoami", headers=account.keys).status_code == 200
    rotated = httpx.post(f"{service.url}{URL}/api-keys/rotate", headers=account.keys)
    assert rotated.status_code == 200
    assert set(rotated.json()) == {"api_key", "api_secret"}
    fresh = {"X-Api-Key": rotated.json()["api_key"], "X-Api-Secret": rotated.json()["api_secret"]}
    assert httpx.get(f"{service.url}{URL}", headers=account.keys).status_code == 401
    assert httpx.get(f"{service.url}{URL}", headers=fresh).json()["api_key"] == fresh["X-Api-Key"]
    assert httpx.get(f"{orders_like_service.url}/whoami", headers=fresh).status_code == 200
    wait_until(lambda: httpx.get(f"{orders_like_service.url}/whoami", headers=account.keys).status_code == 401, 5)
    publishable = {"X-Api-Key": account.merchant["api_key"]}
    wait_until(lambda: httpx.get(f"{orders_like_service.url}/whose-page", headers=publishable).status_code == 401, 5)


def test_of_rotations_that_race_the_last_one_answered_by_the_database_holds(service: Service, account: Account) -> None:
    answers = together([lambda: httpx.post(f"{service.url}{URL}/api-keys/rotate", headers=account.keys)] * 6)
    pairs = [{"X-Api-Key": a.json()["api_key"], "X-Api-Secret": a.json()["api_secret"]} for a in answers if a.status_code == 200]
    alive = [pair for pair in pairs if httpx.get(f"{service.url}{URL}", headers=pair).status_code == 200]
    assert len(alive) == 1
    mixed = alive[0] | {"X-Api-Secret": account.merchant["api_secret"]}
    assert httpx.get(f"{service.url}{URL}", headers=mixed).status_code == 401


def test_a_regenerated_webhook_secret_leaves_the_old_one_a_day(service: Service, account: Account, run_sql: RunSql) -> None:
    answer = httpx.post(f"{service.url}{URL}/webhook-secret", headers=account.keys)
    assert answer.status_code == 200
    assert set(answer.json()) == {"webhook_secret"}
    [(current, previous, overlap_s)] = run_sql(
        "SELECT webhook_secret, previous_webhook_secret, extract(epoch FROM previous_webhook_secret_expires_at - now())"
        " FROM merchants WHERE id = %s",
        account.merchant["id"],
    )
    assert current == answer.json()["webhook_secret"] != account.merchant["webhook_secret"]
    assert previous == account.merchant["webhook_secret"]
    assert 24 * 3600 - 60 < overlap_s <= 24 * 3600


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Api-Key": "key_test_abc123"},
        {"X-Api-Key": "nobody", "X-Api-Secret": "x"},
        {"X-Api-Key": "x" * 5000, "X-Api-Secret": "x"},
        {"X-Api-Key": "é", "X-Api-Secret": "é"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("PATCH", ""), ("POST", "/webhook-secret"), ("POST", "/api-keys/rotate")]
)
def test_nothing_here_is_open(service: Service, method: str, path: str, headers: dict[str, str]) -> None:
    encoded = {name: value.encode() for name, value in headers.items()}
    response = httpx.request(method, f"{service.url}{URL}{path}", headers=encoded)
    assert error_of(response) == (401, "AUTHENTICATION_ERROR", "Invalid API credentials")
