"""Password hashes: scrypt from the standard library, with 32 MiB for each."""

import base64
import hashlib
import hmac
import secrets

N, R, P = 2**15, 8, 1
SALT_BYTES, KEY_BYTES = 16, 32


def hash_password(password: str) -> str:
    salt = secrets.token_bytes(SALT_BYTES)
    return f"scrypt:{N}:{R}:{P}:{_text(salt)}:{_text(_derive(password, salt))}"


def verify(password_hash: str | None, password: str) -> bool:
    """Say if the password is right; without a hash it is not, and that takes as long."""
    salt, key = (password_hash or NOBODYS).split(":")[4:]
    same = hmac.compare_digest(_derive(password, base64.b64decode(salt)), base64.b64decode(key))
    return same and password_hash is not None


def _derive(password: str, salt: bytes) -> bytes:
    memory = 2 * 128 * N * R
    secret = password.encode()
    return hashlib.scrypt(secret, salt=salt, n=N, r=R, p=P, dklen=KEY_BYTES, maxmem=memory)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


NOBODYS = hash_password(secrets.token_hex())
