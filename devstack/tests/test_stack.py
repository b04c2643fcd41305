"""A platform's life on real PostgreSQL, Redis and nginx."""

import os
import signal
import socket
import time
import urllib.request

import psycopg2
import pytest
from devstack.orphans import process_exists
from devstack.postgres import connect
from devstack.problems import ConfigurationError, StackError

WAIT_SECONDS = 20


def wait_until(condition):
    """Waits for a condition, and fails when it does not come true."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_platform_runs_survives_losses_and_keeps_its_data(stand_ins):
    stack = stand_ins.stack(scale={"payments": 2})
    stack.start()
    assert {state.name for state in stack.states()} >= {"postgres", "redis", "nginx", "payments", "payments-2"}
    assert all(state.is_running for state in stack.states())
    assert urllib.request.urlopen(stack.urls["api"] + "/health").status == 200

    [killed] = stack.kill("payment-worker", signal.SIGKILL)
    wait_until(lambda: stack.pids("payment-worker") not in ([], [killed]))
    before = stack.pids("payments")
    stack.restart("payments")
    assert stack.pids("payments") != before
    assert "working" in stack.logs("payment-worker")

    with connect(stack.database, stack.database.name) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (value int)")
        for setting, wanted in {"fsync": "on", "synchronous_commit": "on", "max_connections": "200"}.items():
            cursor.execute("SELECT current_setting(%s)", (setting,))
            assert cursor.fetchone() == (wanted,)
    connection.close()
    pids = [pid for state in stack.states() for pid in stack.pids(state.name)]
    assert stack.stop()
    assert not any(process_exists(pid) for pid in pids)
    assert not stack.stop()

    stack.start()
    connection = connect(stack.database, stack.database.name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kept")
        assert cursor.fetchone() == (0,)
    connection.close()


def test_the_database_wants_a_password(stand_ins):
    stack = stand_ins.stack()
    stack.start()
    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        psycopg2.connect(host="127.0.0.1", port=stack.ports.postgres, user="gateway_user", password="wrong", dbname="postgres")


def test_two_platforms_run_side_by_side(stand_ins):
    one, two = stand_ins.stack(name="one"), stand_ins.stack(name="two")
    one.start()
    two.start()
    one.stop()
    assert two.is_started()


def test_a_killed_supervisor_leaves_nothing_in_the_way(stand_ins):
    stack = stand_ins.stack()
    stack.start()
    left_behind = [state.pid for state in stack.states()]
    supervisor = int((stack.home / "run" / "supervisord.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not stack.is_started())
    stack.start()
    assert stack.is_started()
    # Whoever inherited them takes a moment to collect them.
    wait_until(lambda: not any(process_exists(pid) for pid in left_behind))


def test_a_taken_port_is_named_with_its_setting_and_its_owner(stand_ins):
    stack = stand_ins.stack()
    with socket.create_server(("127.0.0.1", stack.ports.dashboard)), pytest.raises(StackError) as raised:
        stack.start()
    message = str(raised.value)
    assert f"port {stack.ports.dashboard} (dashboard)" in message
    assert "GATEWAY_DASHBOARD_PORT" in message
    assert f"pid {os.getpid()}" in message
    assert stack.states() == []
    stack.start()


def test_a_wrong_value_that_a_process_finds_is_its_line_and_nothing_else(stand_ins):
    complaint = "import sys; print('configuration error: UPI_SUCCESS_RATE: must be at most 1', file=sys.stderr); sys.exit(78)"
    stack = stand_ins.stack(worker=complaint)
    with pytest.raises(ConfigurationError) as raised:
        stack.start()
    assert str(raised.value) == "configuration error: UPI_SUCCESS_RATE: must be at most 1"
    assert stack.states() == []


def test_a_process_that_dies_shows_the_end_of_its_log(stand_ins):
    stack = stand_ins.stack(worker="raise SystemExit('the worker is broken')")
    with pytest.raises(StackError, match="payment-worker ended while starting(.|\n)*the worker is broken"):
        stack.start()


def test_failed_migrations_show_the_end_of_their_log(stand_ins):
    stack = stand_ins.stack(migrate_command=("sh", "-c", "echo cannot migrate; exit 1"))
    with pytest.raises(StackError, match="the migrations failed(.|\n)*cannot migrate"):
        stack.start()
    assert stack.states() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://a:b@c/d"),
        ("DATABASE_URL", "postgresql://host/database"),
        ("REDIS_URL", "6379"),
        ("RATE_LIMIT_PER_KEY", "many"),
        ("RATE_LIMIT_PER_ADDRESS", "0"),
        ("RATE_LIMIT_ENABLED", "perhaps"),
        ("ENVIRONMENT", "staging"),
    ],
)
def test_a_wrong_value_is_named_before_anything_starts(stand_ins, name, value):
    with pytest.raises(ConfigurationError, match=f"^configuration error: {name}: "):
        stand_ins.stack({name: value})


def test_an_external_database_that_is_not_there_is_said_so(stand_ins, monkeypatch):
    monkeypatch.setattr("devstack.stack.EXTERNAL_DATABASE_TIMEOUT_SECONDS", 0.1)
    stack = stand_ins.stack({"DATABASE_URL": "postgresql://user:password@127.0.0.1:1/database"})
    with pytest.raises(StackError, match="^DATABASE_URL: the database cannot be reached"):
        stack.start()
