"""What a service's endpoints take and give, in the words of OpenAPI.

Endpoints read raw requests and answer with bytes, for speed, so nothing could be derived from their signatures. Their
decorators say it instead (``documented``), next to what is true of it, and ``document`` adds what follows from the
rest: who may be refused for what. ``python -m chassis.openapi`` writes the ``openapi.json`` of every service.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from chassis.errors import ApiError, BadRequest, Conflicted, Forbidden, Unauthenticated, Unavailable
from chassis.settings import load

__all__ = ["ANYONE", "KEY_ALONE", "MERCHANT", "SESSION", "application", "document", "documented", "formatted"]

# Who may call: each entry is one way to prove it.
Ways = Sequence[Mapping[str, Sequence[str]]]
MERCHANT: Ways = ({"ApiKey": [], "ApiSecret": []}, {"Session": []})
KEY_ALONE: Ways = ({"ApiKey": []},)
SESSION: Ways = ({"Session": []}, {})
ANYONE: Ways = ()

_REFERENCE = "#/components/schemas/{model}"
_JSON = "application/json"
# Travel from the decorators to ``document`` inside the operation.
_ERRORS, _DEFINITIONS, _REPLAYS = "x-errors", "x-definitions", "x-replays"

_SECURITY_SCHEMES = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "Which merchant calls. Not secret by itself: pages that merchants publish carry it.",
    },
    "ApiSecret": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Secret",
        "description": "Proves that the merchant itself calls. Keep it on your server.",
    },
    "Session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "gateway_session",
        "description": "The dashboard's session, from signing in. Writes need a request of the page's own origin.",
    },
}
_HEADERS = {
    "X-Request-Id": {
        "description": "Names this request in every log. Send your own to follow a request through your systems and ours.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Idempotent-Replayed": {
        "description": "Present where this is the stored answer of an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes the request safe to repeat for 24 hours: one key, one answer, and the work is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u00ff]+$"},
    "example": "3f2b8c1e-receipt_123",
}
_REASONS = {
    400: "The request is not valid",
    401: "Missing or wrong credentials",
    403: "A session's write without proof that it comes from a page of this origin",
    404: "There is no such thing, or it is another merchant's",
    413: "The body is larger than 1 MiB",
    422: "The Idempotency-Key was used with another body",
    429: "Too many requests",
    502: "The service cannot be reached",
    503: "Temporarily unavailable",
    504: "The service took too long to answer",
}
# What follows from authentication, bodies, idempotency keys and the database, at every endpoint alike.
_SHARED: dict[str, ApiError] = {
    "InvalidCredentials": Unauthenticated(),
    "CrossSite": Forbidden("Cross-site request refused"),
    "BodyTooLarge": BadRequest("Request body too large", status=413),
    "KeyReused": Conflicted("Idempotency-Key was already used with a different request body"),
    "Unavailable": Unavailable(),
}
_ERROR = {
    "type": "object",
    "title": "Error",
    "description": "Every error of the API. The code is for programs and stable, the description is for people.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "description"],
            "properties": {"code": {"type": "string"}, "description": {"type": "string"}},
        }
    },
}


# ---- at the decorators ----------------------------------------------------------------------------------------------


def documented(
    operation: str,
    *,
    answer: Any = None,
    body: Any = None,
    body_required: bool = True,
    examples: Mapping[str, Any] | None = None,
    errors: Sequence[ApiError] = (),
    by: Ways = ANYONE,
    idempotent: bool = False,
    unavailable: Any = None,
) -> dict[str, Any]:
    """Arguments for a route's decorator: ``@router.post("", **documented("createOrder", …))``.

    ``answer`` and ``body`` are models or unions of them, ``examples`` request bodies by title. ``errors`` are the
    endpoint's own, as instances, whose texts become examples; those of authentication, of reading a body, of
    idempotency keys and of a lost database follow from the other arguments. ``unavailable`` is what 503 comes with where
    it is no error of the usual shape.
    """
    extra: dict[str, Any] = {"security": [dict(way) for way in by]}
    extra[_ERRORS] = [{"status": error.status, "code": error.code, "description": error.description} for error in errors]
    if body is not None:
        schema, definitions = _schema(body)
        titled = {title: {"value": value} for title, value in (examples or {}).items()}
        content = {"schema": schema} | ({"examples": titled} if titled else {})
        extra["requestBody"] = {"required": body_required, "content": {_JSON: content}}
        extra[_DEFINITIONS] = definitions
    if idempotent:
        extra["parameters"] = [_IDEMPOTENCY_KEY]
        extra[_REPLAYS] = True
    others = {503: {"model": unavailable}} if unavailable is not None else {}
    return {"operation_id": operation, "response_model": answer, "responses": others, "openapi_extra": extra}


def _schema(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema that refers to named ones, and those."""
    schema = TypeAdapter(model).json_schema(ref_template=_REFERENCE)
    definitions = schema.pop("$defs", {})
    if not isinstance(model, type):
        return schema, definitions
    return {"$ref": _REFERENCE.format(model=model.__name__)}, definitions | {model.__name__: schema}


# ---- the document ---------------------------------------------------------------------------------------------------


def document(app: FastAPI) -> dict[str, Any]:
    """The service's OpenAPI document."""
    described = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        servers=[{"url": "/"}],
    )
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    components["responses"] = {name: _error_response([_as_entry(error)]) for name, error in _SHARED.items()}
    for path in described["paths"].values():
        for method, operation in path.items():
            schemas |= operation.pop(_DEFINITIONS, {})
            _complete(method, operation, components["responses"])
    # FastAPI's own form of a validation error, which no service gives.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["schemas"] = dict(sorted((schemas | {"Error": _ERROR}).items()))
    components["headers"] = _HEADERS
    components["securitySchemes"] = _SECURITY_SCHEMES
    return described


def _complete(method: str, operation: dict[str, Any], shared: Mapping[str, Any]) -> None:
    """Writes the responses of an operation: its success, and all that it can refuse."""
    for parameter in operation.get("parameters", []):
        parameter["schema"] = _without_null(parameter["schema"])
    replays = operation.pop(_REPLAYS, False)
    own = operation.pop(_ERRORS, [])
    succeeded = {status: response for status, response in operation["responses"].items() if status.startswith("2")}
    for response in succeeded.values():
        response["headers"] = _header_references("X-Request-Id", *(["Idempotent-Replayed"] if replays else []))
    refused = [*own, *(_as_entry(error) for error in _implied(method, operation, replays))]
    # What the decorator gave a form of its own keeps it; FastAPI's 422 is one that no service gives.
    special = {status: operation["responses"][status] for status in ("503",) if status in operation["responses"]}
    for response in special.values():
        response["headers"] = _header_references("X-Request-Id")
    operation["responses"] = succeeded | _error_responses(refused, shared) | special


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out or has a value; there is no way to send a null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "title")}
    return rest | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})


def _implied(method: str, operation: Mapping[str, Any], replays: bool) -> Iterable[ApiError]:
    ways = operation.get("security", [])
    if ways and {} not in ways:
        yield _SHARED["InvalidCredentials"]
    if method != "get" and any("Session" in way for way in ways):
        yield _SHARED["CrossSite"]
    if "requestBody" in operation:
        yield BadRequest("Request body must be valid JSON")
        yield _SHARED["BodyTooLarge"]
    if replays:
        yield BadRequest("Idempotency-Key must be 1 to 255 characters long")
        yield _SHARED["KeyReused"]
    yield _SHARED["Unavailable"]


def _as_entry(error: ApiError) -> dict[str, Any]:
    return {"status": error.status, "code": error.code, "description": error.description}


def _error_responses(entries: Sequence[Mapping[str, Any]], shared: Mapping[str, Any]) -> dict[str, Any]:
    """A response for each status: its codes, and an example for each text. Those that are the same at every endpoint
    are written once, in ``shared``."""
    responses: dict[str, Any] = {}
    for status in sorted({entry["status"] for entry in entries}):
        response = _error_response([entry for entry in entries if entry["status"] == status])
        same = [name for name, known in shared.items() if known == response]
        responses[str(status)] = {"$ref": f"#/components/responses/{same[0]}"} if same else response
    return responses


def _error_response(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The response for entries of one status."""
    status = entries[0]["status"]
    codes = list(dict.fromkeys(entry["code"] for entry in entries))
    names = ["X-Request-Id", *(["Retry-After"] if status in (429, 503) else [])]
    schema = {
        "allOf": [
            {"$ref": _REFERENCE.format(model="Error")},
            {"properties": {"error": {"properties": {"code": {"enum": codes}}}}},
        ]
    }
    examples = {
        entry["description"]: {"value": {"error": {"code": entry["code"], "description": entry["description"]}}}
        for entry in entries
    }
    return {
        "description": _REASONS[status],
        "headers": _header_references(*names),
        "content": {_JSON: {"schema": schema, "examples": examples}},
    }


def _header_references(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def formatted(description: Mapping[str, Any]) -> str:
    """The one form in which documents are committed and compared."""
    return json.dumps(description, indent=2, ensure_ascii=False) + "\n"


# ---- the command ----------------------------------------------------------------------------------------------------


def application(context: str) -> FastAPI:
    """The application of ``<context>-service``, from ``<context>.api.main``; nothing is connected to."""
    create = importlib.import_module(f"{context}.api.main").create
    # Required but never dialled: connections are opened by the first request.
    os.environ.setdefault("DATABASE_URL", f"postgresql://{context}_service@127.0.0.1/none")
    app: FastAPI = create(load(get_type_hints(create)["settings"]))
    return app


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m chassis.openapi", description="Writes openapi.json of every service.")
    parser.add_argument("--root", type=Path, default=Path(), help="the folder that holds the services' folders")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is not up to date")
    arguments = parser.parse_args()
    stale = []
    for folder in sorted(arguments.root.glob("*-service")):
        text = formatted(document(application(folder.name.removesuffix("-service"))))
        path = folder / "openapi.json"
        if arguments.check and (not path.exists() or path.read_text() != text):
            stale.append(str(path))
        elif not arguments.check:
            path.write_text(text)
    if stale:
        sys.exit(f"not up to date: {', '.join(stale)}; run python -m chassis.openapi")


if __name__ == "__main__":
    main()
