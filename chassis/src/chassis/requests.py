"""Reading what a client sent: bytes within a limit, JSON that PostgreSQL can hold, and models with clear errors."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails
from starlette.requests import Request

from chassis.errors import BadRequest

__all__ = ["RequestModel", "StorableText", "describe", "is_storable", "parse", "read_json", "read_model"]

# Real metadata nests a few levels; recursion in some reader down the line is what the rest is for.
JSON_DEPTH_LIMIT = 32
_BODY_IS_NOT_JSON = "Request body must be valid JSON"
_BODY_IS_NO_OBJECT = "Request body must be a JSON object"


class RequestModel(BaseModel):
    """A request body. Strict: ``true``, ``1.0`` and ``"1"`` are not the integer 1. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")


def is_storable(document: Any) -> bool:
    """Whether PostgreSQL and every JSON reader can hold the value: no NUL in any text, no absurd nesting."""
    level = [document]
    for _ in range(JSON_DEPTH_LIMIT):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, str) and "\0" in value:
                return False
            if isinstance(value, dict):
                deeper.extend(value.keys())
                deeper.extend(value.values())
            elif isinstance(value, list):
                deeper.extend(value)
        if not deeper:
            return True
        level = deeper
    return False


def _refuse_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    return text


class _Storable:
    """Says in schemas what ``_refuse_nul`` checks."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core_schema), "pattern": r"^[^\u0000]*$"}


StorableText = Annotated[str, AfterValidator(_refuse_nul), _Storable()]

Model = TypeVar("Model", bound=RequestModel)


async def read_json(request: Request) -> dict[str, Any]:
    """The body as an object. orjson refuses NaN, lone surrogates, bad UTF-8 and nesting beyond 1024 levels."""
    body = await request.body()
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest(_BODY_IS_NOT_JSON) from None
    if not isinstance(document, dict):
        raise BadRequest(_BODY_IS_NO_OBJECT)
    return document


async def read_model(request: Request, model: type[Model], *, optional: bool = False) -> Model:
    """The body as a model; with ``optional`` an absent body counts as ``{}``."""
    if optional and not await request.body():
        return parse(model, {})
    return parse(model, await read_json(request))


def parse(model: type[Model], document: dict[str, Any]) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise BadRequest(describe(error.errors(include_url=False, include_input=False)[0])) from None


_TYPES = {
    "int": "an integer",
    "string": "a string",
    "bool": "a boolean",
    "dict": "an object",
    "list": "an array",
    "float": "a number",
    "model": "an object",
}
_WRONG_TYPE = re.compile(r"(int|string|bool|dict|list|float|model)_(type|from_float|parsing|parsing_size|unicode)")
# pydantic's kinds of problem, and what follows the field's name; braces take from the problem's context.
_SENTENCES = {
    "missing": "is required",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_long": "must be at most {max_length} characters long",
    # The same limits on a text that a validator of ours has looked at before, such as StorableText.
    "too_long": "must be at most {max_length} characters long",
    "too_short": "must be at least {min_length} characters long",
    "string_too_short": "must be at least {min_length} characters long",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "string_pattern_mismatch": "has an invalid format",
    "value_error": "{error}",
}
_WHERE = ("body", "query", "path", "header")


def describe(problem: ErrorDetails) -> str:
    """A sentence for one validation problem, such as «amount must be at least 100». It never repeats the input."""
    field = ".".join(str(part) for part in problem["loc"] if part not in _WHERE) or "body"
    if match := _WRONG_TYPE.match(problem["type"]):
        return f"{field} must be {_TYPES[match.group(1)]}"
    sentence = _SENTENCES.get(problem["type"], "is invalid")
    return f"{field} {sentence.format_map(problem.get('ctx', {}))}"
