"""What is kept of a random token: enough to recognise it, too little to use it."""

import hashlib
import secrets


def new_token() -> str:
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", token.encode(), b"tokens", 100_000).hex()
