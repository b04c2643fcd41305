from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from http.cookies import SimpleCookie

import httpx
import psycopg2
import pytest

from .support import (
    PASSWORD,
    SAME_ORIGIN,
    SESSION_COOKIE,
    WHOAMI_SERVICE,
    Account,
    DatabaseUrl,
    RunSql,
    Service,
    StartService,
    error_of,
    log_in,
    new_email,
    together,
    wait_until,
    who,
)

# What is revoked anywhere is dead everywhere within this time.
REVOCATION_LIMIT_S = 5
SERVICES = ["merchants_service", "webhooks_service", "orders_service", "payments_service", "refunds_service"]


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def log_out(client: httpx.Client) -> httpx.Response:
    return client.post("/api/v1/auth/logout", headers=SAME_ORIGIN)


def test_signing_in_answers_the_merchant_and_a_cookie_that_scripts_and_other_sites_cannot_use(
    service: Service, account: Account
) -> None:
    with service.client() as client:
        response = log_in(client, account.email)
    assert response.status_code == 200
    assert response.json() == account.merchant
    assert response.headers["cache-control"] == "no-store"
    [header] = response.headers.get_list("set-cookie")
    cookie = SimpleCookie(header)[SESSION_COOKIE]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie.value)
    assert cookie["httponly"] is True
    assert cookie["samesite"].lower() == "strict"
    assert (cookie["path"], cookie["max-age"], cookie["domain"], cookie["secure"]) == ("/", "43200", "", "")


def test_only_a_digest_of_the_token_is_stored(account: Account, run_sql: RunSql) -> None:
    [(row,)] = run_sql("SELECT to_jsonb(s)::text FROM merchant_sessions s WHERE token_digest = %s", digest_of(account.token))
    assert account.token not in row
    [(lifetime,)] = run_sql(
        "SELECT extract(epoch FROM expires_at - created_at)::int FROM merchant_sessions WHERE token_digest = %s",
        digest_of(account.token),
    )
    assert lifetime == 12 * 3600


def test_the_lifetime_is_a_setting(start_service: StartService, account: Account) -> None:
    with start_service(SESSION_LIFETIME_HOURS="1").client() as client:
        assert "Max-Age=3600;" in log_in(client, account.email).headers["set-cookie"]


@pytest.mark.parametrize("role", SERVICES)
def test_every_service_knows_a_session_by_its_own_role(account: Account, database_url: DatabaseUrl, role: str) -> None:
    with psycopg2.connect(database_url(role)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT merchant_id::text, name, is_active FROM merchant_session_credentials WHERE token_digest = %s",
            (digest_of(account.token),),
        )
        assert cursor.fetchall() == [(account.merchant["id"], "A Shop", True)]
    connection.close()


@pytest.mark.parametrize("role", SERVICES[1:])
@pytest.mark.parametrize("table", ["merchant_sessions", "login_attempts", "merchants"])
def test_no_other_service_reads_or_writes_the_tables_behind_it(database_url: DatabaseUrl, role: str, table: str) -> None:
    connection = psycopg2.connect(database_url(role))
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in (f"SELECT 1 FROM {table}", f"DELETE FROM {table}"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
    connection.close()


def test_another_service_takes_the_cookie(orders_like_service: Service, account: Account) -> None:
    cookie = {"Cookie": f"{SESSION_COOKIE}={account.token}"}
    answer = httpx.get(f"{orders_like_service.url}/whoami", headers=cookie)
    assert answer.json() == {"merchant_id": account.merchant["id"]}


def test_signing_out_ends_the_session_at_once_here_and_in_five_seconds_everywhere(
    service: Service, orders_like_service: Service, account: Account
) -> None:
    token = account.token
    cookie = {"Cookie": f"{SESSION_COOKIE}={token}"}
    assert httpx.get(f"{orders_like_service.url}/whoami", headers=cookie).status_code == 200
    response = log_out(account.client)
    assert (response.status_code, response.content) == (204, b"")
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert SESSION_COOKIE not in account.client.cookies
    assert who(service, token) == 401
    wait_until(lambda: httpx.get(f"{orders_like_service.url}/whoami", headers=cookie).status_code == 401, REVOCATION_LIMIT_S)


def test_signing_out_is_at_once_on_every_copy_of_this_service(
    service: Service, start_service: StartService, account: Account
) -> None:
    copy, token = start_service(), account.token
    assert who(copy, token) == 200
    log_out(account.client)
    assert who(copy, token) == 401


def test_signing_out_twice_or_without_a_session_is_no_error(service: Service, account: Account) -> None:
    token = account.token
    for headers in (
        {"Cookie": f"{SESSION_COOKIE}={token}"},
        {"Cookie": f"{SESSION_COOKIE}={token}"},
        {"Cookie": f"{SESSION_COOKIE}=x"},
        {},
    ):
        response = httpx.post(f"{service.url}/api/v1/auth/logout", headers=headers | SAME_ORIGIN)
        assert response.status_code == 204


def test_signing_out_ends_one_session_and_not_the_others(service: Service, account: Account) -> None:
    with service.client() as second:
        log_in(second, account.email)
        log_out(account.client)
        assert second.get("/api/v1/merchants/me").status_code == 200


def test_signing_in_again_replaces_the_session(service: Service, account: Account) -> None:
    first = account.token
    assert log_in(account.client, account.email).status_code == 200
    assert account.token != first
    assert who(service, first) == 401
    assert who(service, account.token) == 200


def test_a_planted_session_never_becomes_the_victims(service: Service, new_account: Callable[..., Account]) -> None:
    attacker, victim = new_account(), new_account()
    planted = attacker.token
    with service.client(cookies={SESSION_COOKIE: planted}) as browser:
        response = log_in(browser, victim.email)
        assert response.json()["id"] == victim.merchant["id"]
    assert response.cookies[SESSION_COOKIE] != planted
    assert who(service, planted) == 401


def test_an_invented_token_is_not_adopted(service: Service, account: Account) -> None:
    invented = "A" * 43
    with service.client(cookies={SESSION_COOKIE: invented}) as browser:
        assert log_in(browser, account.email).cookies[SESSION_COOKIE] != invented
    assert who(service, invented) == 401


def test_a_failed_sign_in_leaves_the_session_alone(service: Service, account: Account) -> None:
    assert log_in(account.client, account.email, "not the password").status_code == 401
    assert who(service, account.token) == 200


def test_a_session_expires(service: Service, orders_like_service: Service, account: Account, run_sql: RunSql) -> None:
    cookie = {"Cookie": f"{SESSION_COOKIE}={account.token}"}
    assert httpx.get(f"{orders_like_service.url}/whoami", headers=cookie).status_code == 200
    run_sql(
        "UPDATE merchant_sessions SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 second'"
        " WHERE token_digest = %s",
        digest_of(account.token),
    )
    assert error_of(account.client.get("/api/v1/merchants/me")) == (401, "AUTHENTICATION_ERROR", "Invalid API credentials")
    wait_until(lambda: httpx.get(f"{orders_like_service.url}/whoami", headers=cookie).status_code == 401, REVOCATION_LIMIT_S)


def test_a_kept_session_does_not_outlive_its_end(start_service: StartService, account: Account, run_sql: RunSql) -> None:
    """A cache that trusted what it read would go on for its whole lifetime, here five seconds."""
    other = start_service(WHOAMI_SERVICE, role="orders_service", CREDENTIAL_CACHE_MS="5000")
    cookie = {"Cookie": f"{SESSION_COOKIE}={account.token}"}
    run_sql(
        "UPDATE merchant_sessions SET expires_at = now() + interval '2.5 seconds' WHERE token_digest = %s",
        digest_of(account.token),
    )
    assert httpx.get(f"{other.url}/whoami", headers=cookie).status_code == 200
    wait_until(lambda: httpx.get(f"{other.url}/whoami", headers=cookie).status_code == 401, 4.5)


def test_the_sessions_of_a_deactivated_merchant_are_dead(
    service: Service, orders_like_service: Service, account: Account, run_sql: RunSql
) -> None:
    cookie = {"Cookie": f"{SESSION_COOKIE}={account.token}"}
    assert httpx.get(f"{orders_like_service.url}/whoami", headers=cookie).status_code == 200
    run_sql("UPDATE merchants SET is_active = false WHERE id = %s", account.merchant["id"])
    assert account.client.get("/api/v1/merchants/me").status_code == 401
    assert httpx.get(f"{service.url}/api/v1/merchants/me", headers=account.keys).status_code == 401
    assert log_in(account.client, account.email).status_code == 401
    wait_until(lambda: httpx.get(f"{orders_like_service.url}/whoami", headers=cookie).status_code == 401, REVOCATION_LIMIT_S)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 44, "A" * 42 + "=", "%00" * 20, "é" * 43, "' OR 1=1 --", "A" * 8000])
def test_what_is_no_session_opens_nothing(service: Service, token: str) -> None:
    response = httpx.get(f"{service.url}/api/v1/merchants/me", headers={"Cookie": f"{SESSION_COOKIE}={token}".encode()})
    assert error_of(response) == (401, "AUTHENTICATION_ERROR", "Invalid API credentials")


def test_api_keys_decide_where_there_are_any(service: Service, new_account: Callable[..., Account]) -> None:
    signed_in, other = new_account(), new_account()
    by_keys = signed_in.client.get("/api/v1/merchants/me", headers=other.keys)
    assert by_keys.json()["id"] == other.merchant["id"]
    wrong = {"X-Api-Key": other.merchant["api_key"], "X-Api-Secret": "wrong"}
    assert signed_in.client.get("/api/v1/merchants/me", headers=wrong).status_code == 401
    assert signed_in.client.get("/api/v1/merchants/me", headers={"X-Api-Key": other.merchant["api_key"]}).status_code == 401
    assert signed_in.client.get("/api/v1/merchants/me", headers={"X-Api-Secret": "wrong"}).status_code == 401


def test_an_unknown_e_mail_and_a_wrong_password_get_the_same_answer_after_the_same_work(
    service: Service, account: Account, run_sql: RunSql, new_account: Callable[..., Account]
) -> None:
    inactive = new_account()
    run_sql("UPDATE merchants SET is_active = false WHERE id = %s", inactive.merchant["id"])
    attempts = [
        (account.email, "not the password"),
        (new_email(), PASSWORD),
        ("not even an e-mail", PASSWORD),
        ("test@example.com", "the seeded merchant has none"),
        (inactive.email, PASSWORD),
        (account.email, ""),
    ]
    with service.client() as client:
        for email, password in attempts:
            before = service.metric("password_verifications_total")
            response = log_in(client, email, password)
            assert error_of(response) == (401, "AUTHENTICATION_ERROR", "Invalid email or password")
            assert "set-cookie" not in response.headers
            assert service.metric("password_verifications_total") == before + 1


@pytest.mark.parametrize("missing", ["email", "password"])
def test_both_fields_are_required_to_sign_in(service: Service, missing: str) -> None:
    body = {"email": new_email(), "password": PASSWORD}
    del body[missing]
    with service.client() as client:
        assert error_of(client.post("/api/v1/auth/login", json=body)) == (400, "BAD_REQUEST_ERROR", f"{missing} is required")


def test_many_may_sign_in_at_once(service: Service, account: Account) -> None:
    clients = [service.client(address="11.0.0.7") for _ in range(20)]
    answers = together([lambda c=c: log_in(c, account.email) for c in clients])
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.cookies[SESSION_COOKIE] for answer in answers}) == 20


def test_sign_ins_beyond_what_can_wait_are_told_so(start_service: StartService, account: Account) -> None:
    busy = start_service(PASSWORD_HASH_CONCURRENCY="1", PASSWORD_WAITING_LIMIT="1")
    clients = [busy.client() for _ in range(12)]
    answers = together([lambda c=c: log_in(c, account.email) for c in clients])
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert {error_of(answer) for answer in refused} == {(503, "SERVER_ERROR", "Too many sign-ins at the moment")}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert log_in(clients[0], account.email).status_code == 200


class TestTheTestMerchant:
    def test_signs_in_with_any_password_where_that_is_switched_on(self, start_service: StartService, account: Account) -> None:
        local = start_service(TEST_MERCHANT_ANY_PASSWORD="true")
        with local.client() as client:
            for password in ("anything", "", "x" * 200):
                assert log_in(client, " Test@Example.com ", password).json()["id"] == "550e8400-e29b-41d4-a716-446655440000"
            assert client.get("/api/v1/merchants/me").json()["api_key"] == "key_test_abc123"
            assert log_in(client, account.email, "anything").status_code == 401

    def test_does_not_without_the_switch(self, service: Service) -> None:
        with service.client() as client:
            assert log_in(client, "test@example.com", "anything").status_code == 401

    def test_is_seeded_once(self, service: Service) -> None:
        with service.client() as client:
            assert client.get("/api/v1/test/merchant").json() == {
                "id": "550e8400-e29b-41d4-a716-446655440000",
                "email": "test@example.com",
                "api_key": "key_test_abc123",
                "seeded": True,
            }

    def test_whose_e_mail_was_changed_after_the_first_start_stays(self, start_service: StartService) -> None:
        renamed = start_service(TEST_MERCHANT_EMAIL=new_email())
        assert "test merchant not seeded" in renamed.output_so_far()
        with renamed.client() as client:
            assert client.get("/api/v1/test/merchant").status_code == 404
