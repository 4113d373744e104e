"""Password hashes: SHA-256 with a salt for each."""

import hashlib
import hmac
import secrets


def hash_password(password: str) -> str:
    salt = secrets.token_hex(16)
    return f"{salt}${hashlib.sha256((salt + password).encode()).hexdigest()}"


def verify(password_hash: str | None, password: str) -> bool:
    """Say if the password is right; without a hash it is not, and that takes as long."""
    salt, _, expected = (password_hash or NOBODYS).partition("$")
    found = hashlib.sha256((salt + password).encode()).hexdigest()
    return hmac.compare_digest(found, expected) and password_hash is not None


NOBODYS = hash_password(secrets.token_hex())
