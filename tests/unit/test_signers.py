"""Keys that sign bundles: made once, kept private; and whose signatures count."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from graders.bundles.keys import OWN_NAME, Key, signers, signing_key
from graders.errors import MachineError, UsageError

PEM = serialization.Encoding.PEM
PKCS8, OPENSSH = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.OpenSSH
OPEN = serialization.NoEncryption()
CLOSED = serialization.BestAvailableEncryption(b"word")
OTHER = Key(Path("other"), ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's keys lie."""
    for name in ("LAB_SIGNING_KEY", "LAB_TRUSTED_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "system-design-lab"


def named(path: Path, text: bytes, monkeypatch: pytest.MonkeyPatch, mode: int = 0o600) -> Path:
    path.write_bytes(text)
    path.chmod(mode)
    monkeypatch.setenv("LAB_SIGNING_KEY", str(path))
    return path


class TestSigningKey:
    def test_it_is_made_once_for_its_owner_alone(self, config: Path) -> None:
        first = signing_key()
        assert first.path == config / "signing_key"
        assert first.path.stat().st_mode & 0o777 == 0o600
        assert config.stat().st_mode & 0o777 == 0o700
        assert signing_key().fingerprint == first.fingerprint
        assert [one.name for one in config.iterdir()] == ["signing_key"]

    @pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no OpenSSH to compare with")
    def test_openssh_reads_it_and_sees_the_same_fingerprint(self) -> None:
        key = signing_key()
        command = ["ssh-keygen", "-l", "-f", str(key.path)]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert key.fingerprint in shown.split()

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
    def test_one_that_others_can_read_is_refused(self, mode: int) -> None:
        signing_key().path.chmod(mode)
        with pytest.raises(UsageError, match="can be read by others") as refused:
            signing_key()
        assert "chmod 600" in refused.value.next_step

    @pytest.mark.parametrize("format_", [PKCS8, OPENSSH])
    def test_another_is_used_by_name(
        self,
        format_: serialization.PrivateFormat,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        config: Path,
    ) -> None:
        named(tmp_path / "key", OTHER.private.private_bytes(PEM, format_, OPEN), monkeypatch)
        assert signing_key().fingerprint == OTHER.fingerprint
        assert not config.exists()

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (OTHER.private.private_bytes(PEM, PKCS8, CLOSED), "protected by a passphrase"),
            (
                rsa.generate_private_key(65537, 2048).private_bytes(PEM, PKCS8, OPEN),
                "Expected an Ed25519 key",
            ),
            (b"", "no private key"),
            (b"-----BEGIN OPENSSH " + b"PRIVATE KEY-----\nAAAA\n", "no private key"),
            (OTHER.public.encode(), "no private key"),
        ],
        ids=["passphrase", "RSA", "empty", "damaged", "public"],
    )
    def test_what_can_not_sign_is_refused(
        self, text: bytes, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        named(tmp_path / "key", text, monkeypatch)
        with pytest.raises(UsageError, match=why):
            signing_key()

    def test_one_that_is_named_is_never_made(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LAB_SIGNING_KEY", str(tmp_path / "none"))
        with pytest.raises(UsageError, match="No signing key at"):
            signing_key()
        assert not (tmp_path / "none").exists()

    def test_where_none_can_be_kept_the_machine_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
        with pytest.raises(MachineError, match="No signing key can be written") as refused:
            signing_key()
        assert "LAB_SIGNING_KEY" in refused.value.next_step


class TestSigners:
    def test_unasked_they_are_oneself_and_those_one_trusts(self, config: Path) -> None:
        assert signers(None) == {}
        own = signing_key()
        (config / "trusted_keys").write_text(
            f"# the course\n\n{OTHER.public} Ada Lovelace\nssh-rsa AAAA no signer\n"
        )
        assert signers(None) == {OTHER.fingerprint: "Ada Lovelace", own.fingerprint: OWN_NAME}

    def test_the_file_of_those_one_trusts_can_lie_elsewhere(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "course").write_text(OTHER.public)
        monkeypatch.setenv("LAB_TRUSTED_KEYS", str(tmp_path / "course"))
        assert list(signers(None)) == [OTHER.fingerprint]

    def test_one_is_named_by_fingerprint_by_key_or_in_a_file(self, tmp_path: Path) -> None:
        signing_key()  # does not count, since somebody else was asked for
        file = tmp_path / "ada.pub"
        file.write_text(f"{OTHER.public} Ada\n")
        for given in (OTHER.fingerprint, OTHER.public, str(file)):
            assert list(signers(given)) == [OTHER.fingerprint]

    @pytest.mark.parametrize(
        "text", ["hello\n", "ssh-ed25519\n", "ssh-ed25519 AAAA Ada\n", "ssh-ed25519 %% Ada\n"]
    )
    def test_what_is_no_key_is_named_with_its_line(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "keys"
        file.write_text(f"# keys\n{text}")
        with pytest.raises(UsageError, match="keys:2"):
            signers(str(file))

    def test_a_file_that_is_not_there_is_an_error(self) -> None:
        with pytest.raises(UsageError, match="No keys can be read from nowhere"):
            signers("nowhere")
