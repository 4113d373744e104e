"""What is kept of a random token: enough to recognise it, too little to use it."""

import hashlib
import secrets


def new_token() -> str:
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    # A fast hash will do: 256 random bits leave nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()
