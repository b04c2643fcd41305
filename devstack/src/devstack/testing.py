"""`./gateway test`: every check of the repository, each counted like a test, then pytest over all of it.

With arguments only pytest runs, with those arguments and in one process. The last line is always
`N passed, N failed, N skipped`, and the exit code is 0 only where nothing failed.
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from devstack.frontends import npm_command, npm_environment, workspaces
from devstack.problems import StackError

# pytest's own exit codes: tests ran (0 all passed, 1 some failed), or there were none to run.
PYTEST_RAN = (0, 1)
PYTEST_NOTHING_TO_RUN = 5
# Most tests wait for something to happen elsewhere: one process more than two cores have keeps both busy. Which tests
# share a process, and with it a platform, says the conftest at the root.
IN_PARALLEL = ("--numprocesses=3", "--dist=loadscope", "--no-loadscope-reorder")


@dataclasses.dataclass
class Counts:
    """What was run so far, and how it ended."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, *, is_passed: bool) -> None:
        """Counts one check."""
        self.passed += is_passed
        self.failed += not is_passed

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclasses.dataclass(frozen=True)
class Check:
    """A command that counts as one test."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]


def run_checks(root: Path, arguments: Sequence[str]) -> int:
    """Runs everything, or pytest alone where it is given arguments; answers with the exit code."""
    counts = Counts()
    if not arguments:
        for check in python_checks(root):
            counts.add(is_passed=run_check(root, check))
        if workspaces(root):
            check_front_ends(root, counts)
    run_pytest(root, arguments, counts)
    print(counts, flush=True)
    return 0 if counts.failed == 0 else 1


def source_folders(root: Path) -> list[Path]:
    """The folders that hold Python packages."""
    return sorted(folder for folder in root.glob("*/src") if folder.is_dir())


def python_checks(root: Path) -> Iterator[Check]:
    """Format, lint, types and the arrows between packages."""
    here = dict(os.environ)
    scripts = Path(sys.executable).parent
    yield Check("ruff format", (str(scripts / "ruff"), "format", "--check", "."), here)
    yield Check("ruff check", (str(scripts / "ruff"), "check", "."), here)
    folders = source_folders(root)
    packages = [path.parent.name for folder in folders for path in sorted(folder.glob("*/__init__.py"))]
    options = tuple(option for package in packages for option in ("-p", package))
    mypy_path = os.pathsep.join(str(folder) for folder in folders)
    yield Check("mypy", (sys.executable, "-m", "mypy", *options), {**here, "MYPYPATH": mypy_path})
    yield Check(
        "import arrows",
        (sys.executable, "-c", "from importlinter.cli import lint_imports_command as check; check()"),
        here,
    )


def run_check(root: Path, check: Check) -> bool:
    """Runs one check, shows its output where it fails, and answers whether it passed."""
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=root,
        env=check.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    is_passed = done.returncode == 0
    print(f"{'PASSED' if is_passed else 'FAILED'}  {check.name}  ({time.monotonic() - started:.1f} s)", flush=True)
    if not is_passed:
        print(done.stdout + done.stderr, flush=True)
    return is_passed


def check_front_ends(root: Path, counts: Counts) -> None:
    """Builds the front ends, then runs the checks and tests that their packages have."""
    from devstack.frontends import build_front_ends

    with tempfile.TemporaryDirectory() as folder:
        try:
            build_front_ends(root, Path(folder) / "front-ends.log", print)
        except StackError as error:
            print(f"FAILED  front ends: build\n{error}", flush=True)
            counts.add(is_passed=False)
            return
    counts.add(is_passed=True)
    for folder_path in workspaces(root):
        scripts = json.loads((folder_path / "package.json").read_text()).get("scripts", {})
        for script in ("check", "test"):
            if script in scripts:
                command = (*npm_command(), "run", script, "--workspace", folder_path.name)
                check = Check(f"{folder_path.name}: npm run {script}", command, npm_environment())
                counts.add(is_passed=run_check(root, check))


def run_pytest(root: Path, arguments: Sequence[str], counts: Counts) -> None:
    """Runs pytest and adds what its report counts; a run that breaks off counts as a failure."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *(arguments or IN_PARALLEL)]
        code = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, check=False).returncode
        if code in PYTEST_RAN:
            add_report(report, counts)
        elif code != PYTEST_NOTHING_TO_RUN:
            counts.add(is_passed=False)


def add_report(report: Path, counts: Counts) -> None:
    """Adds the counts of a JUnit report, which names each outcome but the good one."""
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
        elif case.find("skipped") is not None:
            counts.skipped += 1
        else:
            counts.passed += 1
