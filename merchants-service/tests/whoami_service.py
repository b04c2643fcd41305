"""A service of another context, as far as this one is concerned: it asks who a request comes from, as its own role."""

from __future__ import annotations

import orjson
from chassis.app import ApiResponse, create_app, serve
from chassis.db import Database
from chassis.settings import ServiceSettings, load
from fastapi import APIRouter
from merchants import AuthenticationSettings, Authenticator
from starlette.requests import Request

if __name__ == "__main__":
    settings = load(ServiceSettings)
    database = Database(settings, "whoami-service")
    authenticator = Authenticator(database, load(AuthenticationSettings))
    router = APIRouter()

    @router.api_route("/whoami", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    async def whoami(request: Request) -> ApiResponse:
        return ApiResponse(orjson.dumps({"merchant_id": (await authenticator.merchant(request)).merchant_id}))

    @router.get("/whose-page")
    async def whose_page(request: Request) -> ApiResponse:
        return ApiResponse(orjson.dumps({"merchant_id": (await authenticator.publishable(request)).merchant_id}))

    lanes = [authenticator.lane]
    app = create_app(service="whoami", title="Whoami", settings=settings, database=database, routers=[router], lanes=lanes)
    serve(app, settings)
