"""Migrations: ordered, repeatable, and true to the models; roles keep to their own tables."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from chassis.migrate import Chain, MissingRequirement, chains

REPOSITORY = Path(__file__).resolve().parents[2]
CONTEXTS = ("merchants", "webhooks", "orders", "payments", "refunds")
OWN_TABLE = {
    "merchants": "merchants",
    "webhooks": "webhook_logs",
    "orders": "orders",
    "payments": "payments",
    "refunds": "refunds",
}


def migrate(command: str, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chassis.migrate", command],
        env={**os.environ, "DATABASE_URL": url, "MIGRATIONS_ROOT": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_context_comes_after_those_that_it_requires():
    order = [chain.context for chain in chains(REPOSITORY)]
    assert all(order.index(other) < order.index(chain.context) for chain in chains(REPOSITORY) for other in chain.requires)
    assert set(order) == {"chassis", *CONTEXTS}


def test_a_missing_requirement_is_said_in_words(tmp_path):
    folder = tmp_path / "refunds-service" / "migrations"
    folder.mkdir(parents=True)
    (folder / "env.py").touch()
    (folder / "requires").write_text("payments 0001\n")
    with pytest.raises(MissingRequirement, match="refunds requires the migrations of payments"):
        chains(tmp_path)


def test_a_second_run_changes_nothing(database_url):
    again = migrate("up", database_url("gateway_user"))
    assert (again.returncode, again.stdout) == (0, "")


def test_models_and_tables_agree(database_url):
    checked = migrate("check", database_url("gateway_user"))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_unreachable_database_is_one_line():
    done = migrate("up", "postgresql://gateway_user@127.0.0.1:1/payment_gateway")
    assert done.returncode == 78
    assert done.stderr.startswith("configuration error: DATABASE_URL: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_service_cannot_write_what_others_own(database_url, context):
    foreign = [table for owner, table in OWN_TABLE.items() if owner != context]
    connection = psycopg2.connect(database_url(f"{context}_service"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        for table in foreign:
            for statement in (f"UPDATE {table} SET created_at = now()", f"DELETE FROM {table}", f"DROP TABLE {table}"):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(statement)


@pytest.mark.parametrize("context", [context for context in CONTEXTS if context != "merchants"])
def test_secrets_leave_the_merchants_context_as_digests_alone(database_url, context):
    connection = psycopg2.connect(database_url(f"{context}_service"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_secret_digest FROM merchant_credentials")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT api_secret FROM merchants")


def test_a_chain_names_its_roles_and_table():
    chain = Chain("orders", REPOSITORY / "orders-service" / "migrations")
    assert (chain.owner, chain.login, chain.version_table) == ("orders_owner", "orders_service", "orders_alembic_version")
