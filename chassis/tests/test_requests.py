"""What clients send, and the sentences they get for it."""

import json

import pytest
from chassis.errors import BadRequest
from chassis.requests import RequestModel, StorableText, is_storable, parse
from pydantic import Field


class Body(RequestModel):
    amount: int = Field(ge=100, le=1000)
    receipt: StorableText | None = Field(default=None, max_length=5)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({}, "amount is required"),
        ({"amount": 99}, "amount must be at least 100"),
        ({"amount": 1001}, "amount must be at most 1000"),
        ({"amount": True}, "amount must be an integer"),
        ({"amount": "100"}, "amount must be an integer"),
        ({"amount": 100.0}, "amount must be an integer"),
        ({"amount": None}, "amount must be an integer"),
        ({"amount": 2**70}, "amount must be at most 1000"),
        ({"amount": 100, "receipt": 5}, "receipt must be a string"),
        ({"amount": 100, "receipt": "123456"}, "receipt must be at most 5 characters long"),
        ({"amount": 100, "receipt": "a\0b"}, "receipt must not contain NUL characters"),
    ],
)
def test_each_problem_has_its_sentence(document, sentence):
    with pytest.raises(BadRequest) as refused:
        parse(Body, document)
    assert refused.value.description == sentence


def test_a_sentence_never_repeats_what_was_sent():
    with pytest.raises(BadRequest) as refused:
        parse(Body, {"amount": 100, "receipt": "4111111111111111"})
    assert "4111" not in refused.value.description


@pytest.mark.parametrize("document", [{"a": "\0"}, {"\0": 1}, [["\0"]], json.loads("[" * 40 + "]" * 40)])
def test_what_the_database_cannot_hold(document):
    assert not is_storable(document)


@pytest.mark.parametrize("document", [{}, {"a": [1, {"b": "é\u2028"}]}, json.loads("[" * 20 + "]" * 20)])
def test_what_it_can_hold(document):
    assert is_storable(document)
