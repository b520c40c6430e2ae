"""What strategies decide by: their texts and their kernels' machine code, of now or as logged."""

from __future__ import annotations

import hashlib
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from daemon.io.kernels import Kernels
from daemon.log import LogReader
from daemon.strategy.loading import LoadedStrategy, LoadingError, load, load_source

if TYPE_CHECKING:
    from daemon.app.configuration import Configuration


SHA256_BYTES: Final = 32  # of KERNEL_CODE, before its tail
FRAMES_AT_ONCE: Final = 64


class Code(msgspec.Struct, frozen=True):
    """Strategies by class, kernels' shared objects by class and name."""

    loaded: dict[str, LoadedStrategy]
    kernels: dict[tuple[str, str], bytes]

    def with_source(self, spec: str, source: str) -> Code:
        """The same with another text of one strategy, its kernels' machine code as it is.

        LoadingError where the text declares other kernels: machine code that is given less room
        than it was compiled for would write behind it.
        """
        other = load_source(spec, source)
        if _rooms(other) != _rooms(self.loaded[spec]):
            raise LoadingError(f"{spec}: the text declares other kernels than their machine code")
        return Code({**self.loaded, spec: other}, self.kernels)


def current_code(configuration: Configuration) -> Code:
    """Strategies' files as they are, their kernels compiled or from the cache. LoadingError.

    One that left the configuration has none.
    """
    folder = configuration.daemon.kernel_cache_dir
    kernels = Kernels(Path(folder) if folder else None)
    wanted = {each.strategy_class for each in configuration.strategy if not each.retired}
    loaded = {each: load(each) for each in sorted(wanted)}
    objects = {
        (spec, name): content
        for spec, each in loaded.items()
        for name, content in kernels.objects(each).items()
    }
    return Code(loaded, objects)


def _rooms(loaded: LoadedStrategy) -> set[tuple[str, int, int]]:
    return {(each.name, each.state, each.parameters) for each in loaded.strategy.kernels}


class CutError(LoadingError):
    """A process died behind its EPOCH, before all of its code was logged."""


class _Announced(msgspec.Struct):
    """What an EPOCH says will follow it."""

    sources: list[dict[str, str]] = []
    kernels: list[dict[str, str]] = []


def logged_code(folder: Path, sequence: int) -> Code:
    """As logged behind the EPOCH at this sequence: the very texts and machine code of that day.

    LoadingError where a kernel's code is not what its hash says; CutError where there is less than
    the EPOCH announces.
    """
    loaded: dict[str, LoadedStrategy] = {}
    kernels: dict[tuple[str, str], bytes] = {}
    announced = _Announced()
    types = ["EPOCH", "SOURCE", "KERNEL_CODE", "DEFINITION"]
    reader = LogReader(folder, types=types, committed=True, from_sequence=sequence)
    # In small batches: they stand together, and what follows is the day.
    for frame in chain.from_iterable(batch.frames() for batch in reader.batches(FRAMES_AT_ONCE)):
        if frame.name == "DEFINITION" or (frame.name == "EPOCH" and frame.sequence > sequence):
            break
        if frame.name == "EPOCH":
            announced = msgspec.json.decode(bytes(frame.tail), type=_Announced)
            continue
        name, _, content = bytes(frame.tail).partition(b"\0")
        if frame.name == "SOURCE":
            spec = name.decode()
            loaded[spec] = load_source(spec, content.decode())
            continue
        spec, _, kernel = name.decode().rpartition("/")
        if hashlib.sha256(content).digest() != frame.payload[:SHA256_BYTES]:
            raise LoadingError(f"{spec}: the log's code of kernel {kernel} is damaged")
        kernels[spec, kernel] = content
    wanted = {each["strategy_class"] for each in announced.sources}
    objects = {each["kernel"] for each in announced.kernels}
    if wanted - set(loaded) or objects - {"/".join(each) for each in kernels}:
        raise CutError(f"the process whose EPOCH is {sequence} died before it had logged its code")
    return Code(loaded, kernels)
