from __future__ import annotations

import secrets

import httpx
import orjson

from .support import SAME_ORIGIN, SESSION_COOKIE, StartService, log_in, new_email, sign_up


def test_nothing_secret_is_ever_printed(start_service: StartService) -> None:
    service = start_service(LOG_LEVEL="debug")
    password, email = "pw-" + secrets.token_hex(12), new_email()
    with service.client() as client:
        merchant = sign_up(client, email=email, password=password).json()
        tokens = [client.cookies[SESSION_COOKIE]]
        log_in(client, email, password)
        tokens.append(client.cookies[SESSION_COOKIE])
        log_in(client, email, password + "-wrong")
        sign_up(client, email=email, password=password)
        client.post("/api/v1/merchants", content=orjson.dumps({"email": email, "password": [password]}))
        client.post("/api/v1/auth/login", content=orjson.dumps({"email": email, "password": password})[:-1])
        client.get(f"/api/v1/auth/{password}")
        client.get("/api/v1/merchants/me", params={"password": password})
        client.patch("/api/v1/merchants/me", json={"webhook_url": f"http://user:{password}@shop.example/"}, headers=SAME_ORIGIN)
        rotated = client.post("/api/v1/merchants/me/api-keys/rotate", headers=SAME_ORIGIN).json()
        renewed = client.post("/api/v1/merchants/me/webhook-secret", headers=SAME_ORIGIN).json()
        client.post("/api/v1/auth/logout", headers=SAME_ORIGIN)
    hidden = [
        password,
        email,
        *tokens,
        merchant["api_secret"],
        merchant["webhook_secret"],
        rotated["api_secret"],
        renewed["webhook_secret"],
    ]
    printed = service.whole_output()
    assert '"route":"/api/v1/auth/login","status":200' in printed
    assert [text for text in hidden if text in printed] == []


def test_errors_do_not_repeat_what_was_sent(start_service: StartService) -> None:
    running = start_service()
    marker = "marker-" + secrets.token_hex(8)
    bodies = [
        ("/api/v1/auth/login", {"email": marker, "password": [marker]}),
        ("/api/v1/merchants", {"name": marker, "email": marker, "password": marker}),
        ("/api/v1/merchants", {"name": [marker], "email": {marker: marker}, "password": marker}),
    ]
    for path, body in bodies:
        assert marker not in httpx.post(running.url + path, json=body).text
    printed = running.whole_output()
    assert printed.count('"event":"request"') >= len(bodies)
    assert marker not in printed
