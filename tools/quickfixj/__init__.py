"""QuickFIX/J, an independent FIX engine, as a venue for our daemon and as a client of our exchange.

Its jars come from Maven Central by Maven's own client, and are built once into build/quickfixj.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import IO, Any, Final

HERE: Final = Path(__file__).parent
BUILD: Final = HERE.parents[1] / "build" / "quickfixj"
JAVA_VERSION: Final = 17
BUILD_SECONDS_MAX: Final = 300
NO_MESSAGES: Final = "org.slf4j.simpleLogger.log.quickfixj.msg=off"  # in the log: events alone
STORE_PASSWORD: Final = "pitwire"  # noqa: S105 - of stores that tests make; Peer.java has it too


class UnavailableError(Exception):
    """Why QuickFIX/J cannot be had here."""


def build() -> None:
    """See to it that the peers are built. UnavailableError without Java, Maven or the jars."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise UnavailableError(f"no {program} command")
    BUILD.mkdir(parents=True, exist_ok=True)
    # One process builds, and others that come meanwhile wait for it.
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _build(BUILD / "built", _digest())


def _build(stamp: Path, wanted: str) -> None:
    if stamp.exists() and stamp.read_text() == wanted:
        return
    words = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), f"-Dpitwire.build={BUILD}"]
    done = subprocess.run(  # noqa: S603 - our words
        [*words, "compile", "dependency:copy-dependencies"],
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_SECONDS_MAX,
    )
    if done.returncode != 0:
        said = [line for line in done.stdout.splitlines() if "ERROR" in line][:3]
        raise UnavailableError(f"Maven did not build it: {' '.join(said)}")
    stamp.write_text(wanted)


def start(main: str, *words: object, log: IO[bytes]) -> subprocess.Popen[str]:
    """A peer (`Venue` or `Client`), built before; its arguments are in the head of its source."""
    path = f"{BUILD / 'classes'}:{BUILD / 'dependency'}/*"
    return subprocess.Popen(  # noqa: S603 - our words
        ["java", "-Xmx512m", f"-D{NO_MESSAGES}", "-cp", path, f"pitwire.{main}", *map(str, words)],  # noqa: S607 - the host's Java
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


def stores(folder: Path, certificate: Path, key: Path, authority: Path) -> tuple[Path, Path]:
    """Key store and trust store of a peer, from PEM files."""
    keys, trust = folder / f"{certificate.stem}.p12", folder / f"{authority.stem}.trust.p12"
    password = f"pass:{STORE_PASSWORD}"
    _run("openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key, "-out", keys,
         "-passout", password)  # fmt: skip
    trust.unlink(missing_ok=True)
    _run("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", authority,
         "-keystore", trust, "-storetype", "PKCS12", "-storepass", STORE_PASSWORD)  # fmt: skip
    return keys, trust


def _run(*words: Any) -> None:  # noqa: ANN401 - text or paths
    done = subprocess.run(  # noqa: S603 - our words
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise UnavailableError(f"{words[0]}: {done.stdout} {done.stderr}")


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted([HERE / "pom.xml", *HERE.rglob("*.java")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
