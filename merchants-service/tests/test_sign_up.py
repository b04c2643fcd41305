from __future__ import annotations

import re

import httpx
import pytest

from .support import PASSWORD, Account, RunSql, Service, error_of, log_in, new_email, sign_up, together, who

RACE_ROUNDS = 10
RACERS = 8


def test_a_new_merchant_gets_credentials_of_its_own_and_is_signed_in(service: Service) -> None:
    email = new_email()
    with service.client() as client:
        response = sign_up(client, name="  Corner Shop ", email=email)
        assert response.status_code == 201
        merchant = response.json()
        assert client.get("/api/v1/merchants/me").json() == merchant
    assert set(merchant) == {
        "id",
        "name",
        "email",
        "api_key",
        "api_secret",
        "webhook_url",
        "webhook_secret",
        "public_orders_enabled",
        "is_active",
        "created_at",
        "updated_at",
    }
    assert (merchant["name"], merchant["email"], merchant["webhook_url"]) == ("Corner Shop", email, None)
    assert merchant["is_active"] is True
    assert merchant["public_orders_enabled"] is False
    assert re.fullmatch(r"key_live_[A-Za-z0-9]{16}", merchant["api_key"])
    assert re.fullmatch(r"secret_live_[A-Za-z0-9_-]{32}", merchant["api_secret"])
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{32}", merchant["webhook_secret"])
    assert response.headers["cache-control"] == "no-store"
    keys = {"X-Api-Key": merchant["api_key"], "X-Api-Secret": merchant["api_secret"]}
    assert httpx.get(f"{service.url}/api/v1/merchants/me", headers=keys).json() == merchant


def test_the_password_is_stored_as_an_argon2_hash(account: Account, run_sql: RunSql) -> None:
    [(stored,)] = run_sql("SELECT password_hash FROM merchants WHERE email = %s", account.email)
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Owner-{}@Shop.EXAMPLE ", "owner-{}@shop.example"),
        ("owner-{}@bücher.example", "owner-{}@xn--bcher-kva.example"),
        ("OWNER+{}@sub.Shop.test", "owner+{}@sub.shop.test"),
    ],
)
def test_an_e_mail_has_one_form(service: Service, typed: str, stored: str) -> None:
    unique = new_email().partition("@")[0]
    with service.client() as client:
        assert sign_up(client, email=typed.format(unique)).json()["email"] == stored.format(unique)
        taken = sign_up(client, email=stored.format(unique).upper())
        assert error_of(taken) == (400, "BAD_REQUEST_ERROR", "email is already registered")
        assert log_in(client, typed.format(unique)).status_code == 200


@pytest.mark.parametrize(
    "email",
    ["", " ", "nobody", "@shop.example", "a@", "a@b", "a@@shop.example", "a b@shop.example", "a@shop..example", "a@[127.0.0.1]",
     "Owner <a@shop.example>", "ä@shop.example", "a@-shop.example", "a" * 65 + "@shop.example", "a@" + "b" * 64 + ".example",
     "a@shop.example\nb@shop.example", '"a b"@shop.example', "a@shop.example,b@shop.example"],
)  # fmt: skip
def test_what_is_no_e_mail_is_refused(service: Service, email: str) -> None:
    with service.client() as client:
        assert error_of(sign_up(client, email=email)) == (400, "BAD_REQUEST_ERROR", "email must be a valid e-mail address")


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "must be at least 8 characters long"),
        ("seven77", "must be at least 8 characters long"),
        ("e\u0301" * 7, "must be at least 8 characters long"),
        ("x1" * 64 + "y", "must be at most 128 characters long"),
        ("password", "is too common"),
        ("QWERTYUIOP", "is too common"),
        (" Password1 ", "is too common"),
        ("aaaaaaaaaaaa", "is too common"),
        ("          ", "is too common"),
    ],
)
def test_passwords_that_are_refused(service: Service, password: str, problem: str) -> None:
    with service.client() as client:
        assert error_of(sign_up(client, password=password)) == (400, "BAD_REQUEST_ERROR", f"password {problem}")


def test_the_e_mail_is_no_password(service: Service) -> None:
    email = new_email()
    with service.client() as client:
        assert error_of(sign_up(client, email=email, password=email.upper()))[2] == "password must not be the e-mail address"


@pytest.mark.parametrize(
    "password", ["eightchr", "x1" * 64, "пароль на русском", "कखगघङचछज", "🔐🔑🗝️ keys keys", "with  spaces ", "'; DROP--"]
)
def test_passwords_that_are_accepted_open_the_account(service: Service, password: str) -> None:
    email = new_email()
    with service.client() as client:
        assert sign_up(client, email=email, password=password).status_code == 201
        assert log_in(client, email, password).status_code == 200
        assert log_in(client, email, password.strip() + "x").status_code == 401


def test_an_accent_typed_as_two_characters_is_the_same_password(service: Service) -> None:
    email = new_email()
    with service.client() as client:
        assert sign_up(client, email=email, password="caf\u00e9 au lait").status_code == 201
        assert log_in(client, email, "cafe\u0301 au lait").status_code == 200


@pytest.mark.parametrize("name", ["", "   ", "\t\n"])
def test_a_name_must_not_be_blank(service: Service, name: str) -> None:
    with service.client() as client:
        assert error_of(sign_up(client, name=name)) == (400, "BAD_REQUEST_ERROR", "name must not be blank")


def test_a_name_fits_its_column(service: Service) -> None:
    with service.client() as client:
        assert error_of(sign_up(client, name="n" * 256))[2] == "name must be at most 255 characters long"
        assert sign_up(client, name="n" * 255).status_code == 201


@pytest.mark.parametrize("missing", ["name", "email", "password"])
def test_every_field_is_required(service: Service, missing: str) -> None:
    body = {"name": "A Shop", "email": new_email(), "password": PASSWORD}
    del body[missing]
    with service.client() as client:
        assert error_of(client.post("/api/v1/merchants", json=body)) == (400, "BAD_REQUEST_ERROR", f"{missing} is required")


def test_fields_that_are_not_the_clients_to_set_are_ignored(service: Service) -> None:
    with service.client() as client:
        merchant = sign_up(client, id="550e8400-e29b-41d4-a716-446655440000", api_key="key_test_abc123", is_active=False).json()
    assert merchant["id"] != "550e8400-e29b-41d4-a716-446655440000"
    assert merchant["api_key"] != "key_test_abc123"
    assert merchant["is_active"] is True


def test_of_those_who_race_for_one_e_mail_exactly_one_gets_it(service: Service, run_sql: RunSql) -> None:
    for _ in range(RACE_ROUNDS):
        email = new_email()
        spellings = [email, email.upper(), f" {email}", email.capitalize()] * (RACERS // 4)
        clients = [service.client() for _ in spellings]
        answers = together([lambda c=c, s=s: sign_up(c, email=s) for c, s in zip(clients, spellings, strict=True)])
        assert sorted(answer.status_code for answer in answers) == [201] + [400] * (RACERS - 1)
        losers = [error_of(answer) for answer in answers if answer.status_code == 400]
        assert set(losers) == {(400, "BAD_REQUEST_ERROR", "email is already registered")}
        assert run_sql("SELECT count(*) FROM merchants WHERE email = %s", email) == [(1,)]
        [winner] = [answer for answer in answers if answer.status_code == 201]
        assert winner.json()["email"] == email


def test_signing_up_ends_the_session_that_the_browser_came_with(service: Service, account: Account) -> None:
    planted = account.token
    assert sign_up(account.client).status_code == 201
    assert account.token != planted
    assert who(service, planted) == 401
    assert who(service, account.token) == 200
