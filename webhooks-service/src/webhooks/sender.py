"""One attempt: a signed POST to a merchant's URL, within a time, and what is kept of the answer."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.payload import BytesPayload
from chassis.outbound import AddressRefused, guarded_socket_factory
from chassis.signing import hex_signature, standard_signatures
from chassis.times import now
from multidict import CIMultiDict
from yarl import URL

from webhooks.repository import AttemptResult, Delivery
from webhooks.settings import DeliverySettings

__all__ = ["LocalTrouble", "Resolver", "Sender", "create_sender"]

_USER_AGENT = "PaymentGateway-Webhooks/1.0"
# A response's status line and each of its header lines; more is not a receiver, it is an attack.
_HEADER_LINE_MAX_BYTES = 8190
# What a connection may buffer ahead of the reader, so that an endless body costs no memory.
_READ_BUFFER_BYTES = 16_384
# An idle connection is worth a TCP and a TLS handshake, but also a socket; most servers drop it after 5 s or more.
_KEEP_ALIVE_S = 4.0
# Long enough to spare the resolver, short enough to follow a merchant who moves.
_DNS_CACHE_S = 30
_ERROR_MAX_LENGTH = 200
# Sockets, buffers or memory are out: the trouble is here, not there.
_LOCAL_ERRNOS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


class LocalTrouble(Exception):
    """This process could not even try. It must not cost the merchant an attempt."""


class Resolver(AbstractResolver):
    """getaddrinfo in threads of its own: a name server that hangs stops neither the loop nor other names.

    aiohttp asks once for all who wait for one name, so a merchant holds one thread.
    """

    def __init__(self, threads: int):
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.look_up, host, port, family)

    def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


async def create_sender(settings: DeliverySettings, resolver: Resolver | None = None) -> Sender:
    """A sender on the running event loop."""
    return Sender(settings, resolver or Resolver(settings.webhook_resolver_threads))


class Sender:
    """Made and used on one event loop."""

    def __init__(self, settings: DeliverySettings, resolver: Resolver):
        self._timeout_s = settings.webhook_timeout_ms / 1000
        self._head_bytes = settings.webhook_response_head_bytes
        self._resolver = resolver
        self._session = _session(resolver, guarded_socket_factory(settings.webhook_allow_private_targets))

    async def close(self) -> None:
        await self._session.close()
        await self._resolver.close()

    async def send(self, delivery: Delivery) -> AttemptResult:
        """Makes one attempt. Whatever the endpoint does ends in a result; LocalTrouble means that there was none."""
        attempted_at, started = now(), time.perf_counter()
        outcome = await self._outcome(delivery)
        duration_ms = round((time.perf_counter() - started) * 1000)
        return AttemptResult(delivery, attempted_at, duration_ms=duration_ms, **outcome)

    async def _outcome(self, delivery: Delivery) -> dict[str, Any]:
        if delivery.url is None:
            return _failure("The merchant has no webhook URL", is_final=True)
        if not delivery.secret:
            return _failure("The merchant has no webhook secret to sign with")
        url = _parsed(delivery.url)
        if url is None:
            return _failure("The webhook URL is not a valid http or https URL")
        answer = _Answer()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._post(url, _headers(delivery, delivery.secret), delivery.body, answer)
        except TimeoutError:
            if answer.code is None:
                return _failure(f"Timed out after {round(self._timeout_s * 1000)} ms", timed_out=True)
            # The answer counts as soon as its status is there; what came of its body is kept.
            return self._answered(answer, timed_out=True)
        except (aiohttp.ClientError, OSError) as error:
            if answer.code is None:
                _raise_if_local(error)
                return _failure(_described(error))
            return self._answered(answer)
        except ValueError:
            # From aiohttp and yarl, of host names that no encoding fits.
            return _failure("The webhook URL is not a valid http or https URL")
        return self._answered(answer)

    async def _post(self, url: URL, headers: CIMultiDict[str], body: bytes, answer: _Answer) -> None:
        """One POST and no second. A connection that ends before its answer may have carried the whole request, also a
        kept one: whether the endpoint has acted on it nobody here can know, so it is a failed attempt on record."""
        async with self._session.post(url, headers=headers, data=BytesPayload(body), allow_redirects=False) as response:
            answer.code = response.status
            answer.encoding = response.headers.get("Content-Encoding", "").lower()
            while len(answer.head) < self._head_bytes:
                part = await response.content.read(self._head_bytes - len(answer.head))
                if not part:
                    return
                answer.head += part
            if not response.content.at_eof():
                response.close()

    def _answered(self, answer: _Answer, timed_out: bool = False) -> dict[str, Any]:
        assert answer.code is not None
        succeeded = 200 <= answer.code <= 299
        return {
            "succeeded": succeeded,
            "response_code": answer.code,
            "response_body": _text(answer, self._head_bytes),
            "error": None if succeeded else f"The endpoint answered {answer.code}",
            "timed_out": timed_out,
        }


class _Answer:
    """Filled while it arrives, so that what is there survives a time-out."""

    __slots__ = ("code", "encoding", "head")

    def __init__(self) -> None:
        self.code: int | None = None
        self.encoding = ""
        self.head = bytearray()


def _session(resolver: Resolver, open_socket: Callable[[Any], socket.socket]) -> aiohttp.ClientSession:
    # The limits on connections are ours (delivery.py): a queue in here would spend the five seconds of an attempt.
    connector = aiohttp.TCPConnector(
        limit=0, resolver=resolver, ttl_dns_cache=_DNS_CACHE_S, socket_factory=open_socket, keepalive_timeout=_KEEP_ALIVE_S
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        read_bufsize=_READ_BUFFER_BYTES,
        max_line_size=_HEADER_LINE_MAX_BYTES,
        max_field_size=_HEADER_LINE_MAX_BYTES,
    )


@lru_cache(maxsize=10_000)
def _parsed(url: str) -> URL | None:
    try:
        parsed = URL(url)
    except ValueError:
        return None
    return parsed if parsed.scheme in ("http", "https") and parsed.raw_host else None


def _headers(delivery: Delivery, secret: str) -> CIMultiDict[str]:
    timestamp_s = int(time.time())
    signature = hex_signature(secret, delivery.body)
    secrets_in_use = [secret, delivery.previous_secret] if delivery.previous_secret else [secret]
    return CIMultiDict(
        {
            "Content-Type": "application/json",
            "User-Agent": _USER_AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "X-Webhook-Signature": signature,
            "X-Signature": signature,
            "X-Webhook-Event": delivery.event,
            "X-Webhook-Id": delivery.id,
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": standard_signatures(secrets_in_use, delivery.id, timestamp_s, delivery.body),
        }
    )


def _failure(error: str, *, timed_out: bool = False, is_final: bool = False) -> dict[str, Any]:
    return {"succeeded": False, "error": error[:_ERROR_MAX_LENGTH], "timed_out": timed_out, "is_final": is_final}


def _text(answer: _Answer, limit_bytes: int) -> str:
    """What PostgreSQL and a page can show of the head: no NUL, no broken UTF-8, and never more than the limit."""
    head = bytes(answer.head)
    if answer.encoding in ("gzip", "deflate", "x-gzip"):
        try:
            # Told the limit, zlib stops there: a small bomb stays small.
            head = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(head, limit_bytes)
        except zlib.error:
            return "(a compressed response)"
    return head[:limit_bytes].decode("utf-8", "replace").replace("\0", "")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it; for several addresses tried at once, what became of each."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _causes(part)
    inner = getattr(error, "os_error", None) or error.__cause__
    if inner is not None:
        yield from _causes(inner)


def _raise_if_local(error: BaseException) -> None:
    if any(isinstance(cause, OSError) and cause.errno in _LOCAL_ERRNOS for cause in _causes(error)):
        raise LocalTrouble(_described(error))


# In this order: the first that fits names the trouble. No text of the error itself is kept: it may repeat the URL,
# whose query can hold a merchant's token.
_DESCRIPTIONS: tuple[tuple[type[BaseException], str], ...] = (
    (AddressRefused, "The address of the endpoint is not allowed"),
    (aiohttp.InvalidURL, "The webhook URL is not a valid http or https URL"),
    (aiohttp.ClientConnectorDNSError, "The host name could not be resolved"),
    (socket.gaierror, "The host name could not be resolved"),
    (ssl.CertificateError, "The TLS certificate is not valid"),
    (aiohttp.ClientConnectorCertificateError, "The TLS certificate is not valid"),
    (ssl.SSLError, "The TLS handshake failed"),
    (ConnectionRefusedError, "The connection was refused"),
    (ConnectionResetError, "The connection was reset"),
    (BrokenPipeError, "The connection was reset"),
    (aiohttp.ServerDisconnectedError, "The connection was closed before an answer"),
    (aiohttp.ClientConnectionError, "The connection failed"),
    (aiohttp.ClientResponseError, "The answer was not valid HTTP"),
    (aiohttp.ClientPayloadError, "The answer was not valid HTTP"),
)


def _described(error: BaseException) -> str:
    causes = list(_causes(error))
    for kind, description in _DESCRIPTIONS:
        if any(isinstance(cause, kind) for cause in causes):
            return description
    return "The connection failed"
