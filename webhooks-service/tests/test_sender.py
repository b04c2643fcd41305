"""What endpoints do to a POST, and what is kept of it."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import ssl
import struct
import subprocess
import threading
from pathlib import Path

import pytest

from .support import Receiver, answer, answering, delivery_to, receiving, send, sending

KIBIBYTE = 1024
HEAD_BYTES = 10 * KIBIBYTE
NO_WEB_ADDRESSES = [
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/",
    "javascript:alert(1)",
    "//x/",
    "http://",
    "http://[::1",
    "nothing",
]


def cut_off(connection: socket.socket, _: int) -> None:
    """Closes with a reset instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)
    os.close(connection.detach())


def then_waiting(raw: bytes):
    """Sends this and then nothing more, with the connection open."""
    waiting: list[Receiver] = []

    def behave(connection: socket.socket, _: int) -> None:
        connection.sendall(raw)
        waiting[0].released.wait(30)

    return behave, waiting


def endless(prefix: bytes):
    def behave(connection: socket.socket, _: int) -> None:
        connection.sendall(prefix)
        while True:
            connection.sendall(b"x" * 65_536)

    return behave


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_success(status: int) -> None:
    with receiving(sending(answer(status, b"" if status == 204 else b"ok"))) as receiver:
        (result,) = send(delivery_to(receiver.url))
    assert (result.succeeded, result.response_code, result.error) == (True, status, None)


@pytest.mark.parametrize("status", [300, 304, 400, 404, 410, 429, 500, 503])
def test_everything_else_is_failure(status: int) -> None:
    with receiving(sending(answer(status, b"" if status == 304 else b"no"))) as receiver:
        (result,) = send(delivery_to(receiver.url))
    assert (result.succeeded, result.response_code, result.error) == (False, status, f"The endpoint answered {status}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with (
        receiving(answering(200)) as elsewhere,
        receiving(sending(answer(status, b"", f"Location: {elsewhere.url}"))) as receiver,
    ):
        (result,) = send(delivery_to(receiver.url))
    assert (result.succeeded, result.response_code) == (False, status)
    assert len(receiver.received) == 1
    assert not elsewhere.received


def test_silence_ends_with_the_time_out() -> None:
    behave, waiting = then_waiting(b"")
    with receiving(behave) as receiver:
        waiting.append(receiver)
        (result,) = send(delivery_to(receiver.url), webhook_timeout_ms=300)
    assert (result.succeeded, result.timed_out, result.error) == (False, True, "Timed out after 300 ms")
    assert 300 <= result.duration_ms < 1500


@pytest.mark.parametrize(("status", "succeeded"), [(200, True), (500, False)])
def test_a_body_that_never_ends_arriving_does_not_change_the_answer(status: int, succeeded: bool) -> None:
    behave, waiting = then_waiting(f"HTTP/1.1 {status} X\r\nContent-Length: 100\r\n\r\nso far".encode())
    with receiving(behave) as receiver:
        waiting.append(receiver)
        (result,) = send(delivery_to(receiver.url), webhook_timeout_ms=300)
    assert (result.succeeded, result.response_code, result.response_body, result.timed_out) == (succeeded, status, "so far", True)


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"],
    ids=["no length", "huge length"],
)
def test_of_an_endless_body_the_head_is_kept_and_the_rest_not_read(head: bytes) -> None:
    with receiving(endless(head)) as receiver:
        (result,) = send(delivery_to(receiver.url))
    assert (result.succeeded, result.response_body) == (True, "x" * HEAD_BYTES)
    assert result.duration_ms < 1000


def test_a_body_that_is_cut_short_is_still_a_success() -> None:
    def behave(connection: socket.socket, number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        connection.shutdown(socket.SHUT_RDWR)

    with receiving(behave) as receiver:
        (result,) = send(delivery_to(receiver.url))
    assert (result.succeeded, result.response_code, result.response_body) == (True, 200, "part")


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % number for number in range(50_000)) + b"\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n",
        b"\x16\x03\x01\x00\x00",
    ],
    ids=["huge header", "huge status line", "very many headers", "ssh", "no status", "bad length", "tls"],
)
def test_what_is_not_http_is_failure_at_once(raw: bytes) -> None:
    with receiving(sending(raw)) as receiver:
        (result,) = send(delivery_to(receiver.url))
    assert (result.succeeded, result.timed_out, result.response_code) == (False, False, None)
    assert result.error in ("The answer was not valid HTTP", "The connection was closed before an answer")


def test_a_reset_is_failure_and_one_post() -> None:
    with receiving(cut_off) as receiver:
        (result,) = send(delivery_to(receiver.url))
    assert (result.succeeded, result.response_code) == (False, None)
    assert result.error in ("The connection was reset", "The connection was closed before an answer")
    assert len(receiver.received) == 1


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (result,) = send(delivery_to(f"http://127.0.0.1:{port}/"))
    assert (result.succeeded, result.error) == (False, "The connection was refused")


def test_connections_are_kept() -> None:
    with receiving(answering(200)) as receiver:
        delivery = delivery_to(receiver.url)
        send(delivery, delivery, delivery)
    assert {request.connection for request in receiver.received} == {1}


def test_an_attempt_is_one_post_also_where_the_server_drops_a_kept_connection() -> None:
    def behave(connection: socket.socket, number: int) -> None:
        """Like a server that dies of its second request, after it has read and perhaps acted on it."""
        if number != 1:
            connection.sendall(answer(200))
        else:
            connection.shutdown(socket.SHUT_RDWR)

    with receiving(behave) as receiver:
        delivery = delivery_to(receiver.url)
        results = send(delivery, delivery, delivery)
    assert [result.succeeded for result in results] == [True, False, True]
    assert [request.connection for request in receiver.received] == [1, 1, 2]


def test_cookies_are_not_kept() -> None:
    with receiving(sending(answer(200, b"ok", "Set-Cookie: a=b; Path=/"))) as receiver:
        delivery = delivery_to(receiver.url)
        send(delivery, delivery)
    assert [request.headers.get("cookie") for request in receiver.received] == [None, None]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"a\0b", "ab"),
        (b"\xff\xfe\x80", "\ufffd\ufffd\ufffd"),
        ("₹".encode()[:2], "\ufffd"),
        (b"", ""),
        (b"x" * HEAD_BYTES, "x" * HEAD_BYTES),
        (b"x" * (HEAD_BYTES + 1), "x" * HEAD_BYTES),
    ],
    ids=["nul", "not utf-8", "half a character", "empty", "just fits", "one too many"],
)
def test_the_response_is_kept_in_a_form_that_can_be_stored(body: bytes, kept: str) -> None:
    with receiving(sending(answer(200, body))) as receiver:
        (result,) = send(delivery_to(receiver.url))
    assert result.response_body == kept


def test_a_compressed_response_is_read_and_a_bomb_stays_small() -> None:
    bodies = [gzip.compress(b"fine"), gzip.compress(b"x" * 50_000_000), b"no gzip at all"]
    with receiving(lambda c, number: c.sendall(answer(200, bodies[number], "Content-Encoding: gzip"))) as receiver:
        delivery = delivery_to(receiver.url)
        results = send(delivery, delivery, delivery)
    assert [result.response_body for result in results] == ["fine", "x" * HEAD_BYTES, "(a compressed response)"]
    assert all(result.succeeded for result in results)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "javascript:alert(1)",
        "//x/",
        "http://",
        "http://[::1",
        "nothing",
    ],
)
def test_other_schemes_and_broken_urls_are_failures(url: str) -> None:
    (result,) = send(delivery_to(url))
    assert (result.succeeded, result.error) == (False, "The webhook URL is not a valid http or https URL")


@pytest.mark.parametrize("host", ["does-not-exist.invalid", "a" * 64 + ".example", "xn--a.invalid", "..", "a..b"])
def test_names_that_do_not_resolve(host: str) -> None:
    (result,) = send(delivery_to(f"http://{host}/hook?token=hidden"))
    assert not result.succeeded
    assert result.error in ("The host name could not be resolved", "The webhook URL is not a valid http or https URL")


def test_what_speaks_no_tls_is_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_in_plain() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(answer(200))
                connection.recv(KIBIBYTE)

        threading.Thread(target=answer_in_plain, daemon=True).start()
        (result,) = send(delivery_to(f"https://127.0.0.1:{server.getsockname()[1]}/"))
    assert (result.succeeded, result.error) == (False, "The TLS handshake failed")


def test_a_certificate_that_nobody_vouches_for_is_failure(tmp_path: Path) -> None:
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=localhost",
    ]
    subprocess.run([*command, "-keyout", tmp_path / "key", "-out", tmp_path / "certificate"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake_hands() -> None:
            connection, _ = server.accept()
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(KIBIBYTE)

        threading.Thread(target=shake_hands, daemon=True).start()
        (result,) = send(delivery_to(f"https://localhost:{server.getsockname()[1]}/"))
    assert (result.succeeded, result.error) == (False, "The TLS certificate is not valid")


def test_a_merchant_without_url_or_secret() -> None:
    without_url, without_secret, empty_secret = send(
        delivery_to(None), delivery_to("http://127.0.0.1:1/", secret=None), delivery_to("http://127.0.0.1:1/", secret="")
    )
    assert (without_url.error, without_url.is_final) == ("The merchant has no webhook URL", True)
    assert (without_secret.error, without_secret.is_final) == ("The merchant has no webhook secret to sign with", False)
    assert empty_secret.error == without_secret.error
