"""Where settings come from."""

import pytest
from devstack.dotenv import DotenvError, read_dotenv
from devstack.ports import Ports
from devstack.problems import ConfigurationError
from devstack.settings import DEFAULTS, complete_environment, database_of, read_settings, redis_of


def test_the_environment_wins_over_the_file_and_empty_means_not_set(tmp_path):
    (tmp_path / ".env").write_text("TEST_MODE=true\nPORT=8010\nUPI_SUCCESS_RATE=0.5\n")
    settings = read_settings(tmp_path, {"UPI_SUCCESS_RATE": "1", "GATEWAY_REDIS_PORT": ""})
    assert settings.environment["TEST_MODE"] == "true"
    assert settings.environment["UPI_SUCCESS_RATE"] == "1"
    assert settings.ports == Ports(api=8010)
    assert settings.home == tmp_path / ".gateway"


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "8000 "])
@pytest.mark.parametrize("name", ["GATEWAY_API_PORT", "PORT", "GATEWAY_SERVICES_PORT"])
def test_a_wrong_port_is_named(tmp_path, name, value):
    with pytest.raises(ConfigurationError, match=f"^configuration error: {name}: must be a port"):
        read_settings(tmp_path, {name: value})


def test_the_example_file_holds_the_defaults(pytestconfig):
    example = read_dotenv(pytestconfig.rootpath / ".env.example")
    assert {name: example[name] for name in DEFAULTS} == DEFAULTS
    ports = Ports()
    assert database_of(example, ports) == database_of({}, ports)
    assert redis_of(example, ports) == redis_of({}, ports)


def test_hosts_of_compose_are_the_platforms_own_servers():
    database = database_of({}, Ports(postgres=6000))
    assert database.url() == "postgresql://gateway_user:gateway_pass@127.0.0.1:6000/payment_gateway"
    assert database.url("orders_service") == "postgresql://orders_service:gateway_pass@127.0.0.1:6000/payment_gateway"
    assert redis_of({}, Ports(redis=6001)).url == "redis://127.0.0.1:6001/0"


def test_another_host_is_used_as_it_is():
    database = database_of({"DATABASE_URL": "postgresql://a:b%40c@db.example/d"}, Ports())
    assert (database.is_own, database.password) == (False, "b@c")
    assert database.url() == "postgresql://a:b%40c@db.example:5432/d"
    assert redis_of({"REDIS_URL": "rediss://r.example:7/2"}, Ports()).url == "rediss://r.example:7/2"


def test_the_file_reads_like_compose_does(tmp_path):
    (tmp_path / ".env").write_text("# note\n\nA=1 # note\nexport B='x # y'\nC=\"\"\nD=a#b\nE=\n")
    assert read_dotenv(tmp_path / ".env") == {"A": "1", "B": "x # y", "C": "", "D": "a#b", "E": ""}


def test_a_line_that_is_no_assignment_is_named(tmp_path):
    (tmp_path / ".env").write_text("A=1\nnonsense\n")
    with pytest.raises(DotenvError, match="line 2"):
        read_dotenv(tmp_path / ".env")


def test_names_of_their_own_are_addresses():
    addresses = {"PUBLIC_API_URL": "https://api.example.com", "PUBLIC_CHECKOUT_URL": "http://pay.example.com:8443/shop"}
    assert complete_environment(addresses).items() >= addresses.items()
    for wrong in ("api.example.com", "https://a'b", "https://a b", "javascript:alert(1)", "https://$host"):
        with pytest.raises(ConfigurationError, match="PUBLIC_API_URL"):
            complete_environment({"PUBLIC_API_URL": wrong})
