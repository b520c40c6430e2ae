"""Secrets by reference: the configuration says where one is, this reads it, nothing prints it.

`env:NAME` is a variable of the environment, `file:PATH` a file that only its owner may read,
`credential:NAME` a file of systemd's credentials directory (LoadCredential= in the unit).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CREDENTIAL_BYTES_MAX: Final = 4096


class CredentialError(ValueError):
    """A secret that cannot be had; the text says which reference and why, never the secret."""


class Secret:
    """A secret's bytes: `reveal` is the one way to them, and every text form is masked."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    def reveal(self) -> bytes:
        """The secret itself, for the one place that sends it."""
        return self._content

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not written anywhere")


def resolve(reference: str) -> Secret:
    """The secret that a reference points to; CredentialError where there is none to be used."""
    kind, _, place = reference.partition(":")
    match kind:
        case "env":
            return _from_environment(reference, place)
        case "file":
            return _from_file(reference, Path(place))
        case "credential":
            folder = os.environ.get("CREDENTIALS_DIRECTORY")
            if folder is None:
                raise CredentialError(f"{reference}: systemd gave no CREDENTIALS_DIRECTORY")
            if "/" in place or place in ("", ".", ".."):
                raise CredentialError(f"{reference}: is no name of a credential")
            return _from_file(reference, Path(folder, place))
        case _:
            raise CredentialError("a reference begins with env:, file: or credential:")


def _from_environment(reference: str, name: str) -> Secret:
    value = os.environ.get(name)
    if not value:
        raise CredentialError(f"{reference}: the variable is not set")
    return Secret(value.encode())


def _from_file(reference: str, path: Path) -> Secret:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & 0o077:
                reason = f"has mode {mode & 0o777:04o}: others than its owner may use it"
                raise CredentialError(f"{reference}: {reason}")
            content = file.read(CREDENTIAL_BYTES_MAX + 1)
    except OSError as error:
        raise CredentialError(f"{reference}: {error.strerror}") from None
    if len(content) > CREDENTIAL_BYTES_MAX:
        raise CredentialError(f"{reference}: longer than {CREDENTIAL_BYTES_MAX} bytes")
    content = content.rstrip(b"\r\n")
    if not content:
        raise CredentialError(f"{reference}: is empty")
    return Secret(content)
