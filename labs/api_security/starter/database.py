"""The tables."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, create_engine, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import settings

engine = create_engine(settings.DATABASE_URL, pool_size=8, max_overflow=2, pool_pre_ping=True)
SCHEMA_LOCK = 4201


class Base(DeclarativeBase):
    def as_dict(self) -> dict[str, Any]:
        """Return the columns, as an answer shows them."""
        return {column.name: getattr(self, column.name) for column in self.__table__.columns}


class Organisation(Base):
    __tablename__ = "organisations"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    suspended: Mapped[bool] = mapped_column(default=False)


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    is_staff: Mapped[bool] = mapped_column(default=False)
    password_salt: Mapped[str]
    password_hash: Mapped[str]
    reset_token: Mapped[str | None]


class Invoice(Base):
    __tablename__ = "invoices"
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    customer: Mapped[str]
    tax_id: Mapped[str]
    note: Mapped[str]
    currency: Mapped[str]
    lines: Mapped[Any] = mapped_column(JSONB)
    details: Mapped[Any] = mapped_column(JSONB)
    total_cents: Mapped[int] = mapped_column(BigInteger)
    paid_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    status: Mapped[str] = mapped_column(default="open")
    created_by: Mapped[int]
    created_at: Mapped[datetime.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )


class Payment(Base):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id", ondelete="CASCADE"))
    amount_cents: Mapped[int] = mapped_column(BigInteger)


class Webhook(Base):
    __tablename__ = "webhooks"
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    url: Mapped[str]


class ApiKey(Base):
    __tablename__ = "api_keys"
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)


class AuditEntry(Base):
    __tablename__ = "audit_log"
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int | None] = mapped_column(index=True)
    at: Mapped[datetime.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]


def create_tables() -> None:
    """Create what is missing; replicas that start together take turns."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SCHEMA_LOCK})
        Base.metadata.create_all(connection)


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that commits on leaving and rolls back when something is raised."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
