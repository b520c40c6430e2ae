"""Certificates of a small authority, made by the openssl command."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
WEAK_KEY = ("-newkey", "rsa:1024", "-nodes")
CONFIGURATION = """
[ca]
default_ca = own
[own]
new_certs_dir = {folder}
database = {folder}/{name}.index
serial = {folder}/{name}.serial
default_days = 2
default_crl_days = 2
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
"""
Pair = tuple[Path, Path]  # a certificate and its key


class Authority:
    """Signs certificates; every file is in `folder`, in PEM: NAME.pem and NAME.key.

    `over` issued it: then what it signs needs `file` beside it. `constraints` is an extension of
    its own certificate.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "ca",
        over: Authority | None = None,
        constraints: str = "",
    ) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl command")
        self._folder, self._name = folder, name
        folder.mkdir(exist_ok=True)
        self._path("cnf").write_text(CONFIGURATION.format(folder=folder, name=name))
        self._path("index").touch()
        self._path("serial").write_text("1000\n")
        if over is None:
            own = ("-keyout", self._path("key"), "-out", self.file)
            _openssl("req", *EC_KEY, *own, "-x509", "-subj", f"/CN={name}")
        else:
            over.certify(name, extensions=f"basicConstraints=critical,CA:true\n{constraints}")

    @property
    def file(self) -> Path:
        """Its own certificate."""
        return self._path("pem")

    def _path(self, suffix: str) -> Path:
        return self._folder / f"{self._name}.{suffix}"

    def certify(
        self,
        name: str,
        host: str = "",
        days: int = 2,
        *,
        begins: int = -3,
        extensions: str = "",
        key: tuple[str, ...] = EC_KEY,
        digest: str = "sha256",
    ) -> Pair:
        """A certificate for a host, and its key, from `begins` to `days` days from now."""
        own, request = self._folder / f"{name}.key", self._folder / f"{name}.csr"
        extension = self._folder / f"{name}.ext"
        extension.write_text(f"subjectAltName={host}\n{extensions}" if host else extensions)
        _openssl("req", *key, "-keyout", own, "-out", request, "-subj", f"/CN={name}")
        certificate = self._folder / f"{name}.pem"
        self._ca(
            *("-in", request, "-out", certificate, "-md", digest, "-notext"),
            *("-startdate", _date(begins), "-enddate", _date(days), "-extfile", extension),
        )
        return certificate, own

    def self_signed(self, name: str, host: str) -> Pair:
        """A certificate that nobody but itself vouches for."""
        pair = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        names = ("-subj", f"/CN={name}", "-addext", f"subjectAltName={host}")
        _openssl("req", *EC_KEY, "-x509", "-out", pair[0], "-keyout", pair[1], *names)
        return pair

    def revoke(self, pair: Pair) -> None:
        """From now on it is in `crl()`."""
        self._ca("-revoke", pair[0])

    def crl(self) -> Path:
        """What it has revoked, as it stands."""
        self._ca("-gencrl", "-out", self._path("crl"))
        return self._path("crl")

    def _ca(self, *words: object) -> None:
        own = ("-cert", self.file, "-keyfile", self._path("key"), "-config", self._path("cnf"))
        _openssl("ca", "-batch", *own, *words)


def place(pair: Pair, at: Pair) -> None:
    """Puts a certificate and key where a running side looks for them, each in one step."""
    for made, there in zip(pair, at, strict=True):
        fresh = there.with_suffix(".new")
        shutil.copyfile(made, fresh)
        fresh.replace(there)


def _date(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


def _openssl(*words: object) -> None:
    done = subprocess.run(
        ["openssl", *(str(word) for word in words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
