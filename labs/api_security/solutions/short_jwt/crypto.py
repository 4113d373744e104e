"""Columns nobody reads in a dump: Fernet tokens with the key of the environment."""

import base64

from cryptography.fernet import Fernet

import settings

cipher = Fernet(base64.urlsafe_b64encode(settings.DATA_KEY))


def encrypt(text: str) -> bytes:
    return cipher.encrypt(text.encode())


def decrypt(sealed: bytes) -> str:
    return cipher.decrypt(sealed).decode()
