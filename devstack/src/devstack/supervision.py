"""The supervisor: writes its configuration and speaks to it over its socket."""

import dataclasses
import http.client
import json
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from devstack.folders import Folders
from devstack.orphans import process_exists, remember_boot
from devstack.problems import EXIT_CONFIGURATION, StackError
from devstack.programs import GROUP_ORDER, Program

LOG_BYTES_MAX = "20MB"
LOG_BACKUPS = 3
# A process that lives this long has started; one that ends sooner is tried again, a second later each time: for an hour
# and a half, so that what it needs may be away for that long.
STARTED_AFTER_SECONDS = 1
START_RETRIES = 100
POLL_SECONDS = 0.05
START_TIMEOUT_SECONDS = 15
# Services and workers wait for the migrations; nginx may as well be there before them.
STARTED_AT_ONCE = ("servers", "door")

NOT_REACHABLE = (OSError, http.client.HTTPException)


@dataclasses.dataclass(frozen=True)
class ProcessState:
    """A process as the supervisor sees it."""

    name: str
    state: str
    pid: int
    uptime_seconds: int
    detail: str

    @property
    def is_running(self) -> bool:
        """Started and, as far as the supervisor knows, well."""
        return self.state == "RUNNING"

    @property
    def has_failed(self) -> bool:
        """Ended although nobody asked for it."""
        return self.state in ("BACKOFF", "EXITED", "FATAL", "UNKNOWN")

    @property
    def uptime(self) -> str:
        """How long it has run, as h:mm:ss; what went wrong where it does not."""
        if not self.pid:
            return self.detail
        minutes, seconds = divmod(self.uptime_seconds, 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"

    @property
    def summary(self) -> str:
        """State and pid in one phrase."""
        return f"{self.state.lower()}, pid {self.pid}" if self.pid else f"{self.state.lower()} {self.detail}"


class Supervisor:
    """The supervisor of one platform, running or not."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._configuration = folders.run / "supervisord.conf"
        self._groups_file = folders.run / "processes.json"

    def start(self, programs: Sequence[Program], environment: Mapping[str, str], folder: Path) -> None:
        """Starts the supervisor with all programs known, and starts what waits for nothing."""
        self._write_configuration(programs, folder)
        self._groups_file.write_text(json.dumps({program.name: program.group for program in programs}))
        started = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._configuration)],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if started.returncode != 0:
            raise StackError(f"the supervisor did not start: {(started.stderr or started.stdout).strip()}")
        remember_boot(self._folders.run)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self.is_alive():
            if time.monotonic() > deadline:
                raise StackError(f"the supervisor does not answer; see {self._folders.logs / 'supervisor.log'}")
            time.sleep(POLL_SECONDS)

    def _write_configuration(self, programs: Sequence[Program], folder: Path) -> None:
        """Writes the configuration for the owner's eyes: it holds the database's password."""
        text = supervisor_section(self._folders)
        for group in GROUP_ORDER:
            members = [program for program in programs if program.group == group]
            text += group_section(group, members)
            text += "".join(program_section(program, self._folders.logs, folder) for program in members)
        self._configuration.unlink(missing_ok=True)
        with os.fdopen(os.open(self._configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)

    def _call(self, method: str, *arguments: Any) -> Any:
        """One remote call on a connection of its own."""
        transport = SupervisorTransport(None, None, f"unix://{self._folders.supervisor_socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()

    def is_alive(self) -> bool:
        """Whether a supervisor answers."""
        try:
            self._call("getState")
        except (*NOT_REACHABLE, xmlrpc.client.Fault):
            return False
        return True

    def states(self) -> list[ProcessState]:
        """All processes in the order of their start, empty where nothing runs."""
        try:
            rows = self._call("getAllProcessInfo")
        except (*NOT_REACHABLE, xmlrpc.client.Fault):
            return []
        order = list(self._groups())
        rows.sort(key=lambda row: order.index(row["name"]) if row["name"] in order else len(order))
        return [process_state(row) for row in rows]

    def start_group(self, group: str) -> None:
        """Starts all processes of a group at once, without waiting for them."""
        self._call("startProcessGroup", group, False)

    def start_process(self, name: str) -> None:
        """Starts one process."""
        self._call("startProcess", self._full_name(name), False)

    def stop_process(self, name: str) -> None:
        """Stops one process and waits until it is gone; one that is stopped already is fine."""
        try:
            self._call("stopProcess", self._full_name(name), True)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise StackError(f"{name}: {fault.faultString}") from fault

    def shutdown(self, timeout_seconds: float) -> bool:
        """Stops every process and the supervisor; answers whether there was one."""
        try:
            pid = int(self._call("getPID"))
            self._stop_groups(time.monotonic() + timeout_seconds)
            self._call("shutdown")
        except NOT_REACHABLE:
            return False
        except xmlrpc.client.Fault:  # it is on its way out already
            pid = 0
        deadline = time.monotonic() + timeout_seconds
        while (pid and process_exists(pid)) or self.is_alive():
            if time.monotonic() > deadline:
                raise StackError(f"the platform did not stop within {timeout_seconds:.0f} s")
            time.sleep(POLL_SECONDS)
        return True

    def _stop_groups(self, deadline: float) -> None:
        """Stops group after group. Left to itself the supervisor looks once a second; a call wakes it."""
        groups = self._groups()
        for group in reversed(GROUP_ORDER):
            if group not in groups.values():
                continue
            self._call("stopProcessGroup", group, False)
            while any(state.pid and groups.get(state.name) == group for state in self.states()):
                if time.monotonic() > deadline:
                    return
                time.sleep(POLL_SECONDS)

    def _groups(self) -> dict[str, str]:
        """The group of each process of the last start."""
        if not self._groups_file.exists():
            return {}
        groups: dict[str, str] = json.loads(self._groups_file.read_text())
        return groups

    def _full_name(self, name: str) -> str:
        """A process's name as the supervisor wants it."""
        group = self._groups().get(name)
        if group is None:
            raise StackError(f"there is no process {name!r}; there are {', '.join(self._groups())}")
        return f"{group}:{name}"


def process_state(row: Mapping[str, Any]) -> ProcessState:
    """A row of the supervisor's answer."""
    return ProcessState(
        name=row["name"],
        state=row["statename"],
        pid=row["pid"],
        uptime_seconds=max(0, row["now"] - row["start"]),
        detail=row["spawnerr"] or row["description"],
    )


def escaped(value: object) -> str:
    """A value for the supervisor's configuration, where a percent sign is special."""
    return str(value).replace("%", "%%")


def supervisor_section(folders: Folders) -> str:
    """The supervisor itself: its socket, log and pid file."""
    return f"""[unix_http_server]
file={escaped(folders.supervisor_socket)}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
logfile={escaped(folders.logs / "supervisor.log")}
logfile_maxbytes={LOG_BYTES_MAX}
logfile_backups={LOG_BACKUPS}
pidfile={escaped(folders.run / "supervisord.pid")}
minfds=4096
{"user=root" if os.geteuid() == 0 else ""}

"""


def group_section(group: str, members: Sequence[Program]) -> str:
    """A group, empty text for one without members."""
    if not members:
        return ""
    names = ",".join(program.name for program in members)
    return f"[group:{group}]\nprograms={names}\npriority={GROUP_ORDER.index(group) + 1}\n\n"


def program_section(program: Program, logs: Path, folder: Path) -> str:
    """A program. Its environment goes through `env`, whose quoting is the shell's and no other."""
    assignments = [f"{name}={value}" for name, value in program.environment.items()]
    command = shlex.join(["/usr/bin/env", *assignments, *program.command])
    user = f"user={program.user}\n" if program.user else ""
    return f"""[program:{program.name}]
command={escaped(command)}
directory={escaped("/" if program.user else folder)}
autostart={"true" if program.group in STARTED_AT_ONCE else "false"}
autorestart=unexpected
exitcodes={EXIT_CONFIGURATION}
startsecs={STARTED_AFTER_SECONDS}
startretries={START_RETRIES}
stopsignal={program.stop_signal}
stopwaitsecs={program.stop_timeout_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile={escaped(logs / f"{program.name}.log")}
stdout_logfile_maxbytes={LOG_BYTES_MAX}
stdout_logfile_backups={LOG_BACKUPS}
{user}
"""
