"""An invoicing API for many organisations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
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
from passwords import hash_password
from web import surround


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
        db.add(
            User(
                organisation_id=organisation.id,
                email=settings.STAFF_EMAIL,
                name="Staff",
                role="viewer",
                is_staff=True,
                password_hash=hash_password(settings.STAFF_PASSWORD),
            )
        )


app = FastAPI(title="Invoicing", version="2", lifespan=lifespan, docs_url=None, redoc_url=None)
surround(app)
for module in (auth, users, invoices, payments, attachments, webhooks, api_keys, audit, staff):
    app.include_router(module.router)
app.include_router(legacy.router)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}
