"""The catalogue in front of the slow origin: it asks for everything, every time. It is right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

import config
from origin import Answer, Origin, OriginError
from questions import InvalidError, Question, UnknownError, of_page, of_price, of_product

origin = Origin(config.ORIGIN_URL)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await origin.open()
    yield
    await origin.close()


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
    return await _answered(of_page(*map(request.query_params.get, ("category", "page"))))


@app.get("/products/{product_id}")
async def product(product_id: str) -> Response:
    return await _answered(of_product(product_id))


@app.get("/products/{product_id}/price")
async def price(product_id: str, x_tenant: Annotated[str | None, Header()] = None) -> Response:
    response = await _answered(of_price(product_id, x_tenant))
    response.headers["Vary"] = "X-Tenant"
    return response


@app.put("/products/{product_id}")
async def put(product_id: str, new: NewProduct) -> Response:
    path = of_product(product_id).path
    headers = {"Content-Type": "application/json"}
    return _passed_on(await origin.ask("PUT", path, headers, new.model_dump_json().encode()))


@app.delete("/products/{product_id}")
async def delete(product_id: str) -> Response:
    return _passed_on(await origin.ask("DELETE", of_product(product_id).path))


async def _answered(question: Question) -> Response:
    return _passed_on(await origin.ask("GET", question.path, question.headers))


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
