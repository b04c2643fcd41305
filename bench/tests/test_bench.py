"""The bench runs for real, with few rows and for seconds. Never a word about how fast: that is for a quiet machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from devstack.problems import StackError
from gateway_bench.goals import judge
from gateway_bench.load import Load, generator
from gateway_bench.measuring import Results
from gateway_bench.platforms import Merchant
from gateway_bench.receiver import receiver_process

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = {"postgres", "redis", "nginx", "orders", "payments", "payment-worker", "webhook-worker"}


def run_bench(tmp_path: Path, *arguments: str) -> tuple[str, dict]:
    """The table, and the document."""
    file = tmp_path / "bench.json"
    command = [sys.executable, "-m", "gateway_bench", "--quick", "--json", str(file), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads(file.read_text())


@pytest.mark.timeout(400)
def test_a_quick_run_counts_requests_and_jobs(tmp_path):
    table, document = run_bench(tmp_path, "--only", "orders", "--only", "settle", "--only", "latency")

    assert set(document["series"]) == {
        "floor.orders.create",
        "floor.orders.create.one",
        "orders.create.direct",
        "orders.create.proxy",
        "settle.backlog",
        "settle.paced",
        "latency.webhook",
    }
    for name, series in document["series"].items():
        assert len(series["rounds"]) == 1
        assert series["median"]["requests"] > 0, name
        assert series["median"]["rate"] > 0, name
        assert name in table
    assert {"app_cpu_us", "postgres_cpu_us", "proxy_cpu_us"} <= document["series"]["orders.create.proxy"]["median"].keys()
    for processes in document["memory"].values():
        assert processes.keys() >= PROCESSES
        assert all(memory["rss"] >= memory["pss"] > 0 for memory in processes.values())
    assert {goal["name"] for goal in document["goals"]} >= {
        "order create, direct ÷ floor",
        "settle a backlog",
        "POST to webhook, p99",
    }
    assert f"of {len(document['goals'])} goals met" in table


def test_goals_compare_the_rounds_of_a_pair():
    results = Results()
    results.rounds["floor.orders.create"] = [{"rate": 1000.0}, {"rate": 100.0}, {"rate": 10.0}]
    results.rounds["orders.create.direct"] = [
        {"rate": 790.0, "app_cpu_us": 199.0},
        {"rate": 81.0, "app_cpu_us": 200.0},
        {"rate": 9.0, "app_cpu_us": 900.0},
    ]

    share, cpu = judge(results)

    assert (share.measured, share.wanted, share.is_met) == (0.81, "≥ 0.8", True)
    assert (cpu.measured, cpu.wanted, cpu.is_met) == (200.0, "≤ 200", True)


def test_an_answer_that_is_not_2xx_fails_the_item():
    with receiver_process() as receiver:
        url = receiver.url("").rstrip("/")
        merchants = [Merchant("", "key", "secret")]
        answered = generator().run(Load("POST", url, "/hook", merchants, "{}"), 2, 1)
        assert answered.requests > 0
        with pytest.raises(StackError, match="were not 2xx"):
            generator().run(Load("POST", url, "/refuse", merchants, "{}"), 2, 1)
