"""The services' documents: up to date, and true to what the decorators say."""

from pathlib import Path

import pytest
from chassis.errors import BadRequest, NotFound
from chassis.openapi import ANYONE, KEY_ALONE, MERCHANT, application, document, documented, formatted
from chassis.requests import RequestModel
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

REPOSITORY = Path(__file__).resolve().parents[2]
SERVICES = sorted(folder.name.removesuffix("-service") for folder in REPOSITORY.glob("*-service"))


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_document_is_that_of_the_code(service):
    """Where this fails: ``python -m chassis.openapi`` and ``python -m gateway_proxy.openapi``."""
    committed = (REPOSITORY / f"{service}-service" / "openapi.json").read_text()
    assert formatted(document(application(service))) == committed


class Booking(RequestModel):
    nights: int


class Booked(BaseModel):
    id: str


def described(**arguments) -> dict:
    """The one operation of an application, as its document has it, and the document."""
    app, router = FastAPI(title="Hotel"), APIRouter()

    @router.post("/bookings/{hotel}", status_code=201, **documented("book", **arguments))
    async def book(hotel: str) -> None:
        """Books."""

    app.include_router(router)
    whole = document(app)
    return whole["paths"]["/bookings/{hotel}"]["post"] | {"document": whole}


def codes(response: dict) -> list[str]:
    return response["content"]["application/json"]["schema"]["allOf"][1]["properties"]["error"]["properties"]["code"]["enum"]


def test_an_endpoint_for_anyone_can_only_lose_its_database():
    operation = described(answer=Booked, by=ANYONE)
    assert set(operation["responses"]) == {"201", "503"}
    assert operation["security"] == []
    assert operation["responses"]["503"] == {"$ref": "#/components/responses/Unavailable"}


def test_a_body_can_be_wrong_and_too_large():
    operation = described(answer=Booked, body=Booking, examples={"Two nights": {"nights": 2}})
    assert set(operation["responses"]) == {"201", "400", "413", "503"}
    content = operation["requestBody"]["content"]["application/json"]
    assert content == {"schema": {"$ref": "#/components/schemas/Booking"}, "examples": {"Two nights": {"value": {"nights": 2}}}}
    assert operation["document"]["components"]["schemas"]["Booking"]["required"] == ["nights"]


def test_a_merchants_write_needs_credentials_or_a_page_of_this_origin():
    operation = described(answer=Booked, by=MERCHANT)
    assert set(operation["responses"]) == {"201", "401", "403", "503"}
    assert operation["security"] == [{"ApiKey": [], "ApiSecret": []}, {"Session": []}]


def test_a_key_alone_has_no_session_to_be_abused():
    assert set(described(answer=Booked, by=KEY_ALONE)["responses"]) == {"201", "401", "503"}


def test_an_idempotency_key_brings_its_header_its_error_and_its_mark():
    operation = described(answer=Booked, idempotent=True)
    assert operation["parameters"][-1]["name"] == "Idempotency-Key"
    assert set(operation["responses"]) == {"201", "400", "422", "503"}
    assert set(operation["responses"]["201"]["headers"]) == {"X-Request-Id", "Idempotent-Replayed"}


def test_each_error_gives_its_code_and_its_text():
    class FullyBooked(BadRequest):
        code = "FULLY_BOOKED"

    operation = described(answer=Booked, errors=[FullyBooked("No room is left"), BadRequest("nights must be at least 1")])
    refusal = operation["responses"]["400"]
    assert codes(refusal) == ["FULLY_BOOKED", "BAD_REQUEST_ERROR"]
    assert refusal["content"]["application/json"]["examples"]["No room is left"]["value"] == {
        "error": {"code": "FULLY_BOOKED", "description": "No room is left"}
    }
    assert codes(described(errors=[NotFound("Hotel not found")])["responses"]["404"]) == ["NOT_FOUND_ERROR"]


def test_nothing_of_the_decorators_own_is_left():
    operation = described(answer=Booked, body=Booking, by=MERCHANT, idempotent=True)
    assert not [name for name in operation if name.startswith("x-")]
    assert "422" not in described(answer=Booked)["responses"]
