"""Keys that sign bundles: Ed25519, written as OpenSSH does, one of each user's own."""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from graders.errors import MachineError, UsageError

KIND = "ssh-ed25519"
FINGERPRINT = "SHA256:"
OWN_NAME = "your own key"
LIMIT_BYTES = 64 << 10
NEW_KEY = "Make one with `ssh-keygen -t ed25519`, or unset LAB_SIGNING_KEY to use the kit's own."
SIGNERS = "Give a fingerprint (SHA256:…), a public key (ssh-ed25519 …), or a file of such keys."


@dataclass(frozen=True)
class Key:
    """A private key and where it lies."""

    path: Path
    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """The public key, as a line of `authorized_keys`."""
        return _line(self.private.public_key())

    @property
    def fingerprint(self) -> str:
        """The fingerprint, as `ssh-keygen -l` prints it."""
        return fingerprint(self.public)


def config_folder() -> Path:
    """Return where keys are kept."""
    configured = os.environ.get("XDG_CONFIG_HOME")
    return (Path(configured) if configured else Path.home() / ".config") / "system-design-lab"


def key_path() -> Path:
    """Return where the signing key lies: LAB_SIGNING_KEY, or the user's own of the kit."""
    named = os.environ.get("LAB_SIGNING_KEY")
    return Path(named).expanduser() if named else config_folder() / "signing_key"


def trusted_path() -> Path:
    """Return the file of those whose signatures count here, one public key and name a line."""
    named = os.environ.get("LAB_TRUSTED_KEYS")
    return Path(named).expanduser() if named else config_folder() / "trusted_keys"


def signing_key() -> Key:
    """Read the key to sign with; the kit's own is made when it is first needed."""
    path = key_path()
    if "LAB_SIGNING_KEY" not in os.environ and not path.exists():
        _make(path)
    try:
        if path.stat().st_mode & 0o077:
            raise UsageError(
                f"The signing key {path} can be read by others.",
                f"If nobody has read it: chmod 600 {path}. Otherwise remove it, for a new one.",
            )
        with path.open("rb") as file:
            text = file.read(LIMIT_BYTES)
    except OSError as error:
        raise UsageError(f"No signing key at {path}: {error.strerror}.", NEW_KEY) from None
    return Key(path, _private(path, text))


def _private(path: Path, text: bytes) -> Ed25519PrivateKey:
    is_openssh = b"OPENSSH PRIVATE KEY" in text
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    try:
        private = load(text, None)
    except TypeError:
        raise UsageError(
            f"The signing key {path} is protected by a passphrase.",
            "Name one without in LAB_SIGNING_KEY, or unset that to use the kit's own.",
        ) from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is no private key: {error}.", NEW_KEY) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise UsageError(f"Expected an Ed25519 key, got another kind in {path}.", NEW_KEY)
    return private


def _make(path: Path) -> None:
    """Make a key, whole or not at all; one that somebody else has just made stays."""
    key = Key(path, Ed25519PrivateKey.generate())
    text = key.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.touch(mode=0o600, exist_ok=False)
        partial.write_bytes(text)
        with suppress(FileExistsError):
            path.hardlink_to(partial)
        partial.unlink()
    except OSError as error:
        raise MachineError(
            f"No signing key can be written to {path}: {error.strerror}.",
            "Make that folder writable, or name a key of yours in LAB_SIGNING_KEY.",
        ) from None


def public_key(line: str) -> Ed25519PublicKey:
    """Read a public key from a line of `authorized_keys`; ValueError if it holds none."""
    try:
        key = serialization.load_ssh_public_key(line.encode())
    except (UnsupportedAlgorithm, binascii.Error) as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("it is no Ed25519 key")
    return key


def _line(key: Ed25519PublicKey) -> str:
    encoding, format_ = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return key.public_bytes(encoding, format_).decode()


def fingerprint(public: str) -> str:
    """Return the fingerprint of a public key, as `ssh-keygen -l` prints it."""
    blob = base64.b64decode(_line(public_key(public)).split()[1])
    digest = hashlib.sha256(blob).digest()
    return FINGERPRINT + base64.b64encode(digest).decode().rstrip("=")


def signers(named: str | None) -> Mapping[str, str]:
    """Return whose signatures count, as fingerprint and name.

    `named` is a fingerprint, a public key or a file of them; without it, the user's own key and
    the file of trusted ones.
    """
    if named is None:
        known = _listed(trusted_path()) if trusted_path().exists() else {}
        return {**known, **({signing_key().fingerprint: OWN_NAME} if key_path().exists() else {})}
    if named.startswith(FINGERPRINT):
        return {named.rstrip("="): "the one you named"}
    if named.startswith(KIND):
        return _signer(named, "--signer")
    return _listed(Path(named).expanduser())


def _listed(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"No keys can be read from {file}: {error}.", SIGNERS) from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if line.startswith(KIND):
            found |= _signer(line, f"{file}:{number}")
        elif line.strip() and not line.startswith(("#", "ssh-", "ecdsa-", "sk-")):
            raise UsageError(f"Expected `{KIND} KEY NAME` in {file}:{number}.", SIGNERS)
    return found


def _signer(line: str, where: str) -> dict[str, str]:
    try:
        public_key(line)
    except ValueError as error:
        raise UsageError(f"{where} holds no public key: {error}.", SIGNERS) from None
    _, _, name = line.strip().split(" ", 1)[1].partition(" ")
    return {fingerprint(line): name.strip() or where}
