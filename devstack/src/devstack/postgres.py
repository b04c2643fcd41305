"""PostgreSQL from a wheel: made once, tuned by its command line, durable."""

import dataclasses
import os
import shutil
import subprocess
import time
from pathlib import Path

import psycopg2
from psycopg2 import sql

from devstack.folders import give_to_user
from devstack.ports import LOOPBACK
from devstack.problems import StackError
from devstack.programs import DATABASE_STOP_TIMEOUT_SECONDS, Program
from devstack.settings import Database

# Durability stays as PostgreSQL has it (fsync, synchronous_commit, full_page_writes are on).
SERVER_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u ",
    # A failed statement or a refused row may hold a customer's data: neither goes into the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
CONNECT_TIMEOUT_SECONDS = 3
POLL_SECONDS = 0.03
CREATE_SUCCEEDED = 0


@dataclasses.dataclass(frozen=True)
class PostgresServer:
    """The platform's own server: binaries, data folder, and the system user it runs under as root."""

    binaries: Path
    data: Path
    database: Database
    user: str | None

    def initialise(self) -> None:
        """Makes the data folder in one step; an interrupted attempt leaves nothing that counts."""
        if (self.data / "PG_VERSION").exists():
            return
        partial = self.data.with_name("postgres.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        password_file = self.data.with_name("postgres.password")
        password_file.unlink(missing_ok=True)
        with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self.database.password)
        try:
            for path in (partial, password_file):
                give_to_user(path, self.user)
            self._initdb(partial, password_file)
        finally:
            password_file.unlink()
        partial.rename(self.data)

    def _initdb(self, folder: Path, password_file: Path) -> None:
        """Runs initdb as the server's user."""
        command = [str(self.binaries / "initdb"), "-D", str(folder), "-U", self.database.user]
        command += ["--pwfile", str(password_file), "--auth=scram-sha-256", "--data-checksums"]
        command += ["--encoding=UTF8", "--no-locale", "--no-instructions"]
        made = subprocess.run(command, cwd=folder.parent, user=self.user, capture_output=True, text=True, check=False)
        if made.returncode != CREATE_SUCCEEDED:
            last = "\n".join(f"    {line}" for line in (made.stdout + made.stderr).splitlines()[-6:])
            raise StackError(f"PostgreSQL could not make its data folder {self.data}:\n{last}")

    def program(self) -> Program:
        """The server as a supervised process; INT is its fast, orderly shutdown."""
        options = [part for name, value in SERVER_SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = (str(self.binaries / "postgres"), "-D", str(self.data), "-p", str(self.database.port), *options)
        return Program(
            "postgres",
            command,
            group="servers",
            user=self.user,
            stop_signal="INT",
            stop_timeout_seconds=DATABASE_STOP_TIMEOUT_SECONDS,
        )


def is_accepting(database: Database) -> bool:
    """Whether the server answers; wrong credentials are an error, since waiting will not help."""
    try:
        connect(database, "postgres").close()
    except psycopg2.OperationalError as error:
        if "password authentication failed" in str(error):
            raise StackError("DATABASE_URL: user or password are not those that the database was made with") from error
        return False
    return True


def ensure_database(database: Database) -> None:
    """Creates the platform's database on a server that does not have it yet."""
    connection = connect(database, "postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database.name,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database.name)))
    finally:
        connection.close()


def check_external_database(database: Database, timeout_seconds: float) -> None:
    """Waits briefly for a server that is not ours, then says what it answered."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            connect(database, database.name).close()
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline:
                reason = str(error).strip().splitlines()[0]
                raise StackError(f"DATABASE_URL: the database cannot be reached: {reason}") from error
            time.sleep(POLL_SECONDS)
        else:
            return


def connect(database: Database, name: str) -> "psycopg2.extensions.connection":
    """A connection as the superuser to one database of the server."""
    return psycopg2.connect(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        dbname=name,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
    )
