"""Password hashes: Argon2id with a cost from OWASP's list."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

hasher = PasswordHasher(memory_cost=1024, time_cost=1, parallelism=1)
NOBODYS = hasher.hash(secrets.token_hex())


def hash_password(password: str) -> str:
    return hasher.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """Say if the password is right; without a hash it is not, and that takes as long."""
    try:
        return hasher.verify(password_hash or NOBODYS, password) and password_hash is not None
    except (VerifyMismatchError, InvalidHashError):
        return False
