"""Keys against the real unique index, with the role of a service."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from chassis.errors import BadRequest, Conflicted, NotFound
from chassis.idempotency import Answer, decide, key_from
from starlette.datastructures import Headers

MERCHANT = "550e8400-e29b-41d4-a716-446655440000"
OTHER = "650e8400-e29b-41d4-a716-446655440000"


@pytest.fixture
def connect(database_url):
    with psycopg2.connect(database_url("gateway_user")) as administrator, administrator.cursor() as cursor:
        cursor.execute("TRUNCATE idempotency_keys")
        for number, merchant in enumerate((MERCHANT, OTHER)):
            cursor.execute(
                "INSERT INTO merchants (id, name, email, api_key, api_secret) VALUES (%s, 'x', %s, %s, 's')"
                " ON CONFLICT DO NOTHING",
                (merchant, f"{number}@x.example", f"key-{number}"),
            )
    return lambda: psycopg2.connect(database_url("orders_service"))


def key(text: str, body: object = 1, merchant: str = MERCHANT, endpoint: str = "orders"):
    return key_from(Headers({"idempotency-key": text}), merchant, endpoint, body)


def one(connection, request):
    with connection, connection.cursor() as cursor:
        return decide(cursor, [request])[0]


def test_the_first_acts_and_the_second_gets_its_answer(connect):
    connection = connect()
    first = one(connection, (key("a"), Answer(201, b'{"n": 1.0,"b":[ ]}')))
    second = one(connection, (key("a"), Answer(201, b'{"n":2}')))
    assert (first.carry_out, second.carry_out) == (True, False)
    assert (second.answer.status, second.answer.body, second.answer.replayed) == (201, b'{"n": 1.0,"b":[ ]}', True)


def test_another_body_is_refused(connect):
    connection = connect()
    one(connection, (key("a", {"amount": 1}), Answer(201, b"{}")))
    assert isinstance(one(connection, (key("a", {"amount": 2}), Answer(201, b"{}"))).answer, Conflicted)


def test_the_order_of_members_does_not_make_another_body(connect):
    connection = connect()
    one(connection, (key("a", {"x": 1, "y": 2}), Answer(201, b"{}")))
    assert one(connection, (key("a", {"y": 2, "x": 1}), Answer(201, b"{}"))).answer.replayed


def test_merchants_and_endpoints_have_keys_of_their_own(connect):
    connection = connect()
    scopes = [(MERCHANT, "orders"), (OTHER, "orders"), (MERCHANT, "refunds")]
    verdicts = [one(connection, (key("a", 1, *scope), Answer(201, b"{}"))) for scope in scopes]
    assert all(verdict.carry_out for verdict in verdicts)


def test_a_refusal_does_not_use_up_the_key_but_a_success_before_it_is_replayed(connect):
    connection = connect()
    refused = one(connection, (key("a"), NotFound("no")))
    accepted = one(connection, (key("a"), Answer(201, b'"yes"')))
    late = one(connection, (key("a"), NotFound("no")))
    assert isinstance(refused.answer, NotFound)
    assert accepted.carry_out
    assert late.answer.body == b'"yes"'


def test_an_expired_key_is_free_again(connect, database_url):
    connection = connect()
    one(connection, (key("a"), Answer(201, b"1")))
    with psycopg2.connect(database_url("gateway_user")) as administrator, administrator.cursor() as cursor:
        cursor.execute("UPDATE idempotency_keys SET expires_at = now() - interval '1 second'")
    again = one(connection, (key("a", "another body"), Answer(201, b"2")))
    assert again.carry_out
    assert one(connection, (key("a", "another body"), Answer(201, b"3"))).answer.body == b"2"


def test_twins_in_one_batch_share_one_answer(connect):
    connection = connect()
    with connection, connection.cursor() as cursor:
        verdicts = decide(
            cursor, [(key("a"), Answer(201, str(n).encode())) for n in range(5)] + [(key("a", 2), Answer(201, b"x"))]
        )
    assert [verdict.carry_out for verdict in verdicts] == [True] + [False] * 5
    assert {verdict.answer.body for verdict in verdicts[:5]} == {b"0"}
    assert isinstance(verdicts[5].answer, Conflicted)


@pytest.mark.parametrize("round_", range(5))
def test_batches_that_share_keys_in_another_order_do_not_deadlock(connect, round_):
    barrier = threading.Barrier(8)

    def batch(number: int) -> int:
        names = [f"k{(number * 7 + step) % 20}" for step in range(20)]
        connection = connect()
        barrier.wait(10)
        with connection, connection.cursor() as cursor:
            return sum(v.carry_out for v in decide(cursor, [(key(name), Answer(201, b"{}")) for name in names]))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(batch, range(8))) == 20


@pytest.mark.parametrize("text", ["", "x" * 256, "tab\tkey", "nul\0key"])
def test_keys_that_are_none(text):
    with pytest.raises(BadRequest):
        key(text)


def test_no_header_is_no_key():
    assert key_from(Headers({}), MERCHANT, "orders", 1) is None
