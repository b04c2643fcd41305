"""An endpoint for webhooks that is not the bottleneck: a bare protocol on uvloop that answers 200 to everything.

As a program (``python -m gateway_bench.receiver``) it prints its port and serves until its standard input ends. Requests whose
path begins with ``/hang`` never get an answer, and those to ``/refuse`` a 500.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import uvloop

__all__ = ["Receiver", "listen", "receiver_process"]

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_REFUSAL = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_HOST = "127.0.0.1"


class Receiver(asyncio.Protocol):
    """One connection. ``heard`` gets the body of each POST."""

    def __init__(self, heard: Callable[[bytes], None] | None = None):
        self._heard = heard
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but name.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(_HEAD_END)) >= 0:
            head = self._buffer[:end]
            start = end + len(_HEAD_END)
            length = _length(head)
            if len(self._buffer) < start + length:
                return
            body, self._buffer = self._buffer[start : start + length], self._buffer[start + length :]
            self._take(head, body)

    def _take(self, head: bytes, body: bytes) -> None:
        if self._heard is not None:
            self._heard(body)
        if not head.startswith(b"POST /hang") and self._transport is not None:
            self._transport.write(_REFUSAL if head.startswith(b"POST /refuse") else _ANSWER)


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(_LENGTH)
    return int(lowered[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def listen(heard: Callable[[bytes], None] | None = None) -> asyncio.Server:
    """A server on a free port of the loopback address."""
    return await asyncio.get_running_loop().create_server(partial(Receiver, heard), _HOST, 0, backlog=4096)


@dataclass(frozen=True)
class ReceiverProcess:
    pid: int
    port: int

    def url(self, path: str) -> str:
        return f"http://{_HOST}:{self.port}/{path}"


@contextlib.contextmanager
def receiver_process() -> Iterator[ReceiverProcess]:
    """The program of this file, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "gateway_bench.receiver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        yield ReceiverProcess(process.pid, int(process.stdout.readline()))
        process.stdin.close()


async def _serve() -> None:
    server = await listen()
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(_serve())
