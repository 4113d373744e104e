"""Secrets that must not be handed in: private keys, tokens of well-known services, their files.

The shapes of tokens are those their issuers document, as gitleaks and GitHub look for them.
"""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

FILES = {
    ".env": "settings that hold passwords, as a rule",
    ".env.*": "settings that hold passwords, as a rule",
    "id_rsa": "a private key",
    "id_dsa": "a private key",
    "id_ecdsa": "a private key",
    "id_ed25519": "a private key",
    "*.p12": "a store of private keys",
    "*.pfx": "a store of private keys",
    "*.jks": "a store of private keys",
    "*.keystore": "a store of private keys",
    "*.kdbx": "a store of passwords",
    "*.ppk": "a private key",
    ".netrc": "passwords",
    ".pgpass": "passwords",
    ".pypirc": "passwords",
    ".git-credentials": "passwords",
}
EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")
TOKENS = {
    "a private key": rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "a private key of PuTTY": rb"PuTTY-User-Key-File-\d",
    "an AWS access key": rb"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    "a GitHub token": rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})",
    "a GitLab token": rb"\bgl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{20}",
    "a Slack token": rb"\bxox[abeoprs]-[A-Za-z0-9-]{10}",
    "a Slack webhook": rb"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{40}",
    "a Stripe key": rb"\b[rs]k_(?:live|prod)_[A-Za-z0-9]{16}",
    "a Google API key": rb"\bAIza[A-Za-z0-9_-]{35}",
    "an OpenAI key": rb"\bsk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20}",
    "an Anthropic key": rb"\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{40}",
    "a PyPI token": rb"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50}",
    "an npm token": rb"\bnpm_[A-Za-z0-9]{36}",
    "a SendGrid key": rb"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    "a Hugging Face token": rb"\bhf_[A-Za-z]{34}",
    "a DigitalOcean token": rb"\bdo[opr]_v1_[a-f0-9]{64}",
}
SHAPES = {what: re.compile(shape) for what, shape in TOKENS.items()}
ALLOWED = re.compile(rb"gitleaks:allow|pragma: allowlist secret")  # as other scanners read it
EXAMPLE = b"EXAMPLE"  # made-up keys in AWS's documentation end so
MARK = "gitleaks:allow"
SHOWN_CHARACTERS = 8


def leaks(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield a sentence for each file that is a secret and each line that holds one.

    No sentence tells more of a secret than its first characters, which are the same for all.
    """
    for path, content in files.items():
        if what := _secret_file(PurePosixPath(path).name.lower()):
            yield f"{path}: {what}"
            continue
        shapes = {what: shape for what, shape in SHAPES.items() if shape.search(content)}
        for number, line in enumerate(content.split(b"\n") if shapes else (), 1):
            if found := _secret(line, shapes):
                yield f"{path}:{number}: {found}"


def _secret_file(name: str) -> str:
    if name in EXAMPLES:
        return ""
    return next((what for shape, what in FILES.items() if fnmatchcase(name, shape)), "")


def _secret(line: bytes, shapes: Mapping[str, re.Pattern[bytes]]) -> str:
    for what, shape in shapes.items():
        for found in shape.finditer(line):
            if not found.group().endswith(EXAMPLE) and not ALLOWED.search(line):
                return f"{what} ({found.group()[:SHOWN_CHARACTERS].decode(errors='replace')}…)"
    return ""
