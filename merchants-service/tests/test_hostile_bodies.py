from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from .support import PASSWORD, Account, Service, error_of, new_email

NOT_TEXT: list[Any] = [None, True, 0, -1, 1.5, 2**63, 10**300, [], ["a@shop.example"], {}, {"a": 1}, [[[]]]]
RAW_BODIES = {
    "empty": b"",
    "blank": b"   ",
    "not json": b"name=A&password=B",
    "cut off": b'{"email": "a@shop.ex',
    "two documents": b"{}{}",
    "nan": b'{"email": NaN}',
    "infinite": b'{"email": 1e999}',
    "not utf-8": b'{"email": "\xff\xfe"}',
    "utf-16": '{"email": "a"}'.encode("utf-16"),
    "lone surrogate": b'{"email": "\\ud800@shop.example", "password": "\\udfff", "name": "\\ud800"}',
    "raw NUL": b'{"email": "a\x00"}',
    "a thousand levels": b"[" * 1000 + b"]" * 1000,
    "too deep": b'{"name":' * 100_000 + b"1" + b"}" * 100_000,
    "array": b"[]",
    "string": b'"text"',
    "number": b"1" * 5000,
    "null": b"null",
    "multipart": b"--x\r\nContent-Disposition: form-data; name=email\r\n\r\na\r\n--x--\r\n",
}


def requests_for(account: Account) -> list[tuple[str, str, dict[str, Any], dict[str, str]]]:
    return [
        ("POST", "/api/v1/merchants", {"name": "A Shop", "email": new_email(), "password": PASSWORD}, {}),
        ("POST", "/api/v1/auth/login", {"email": new_email(), "password": PASSWORD}, {}),
        (
            "PATCH",
            "/api/v1/merchants/me",
            {"name": "A Shop", "webhook_url": "http://1.1.1.1/", "public_orders_enabled": True},
            account.keys,
        ),
    ]


def assert_refused(response: httpx.Response, status: int = 400) -> None:
    assert error_of(response)[:2] == (status, "BAD_REQUEST_ERROR")


@pytest.mark.parametrize("body", RAW_BODIES.values(), ids=RAW_BODIES.keys())
def test_bodies_that_are_no_json_objects(service: Service, account: Account, body: bytes) -> None:
    with service.client() as client:
        for method, path, _, headers in requests_for(account):
            assert_refused(client.request(method, path, content=body, headers=headers | {"Content-Type": "application/json"}))


@pytest.mark.parametrize("value", NOT_TEXT, ids=[str(index) for index in range(len(NOT_TEXT))])
def test_wrong_types_at_every_place(service: Service, account: Account, value: Any) -> None:
    with service.client() as client:
        for method, path, body, headers in requests_for(account):
            for field in (
                name for name, right in body.items() if type(right) is not type(value) and (name, value) != ("webhook_url", None)
            ):
                content = orjson.dumps(body | {field: value}) if value != 10**300 else raw(body, field, "1" + "0" * 300)
                response = client.request(method, path, content=content, headers=headers)
                assert_refused(response)
                assert field in error_of(response)[2]


def raw(body: dict[str, Any], field: str, number: str) -> bytes:
    return orjson.dumps(body | {field: "@"}).replace(b'"@"', number.encode())


def test_nul_characters_are_refused_where_they_would_be_stored(service: Service, account: Account) -> None:
    with service.client() as client:
        for field in ("name", "email", "password"):
            body = {"name": "A Shop", "email": new_email(), "password": PASSWORD} | {field: "nul\0nul@shop.example"}
            assert_refused(client.post("/api/v1/merchants", json=body))
        assert_refused(client.post("/api/v1/auth/login", json={"email": "a\0@shop.example", "password": PASSWORD}))
        for field in ("name", "webhook_url"):
            assert_refused(client.patch("/api/v1/merchants/me", json={field: "http://shop.example/\0"}, headers=account.keys))


def test_bodies_over_the_limit(service: Service, account: Account) -> None:
    with service.client() as client:
        for method, path, body, headers in requests_for(account):
            large = orjson.dumps(body | {"padding": "x" * 2_000_000})
            response = client.request(method, path, content=large, headers=headers)
            assert error_of(response) == (413, "BAD_REQUEST_ERROR", "Request body too large")
            chunked = client.request(method, path, content=iter([large[:1000], large[1000:]]), headers=headers)
            assert error_of(chunked) == (413, "BAD_REQUEST_ERROR", "Request body too large")


def test_long_texts_within_the_limit(service: Service, account: Account) -> None:
    with service.client() as client:
        for method, path, body, headers in requests_for(account):
            for field in (name for name, right in body.items() if isinstance(right, str)):
                assert_refused(client.request(method, path, json=body | {field: "x" * 500_000}, headers=headers))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/merchants", "POST"),
        ("GET", "/api/v1/auth/login", "POST"),
        ("DELETE", "/api/v1/auth/logout", "POST"),
        ("DELETE", "/api/v1/merchants/me", "GET"),
        ("GET", "/api/v1/merchants/me/api-keys/rotate", "POST"),
    ],
)
def test_other_methods(service: Service, method: str, path: str, allowed: str) -> None:
    response = httpx.request(method, service.url + path)
    assert error_of(response) == (405, "BAD_REQUEST_ERROR", "Method not allowed")
    assert allowed in response.headers["allow"]


@pytest.mark.parametrize("path", ["/api/v1/auth", "/api/v1/merchants/", "/api/v1/merchants/you", "/api/v1/auth/login/", "/docs"])
def test_unknown_paths(service: Service, path: str) -> None:
    assert error_of(httpx.get(service.url + path)) == (404, "NOT_FOUND_ERROR", "The requested URL was not found")


def test_nothing_of_all_this_was_a_fault_of_the_service(service: Service) -> None:
    printed = service.whole_output()
    assert '"event":"request"' in printed
    assert '"level":"error"' not in printed
    assert "Traceback" not in printed
