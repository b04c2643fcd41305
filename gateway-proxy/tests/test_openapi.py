"""One document out of five: complete, unambiguous, up to date."""

import json
import shutil
from pathlib import Path

import pytest
from gateway_proxy.documentation import FILES, add_programs
from gateway_proxy.openapi import OUTPUT, DocumentError, build, merge, routes, service_of

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGURATION = "location = /rooms                { proxy_pass http://orders; }\n" + (
    "location ~ ^/rooms/[^/]+$        { proxy_pass http://payments; }\n"
)


def operation(name: str) -> dict:
    return {"operationId": name, "tags": ["Rooms"], "responses": {"200": {"description": "A room"}}}


def documents(**paths: dict) -> dict:
    """Five documents, of which some have paths."""
    contexts = ("orders", "payments", "refunds", "webhooks", "merchants")
    return {
        context: {
            "openapi": "3.1.0",
            "paths": paths.get(context, {}),
            "components": {"schemas": {}, "responses": {}, "headers": {}, "securitySchemes": {}},
            "tags": [{"name": context}],
        }
        for context in contexts
    }


TWO = {"orders": {"/rooms": {"get": operation("listRooms")}}, "payments": {"/rooms/{id}": {"get": operation("getRoom")}}}


def test_the_committed_document_is_that_of_the_services():
    """Where this fails: ``python -m gateway_proxy.openapi``."""
    assert (REPOSITORY / OUTPUT).read_text() == build(REPOSITORY)


def test_a_path_is_its_owners():
    table = routes(CONFIGURATION)
    assert service_of("/rooms", table) == "orders"
    assert service_of("/rooms/7", table) == "payments"
    assert service_of("/rooms/7/keys", table) is None
    both = TWO | {"refunds": {"/rooms": {"get": operation("listRoomsElsewhere")}}}
    merged = merge(documents(**both), table)
    assert merged["paths"]["/rooms"]["get"]["operationId"] == "listRooms"


def test_what_the_proxy_answers_is_added_to_every_operation():
    merged = merge(documents(**TWO), routes(CONFIGURATION))
    assert set(merged["paths"]["/rooms"]["get"]["responses"]) == {"200", "429", "502", "504"}
    assert {"/docs", "/openapi.json"} <= set(merged["paths"])


def test_a_documented_path_without_a_route_is_an_error():
    paths = TWO | {"refunds": {"/roofs": {"get": operation("listRoofs")}}}
    with pytest.raises(DocumentError, match=r"refunds: /roofs has no line"):
        merge(documents(**paths), routes(CONFIGURATION))


def test_a_route_without_a_document_is_an_error():
    with pytest.raises(DocumentError, match=r"is not documented"):
        merge(documents(orders=TWO["orders"]), routes(CONFIGURATION))


def test_an_operation_id_is_used_once():
    paths = TWO | {"payments": {"/rooms/{id}": {"get": operation("listRooms")}}}
    with pytest.raises(DocumentError, match=r"listRooms occurs twice"):
        merge(documents(**paths), routes(CONFIGURATION))


def test_a_name_means_one_thing():
    parts = documents(**TWO)
    parts["orders"]["components"]["schemas"]["Room"] = {"type": "object"}
    parts["payments"]["components"]["schemas"]["Room"] = {"type": "string"}
    with pytest.raises(DocumentError, match=r"payments: components.schemas.Room differs"):
        merge(parts, routes(CONFIGURATION))


@pytest.fixture
def documentation(proxy):
    """A proxy with the page and the document as they are published."""
    shutil.copytree(REPOSITORY / "gateway-proxy" / "public", proxy.folder / "docs", dirs_exist_ok=True)
    add_programs(proxy.folder / "docs")
    return proxy


def test_the_document_is_served(documentation):
    answer = documentation.request("GET", "/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(answer.body)["info"]["title"] == "Payment Gateway API"


@pytest.mark.parametrize("path", ["/docs", *(f"/docs/{name}" for name in (*FILES, "page.js", "page.css", "icon.svg"))])
def test_the_page_and_its_programs_run_under_a_policy_of_their_own(documentation, path):
    answer = documentation.request("GET", path)
    assert answer.status == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'; ")
    assert answer.headers["X-Request-Id"]
    assert "Content-Security-Policy" not in documentation.request("GET", "/api/v1/orders").headers


def test_the_page_names_no_other_host():
    for path in (REPOSITORY / "gateway-proxy" / "public").rglob("*.[hjc]*"):
        assert "https://" not in path.read_text().replace("http://www.w3.org/2000/svg", ""), path


def test_the_programs_are_compressed(documentation):
    answer = documentation.request("GET", f"/docs/{FILES[0]}", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 600_000


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("POST", "/docs", "GET, HEAD"), ("TRACE", "/api/v1/orders", "GET, PATCH, POST")]
)
def test_a_method_that_nginx_refuses_comes_with_those_that_there_are(documentation, method, path, allowed):
    answer = documentation.request(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
