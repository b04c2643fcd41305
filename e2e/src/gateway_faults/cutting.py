"""A TCP proxy in front of the API that cuts connections: before the request is through, or before its answer is."""

from __future__ import annotations

import random
import select
import socket
import struct
import threading
from types import TracebackType

__all__ = ["CuttingProxy"]

_CHUNK_BYTES = 65_536
_IDLE_S = 60.0
# Closes with a reset instead of an orderly end, as a network that breaks does.
_RESET = struct.pack("ii", 1, 0)


class CuttingProxy:
    """Forwards to ``127.0.0.1:port``; while ``cuts`` is set, ends about one in four exchanges in the middle."""

    def __init__(self, port: int, seed: str):
        self._port = port
        self._random = random.Random(seed)
        self.cuts = threading.Event()
        self._closing = threading.Event()

    def __enter__(self) -> CuttingProxy:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.set()
        self._listener.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed: that is how this thread ends
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with client:
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=5) as server:
                    self._exchange(client, server)
            except OSError:
                # The other side is gone, which is what this is about; the client sees its connection end.
                return

    def _exchange(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            ready, _, _ = select.select([client, server], [], [], _IDLE_S)
            if not ready:
                return
            for source, target in ((client, server), (server, client)):
                if source not in ready:
                    continue
                data = source.recv(_CHUNK_BYTES)
                if not data:
                    return
                if self.cuts.is_set() and self._random.random() < 0.15:
                    # Half of what there is gets through: a request torn apart, or an answer.
                    target.sendall(data[: len(data) // 2])
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    return
                target.sendall(data)
