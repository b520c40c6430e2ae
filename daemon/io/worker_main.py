"""A worker process: `python -m daemon.io.worker_main FUNCTION...`.

It reads requests from its standard input, computes them one by one, and writes answers to
what was its standard output; prints of the functions go to standard error, where they cannot
break a frame. It ends when its input does, so it never outlives its parent. Only functions
named on its command line are run, and they are imported before the first request.
"""

import contextlib
import importlib
import os
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec

HEADER = struct.Struct(">I")
FRAME_BYTES_MAX = 16 << 20
NICE = 10
"""Below the daemon, whose cores it may share."""
CORES = "PITWIRE_CORES"
"""Variable with the numbers of the cores to run on."""


class WorkRequest(msgspec.Struct, frozen=True):
    """Compute `function(payload)`."""

    request_id: int
    function: str
    payload: Any


class WorkAnswer(msgspec.Struct, frozen=True):
    """What came out: `result` where `ok`, else `error`."""

    request_id: int
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""


def find_function(name: str) -> Callable[[Any], Any]:
    """The function that `module:function` names. ValueError where there is none."""
    module_name, _, function_name = name.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"worker function {name!r}: {error}") from None
    if not callable(found):
        raise ValueError(f"worker function {name!r} is not callable")
    function: Callable[[Any], Any] = found
    return function


def compute(functions: dict[str, Callable[[Any], Any]], request: WorkRequest) -> WorkAnswer:
    """The answer; a function's exception is one, and so is a result that JSON cannot hold."""
    function = functions.get(request.function)
    if function is None:
        return WorkAnswer(request.request_id, ok=False, error=f"{request.function}: not allowed")
    try:
        result = msgspec.json.encode(function(request.payload))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"[:1000]
        return WorkAnswer(request.request_id, ok=False, error=text)
    return WorkAnswer(request.request_id, ok=True, result=msgspec.Raw(result))


def serve(functions: dict[str, Callable[[Any], Any]], source: BinaryIO, sink: BinaryIO) -> None:
    """Answer every request of `source` in order, until it ends."""
    while len(header := source.read(HEADER.size)) == HEADER.size:
        (size_bytes,) = HEADER.unpack(header)
        request = msgspec.json.decode(source.read(size_bytes), type=WorkRequest)
        content = msgspec.json.encode(compute(functions, request))
        if len(content) > FRAME_BYTES_MAX:
            error = f"result of {len(content)} bytes, at most {FRAME_BYTES_MAX}"
            content = msgspec.json.encode(WorkAnswer(request.request_id, ok=False, error=error))
        sink.write(HEADER.pack(len(content)) + content)
        sink.flush()


def main(names: list[str]) -> int:
    """Serve until the parent closes our input; 2 where a function does not exist."""
    os.nice(NICE)
    # One that replaces another is started by a thread that is pinned by now: not there.
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, map(int, os.environ[CORES].split(",")))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        functions = {name: find_function(name) for name in names}
    except ValueError as error:
        sys.stderr.write(f"pitwire worker: {error}\n")
        return 2
    serve(functions, sys.stdin.buffer, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
