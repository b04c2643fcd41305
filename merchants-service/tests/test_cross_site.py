from __future__ import annotations

import pytest

from .support import SESSION_COOKIE, Account, Service, error_of, log_in, sign_up, who

REFUSED = (403, "BAD_REQUEST_ERROR", "Cross-site request refused")

OWN_PAGE = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"},
    {"Origin": "http://{host}"},
    {"Origin": "HTTP://{host}"},
    {"Origin": "https://{host}"},
    {"Origin": "https://dashboard.example", "Host": "Dashboard.example"},
    {"Origin": "https://dashboard.example", "Host": "dashboard.example:443"},
    {"Origin": "http://dashboard.example:80", "Host": "dashboard.example"},
    {"Origin": "http://[::1]:3000", "Host": "[::1]:3000"},
]
FOREIGN_PAGE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "Same-Origin, cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://{host}"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost:1"},
    {"Origin": "http://{host}.attacker.example"},
    {"Origin": "http://attacker.example/{host}"},
    {"Origin": "http://attacker.example#{host}"},
    {"Origin": "http://{host}@attacker.example"},
    {"Origin": "file://{host}"},
    {"Origin": "{host}"},
    {"Origin": "http://dashboard.example:8443", "Host": "dashboard.example"},
    {"Origin": "http://dashboard.example", "Host": "dashboard.example:8000"},
]
# Programs send neither header. They may sign in, but a cookie of theirs changes nothing.
NO_BROWSER: list[dict[str, str]] = [{}, {"Referer": "http://{host}/dashboard"}]
ADDRESS_BAR = [{"Sec-Fetch-Site": "none"}]


def filled(headers: dict[str, str], service: Service) -> dict[str, str]:
    return {name: value.replace("{host}", service.url.removeprefix("http://")) for name, value in headers.items()}


@pytest.mark.parametrize("headers", OWN_PAGE)
def test_our_own_pages_write_with_the_cookie(service: Service, account: Account, headers: dict[str, str]) -> None:
    response = account.client.patch("/api/v1/merchants/me", json={"name": "Renamed"}, headers=filled(headers, service))
    assert response.status_code == 200
    assert response.json()["name"] == "Renamed"


@pytest.mark.parametrize("headers", FOREIGN_PAGE + NO_BROWSER + ADDRESS_BAR)
def test_nobody_else_does(service: Service, account: Account, headers: dict[str, str]) -> None:
    response = account.client.patch("/api/v1/merchants/me", json={"name": "Renamed"}, headers=filled(headers, service))
    assert error_of(response) == REFUSED
    assert account.client.get("/api/v1/merchants/me").json()["name"] == "A Shop"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_other_service_asks_for_the_proof_too(orders_like_service: Service, account: Account, method: str) -> None:
    with orders_like_service.client(cookies={SESSION_COOKIE: account.token}) as client:
        assert error_of(client.request(method, "/whoami")) == REFUSED
        assert client.request(method, "/whoami", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_needs_no_proof(orders_like_service: Service, account: Account, method: str) -> None:
    with orders_like_service.client(cookies={SESSION_COOKIE: account.token}) as client:
        assert client.request(method, "/whoami", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("headers", FOREIGN_PAGE + NO_BROWSER)
def test_api_keys_need_no_proof(service: Service, account: Account, headers: dict[str, str]) -> None:
    response = account.client.patch("/api/v1/merchants/me", json={}, headers=account.keys | filled(headers, service))
    assert response.status_code == 200


@pytest.mark.parametrize("headers", FOREIGN_PAGE)
def test_a_foreign_page_signs_nobody_in_up_or_out(service: Service, account: Account, headers: dict[str, str]) -> None:
    with service.client(headers=filled(headers, service)) as page:
        for response in (log_in(page, account.email), sign_up(page), page.post("/api/v1/auth/logout")):
            assert error_of(response) == REFUSED
            assert "set-cookie" not in response.headers
    assert error_of(account.client.post("/api/v1/auth/logout", headers=filled(headers, service))) == REFUSED
    assert who(service, account.token) == 200


@pytest.mark.parametrize("headers", OWN_PAGE + NO_BROWSER + ADDRESS_BAR)
def test_our_own_pages_and_programs_sign_in_and_up(service: Service, account: Account, headers: dict[str, str]) -> None:
    with service.client(headers=filled(headers, service)) as client:
        assert log_in(client, account.email).status_code == 200
        assert sign_up(client).status_code == 201


def test_signing_out_with_a_cookie_needs_the_proof(service: Service, account: Account) -> None:
    assert error_of(account.client.post("/api/v1/auth/logout")) == REFUSED
    assert who(service, account.token) == 200
