"""The catalogue in front of the slow origin, with a cache in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

import config
from cache import Cache
from catalogue import Catalogue
from entries import Entry
from origin import Answer, Origin, OriginError
from questions import InvalidError, UnknownError, of_page, of_price, of_product, require_id

origin, cache = Origin(config.ORIGIN_URL), Cache(config.REDIS_URL)
catalogue = Catalogue(origin, cache)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await origin.open()
    retrying = asyncio.create_task(catalogue.forgetting.keep_trying())
    yield
    retrying.cancel()
    await origin.close()
    await cache.close()


app = FastAPI(title="Catalogue", lifespan=lifespan, redirect_slashes=False)


class NewProduct(BaseModel):
    """What a client may say of a product."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    category: Annotated[str, Field(pattern="^[a-z0-9-]{1,40}$")]
    price_cents: Annotated[int, Field(ge=0, le=10**9, strict=True)]


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/products")
async def page(request: Request) -> Response:
    query = request.query_params
    question = of_page(query.get("category"), query.get("page"), request.url.query)
    entry = await catalogue.read(question)
    return _answered(request, entry)


@app.get("/products/{product_id}")
async def product(product_id: str, request: Request) -> Response:
    return _answered(request, await catalogue.read(of_product(product_id)))


@app.get("/products/{product_id}/price")
async def price(
    product_id: str, request: Request, x_tenant: Annotated[str | None, Header()] = None
) -> Response:
    response = _answered(request, await catalogue.read(of_price(product_id, x_tenant)))
    response.headers["Vary"] = "X-Tenant"
    return response


@app.put("/products/{product_id}")
async def put(product_id: str, new: NewProduct) -> Response:
    require_id(product_id)
    return _passed_on(await catalogue.write("PUT", product_id, new.model_dump_json().encode()))


@app.delete("/products/{product_id}")
async def delete(product_id: str) -> Response:
    require_id(product_id)
    return _passed_on(await catalogue.write("DELETE", product_id))


def _answered(request: Request, entry: Entry) -> Response:
    """The entry, or only that the client has it already."""
    if entry.status != 200:
        return Response(entry.body, entry.status, media_type="application/json")
    headers = {"ETag": entry.etag, "Cache-Control": "no-cache"}
    if _has(request.headers.get("if-none-match", ""), entry.etag):
        return Response(status_code=304, headers=headers)
    return Response(entry.body, headers=headers, media_type="application/json")


def _has(if_none_match: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags


def _passed_on(answer: Answer) -> Response:
    media_type = "application/json" if answer.body else None
    return Response(answer.body, answer.status, media_type=media_type)


@app.exception_handler(RequestValidationError)
async def explain_refused(_: Request, error: RequestValidationError) -> JSONResponse:
    # FastAPI's own answer repeats the input, which need not be expressible in JSON.
    detail = [{"loc": list(one["loc"]), "msg": one["msg"]} for one in error.errors()]
    return JSONResponse({"detail": detail}, 422)


@app.exception_handler(InvalidError)
async def explain_invalid(_: Request, error: InvalidError) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 422)


@app.exception_handler(UnknownError)
async def explain_unknown(_: Request, __: UnknownError) -> JSONResponse:
    return JSONResponse({"detail": "no such product"}, 404)


@app.exception_handler(OriginError)
async def explain_away(_: Request, error: OriginError) -> JSONResponse:
    return JSONResponse({"detail": f"the origin: {error}"}, 503, headers={"Retry-After": "1"})
