"""The start of a process on a log: everything that made it what it is, as inputs of the log.

`replay` needs nothing but the log: the EPOCH record holds the configuration, SOURCE records the
strategies' texts, DEFINITION records what the ids mean.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import TZPATH

import msgspec

import daemon.core
from daemon.app.configuration import Configuration
from daemon.app.identities import KINDS
from daemon.app.wiring import Wiring
from daemon.core import Live
from daemon.log import LogReader

LIBRARIES = ("numpy", "msgspec", "scipy", "numba")


class StrategySource(msgspec.Struct, frozen=True):
    """A strategy's class and the hash of its text."""

    strategy_class: str
    sha256: str


class KernelHash(msgspec.Struct, frozen=True):
    """A kernel, as `class/name`, and the hash of its machine code."""

    kernel: str
    sha256: str


class EpochStart(msgspec.Struct, frozen=True):
    """What an EPOCH record says."""

    epoch: int
    start_number: int
    build: str
    native_sha256: str
    python: str
    libraries: dict[str, str]
    configuration_sha256: str
    sources: list[StrategySource]
    configuration: msgspec.Raw
    kernels: list[KernelHash] = msgspec.field(default_factory=list)
    # Declared states, by name, with which strategies begin anew in this epoch.
    kept: dict[str, bytes] = {}


class LoggedEpoch(msgspec.Struct, frozen=True):
    """An EPOCH record with its place."""

    sequence: int
    start: EpochStart


def build_version() -> str:
    """The distribution's version; `0+checkout` where it is not installed."""
    try:
        return version("pitwire")
    except PackageNotFoundError:
        return "0+checkout"


@functools.cache
def native_sha256() -> str:
    """Hash of the compiled core, as this process first found it."""
    return hashlib.sha256(Path(daemon.core.__file__).read_bytes()).hexdigest()


def library_versions() -> dict[str, str]:
    """Versions of libraries whose arithmetic decisions may depend on."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def _calendar_of(configuration: Configuration) -> dict[str, str]:
    """The time zones' version, where hours of sessions are computed with them."""
    return {"tzdata": time_zone_version()} if any(s.hours for s in configuration.session) else {}


def time_zone_version() -> str:
    """Of the data that `zoneinfo` reads: the host's, else that of the package tzdata."""
    for folder in TZPATH:
        with contextlib.suppress(OSError), (Path(folder) / "tzdata.zi").open() as file:
            return file.readline().removeprefix("# version").strip()
    try:
        return version("tzdata")
    except PackageNotFoundError:
        return ""


def describe(wiring: Wiring, epoch: int, start_number: int) -> EpochStart:
    """What this process is."""
    return EpochStart(
        epoch=epoch,
        start_number=start_number,
        build=build_version(),
        native_sha256=native_sha256(),
        python=f"{platform.python_implementation()} {sys.version.split()[0]}",
        libraries=library_versions() | _calendar_of(wiring.configuration),
        configuration_sha256=wiring.configuration.sha256(),
        sources=[StrategySource(each.spec, each.sha256.hex()) for each in wiring.sources],
        configuration=msgspec.Raw(wiring.configuration.canonical()),
        kernels=[
            KernelHash(f"{spec}/{name}", hashlib.sha256(content).hexdigest())
            for (spec, name), content in sorted(wiring.code.kernels.items())
        ],
        kept=wiring.kept,
    )


def append_epoch(live: Live, wiring: Wiring, before: LoggedEpoch | None) -> EpochStart:
    """Append EPOCH, sources and definitions; what the epoch is."""
    epoch = before.start.epoch + 1 if before is not None else 1
    start_number = before.start.start_number + 1 if before is not None else 1
    start = describe(wiring, epoch, start_number)
    live.append_epoch(epoch, start_number, msgspec.json.encode(start).decode())
    for each in {loaded.spec: loaded for loaded in wiring.sources}.values():
        live.append_source(each.sha256, f"{each.spec}\0{each.source}")
    for (spec, name), code in sorted(wiring.code.kernels.items()):
        live.append_kernel_code(hashlib.sha256(code).digest(), f"{spec}/{name}\0".encode() + code)
    for kind, number, content in definitions(wiring.configuration):
        live.append_definition(number, KINDS[kind], content)
    return start


def definitions(configuration: Configuration) -> list[tuple[str, int, str]]:
    """Kind, id and JSON of everything that has an id."""
    return [
        (kind, number, msgspec.json.encode(each).decode())
        for kind in KINDS
        for number, each in enumerate(getattr(configuration, kind))
    ]


def epochs_of(folder: Path) -> list[LoggedEpoch]:
    """Every EPOCH in a log, in order."""
    reader = LogReader(folder, types=["EPOCH"], committed=True)
    return [LoggedEpoch(frame.sequence, decode_epoch(bytes(frame.tail))) for frame in reader]


def decode_epoch(content: bytes) -> EpochStart:
    """From the record's tail."""
    return msgspec.json.decode(content, type=EpochStart)


def differences(logged: EpochStart, current: EpochStart) -> list[str]:
    """What is not as it was, a line each: `replay` prints them before it starts."""
    out = []
    for name in ("build", "native_sha256", "python", "configuration_sha256"):
        before, now = getattr(logged, name), getattr(current, name)
        if before != now:
            out.append(f"{name}: logged {before}, here {now}")
    out += [
        f"library {name}: logged {before}, here {now}"
        for name, before in logged.libraries.items()
        if (now := current.libraries.get(name, "")) != before
    ]
    sources = {each.strategy_class: each.sha256 for each in current.sources}
    out += [
        f"source {each.strategy_class}: not as logged"
        for each in logged.sources
        if sources.get(each.strategy_class) != each.sha256
    ]
    kernels = {each.kernel: each.sha256 for each in current.kernels}
    out += [
        f"kernel {each.kernel}: other machine code than logged"
        for each in logged.kernels
        if kernels.get(each.kernel) != each.sha256
    ]
    return list(dict.fromkeys(out))  # strategies may share a file
