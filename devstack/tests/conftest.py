"""Platforms of stand-in processes: small servers where services and workers would be."""

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from devstack.ports import SERVICES, Ports, free_ports
from devstack.programs import Program
from devstack.stack import Stack

SERVICE = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"status": "healthy"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
WORKER = "import signal; print('working', flush=True); signal.pause()"


@dataclasses.dataclass
class StandIns:
    """Makes platforms in folders of their own and stops them at the end."""

    folder: Path
    stacks: list[Stack] = dataclasses.field(default_factory=list)

    def stack(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        name: str = "home",
        ports: Ports | None = None,
        worker: str = WORKER,
        scale: Mapping[str, int] | None = None,
        migrate_command: Sequence[str] = ("true",),
    ) -> Stack:
        """A platform that is not started yet."""
        ports = ports or free_ports()
        script = self.folder / "service.py"
        script.write_text(SERVICE)
        programs = [
            Program(
                service if copy == 0 else f"{service}-{copy + 1}",
                (sys.executable, str(script)),
                environment={"PORT": str(ports.of_service(service, copy))},
            )
            for service in SERVICES
            for copy in range((scale or {}).get(service, 1))
        ]
        programs.append(Program("payment-worker", (sys.executable, "-c", worker)))
        stack = Stack(
            self.folder / name,
            ports,
            environment or {},
            scale=scale,
            application=programs,
            migrate_command=migrate_command,
        )
        self.stacks.append(stack)
        return stack


@pytest.fixture
def stand_ins(tmp_path: Path) -> Iterator[StandIns]:
    """Platforms of this test, stopped and removed after it."""
    made = StandIns(tmp_path)
    yield made
    for stack in made.stacks:
        stack.stop()
        stack.wipe()
