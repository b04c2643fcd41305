"""Endpoints of the merchants service."""

from __future__ import annotations

from typing import Any

import orjson
from chassis.app import ApiResponse
from chassis.db import Database
from chassis.errors import BadRequest, Forbidden, RateLimited, Unauthenticated
from chassis.openapi import MERCHANT, SESSION, documented
from chassis.requests import read_model
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from merchants import repository, service
from merchants.accounts import Accounts, SignedIn
from merchants.api.client_address import client_address
from merchants.api.schemas import (
    LOG_IN_EXAMPLES,
    SIGN_UP_EXAMPLES,
    UPDATE_EXAMPLES,
    ApiKeysBody,
    LogIn,
    MerchantBody,
    SignUp,
    TestMerchantBody,
    UpdateMerchant,
    WebhookSecretBody,
    merchant_json,
)
from merchants.authentication import SESSION_COOKIE, Authenticator
from merchants.errors import MerchantNotFound
from merchants.same_origin import refuse_foreign_pages, require_same_origin
from merchants.settings import MerchantsSettings
from merchants.webhook_urls import checked_url

__all__ = ["create_routers"]

_FOREIGN_PAGE = Forbidden("Cross-site request refused")
_SIGN_UP = documented(
    "signUp",
    answer=MerchantBody,
    body=SignUp,
    examples=SIGN_UP_EXAMPLES,
    errors=[BadRequest("email is already registered"), BadRequest("password is too common"), _FOREIGN_PAGE],
)
_LOG_IN = documented(
    "logIn",
    answer=MerchantBody,
    body=LogIn,
    examples=LOG_IN_EXAMPLES,
    errors=[
        Unauthenticated("Invalid email or password"),
        _FOREIGN_PAGE,
        RateLimited("Too many failed sign-ins, try again later", retry_after_s=60),
    ],
)
_UPDATE = documented(
    "updateMerchant",
    answer=MerchantBody,
    body=UpdateMerchant,
    examples=UPDATE_EXAMPLES,
    errors=[BadRequest("webhook_url must be an http or https URL")],
    by=MERCHANT,
)
_REGENERATE = documented("regenerateWebhookSecret", answer=WebhookSecretBody, by=MERCHANT)
_ROTATE = documented("rotateApiKeys", answer=ApiKeysBody, by=MERCHANT)
_TEST_MERCHANT = documented("getTestMerchant", answer=TestMerchantBody, errors=[MerchantNotFound()])


def create_routers(
    database: Database, authenticator: Authenticator, accounts: Accounts, settings: MerchantsSettings
) -> list[APIRouter]:
    return [
        _accounts(accounts, settings),
        _own_merchant(database, authenticator, settings),
        _test_merchant(database, settings),
    ]


def _accounts(accounts: Accounts, settings: MerchantsSettings) -> APIRouter:
    router = APIRouter(prefix="/api/v1")
    cookie_attributes: dict[str, Any] = {
        "path": "/",
        "httponly": True,
        "samesite": "strict",
        "secure": settings.environment == "production",
    }

    def signed_in(request: Request, session: SignedIn, status: int) -> Response:
        request.state.merchant_id = str(session.merchant.id)
        response = _answer(merchant_json(session.merchant), status)
        response.set_cookie(SESSION_COOKIE, session.token, max_age=settings.session_lifetime_hours * 3600, **cookie_attributes)
        return response

    @router.post("/merchants", status_code=201, **_SIGN_UP)
    async def sign_up(request: Request) -> Response:
        """A new merchant with keys of its own, signed in: the answer also sets the session's cookie."""
        refuse_foreign_pages(request.headers)
        body = await read_model(request, SignUp)
        presented = request.cookies.get(SESSION_COOKIE)
        return signed_in(request, await accounts.sign_up(body.name, body.email, body.password, presented_token=presented), 201)

    @router.post("/auth/login", **_LOG_IN)
    async def log_in(request: Request) -> Response:
        """Starts a session: the answer sets its cookie."""
        refuse_foreign_pages(request.headers)
        body = await read_model(request, LogIn)
        session = await accounts.log_in(
            body.email,
            body.password,
            client_address=client_address(request),
            presented_token=request.cookies.get(SESSION_COOKIE),
        )
        return signed_in(request, session, 200)

    @router.post("/auth/logout", status_code=204, **documented("logOut", by=SESSION))
    async def log_out(request: Request) -> Response:
        """Ends the session, if there is one."""
        token = request.cookies.get(SESSION_COOKIE)
        if token is None:
            refuse_foreign_pages(request.headers)
        else:
            require_same_origin(request.headers)
            await accounts.log_out(token)
        response = Response(status_code=204)
        response.delete_cookie(SESSION_COOKIE, **cookie_attributes)
        return response

    return router


def _own_merchant(database: Database, authenticator: Authenticator, settings: MerchantsSettings) -> APIRouter:
    router = APIRouter(prefix="/api/v1/merchants/me")

    @router.get("", **documented("getMerchant", answer=MerchantBody, by=MERCHANT))
    async def get_merchant(request: Request) -> Response:
        """The calling merchant, with its credentials."""
        principal = await authenticator.merchant(request)
        return _answer(merchant_json(await database.run(lambda session: service.get(session, principal.merchant_id))))

    @router.patch("", **_UPDATE)
    async def update_merchant(request: Request) -> Response:
        """Changes what is sent, and nothing else."""
        principal = await authenticator.merchant(request)
        changes = (await read_model(request, UpdateMerchant)).model_dump(exclude_unset=True)
        if "webhook_url" in changes:
            changes["webhook_url"] = await checked_url(
                changes["webhook_url"], allow_private_targets=settings.webhook_allow_private_targets
            )
        merchant = await database.run(lambda session: service.update(session, principal.merchant_id, changes))
        return _answer(merchant_json(merchant))

    @router.post("/webhook-secret", **_REGENERATE)
    async def regenerate_webhook_secret(request: Request) -> Response:
        """A new secret. For 24 hours the old one also signs, in the Standard Webhooks header."""
        principal = await authenticator.merchant(request)
        secret = await database.run(lambda session: service.regenerate_webhook_secret(session, principal.merchant_id))
        return _answer({"webhook_secret": secret})

    @router.post("/api-keys/rotate", **_ROTATE)
    async def rotate_api_keys(request: Request) -> Response:
        """A new key and a new secret in place of both."""
        principal = await authenticator.merchant(request)
        api_key, api_secret = await database.run(lambda session: service.rotate_api_keys(session, principal.merchant_id))
        return _answer({"api_key": api_key, "api_secret": api_secret})

    return router


def _test_merchant(database: Database, settings: MerchantsSettings) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/test/merchant", **_TEST_MERCHANT)
    async def get_test_merchant() -> Response:
        """The published test merchant, where there is one."""
        # In production none is seeded; whoever registered that e-mail there is nobody's test merchant.
        if settings.environment == "production":
            raise MerchantNotFound()
        merchant = await database.run(lambda session: repository.find_by_email(session, settings.test_merchant_email))
        if merchant is None:
            raise MerchantNotFound()
        return _answer({"id": str(merchant.id), "email": merchant.email, "api_key": merchant.api_key, "seeded": True})

    return router


def _answer(document: dict[str, Any], status: int = 200) -> ApiResponse:
    # Most answers here carry a secret: no cache on the way may keep them.
    return ApiResponse(orjson.dumps(document), status, {"Cache-Control": "no-store"})
