"""Templates and values."""

import pytest
from gateway_proxy import ProxyConfigurationError, render
from gateway_proxy.rendering import server_lines


def test_only_names_in_braces_are_filled_in():
    assert render("$uri ${PORT} ${ARG}x $host", {"PORT": "1", "ARG": "$arg_a"}) == "$uri 1 $arg_ax $host"


def test_a_missing_value_is_named():
    with pytest.raises(ProxyConfigurationError, match="^PORT: "):
        render("${PORT}", {})


def test_names_are_resolved_again_and_addresses_are_not():
    assert server_lines({"U": "orders:8080"}, "U").endswith(" resolve;")
    assert server_lines({"U": "127.0.0.1:1 127.0.0.1:2"}, "U").count("server ") == 2
    assert "resolve" not in server_lines({"U": "127.0.0.1:1"}, "U")


@pytest.mark.parametrize("value", ["", "orders", "orders:80; include /etc/passwd", "a b"])
def test_a_wrong_upstream_is_named(value):
    with pytest.raises(ProxyConfigurationError, match="^U: "):
        server_lines({"U": value}, "U")
