"""The HTTP face of the shortener."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from cache import Missing
from config import CONFIG
from schemas import CreatedLink, LinkStatus, NewLink
from shortener import AliasTakenError, NoCodeFoundError, Shortener
from store import Link

CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
STATUS = {Missing.GONE: 410, Missing.UNKNOWN: 404}

MOST_REDIRECTS_PER_S = 100

shortener = Shortener(CONFIG)
served_at_s: deque[float] = deque(maxlen=MOST_REDIRECTS_PER_S)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await shortener.start()
    yield
    await shortener.stop()


# A slash at the end makes another path, not a reason to redirect.
app = FastAPI(title="URL shortener", lifespan=lifespan, redirect_slashes=False)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/api/links", status_code=201)
async def create_link(new: NewLink) -> CreatedLink:
    return CreatedLink.model_validate(_public(await shortener.create(new)))


@app.get("/api/links/{code}")
async def show_link(code: str) -> LinkStatus:
    _expect_code(code)
    found = await shortener.find(code)
    if isinstance(found, Missing):
        raise _missing(found)
    return LinkStatus.model_validate(_public(found))


@app.delete("/api/links/{code}", status_code=204)
async def delete_link(code: str) -> None:
    _expect_code(code)
    missing = await shortener.delete(code)
    if missing is not None:
        raise _missing(missing)


@app.api_route("/{code}", methods=["GET", "HEAD"], include_in_schema=False)
async def redirect(code: str, request: Request) -> Response:
    _expect_code(code)
    _shed_load()
    target = await shortener.follow(code, count=request.method == "GET")
    if isinstance(target, Missing):
        raise _missing(target)
    return Response(status_code=302, headers={"Location": target})


def _shed_load() -> None:
    """Refuse what is beyond the rate one replica is meant for."""
    now_s = time.monotonic()
    if len(served_at_s) == MOST_REDIRECTS_PER_S and served_at_s[0] > now_s - 1:
        raise HTTPException(503, "too many redirects, try again")
    served_at_s.append(now_s)


@app.exception_handler(RequestValidationError)
async def explain_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    # FastAPI's own answer repeats the input, which need not be expressible in JSON.
    detail = [{"loc": list(one["loc"]), "msg": one["msg"]} for one in error.errors()]
    return JSONResponse({"detail": detail}, status_code=422)


@app.exception_handler(AliasTakenError)
async def explain_taken(_: Request, __: AliasTakenError) -> JSONResponse:
    return JSONResponse({"detail": "this alias is taken"}, status_code=409)


@app.exception_handler(NoCodeFoundError)
async def explain_full(_: Request, __: NoCodeFoundError) -> JSONResponse:
    return JSONResponse({"detail": "no free code was found, try again"}, status_code=503)


@app.exception_handler(SQLAlchemyError)
async def explain_away(_: Request, __: SQLAlchemyError) -> JSONResponse:
    return JSONResponse(
        {"detail": "the database does not answer, try again"},
        status_code=503,
        headers={"Retry-After": "1"},
    )


def _expect_code(code: str) -> None:
    if not CODE.fullmatch(code):
        raise _missing(Missing.UNKNOWN)


def _missing(missing: Missing) -> HTTPException:
    return HTTPException(STATUS[missing], f"this link is {missing.value}")


def _public(link: Link) -> dict[str, object]:
    return {**asdict(link), "short_url": f"{CONFIG.base_url}/{link.code}"}
