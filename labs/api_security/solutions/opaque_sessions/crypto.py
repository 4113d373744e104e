"""Columns nobody reads in a dump: AES-256-GCM with the key of the environment."""

import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import settings

NONCE_BYTES = 12
cipher = AESGCM(settings.DATA_KEY)


def encrypt(text: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, text.encode(), None)


def decrypt(sealed: bytes) -> str:
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
