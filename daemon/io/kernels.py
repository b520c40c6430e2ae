"""Machine code of strategies' kernels: from the cache, or compiled by a process of its own.

The daemon never imports numba. A compiled class is kept under the hash of everything that its
machine code follows from (text, layout of the input, versions, this host's compiler flags), so a
second start takes no time; a file of the cache that is not whole is compiled again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec
import structlog

from daemon.core import KERNEL_INPUT_FIELDS
from daemon.io.kernel_main import CPU, KernelAnswer, KernelRequest
from daemon.strategy.loading import LoadedStrategy, LoadingError

log = structlog.get_logger(__name__)

COMPILE_SECONDS_MAX: Final = 120
FORMAT: Final = 1  # of what is compiled: raised when `kernel_main` makes other code of a text
SUM_BYTES: Final = 32
# One processor for every host, and nothing that a host's own libraries decide.
NUMBA: Final = {
    "NUMBA_CPU_NAME": CPU,
    "NUMBA_CPU_FEATURES": "",
    "NUMBA_DISABLE_INTEL_SVML": "1",
    "NUMBA_OPT": "3",
}
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "TMPDIR", "LD", "LD_LIBRARY_PATH")


class Kernels:
    """Machine code by kernel, kept in a folder."""

    def __init__(self, folder: Path | None = None) -> None:
        """Without a folder, where this user's caches are."""
        self.folder = folder if folder is not None else _user_cache() / "pitwire" / "kernels"
        self.compiled = 0
        """Classes that were compiled because the cache did not have them."""

    def objects(self, loaded: LoadedStrategy) -> dict[str, bytes]:
        """A shared object for each kernel that the strategy declares.

        LoadingError names the class, the kernel and why it cannot be one.
        """
        if not loaded.strategy.kernels:
            return {}
        path = self.folder / f"{_key(loaded)}.kernels"
        kept = _read(path)
        if kept is not None:
            return kept
        log.info("kernels are compiled", strategy=loaded.spec)
        objects = _compile(loaded)
        self.compiled += 1
        try:
            _write(path, objects)
        except OSError as error:  # the next start compiles again
            log.warning("kernels are not kept", file=str(path), reason=error.strerror)
        return objects


def _user_cache() -> Path:
    named = os.environ.get("CACHE_DIRECTORY") or os.environ.get("XDG_CACHE_HOME")
    return Path(named) if named else Path.home() / ".cache"


def _key(loaded: LoadedStrategy) -> str:
    versions = [_version(name) for name in ("numba", "llvmlite", "numpy")]
    what = [FORMAT, sys.version, versions, sorted(NUMBA.items()), KERNEL_INPUT_FIELDS]
    content = msgspec.json.encode([what, loaded.spec, loaded.sha256.hex()])
    return hashlib.sha256(content).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _read(path: Path) -> dict[str, bytes] | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    said, body = content[:SUM_BYTES], content[SUM_BYTES:]
    if hashlib.sha256(body).digest() != said:
        return None
    return msgspec.msgpack.decode(body, type=dict[str, bytes])


def _write(path: Path, objects: dict[str, bytes]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    body = msgspec.msgpack.encode(objects)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_bytes(hashlib.sha256(body).digest() + body)
        part.rename(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _compile(loaded: LoadedStrategy) -> dict[str, bytes]:
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= NUMBA | {"PYTHONHASHSEED": "0"}
    environment["PYTHONPATH"] = os.pathsep.join(path or "." for path in sys.path)
    request = msgspec.json.encode(KernelRequest(loaded.spec, loaded.source))
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "daemon.io.kernel_main"],
            input=request,
            capture_output=True,
            env=environment,
            timeout=COMPILE_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LoadingError(f"{loaded.spec}: kernels were not compiled: {error}") from None
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise LoadingError(f"{loaded.spec}: kernels were not compiled: {' '.join(words)}")
    answer = msgspec.json.decode(done.stdout, type=KernelAnswer)
    if answer.error:
        raise LoadingError(f"{loaded.spec}: {answer.error}")
    return answer.objects
