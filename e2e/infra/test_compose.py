"""docker-compose.yml and the Dockerfiles, read without a Docker engine: what they promise and what they must not do."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from chassis.settings import ServiceSettings
from devstack.dotenv import read_dotenv
from merchants.settings import AuthenticationSettings, MerchantsSettings
from orders.settings import OrdersSettings
from payment_worker.settings import PaymentWorkerSettings
from payments.settings import PaymentsSettings
from refunds.settings import RefundsSettings
from webhook_worker.settings import WebhookWorkerSettings

REPOSITORY = Path(__file__).resolve().parents[2]
REFERENCE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+):-(?P<default>[^}]*)\}")

CONTEXTS = ("merchants", "webhooks", "orders", "payments", "refunds")
CONTAINER_NAMES = {
    "postgres": "pg_gateway",
    "redis": "redis_gateway",
    "api": "gateway_api",
    "worker": "gateway_worker",
    "dashboard": "gateway_dashboard",
    "checkout": "gateway_checkout",
}
PORTS = {"postgres": "5432:5432", "redis": "6379:6379", "api": "8000:8000", "dashboard": "3000:80", "checkout": "3001:80"}
NAMELESS = (*CONTEXTS, "refund-worker", "webhook-worker", "worker-copy", "migrate")
# The twin is built like the worker; migrate is a job that ends.
BUILT = (*CONTEXTS, "worker", "refund-worker", "webhook-worker", "api", "dashboard", "checkout", "migrate")
IMAGES = {"postgres": "postgres:15-alpine", "redis": "redis:7-alpine"}
BASES = {"python:3.11-slim-bookworm", "node:22-alpine", "nginx:1.27-alpine"}
# Published in the documentation, for machines of one's own.
PUBLISHED = {"gateway_pass", "key_test_abc123", "secret_test_xyz789"}
ROLES = {
    **{context: f"{context}_service" for context in CONTEXTS},
    "worker": "payments_service",
    "worker-copy": "payments_service",
    "refund-worker": "refunds_service",
    "webhook-worker": "webhooks_service",
}
SETTINGS = {
    "merchants": (MerchantsSettings, AuthenticationSettings),
    "webhooks": (ServiceSettings, AuthenticationSettings),
    "orders": (OrdersSettings, AuthenticationSettings),
    "payments": (PaymentsSettings, AuthenticationSettings),
    "refunds": (RefundsSettings, AuthenticationSettings),
    "worker": (PaymentWorkerSettings,),
    "refund-worker": (PaymentWorkerSettings,),
    "webhook-worker": (WebhookWorkerSettings,),
}
# The service's own port in its container; PORT of `.env` is the one that the API is published at.
NOT_PASSED_ON = {"PORT"}


@cache
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text()))


def service(name: str) -> dict[str, Any]:
    return dict(compose()["services"][name])


def with_defaults(text: str) -> str:
    return REFERENCE.sub(lambda match: match["default"], str(text))


def dockerfile_of(name: str) -> Path:
    return REPOSITORY / service(name)["build"]["dockerfile"]


def instructions(path: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, continued lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(keyword, arguments) for keyword, _, arguments in (line.partition(" ") for line in joined.splitlines() if line)]


def last_stage(path: Path) -> list[tuple[str, str]]:
    found = instructions(path)
    start = max(index for index, (keyword, _) in enumerate(found) if keyword == "FROM")
    return found[start:]


def only(path: Path, keyword: str) -> str:
    """The one instruction of that kind in the image itself."""
    found = [arguments for name, arguments in last_stage(path) if name == keyword]
    assert len(found) == 1, f"{path}: {keyword} {len(found)} times"
    return found[0]


def dockerfiles() -> list[Path]:
    return sorted(REPOSITORY.glob("*/Dockerfile"))


each_dockerfile = pytest.mark.parametrize("path", dockerfiles(), ids=lambda path: path.parent.name)


# --- names, ports, images


def test_the_services_are_these_and_no_others():
    assert set(compose()["services"]) == {*IMAGES, *BUILT, "worker-copy"}


def test_container_names():
    assert {
        name: spec["container_name"] for name, spec in compose()["services"].items() if "container_name" in spec
    } == CONTAINER_NAMES


def test_what_scales_has_no_fixed_name_and_no_published_port():
    for name in NAMELESS:
        assert "container_name" not in service(name), name
        assert "ports" not in service(name), name


def test_ports():
    published = {name: spec["ports"] for name, spec in compose()["services"].items() if "ports" in spec}
    assert {name: len(ports) for name, ports in published.items()} == dict.fromkeys(PORTS, 1)
    for name, (port,) in published.items():
        assert with_defaults(port).removeprefix("127.0.0.1:") == PORTS[name]


@pytest.mark.parametrize("name", IMAGES)
def test_servers_are_for_this_machine_alone(name):
    assert service(name)["image"] == IMAGES[name]
    assert service(name)["ports"][0].startswith("127.0.0.1:")


def test_the_data_is_in_a_named_volume():
    (volume,) = (text.split(":")[0] for text in service("postgres")["volumes"])
    assert volume in compose()["volumes"]


def test_the_database_is_named_as_documented():
    environment = service("postgres")["environment"]
    assert (environment["POSTGRES_DB"], environment["POSTGRES_USER"]) == ("payment_gateway", "gateway_user")


def test_nothing_that_an_old_compose_does_not_know():
    """1.29 refuses `name`; newer ones warn of `version`."""
    assert {key for key in compose() if not key.startswith("x-")} == {"services", "volumes"}


# --- order, health, robustness


@pytest.mark.parametrize("name", ROLES)
def test_processes_wait_for_servers_and_migrations(name):
    assert service(name)["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }


def test_the_door_waits_for_the_services_and_the_pages_for_the_door():
    healthy = {"condition": "service_healthy"}
    assert service("api")["depends_on"] == dict.fromkeys(CONTEXTS, healthy)
    assert service("dashboard")["depends_on"] == service("checkout")["depends_on"] == {"api": healthy}
    assert service("migrate")["depends_on"] == {"postgres": healthy}


def health_command(name: str) -> str:
    spec = service(name)
    if "healthcheck" in spec:
        return " ".join(spec["healthcheck"]["test"])
    return only(dockerfile_of(name), "HEALTHCHECK")


@pytest.mark.parametrize("name", [*IMAGES, *(name for name in BUILT if name != "migrate"), "worker-copy"])
def test_every_long_running_container_has_a_health_check(name):
    command = health_command(name)
    assert "curl" not in command
    # `localhost` may mean ::1, where nothing listens; modules of ours name the address themselves.
    assert "localhost" not in command
    assert "127.0.0.1" in command or re.search(r'"-m", "(chassis|gateway_proxy)\.healthcheck"', command)


@pytest.mark.parametrize("name", [*IMAGES, *BUILT])
def test_limits_and_restarts(name):
    spec = service(name)
    assert spec["restart"] == ("no" if name == "migrate" else "always")
    assert spec["mem_limit"]
    assert spec["stop_grace_period"]
    assert spec["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", BUILT)
def test_our_own_containers_can_do_little(name):
    spec = service(name)
    assert spec["read_only"] is True
    assert spec["cap_drop"] == ["ALL"]
    assert spec["security_opt"] == ["no-new-privileges:true"]


def test_redis_refuses_rather_than_forgets():
    command = service("redis")["command"]
    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly no" in command


@pytest.mark.parametrize("name", ["merchants", "webhook-worker"])
def test_whoever_resolves_a_webhook_url_knows_the_host(name):
    assert service(name)["extra_hosts"] == ["host.docker.internal:host-gateway"]


def test_the_workers_twin_is_for_scaling_alone():
    twin, worker = service("worker-copy"), service("worker")
    assert twin.pop("profiles") == ["scale"]
    assert worker.pop("container_name") == "gateway_worker"
    assert twin == worker


# --- settings


def references() -> dict[str, set[str]]:
    """Every setting that the file takes from the environment, with its defaults."""
    found: dict[str, set[str]] = {}
    for match in REFERENCE.finditer((REPOSITORY / "docker-compose.yml").read_text()):
        found.setdefault(match["name"], set()).add(match["default"])
    return found


def test_every_documented_setting_is_passed_with_the_documented_default():
    documented = read_dotenv(REPOSITORY / ".env.example")
    assert {name: references().get(name) for name in documented} == {name: {value} for name, value in documented.items()}


def test_every_variable_has_a_default():
    text = (REPOSITORY / "docker-compose.yml").read_text()
    assert text.count("${") == len(REFERENCE.findall(text))


@pytest.mark.parametrize("name", SETTINGS)
def test_each_process_gets_the_settings_that_it_reads(name):
    documented = read_dotenv(REPOSITORY / ".env.example").keys() - NOT_PASSED_ON
    read = {field.upper() for settings in SETTINGS[name] for field in settings.model_fields}
    assert read & documented <= service(name)["environment"].keys()


@pytest.mark.parametrize("name", ROLES)
def test_each_process_logs_in_as_its_own_role(name):
    assert service(name)["environment"]["DATABASE_ROLE"] == ROLES[name]


def test_no_secret_but_the_published_ones():
    for name, spec in compose()["services"].items():
        for variable, value in spec.get("environment", {}).items():
            if re.search("PASSWORD$|SECRET|API_KEY", variable) and not variable.startswith("TEST_MERCHANT_ANY"):
                assert with_defaults(value) in {"", *PUBLISHED}, f"{name}: {variable}"
            for password in re.findall(r"//[^:@/]+:([^@/]+)@", with_defaults(value)):
                assert password in PUBLISHED, f"{name}: {variable}"


def test_the_guide_is_told_where_the_platform_is_published():
    environment = service("dashboard")["environment"]
    assert service("api")["ports"] == [f"{environment['PUBLIC_API_PORT']}:8000"]
    assert service("checkout")["ports"] == [f"{environment['PUBLIC_CHECKOUT_PORT']}:80"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"PUBLIC_API_URL": "", "PUBLIC_CHECKOUT_URL": ""}, ""),
        ({"PUBLIC_API_URL": "https://api.example.com", "PUBLIC_CHECKOUT_URL": "http://pay.example.com:81"}, ""),
        ({"PUBLIC_API_URL": "", "PUBLIC_CHECKOUT_URL": "pay.example.com"}, "PUBLIC_CHECKOUT_URL: must be an address"),
        ({"PUBLIC_API_URL": "https://a'b", "PUBLIC_CHECKOUT_URL": ""}, "PUBLIC_API_URL: must be an address"),
    ],
)
def test_the_dashboards_container_refuses_a_wrong_address(given, complaint):
    script = REPOSITORY / "dashboard" / "check-settings.sh"
    done = subprocess.run([script], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if complaint else 0)
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == (1 if complaint else 0)


# --- Dockerfiles


def test_every_dockerfile_is_used():
    assert {dockerfile_of(name) for name in BUILT} == set(dockerfiles())


@each_dockerfile
def test_bases_are_pinned_and_stages_are_several(path):
    stages = [arguments.split() for keyword, arguments in instructions(path) if keyword == "FROM"]
    assert len(stages) >= 2
    assert {stage[0] for stage in stages} <= BASES


@each_dockerfile
def test_nothing_that_needs_buildkit(path):
    text = path.read_text()
    assert not re.search(r"^#\s*(syntax|check)=", text, re.MULTILINE)
    assert "<<" not in text
    for keyword, arguments in instructions(path):
        assert not (keyword == "RUN" and arguments.startswith("--")), arguments
        assert not (keyword in ("COPY", "ADD") and re.search(r"--(link|chmod|parents|exclude)\b", arguments)), arguments


@each_dockerfile
def test_it_runs_without_root_and_hears_signals(path):
    user, _, group = only(path, "USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert only(path, "CMD").startswith("["), "a shell would keep the signals to itself"
    assert only(path, "STOPSIGNAL") in ("SIGTERM", "SIGQUIT")


@each_dockerfile
def test_nothing_is_installed_unchecked(path):
    for keyword, arguments in instructions(path):
        for command in re.findall(r"pip (?:--python \S+ )?install[^&]*", arguments if keyword == "RUN" else ""):
            assert "--require-hashes" in command or {"--no-deps", "--no-index"} <= set(command.split()), command
        assert "npm install" not in arguments


def imported(sources: Path, *, with_api: bool) -> Iterator[str]:
    """The top-level packages that a folder's code imports. `api` is the way in of its own deployable alone."""
    for file in sources.rglob("*.py"):
        if "api" in file.relative_to(sources).parts and not with_api:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module.split(".")[0]


def needed(folder: str) -> set[str]:
    """The folders of this repository that a deployable needs, itself included."""
    packages = {path.name: path.parents[1].name for path in REPOSITORY.glob("*/src/*") if path.is_dir()}
    found: set[str] = set()
    left = [folder]
    while left:
        name = left.pop()
        found.add(name)
        wanted = {
            packages[package] for package in imported(REPOSITORY / name / "src", with_api=name == folder) if package in packages
        }
        left.extend(wanted - found)
    return found


@pytest.mark.parametrize("folder", [*(f"{context}-service" for context in CONTEXTS), "payment-worker", "webhook-worker"])
def test_an_image_holds_what_its_deployable_imports_and_no_more(folder):
    copied = {
        arguments.split()[0]
        for keyword, arguments in instructions(REPOSITORY / folder / "Dockerfile")
        if keyword == "COPY" and not arguments.startswith(("--from", "requirements/"))
    }
    assert copied == needed(folder)


def test_the_migrator_carries_every_contexts_migrations():
    folders = {path.parent.relative_to(REPOSITORY) for path in REPOSITORY.glob("*/migrations/env.py")}
    copied = {arguments for keyword, arguments in last_stage(REPOSITORY / "chassis" / "Dockerfile") if keyword == "COPY"}
    assert {arguments for arguments in copied if "/migrations" in arguments} == {
        f"{folder} /migrations/{folder}" for folder in folders
    }


def test_the_build_context_holds_nothing_that_is_not_asked_for():
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    assert {"**/tests", "**/node_modules", "**/dist", "**/.env"} <= set(lines)
