"""A strategy's declared state: what a checkpoint holds of it, and nothing else."""

from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
S = TypeVar("S", bound=msgspec.Struct)


class StateError(Exception):
    """A checkpointed state does not fit the strategy; says what was expected and found."""


class ArraySpec(msgspec.Struct, frozen=True):
    """A named array of a strategy: a NumPy type and the length or shape, zeros at the start."""

    dtype: str
    shape: int | tuple[int, ...]

    def zeros(self) -> Array:
        """A new array as declared."""
        return np.zeros(self.shape, dtype=np.dtype(self.dtype))


class _SavedArray(msgspec.Struct):
    dtype: str
    shape: tuple[int, ...]
    content: bytes


class _Saved(msgspec.Struct):
    version: int
    fields: msgspec.Raw
    arrays: dict[str, _SavedArray]


def encode_state(version: int, state: msgspec.Struct, arrays: dict[str, Array]) -> bytes:
    """The same bytes for the same state: what a checkpoint stores and a test compares."""
    saved = {
        name: _SavedArray(array.dtype.str, array.shape, array.tobytes())
        for name, array in sorted(arrays.items())
    }
    fields = msgspec.Raw(msgspec.msgpack.encode(state))
    return msgspec.msgpack.encode(_Saved(version, fields, saved))


def decode_state(
    content: bytes, version: int, state_type: type[S], specs: dict[str, ArraySpec]
) -> tuple[S, dict[str, Array]]:
    """The state and arrays of `encode_state`. StateError where anything differs from declared."""
    try:
        saved = msgspec.msgpack.decode(content, type=_Saved)
        if saved.version != version:
            raise StateError(f"state version: expected {version}, found {saved.version}")
        state = msgspec.msgpack.decode(saved.fields, type=state_type)
    except msgspec.DecodeError as error:
        raise StateError(f"state of {state_type.__name__}: {error}") from None
    if sorted(saved.arrays) != sorted(specs):
        raise StateError(f"arrays: expected {sorted(specs)}, found {sorted(saved.arrays)}")
    return state, {name: _array(name, saved.arrays[name], spec) for name, spec in specs.items()}


def _array(name: str, saved: _SavedArray, spec: ArraySpec) -> Array:
    declared = spec.zeros()
    if (saved.dtype, saved.shape) != (declared.dtype.str, declared.shape):
        raise StateError(
            f"array {name}: expected {declared.dtype.str} {declared.shape},"
            f" found {saved.dtype} {saved.shape}"
        )
    if len(saved.content) != declared.nbytes:
        raise StateError(
            f"array {name}: expected {declared.nbytes} bytes, found {len(saved.content)}"
        )
    declared[...] = np.frombuffer(saved.content, dtype=declared.dtype).reshape(declared.shape)
    return declared
