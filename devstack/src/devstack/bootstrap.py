"""Makes the Python environment that everything else runs in, then becomes `python -m devstack`.

Standard library only: it runs before anything is installed. The environment counts as complete when
its marker file says so. The marker is written last and in one step, so an interrupted first run
leaves an environment without a marker, which the next run throws away and makes again.
"""

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from devstack import cli
from devstack.dotenv import DotenvError, read_dotenv

# Measured: 450 MB for `up`, 700 MB with the test tools, and as much again while wheels are unpacked.
ENVIRONMENT_FREE_BYTES_MIN = 1_200 * 1024 * 1024
PROGRESS_INTERVAL_SECONDS = 5.0
INSTALL_LOG_LINES_SHOWN = 8
NEEDS_NO_ENVIRONMENT = ("down", "status", "logs")
MARKER_NAME = "complete.json"
NETWORK_SIGNS = ("NewConnectionError", "Could not fetch URL", "ConnectTimeout", "ReadTimeout", "from versions: none")


class BootstrapError(Exception):
    """The environment cannot be made; the message is the one line that the user sees."""


def run(root: str, arguments: Sequence[str]) -> None:
    """Completes the environment for the command at hand and replaces this process by it."""
    repository = Path(root)
    os.environ["GATEWAY_ROOT"] = root
    command = cli.parse(repository, arguments or ["--help"]).command
    try:
        home = gateway_home(repository)
        if command in NEEDS_NO_ENVIRONMENT and not read_marker(home / "venv"):
            sys.exit(never_started(command))
        python = ensure_environment(repository, home, command)
    except (BootstrapError, DotenvError) as error:
        sys.exit(f"gateway: {error}")
    except OSError as error:
        sys.exit(f"gateway: {disk_trouble(error)}")
    except KeyboardInterrupt:
        sys.exit("gateway: interrupted; the next run starts where it can")
    os.execv(python, [str(python), "-m", "devstack", *arguments])


def never_started(command: str) -> int:
    """The answer of a command that has nothing to look at: only `down` is content with that."""
    say("The platform has not been started here yet: ./gateway up")
    return 0 if command == "down" else 1


def gateway_home(repository: Path) -> Path:
    """The folder of everything that this machine makes: GATEWAY_HOME, else `.gateway`."""
    configured = os.environ.get("GATEWAY_HOME") or read_dotenv(repository / ".env").get("GATEWAY_HOME")
    return (repository / (configured or ".gateway")).resolve()


def ensure_environment(repository: Path, home: Path, command: str) -> Path:
    """The interpreter of a complete environment, which is made or completed where needed."""
    wanted = [repository / "requirements" / "local.txt"]
    # What a command needs beside the platform has requirements of the command's name.
    if command in ("test", "bench"):
        wanted.append(repository / "requirements" / f"{command}.txt")
    make_writable_folder(home)
    venv = home / "venv"
    python = venv / "bin" / "python"
    with installation_lock(home):
        marker = read_marker(venv)
        if not marker or not has_its_python(python):
            marker = make_environment(venv)
        for requirements in wanted:
            install(python, venv, requirements, marker)
        write_source_paths(venv, repository)
    return python


def make_writable_folder(folder: Path) -> None:
    """Makes the folder, or says in one line that it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BootstrapError(f"{disk_trouble(error)} (GATEWAY_HOME sets another folder)") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BootstrapError(f"{folder} cannot be written (GATEWAY_HOME sets another folder)")


def disk_trouble(error: OSError) -> str:
    """An operating system error as one line that says what to do."""
    place = error.filename or "the disk"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left on the disk of {place}: free some and run the command again"
    return f"{place}: {error.strerror}"


@contextlib.contextmanager
def installation_lock(home: Path) -> Iterator[None]:
    """Lets one process at a time touch the environment; says so when it has to wait."""
    with (home / "venv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another ./gateway is installing Python packages, waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_marker(venv: Path) -> dict[str, str]:
    """What the environment was completed for, empty when it never was."""
    try:
        marker = json.loads((venv / MARKER_NAME).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(value) for name, value in marker.items()}


def has_its_python(python: Path) -> bool:
    """Whether the environment's interpreter is there and still the version it was made with."""
    check = "import os, supervisor, sys; sys.exit(not os.path.samefile(sys.prefix, sys.argv[1]))"
    command = [str(python), "-c", check, str(python.parent.parent)]
    return python.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0


def write_marker(venv: Path, marker: dict[str, str]) -> None:
    """Writes the marker in one step: it is either wholly there or not there."""
    partial = venv / f"{MARKER_NAME}.partial"
    partial.write_text(json.dumps(marker, indent=2))
    partial.replace(venv / MARKER_NAME)


def make_environment(venv: Path) -> dict[str, str]:
    """An empty environment in place of whatever was there, and its marker's beginning."""
    require_free_space(venv.parent)
    if venv.exists():
        say("Making the Python environment again (the last one is incomplete, or its Python is gone) …")
        shutil.rmtree(venv)
    else:
        say("Making the Python environment …")
    for attempt in environment_makers(venv):
        made = subprocess.run(attempt, capture_output=True, text=True, check=False)
        if made.returncode == 0:
            return {"python": sys.version.split()[0]}
        shutil.rmtree(venv, ignore_errors=True)
    raise BootstrapError(
        f"Python {sys.version_info[0]}.{sys.version_info[1]} has no working venv module: install it "
        f"(Debian, Ubuntu: apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv)"
    )


def environment_makers(venv: Path) -> Iterator[list[str]]:
    """Commands that make an environment with pip in it, the standard one first."""
    if module_exists("venv") and module_exists("ensurepip"):
        yield [sys.executable, "-m", "venv", str(venv)]
    if module_exists("virtualenv"):
        yield [sys.executable, "-m", "virtualenv", "--quiet", str(venv)]
    virtualenv = shutil.which("virtualenv")
    if virtualenv:
        yield [virtualenv, "--quiet", "--python", sys.executable, str(venv)]
    uv = shutil.which("uv")
    if uv:
        yield [uv, "venv", "--quiet", "--seed", "--python", sys.executable, str(venv)]
    if module_exists("venv") and module_exists("pip"):
        # The environment borrows the machine's pip, which finds it through `--python`.
        yield [sys.executable, "-m", "venv", "--without-pip", str(venv)]


def module_exists(name: str) -> bool:
    """Whether this Python can import the module."""
    return importlib.util.find_spec(name) is not None


def pip_command(python: Path, venv: Path) -> list[str]:
    """How to call pip for the environment: its own, else the machine's."""
    own = site_packages(venv) / "pip"
    if own.is_dir():
        return [str(python), "-m", "pip"]
    return [sys.executable, "-m", "pip", "--python", str(python)]


def require_free_space(folder: Path) -> None:
    """Stops before a download that cannot end well."""
    free = shutil.disk_usage(folder).free
    if free < ENVIRONMENT_FREE_BYTES_MIN:
        raise BootstrapError(
            f"the disk of {folder} is full: {free // 1024**2} MB are free, about "
            f"{ENVIRONMENT_FREE_BYTES_MIN // 1024**2} MB are needed (GATEWAY_HOME sets another folder)"
        )


def install(python: Path, venv: Path, requirements: Path, marker: dict[str, str]) -> None:
    """Installs a requirements file unless exactly this one is installed already."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if marker.get(requirements.name) == digest:
        return
    require_free_space(venv.parent)
    (venv / MARKER_NAME).unlink(missing_ok=True)
    log_path = venv.parent / "install.log"
    command = [*pip_command(python, venv), "install", "--require-hashes", "--no-deps"]
    command += ["--no-input", "--progress-bar=off", "-r", str(requirements)]
    total = requirements.read_text().count("==")
    code = run_with_progress(command, log_path, f"Installing Python packages of {requirements.name}", total)
    if code != 0:
        raise BootstrapError(installation_trouble(log_path, requirements))
    marker[requirements.name] = digest
    write_marker(venv, marker)


def run_with_progress(command: list[str], log_path: Path, title: str, total: int) -> int:
    """Runs pip, its output in the log, and shows how many packages it has looked at."""
    started = time.monotonic()
    shown = -PROGRESS_INTERVAL_SECONDS
    seen = 0
    with log_path.open("w") as log:
        pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert pip.stdout is not None
        try:
            for line in pip.stdout:
                log.write(line)
                seen += line.startswith(("Collecting", "Requirement already", "Ignoring"))
                elapsed = time.monotonic() - started
                if elapsed - shown >= (0.2 if sys.stdout.isatty() else PROGRESS_INTERVAL_SECONDS):
                    shown = elapsed
                    say_progress(f"{title} … {min(seen, total)} of {total}, {elapsed:.0f} s")
        except BaseException:
            pip.terminate()
            pip.wait()
            raise
    code = pip.wait()
    if code == 0:
        end_progress(f"{title}: done in {time.monotonic() - started:.0f} s")
    return code


def installation_trouble(log_path: Path, requirements: Path) -> str:
    """Why pip gave up, as one line where the reason is known, else with its last lines."""
    text = log_path.read_text(errors="replace")
    if "No space left on device" in text or "Errno 28" in text:
        return f"no space left on the disk while installing {requirements.name}: free some and run it again"
    if any(sign in text for sign in NETWORK_SIGNS):
        return f"the package registry cannot be reached (no network, or a proxy is needed); see {log_path}"
    last = "\n".join(f"    {line}" for line in text.splitlines()[-INSTALL_LOG_LINES_SHOWN:])
    return f"pip could not install {requirements.name}, see {log_path}:\n{last}"


def site_packages(venv: Path) -> Path:
    """Where the environment keeps its packages."""
    return next(venv.glob("lib/python3*/site-packages"))


def write_source_paths(venv: Path, repository: Path) -> None:
    """Makes the packages of every `*/src` folder importable, without installing them."""
    folders = sorted(str(folder) for folder in repository.glob("*/src") if folder.is_dir())
    text = "".join(f"{folder}\n" for folder in folders)
    path = site_packages(venv) / "payment-gateway.pth"
    if not path.exists() or path.read_text() != text:
        partial = path.with_suffix(".partial")
        partial.write_text(text)
        partial.replace(path)


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def say_progress(text: str) -> None:
    """Progress that replaces the last one on a terminal, and is a line of its own elsewhere."""
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)
    else:
        say(text)


def end_progress(text: str) -> None:
    """The last progress of its kind."""
    say(f"\r\033[K{text}" if sys.stdout.isatty() else text)
