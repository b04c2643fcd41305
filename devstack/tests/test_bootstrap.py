"""The first run, interrupted and repeated, with a package index of one empty package."""

import hashlib
import os
import subprocess
import sys
import zipfile

import pytest

from devstack import bootstrap


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository whose requirements are one empty package called like the one that is looked for."""
    wheel = tmp_path / "index" / "supervisor-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("supervisor/__init__.py", "")
        archive.writestr("supervisor-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: supervisor\nVersion: 1.0\n")
        archive.writestr("supervisor-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("supervisor-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    root = tmp_path / "repository"
    (root / "requirements").mkdir(parents=True)
    (root / "orders-service" / "src").mkdir(parents=True)
    (root / "requirements" / "local.txt").write_text(f"supervisor==1.0 --hash=sha256:{digest}\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return root


def test_the_environment_is_made_once(repository, capsys):
    python = bootstrap.ensure_environment(repository, repository / ".gateway", "up")
    paths = subprocess.run([python, "-c", "import sys; print(sys.path)"], capture_output=True, text=True, check=True).stdout
    assert str(repository / "orders-service" / "src") in paths
    assert "Making the Python environment …" in capsys.readouterr().out
    bootstrap.ensure_environment(repository, repository / ".gateway", "up")
    assert capsys.readouterr().out == ""


def test_a_half_finished_environment_is_made_again(repository, capsys):
    home = repository / ".gateway"
    bootstrap.ensure_environment(repository, home, "up")
    (home / "venv" / bootstrap.MARKER_NAME).unlink()
    (home / "venv" / "bin" / "python").unlink()
    capsys.readouterr()
    python = bootstrap.ensure_environment(repository, home, "up")
    assert "incomplete" in capsys.readouterr().out
    subprocess.run([python, "-c", "import supervisor"], check=True)


def test_changed_requirements_are_installed(repository):
    home = repository / ".gateway"
    bootstrap.ensure_environment(repository, home, "up")
    requirements = repository / "requirements" / "local.txt"
    requirements.write_text("# changed\n" + requirements.read_text())
    bootstrap.ensure_environment(repository, home, "up")
    assert bootstrap.read_marker(home / "venv")["local.txt"] == hashlib.sha256(requirements.read_bytes()).hexdigest()


def test_an_unknown_package_is_one_error_and_leaves_no_marker(repository):
    requirements = repository / "requirements" / "local.txt"
    requirements.write_text(requirements.read_text().replace("supervisor==1.0", "supervisor==2.0"))
    with pytest.raises(bootstrap.BootstrapError):
        bootstrap.ensure_environment(repository, repository / ".gateway", "up")
    assert bootstrap.read_marker(repository / ".gateway" / "venv") == {}


def test_a_full_disk_is_said_before_the_download(repository, monkeypatch):
    monkeypatch.setattr(bootstrap, "ENVIRONMENT_FREE_BYTES_MIN", 2**62)
    with pytest.raises(bootstrap.BootstrapError, match="is full"):
        bootstrap.ensure_environment(repository, repository / ".gateway", "up")


def test_a_folder_that_cannot_be_made_is_one_line(repository):
    (repository / "file").write_text("")
    with pytest.raises(bootstrap.BootstrapError, match="GATEWAY_HOME sets another folder"):
        bootstrap.ensure_environment(repository, repository / "file" / "home", "up")


@pytest.mark.parametrize(("command", "code"), [("status", 1), ("down", 0)])
def test_looking_at_a_platform_that_never_was_installs_nothing(pytestconfig, tmp_path, command, code):
    environment = {**os.environ, "GATEWAY_HOME": str(tmp_path / "home")}
    script = str(pytestconfig.rootpath / "gateway")
    done = subprocess.run([sys.executable, script, command], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "The platform has not been started here yet: ./gateway up\n")
    assert not (tmp_path / "home").exists()
