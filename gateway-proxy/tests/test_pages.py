"""How dashboard and checkout are served."""

import json

import pytest


@pytest.fixture
def pages(proxy):
    """A proxy with something built."""
    for path in ("dashboard/index.html", "checkout/checkout.html", "checkout/checkout.js", "checkout/gateway.js"):
        (proxy.folder / path).write_text(path)
    for site in ("dashboard", "checkout"):
        (proxy.folder / site / "assets").mkdir()
        (proxy.folder / site / "assets" / "index-1a2b.js").write_text("x" * 5000)
    return proxy


@pytest.mark.parametrize("path", ["/login", "/dashboard", "/dashboard/transactions", "/dashboard/webhooks"])
def test_the_dashboard_answers_its_own_paths_with_the_page(pages, path):
    answer = pages.request("GET", path, site="dashboard")
    assert (answer.status, answer.body) == (200, b"dashboard/index.html")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def policy_of(answer) -> dict[str, str]:
    """The directives of an answer's Content-Security-Policy."""
    directives = (directive.strip().partition(" ") for directive in answer.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in directives}


@pytest.mark.parametrize(("site", "path"), [("dashboard", "/login"), ("checkout", "/checkout?order_id=1&embedded=true")])
def test_a_page_may_do_only_what_it_needs(pages, site, path):
    policy = policy_of(pages.request("GET", path, site=site))
    policy.pop("frame-ancestors", None)
    assert policy == {
        "default-src": "'none'",
        **dict.fromkeys(("script-src", "style-src", "img-src", "connect-src"), "'self'"),
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_the_dashboard_is_told_the_ports_and_names_of_this_platform(pages):
    answer = pages.request("GET", "/config.json", site="dashboard")
    assert json.loads(answer.body) == {
        "api_port": "18000",
        "checkout_port": "13001",
        "api_url": "",
        "checkout_url": "https://pay.example.com",
    }
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("application/json", "no-cache")


@pytest.mark.parametrize("site", ["dashboard", "checkout"])
def test_hashed_assets_are_cached_for_ever_and_compressed(pages, site):
    answer = pages.request("GET", "/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip"}, site=site)
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    missing = pages.request("GET", "/assets/index-old.js", site=site)
    assert missing.status == 404
    assert missing.headers["Cache-Control"] is None


def test_the_front_of_each_site_leads_on(pages):
    assert pages.request("GET", "/", site="dashboard").headers["Location"] == "/dashboard"
    assert pages.request("GET", "/?order_id=1", site="checkout").headers["Location"] == "/checkout?order_id=1"


@pytest.mark.parametrize("path", ["/checkout?order_id=1", "/checkout.html?order_id=1"])
def test_the_checkout_by_itself_is_not_framed(pages, path):
    answer = pages.request("GET", path, site="checkout")
    assert (answer.status, answer.body) == (200, b"checkout/checkout.html")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_the_embedded_checkout_may_be_framed(pages):
    answer = pages.request("GET", "/checkout?order_id=1&embedded=true", site="checkout")
    assert answer.status == 200
    assert "frame-ancestors" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] is None


@pytest.mark.parametrize("path", ["/checkout.js", "/gateway.js"])
def test_the_sdk_may_be_loaded_from_anywhere(pages, path):
    answer = pages.request("GET", path, site="checkout")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["Content-Type"] == "text/javascript"


@pytest.mark.parametrize("site", ["dashboard", "checkout"])
def test_the_api_is_on_the_pages_own_origin(pages, site):
    host = f"localhost:{pages.ports[site]}"
    answer = pages.request("GET", "/api/v1/orders?limit=1", headers={"Host": host, "X-Request-Id": "mine"}, site=site)
    assert json.loads(answer.body) == {"service": "orders"}
    assert answer.headers.get_all("X-Request-Id") == ["mine"]
    assert answer.headers["Content-Security-Policy"] is None
    _, path, headers = pages.services["orders"].requests[0]
    assert (path, headers["Host"]) == ("/api/v1/orders?limit=1", host)


@pytest.mark.parametrize("site", ["dashboard", "checkout"])
def test_a_body_over_the_limit_is_refused_in_the_envelope(pages, site):
    for size in (1024 * 1024 + 1, 3 * 1024 * 1024):
        answer = pages.request("POST", "/api/v1/orders", b"x" * size, site=site)
        assert (answer.status, answer.error["code"]) == (413, "BAD_REQUEST_ERROR")
