"""Certificates of a small authority, made by the openssl command."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


class Authority:
    """Signs certificates; every file is in `folder`, in PEM: NAME.pem and NAME.key."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl command")
        self._folder, self._name = folder, name
        folder.mkdir(exist_ok=True)
        self._openssl("req", *NEW_KEY, *self._files(name), "-x509", "-subj", f"/CN={name}")

    @property
    def file(self) -> Path:
        """Its own certificate."""
        return self._folder / f"{self._name}.pem"

    def certify(self, name: str, host: str, days: int = 2) -> tuple[Path, Path]:
        """A certificate for a host, and its key; with -1 day it expired yesterday."""
        key, request = self._folder / f"{name}.key", self._folder / f"{name}.csr"
        extension = self._folder / f"{name}.ext"
        extension.write_text(f"subjectAltName={host}\n")
        self._openssl("req", *NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        certificate = self._folder / f"{name}.pem"
        self._openssl(
            *("x509", "-req", "-in", request, "-out", certificate, "-days", days),
            *("-CA", self.file, "-CAkey", self.file.with_suffix(".key"), "-CAcreateserial"),
            *("-extfile", extension),
        )
        return certificate, key

    def _files(self, name: str) -> tuple[object, ...]:
        return "-keyout", self._folder / f"{name}.key", "-out", self._folder / f"{name}.pem"

    @staticmethod
    def _openssl(*words: object) -> None:
        done = subprocess.run(
            ["openssl", *(str(word) for word in words)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
