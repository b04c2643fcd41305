"""`python -m gateway_proxy.openapi`: one OpenAPI document for all that the proxy serves.

It is put together from the services' own documents. Which service speaks for a path is decided as nginx decides it,
by routes.conf; a path that is documented and not routed, or routed and not documented, is an error.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# The order of the chapters.
CONTEXTS = ("orders", "payments", "refunds", "webhooks", "merchants")
METHODS = frozenset(["get", "put", "post", "delete", "options", "head", "patch", "trace"])
ROUTE = re.compile(r"^location (?P<kind>=|~) (?P<path>\S+)\s+\{ proxy_pass http://(?P<service>\w+); \}$", re.MULTILINE)
PARAMETER = re.compile(r"\{\w+\}")
OUTPUT = Path("gateway-proxy/public/openapi.json")
DESCRIPTION = """\
Amounts are integers in the smallest unit of the currency: `50000` are ₹500 in paise. Times are UTC in ISO 8601.

Every error is `{"error": {"code", "description"}}`, unknown paths (404) and methods (405, with `Allow`) included. Every
answer has an `X-Request-Id`. Bodies are limited to 1 MiB.

**To try it here**: *Authorize* with the test merchant's `key_test_abc123` and `secret_test_xyz789`, create an order, then
pay it. In test mode `failure@bank` and card `4000 0000 0000 0002` are declined.

**Webhooks** carry `X-Webhook-Signature`, the hex HMAC-SHA256 of the body with the merchant's `webhook_secret`, and the
headers of the Standard Webhooks specification.
"""


class DocumentError(Exception):
    """The services' documents and the routes do not fit together; the message says where."""


def routes(configuration: str) -> list[tuple[str, str, str]]:
    """Kind (`=` or `~`), path and service of every line of routes.conf."""
    return [(match["kind"], match["path"], match["service"]) for match in ROUTE.finditer(configuration)]


def service_of(path: str, table: list[tuple[str, str, str]]) -> str | None:
    """Whom nginx asks for a path: exact routes first, then patterns in their order."""
    for kind, wanted, service in table:
        if kind == "=" and wanted == path:
            return service
    for kind, wanted, service in table:
        if kind == "~" and re.search(wanted, path):
            return service
    return None


def merge(documents: Mapping[str, Mapping[str, Any]], table: list[tuple[str, str, str]]) -> dict[str, Any]:
    """The document of the whole API."""
    paths: dict[str, Any] = {}
    components: dict[str, dict[str, Any]] = {"schemas": {}, "responses": {}, "headers": {}, "securitySchemes": {}}
    tags: list[dict[str, Any]] = []
    for context in CONTEXTS:
        document = documents[context]
        paths |= owned_paths(context, document["paths"], table)
        for kind, named in document["components"].items():
            add_named(components[kind], named, f"{context}: components.{kind}")
        tags += [tag for tag in document["tags"] if tag not in tags]
    check_routes(paths, table)
    add_named(components["responses"], PROXY_RESPONSES, "proxy: components.responses")
    for operation in operations(paths):
        operation["responses"] = with_proxy_refusals(operation["responses"])
    check_operation_ids(paths)
    return {
        "openapi": documents[CONTEXTS[0]]["openapi"],
        "info": {"title": "Payment Gateway API", "version": "1.0.0", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": sorted(tags, key=lambda tag: bool(tag["name"] == "Platform")),
        "paths": paths | OWN_PATHS,
        "components": {kind: dict(sorted(named.items())) for kind, named in components.items()},
    }


def owned_paths(context: str, paths: Mapping[str, Any], table: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Of a service's paths those for which the proxy asks it; each service has its own `/health`."""
    owners = {path: service_of(PARAMETER.sub("x", path), table) for path in paths}
    for path, owner in owners.items():
        if owner is None:
            raise DocumentError(f"{context}: {path} has no line in routes.conf")
    return {path: item for path, item in paths.items() if owners[path] == context}


def add_named(target: dict[str, Any], named: Mapping[str, Any], where: str) -> None:
    """Adds components; one name must mean one thing."""
    for name, component in named.items():
        if target.setdefault(name, component) != component:
            raise DocumentError(f"{where}.{name} differs from another service's")


def check_routes(paths: Mapping[str, Any], table: list[tuple[str, str, str]]) -> None:
    """Every route must be documented."""
    samples = {PARAMETER.sub("x", path) for path in paths}
    for kind, wanted, _ in table:
        if not (wanted in samples if kind == "=" else any(re.search(wanted, sample) for sample in samples)):
            raise DocumentError(f"routes.conf: {wanted} is not documented by its service")


def check_operation_ids(paths: Mapping[str, Any]) -> None:
    """Generated clients name their methods by them."""
    seen: set[str] = set()
    for operation in operations(paths):
        if operation["operationId"] in seen:
            raise DocumentError(f"operation id {operation['operationId']} occurs twice")
        seen.add(operation["operationId"])


def operations(paths: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of every path."""
    for item in paths.values():
        for method, operation in item.items():
            if method in METHODS:
                yield operation


# ---- what the proxy itself answers ------------------------------------------------------------------------------------

HEADER = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}


def error_response(description: str, code: str, text: str, headers: Mapping[str, Any] = HEADER) -> dict[str, Any]:
    """A response in the API's envelope."""
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Error"},
            {"properties": {"error": {"properties": {"code": {"enum": [code]}}}}},
        ]
    }
    example = {"error": {"code": code, "description": text}}
    return {
        "description": description,
        "headers": dict(headers),
        "content": {"application/json": {"schema": schema, "examples": {text: {"value": example}}}},
    }


PROXY_RESPONSES = {
    "TooManyRequests": error_response(
        "Too many requests",
        "RATE_LIMIT_ERROR",
        "Too many requests",
        {**HEADER, "Retry-After": {"$ref": "#/components/headers/Retry-After"}},
    ),
    "BadGateway": error_response("The service cannot be reached", "SERVER_ERROR", "The service cannot be reached"),
    "GatewayTimeout": error_response(
        "The service took too long to answer", "SERVER_ERROR", "The service took too long to answer"
    ),
}
REFUSALS = {"429": "TooManyRequests", "502": "BadGateway", "504": "GatewayTimeout"}
OWN_PATHS: dict[str, Any] = {
    "/openapi.json": {
        "get": {
            "tags": ["Platform"],
            "summary": "Get Document",
            "description": "This document.",
            "operationId": "getDocument",
            "responses": {
                "200": {
                    "description": "An OpenAPI 3.1 document",
                    "headers": HEADER,
                    "content": {"application/json": {"schema": {"type": "object", "required": ["openapi", "info", "paths"]}}},
                },
                "429": {"$ref": "#/components/responses/TooManyRequests"},
            },
            "security": [],
        }
    },
    "/docs": {
        "get": {
            "tags": ["Platform"],
            "summary": "Get Documentation",
            "description": "This document for people.",
            "operationId": "getDocumentation",
            "responses": {
                "200": {"description": "A page", "headers": HEADER, "content": {"text/html": {"schema": {"type": "string"}}}},
                "429": {"$ref": "#/components/responses/TooManyRequests"},
            },
            "security": [],
        }
    },
}


def with_proxy_refusals(responses: Mapping[str, Any]) -> dict[str, Any]:
    """The responses of a service and, where it has none of its own, those of the proxy in front of it."""
    proxy = {status: {"$ref": f"#/components/responses/{name}"} for status, name in REFUSALS.items()}
    return dict(sorted((proxy | dict(responses)).items()))


# ---- the command ------------------------------------------------------------------------------------------------------


def build(root: Path) -> str:
    """The text of the document, from the repository's files."""
    documents = {context: json.loads((root / f"{context}-service" / "openapi.json").read_text()) for context in CONTEXTS}
    table = routes((root / "gateway-proxy" / "routes.conf").read_text())
    return json.dumps(merge(documents, table), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes or checks gateway-proxy/public/openapi.json."""
    parser = argparse.ArgumentParser(prog="python -m gateway_proxy.openapi", description=f"Writes {OUTPUT}.")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's folder")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is not up to date")
    arguments = parser.parse_args()
    path = arguments.root / OUTPUT
    try:
        text = build(arguments.root)
    except DocumentError as error:
        sys.exit(f"the documents do not fit together: {error}")
    if not arguments.check:
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        sys.exit(f"not up to date: {path}; run python -m gateway_proxy.openapi")


if __name__ == "__main__":
    main()
