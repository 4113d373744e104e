"""An invoicing API for many organisations."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from sqlalchemy import select, text

import api_keys
import attachments
import audit
import auth
import invoices
import legacy
import payments
import settings
import staff
import users
import webhooks
from database import Organisation, User, create_tables, transaction

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
log = logging.getLogger("invoicing")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    create_tables()
    create_staff()
    yield


def create_staff() -> None:
    """Create the first member of staff, unless somebody did."""
    with transaction() as db:
        db.execute(text("SELECT pg_advisory_xact_lock(4202)"))
        if db.scalar(select(User).where(User.email == settings.STAFF_EMAIL)):
            return
        organisation = Organisation(name="Platform")
        db.add(organisation)
        db.flush()
        user = User(
            organisation_id=organisation.id,
            email=settings.STAFF_EMAIL,
            name="Staff",
            role="admin",
            is_staff=True,
        )
        auth.set_password(user, settings.STAFF_PASSWORD)
        db.add(user)


app = FastAPI(title="Invoicing", version="2", lifespan=lifespan)
app.add_middleware(
    CORSMiddleware,
    allow_origin_regex=r"https://.*invoicing\.example",
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)
for module in (auth, users, invoices, payments, attachments, webhooks, api_keys, audit, staff):
    app.include_router(module.router)
app.include_router(legacy.router)


@app.middleware("http")
async def log_request(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    body = await request.body()
    response = await call_next(request)
    log.info("%s %s %s %s", request.method, request.url, response.status_code, body[:1000])
    return response


@app.exception_handler(Exception)
async def failed(request: Request, error: Exception) -> JSONResponse:
    """Tell support what went wrong, so that customers can quote it."""
    return JSONResponse({"detail": f"{type(error).__name__}: {error}"}, 500)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}
