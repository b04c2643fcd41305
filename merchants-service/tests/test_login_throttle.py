from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from .support import Account, RunSql, Service, StartService, error_of, log_in, new_address, new_email, together

PER_ACCOUNT = 10
WINDOW_S = 15 * 60
WRONG = "not the password"
REFUSED = (429, "RATE_LIMIT_ERROR", "Too many failed sign-ins, try again later")


def subject(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


def failures(run_sql: RunSql, *parts: str) -> int:
    return int(run_sql("SELECT coalesce(sum(failures), 0) FROM login_attempts WHERE subject = %s", subject(*parts))[0][0])


def fail(client: httpx.Client, email: str, times: int) -> None:
    assert [log_in(client, email, WRONG).status_code for _ in range(times)] == [401] * times


@pytest.fixture(scope="module")
def strict_by_address(start_service: StartService) -> Service:
    return start_service(LOGIN_FAILURES_PER_ADDRESS="5")


def test_ten_failures_close_an_account_to_their_address_alone(service: Service, new_account: Callable[..., Account]) -> None:
    account, other = new_account(), new_account()
    address = new_address()
    with service.client(address=address) as client, service.client() as elsewhere:
        fail(client, account.email, PER_ACCOUNT)
        verified = service.metric("password_verifications_total")
        for password in (WRONG, "correct horse battery"):
            response = log_in(client, f" {account.email.upper()} ", password)
            assert error_of(response) == REFUSED
            assert 0 < int(response.headers["retry-after"]) <= WINDOW_S
            assert "set-cookie" not in response.headers
        assert service.metric("password_verifications_total") == verified
        assert log_in(elsewhere, account.email).status_code == 200
        assert log_in(client, other.email).status_code == 200


def test_an_unknown_e_mail_is_throttled_like_a_known_one(service: Service) -> None:
    email = new_email()
    with service.client() as client:
        fail(client, email, PER_ACCOUNT)
        assert error_of(log_in(client, email, WRONG)) == REFUSED


def test_a_success_starts_the_account_anew(service: Service, account: Account, run_sql: RunSql) -> None:
    address = new_address()
    with service.client(address=address) as client:
        for _ in range(2):
            fail(client, account.email, PER_ACCOUNT - 1)
            assert log_in(client, account.email).status_code == 200
    assert failures(run_sql, "account", account.email, address) == 0
    assert failures(run_sql, "address", address) == 2 * (PER_ACCOUNT - 1)


def test_the_wait_ends_by_itself(service: Service, account: Account, run_sql: RunSql) -> None:
    address = new_address()
    with service.client(address=address) as client:
        fail(client, account.email, PER_ACCOUNT)
        assert log_in(client, account.email).status_code == 429
        run_sql(
            "UPDATE login_attempts SET expires_at = now() WHERE subject = ANY(%s)",
            [subject("account", account.email, address), subject("address", address)],
        )
        fail(client, account.email, 1)
        assert failures(run_sql, "account", account.email, address) == 1
        assert failures(run_sql, "address", address) == 1
        assert log_in(client, account.email).status_code == 200


def test_being_refused_makes_the_wait_no_longer(service: Service, account: Account, run_sql: RunSql) -> None:
    address = new_address()
    with service.client(address=address) as client:
        fail(client, account.email, PER_ACCOUNT)
        run_sql(
            "UPDATE login_attempts SET expires_at = now() + interval '30 seconds' WHERE subject = %s",
            subject("account", account.email, address),
        )
        waits = [int(log_in(client, account.email, WRONG).headers["retry-after"]) for _ in range(20)]
    assert waits == sorted(waits, reverse=True)
    assert 0 < min(waits) <= max(waits) <= 30
    assert failures(run_sql, "account", account.email, address) == PER_ACCOUNT
    assert failures(run_sql, "address", address) == PER_ACCOUNT


def test_an_address_that_tries_many_accounts_is_closed(strict_by_address: Service, account: Account) -> None:
    with strict_by_address.client() as client, strict_by_address.client() as elsewhere:
        for _ in range(5):
            fail(client, new_email(), 1)
        assert error_of(log_in(client, account.email)) == REFUSED
        assert log_in(elsewhere, account.email).status_code == 200


def test_ones_own_success_does_not_pay_for_guesses_at_others(strict_by_address: Service, account: Account) -> None:
    with strict_by_address.client() as client:
        for _ in range(4):
            fail(client, new_email(), 1)
            assert log_in(client, account.email).status_code == 200
        fail(client, new_email(), 1)
        assert log_in(client, account.email).status_code == 429


def test_a_household_of_ipv6_addresses_counts_as_one(strict_by_address: Service) -> None:
    network = f"2001:db8:{int(new_address().split('.')[0]):x}:{int(new_address().rsplit('.', 1)[1]):x}"
    for host in range(5):
        with strict_by_address.client(address=f"{network}::{host + 1:x}") as client:
            fail(client, new_email(), 1)
    with strict_by_address.client(address=f"{network}:ffff::1") as client:
        assert log_in(client, new_email(), WRONG).status_code == 429


def test_guesses_that_arrive_together_do_not_slip_through(service: Service, start_service: StartService, run_sql: RunSql) -> None:
    copies = [service, start_service()]
    for _ in range(3):
        email, address = new_email(), new_address()
        clients = [copies[i % 2].client(address=address) for i in range(30)]
        answers = together([lambda c=c, e=email: log_in(c, e, WRONG) for c in clients])
        assert Counter(answer.status_code for answer in answers) == {401: PER_ACCOUNT, 429: 20}
        assert failures(run_sql, "account", email, address) == PER_ACCOUNT
        assert failures(run_sql, "address", address) == PER_ACCOUNT


def test_guesses_at_many_accounts_from_one_address_do_not_either(strict_by_address: Service, run_sql: RunSql) -> None:
    address = new_address()
    clients = [strict_by_address.client(address=address) for _ in range(24)]
    answers = together([lambda c=c: log_in(c, new_email(), WRONG) for c in clients])
    assert Counter(answer.status_code for answer in answers) == {401: 5, 429: 19}
    assert failures(run_sql, "address", address) == 5


def test_limits_are_settings(start_service: StartService, account: Account) -> None:
    own = start_service(LOGIN_FAILURES_PER_ACCOUNT="2", LOGIN_WINDOW_MINUTES="1")
    with own.client() as client:
        fail(client, account.email, 2)
        response = log_in(client, account.email)
        assert response.status_code == 429
        assert 0 < int(response.headers["retry-after"]) <= 60
