"""A URL shortener: the first working version."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, HTTPException
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:8000")
CODE_LENGTH = int(os.environ.get("CODE_LENGTH", "7"))
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

engine = create_engine(make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg"))


class Base(DeclarativeBase):
    """The tables."""


class Link(Base):
    """One short link."""

    __tablename__ = "links"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(index=True)
    url: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    clicks: Mapped[int] = mapped_column(server_default=text("0"))


class NewLink(BaseModel):
    """What a client sends."""

    url: str
    alias: str | None = None
    expires_in_s: int | None = None


def encode(number: int) -> str:
    """The number in base 62, filled up to the wished length."""
    letters = ""
    while number:
        number, digit = divmod(number, 62)
        letters = LETTERS[digit] + letters
    return letters.rjust(CODE_LENGTH, LETTERS[0])


def as_json(link: Link) -> dict[str, object]:
    """The link as clients see it."""
    return {
        "code": link.code,
        "short_url": f"{BASE_URL}/{link.code}",
        "url": link.url,
        "created_at": link.created_at.replace(tzinfo=UTC).isoformat(),
        "expires_at": None,
    }


def find(session: Session, code: str) -> Link:
    """The link with this code, or a 404."""
    link = session.scalars(select(Link).where(Link.code == code)).first()
    if link is None:
        raise HTTPException(404, "no such link")
    return link


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Make the tables; the lock lets several replicas start at the same time."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
        Base.metadata.create_all(connection)
    yield


app = FastAPI(title="URL shortener", lifespan=lifespan)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Whether the service is up."""
    return {"status": "ok"}


@app.post("/api/links", status_code=201)
def create_link(new: NewLink) -> dict[str, object]:
    """Shorten a URL, under the code the client asks for or one of ours."""
    with Session(engine) as session:
        if new.alias and session.scalars(select(Link).where(Link.code == new.alias)).first():
            raise HTTPException(409, "alias is taken")
        link = Link(url=new.url, code=new.alias)
        session.add(link)
        session.flush()
        link.code = link.code or encode(link.id)
        session.commit()
        return as_json(link)


@app.get("/api/links/{code}")
def show_link(code: str) -> dict[str, object]:
    """A link and its clicks."""
    with Session(engine) as session:
        link = find(session, code)
        return {**as_json(link), "clicks": link.clicks}


@app.delete("/api/links/{code}", status_code=204)
def delete_link(code: str) -> None:
    """Forget a link."""
    with Session(engine) as session:
        session.delete(find(session, code))
        session.commit()


@app.head("/{code}")
@app.get("/{code}")
def redirect(code: str) -> RedirectResponse:
    """Send the visitor on."""
    with Session(engine) as session:
        link = find(session, code)
        link.clicks += 1
        session.commit()
        return RedirectResponse(link.url, status_code=302)
