"""Migrations: roles first, then every context's Alembic chain in the order of its dependencies.

``python -m chassis.migrate up`` with ``DATABASE_URL`` naming a superuser. Safe to run again, and by several at once
(an advisory lock lets one in). Each context has an owner role that owns its tables and cannot log in, and a login
role ``<context>_service`` with rights on its own tables alone, and on what others published to it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alembic.command
import psycopg2
from alembic import context as alembic_context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg2 import sql
from pydantic import Field
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, make_url
from sqlmodel import SQLModel

from chassis.db import Database
from chassis.settings import EXIT_CONFIGURATION, DatabaseSettings, load

__all__ = ["Chain", "MigrateSettings", "chains", "migrate_up", "run_environment"]

# "gateway" in ASCII: any constant will do as long as every migrator takes the same.
_LOCK_KEY = 0x67617465776179
# A migration that cannot have its lock by then gives up: waiting would block everybody behind it.
_LOCK_TIMEOUT_MS = 5000


class MigrateSettings(DatabaseSettings):
    migrations_root: Path = Field(default=Path(), description="The folder that holds the services' folders")
    database_statement_timeout_ms: int = Field(default=600_000, ge=100)
    # The lock of the sole migrator is held by a transaction that idles.
    database_idle_transaction_timeout_ms: int = Field(default=0, ge=0)


@dataclass(frozen=True)
class Chain:
    """One context's migrations: ``folder`` holds Alembic's ``versions``; ``requires`` names what others must have."""

    context: str
    folder: Path

    @property
    def version_table(self) -> str:
        return f"{self.context}_alembic_version"

    @property
    def owner(self) -> str:
        return f"{self.context}_owner"

    @property
    def login(self) -> str:
        return f"{self.context}_service"

    @property
    def requires(self) -> dict[str, str]:
        """``{"orders": "0001"}`` from the file ``requires`` in the folder: one ``context revision`` a line."""
        file = self.folder / "requires"
        return dict(line.split() for line in file.read_text().splitlines() if line.strip()) if file.exists() else {}

    def config(self, connection: Connection | None = None) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self.folder))
        config.attributes["connection"] = connection
        config.attributes["chain"] = self
        return config


def chains(root: Path) -> list[Chain]:
    """Every context under ``root`` that has migrations, those that others require first."""
    found = {
        folder.parent.name.removesuffix("-service"): Chain(folder.parent.name.removesuffix("-service"), folder)
        for folder in sorted(root.glob("*/migrations"))
        if (folder / "env.py").exists()
    }
    ordered: list[Chain] = []

    def add(chain: Chain) -> None:
        for other in chain.requires:
            if other not in found:
                raise MissingRequirement(f"{chain.context} requires the migrations of {other}, which are not here")
            add(found[other])
        if chain not in ordered:
            ordered.append(chain)

    for chain in found.values():
        add(chain)
    return ordered


class MissingRequirement(Exception):
    """A context's migrations need another context's revision that the database does not have."""


def migrate_up(settings: MigrateSettings) -> list[str]:
    """Brings every context to its newest revision; returns a line for each that moved."""
    todo = chains(settings.migrations_root)
    database = Database(settings, "migrate")
    moved: list[str] = []
    try:
        with _sole_migrator(database):
            _create_roles(database, todo, settings)
            for chain in todo:
                moved += _upgrade(database, chain)
    finally:
        database.close()
    return moved


@contextmanager
def _sole_migrator(database: Database) -> Any:
    connection = database.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
        yield
    finally:
        connection.close()


def _create_roles(database: Database, todo: Sequence[Chain], settings: MigrateSettings) -> None:
    password = settings.service_database_password or make_url(settings.database_url).password or ""
    with database.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles")
        existing = {name for (name,) in cursor.fetchall()}
        cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        for chain in todo:
            owner, login = sql.Identifier(chain.owner), sql.Identifier(chain.login)
            if chain.owner not in existing:
                cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(owner))
            if chain.login not in existing:
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(login))
            cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(login, sql.Literal(password)))
            cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
            cursor.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA public TO {}").format(owner))
            cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(login))


def _upgrade(database: Database, chain: Chain) -> list[str]:
    with database.engine.connect() as connection:
        _check_requirements(connection, chain)
        before = _revision(connection, chain.version_table)
        config = chain.config(connection)
        head = ScriptDirectory.from_config(config).get_current_head()
        if before == head:
            return []
        alembic.command.upgrade(config, "head")
    return [f"{chain.context}: {before or 'nothing'} -> {head}"]


def _revision(connection: Connection, version_table: str) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": version_table})
    revision = context.get_current_revision()
    connection.rollback()
    return revision


def _check_requirements(connection: Connection, chain: Chain) -> None:
    for other, wanted in chain.requires.items():
        current = _revision(connection, f"{other}_alembic_version")
        # Revisions are four-digit numbers, so that order is the order of the alphabet.
        if current is None or current < wanted:
            raise MissingRequirement(
                f"{chain.context} requires {other} at revision {wanted},"
                f" the database has {current or 'none'}: migrate {other} first"
            )


def run_environment(models: Sequence[type[SQLModel]]) -> None:
    """What each context's ``env.py`` calls: its own version table, its own tables alone, as its owner."""
    chain: Chain = alembic_context.config.attributes["chain"]
    connection: Connection | None = alembic_context.config.attributes["connection"]
    own_engine = None
    if connection is None:
        own_engine = create_engine(make_url(load(MigrateSettings).database_url).set(drivername="postgresql+psycopg2"))
        connection = own_engine.connect()
    owned = {model.__tablename__ for model in models}
    connection.execute(text(f"SET lock_timeout = {_LOCK_TIMEOUT_MS}"))
    connection.execute(text(f'SET ROLE "{chain.owner}"'))
    alembic_context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        version_table=chain.version_table,
        include_name=lambda name, kind, _: kind != "table" or name in owned,
        include_object=lambda _, name, kind, __, ___: kind != "table" or name in owned,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    connection.commit()
    with alembic_context.begin_transaction():
        alembic_context.run_migrations()
    connection.execute(text("RESET ROLE"))
    connection.commit()
    if own_engine is not None:
        connection.close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m chassis.migrate", description="Brings the database up to date.")
    parser.add_argument("command", choices=["up", "check"])
    command = parser.parse_args(arguments).command
    settings = load(MigrateSettings)
    try:
        if command == "up":
            for line in migrate_up(settings):
                print(line, flush=True)
        else:
            _check_models(settings)
    except (MissingRequirement, CommandError) as error:
        print(f"migration error: {error}", file=sys.stderr)
        return 1
    except psycopg2.OperationalError as error:
        print(f"configuration error: DATABASE_URL: {str(error).strip().splitlines()[0]}", file=sys.stderr)
        return EXIT_CONFIGURATION
    return 0


def _check_models(settings: MigrateSettings) -> None:
    """Fails where a context's models and its migrated tables differ."""
    database = Database(settings, "migrate-check")
    try:
        for chain in chains(settings.migrations_root):
            with database.engine.connect() as connection:
                alembic.command.check(chain.config(connection))
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
