"""What the document promises, tried with data made from it: every check that schemathesis has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from gateway_e2e.client import Merchant

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
BUDGET_S = 60


@pytest.mark.timeout(4 * BUDGET_S)
def test_the_running_platform_does_what_its_document_says(platform, merchant: Merchant, tmp_path: Path):
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "--no-color", "run"]
    run = subprocess.run(
        [*command, f"--max-time={BUDGET_S}", f"{platform.api}/openapi.json"],
        env={**os.environ, "GATEWAY_API_KEY": merchant.api_key, "GATEWAY_API_SECRET": merchant.api_secret},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    cases = re.search(r"(\d+) generated", run.stdout)
    assert cases and int(cases[1]) > 300, run.stdout
