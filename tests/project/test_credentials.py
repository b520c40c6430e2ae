"""Secrets by reference: found where they are said to be, refused when others can read them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from daemon.io.credentials import CREDENTIAL_BYTES_MAX, CredentialError, Secret, resolve


def private(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def test_each_kind_of_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private(tmp_path / "key", b"s3cret\n")
    monkeypatch.setenv("FIX_PASSWORD", "s3cret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for reference in ("env:FIX_PASSWORD", f"file:{tmp_path}/key", "credential:key"):
        assert resolve(reference).reveal() == b"s3cret"


def test_a_secret_is_in_no_text_form() -> None:
    secret = Secret(b"s3cret")
    assert "s3cret" not in f"{secret} {secret!r}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("env:NO_SUCH_VARIABLE", "not set"),
        ("credential:key", "CREDENTIALS_DIRECTORY"),
        ("file:/nowhere/key", "No such file"),
        ("s3cret", "begins with env:, file: or credential:"),
    ],
)
def test_what_is_not_there_is_said(
    reference: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(CredentialError, match=reason) as refused:
        resolve(reference)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    private(tmp_path / "key", b"s3cret").chmod(mode)
    with pytest.raises(CredentialError, match=f"{mode:04o}"):
        resolve(f"file:{tmp_path}/key")


@pytest.mark.parametrize("size", [0, CREDENTIAL_BYTES_MAX, CREDENTIAL_BYTES_MAX + 1])
def test_the_size_of_a_secret_is_limited(tmp_path: Path, size: int) -> None:
    reference = f"file:{private(tmp_path / 'key', b'x' * size)}"
    if size == CREDENTIAL_BYTES_MAX:
        assert len(resolve(reference).reveal()) == size
    else:
        with pytest.raises(CredentialError, match=r"empty|longer"):
            resolve(reference)


def test_a_credentials_name_stays_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "inner"))
    private(tmp_path / "key", b"s3cret")
    with pytest.raises(CredentialError, match="no name of a credential"):
        resolve("credential:../key")
