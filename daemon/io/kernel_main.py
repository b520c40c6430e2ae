"""Compiles a strategy's kernels: `python -m daemon.io.kernel_main`, a process of its own.

A request is JSON on standard input, the strategy's class and text; the answer is JSON on standard
output, a shared object a kernel, or why there is none. Only this process imports numba, and its
parent has set numba's environment (`daemon.io.kernels.NUMBA`).

The object has one entry, `pitwire_kernel`, with the signature of `pitwire::KernelFunction`. Bounds
are checked: an index outside state or parameters, like anything else that the function raises, is
the status `KERNEL_RAISED`, without a Python object being made. What the machine code needs from
outside is looked at before it is linked: the C mathematics library, and nothing else.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

ENTRY: Final = "pitwire_kernel"
CPU: Final = "x86-64-v3"
LINK_SECONDS_MAX: Final = 60
LINK: Final = (
    "-shared", "--strip-all", "--version-script=shown", "--build-id=none", "-z", "noexecstack",
    "-z", "now",
)  # fmt: skip
# Pure functions of their arguments, and what compilers make of loops over doubles.
_ALLOWED: Final = (
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1"
    " fabs floor fma fmod frexp hypot ldexp log log10 log1p log2 nearbyint pow remainder"
    " rint round sin sincos sinh sqrt tan tanh tgamma trunc memcpy memmove memset"
)
ALLOWED: Final = frozenset(_ALLOWED.split())


class KernelRequest(msgspec.Struct, frozen=True):
    """Compile every kernel of this class."""

    strategy_class: str
    source: str


class KernelAnswer(msgspec.Struct, frozen=True):
    """Shared objects by kernel; or `error`, which names the kernel and the reason."""

    objects: dict[str, bytes] = msgspec.field(default_factory=dict)
    error: str = ""


class KernelRefusedError(Exception):
    """A function cannot be a kernel; the text says why."""


def answer_to(request: KernelRequest) -> KernelAnswer:
    """Compile and link; the first kernel that cannot be one is the answer's error."""
    from daemon.strategy.loading import load_source

    objects = {}
    for kernel in load_source(request.strategy_class, request.source).strategy.kernels:
        try:
            code = compile_kernel(kernel.function, kernel.state, kernel.parameters)
            refuse_foreign_symbols(code)
            objects[kernel.name] = link(code)
        except KernelRefusedError as error:
            return KernelAnswer(error=f"kernel {kernel.name}: {error}")
    return KernelAnswer(objects)


def compile_kernel(function: Callable[..., int], state: int, parameters: int) -> bytes:
    """A relocatable object with the entry. KernelRefusedError where numba cannot type it."""
    import numba
    from numba.core.errors import NumbaError
    from numba.core.types.misc import CPointer
    from numba.np.numpy_support import from_dtype

    from daemon.strategy.kernels import KERNEL_INPUT

    carray = numba.carray
    inner = numba.njit(error_model="numpy", boundscheck=True, forceinline=True)(function)

    def entry(update: object, given: object, kept: object, out: object) -> object:
        return inner(
            carray(update, 1)[0], carray(given, parameters), carray(kept, state), carray(out, 1)
        )

    double = CPointer(numba.float64)
    arguments = (CPointer(from_dtype(KERNEL_INPUT)), double, double, double)
    try:
        return _emit(entry, arguments, numba.int64)
    except NumbaError as error:
        raise KernelRefusedError(f"numba: {_first_words(str(error))}") from None


def _emit(entry: Callable[..., object], arguments: tuple[object, ...], result: object) -> bytes:
    """The function by numba's own convention, and an entry by C's around it."""
    from llvmlite import ir
    from numba.core import compiler
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target

    with global_compiler_lock:
        typing = cpu_target.typing_context
        target = cpu_target.target_context.with_aot_codegen(ENTRY, cpu_name=CPU)
        typing.refresh()
        target.refresh()
        flags = compiler.Flags()
        flags.error_model = "numpy"
        flags.nrt = True  # arrays may be made; what really allocates is found in the object
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        compiled = compiler.compile_extra(typing, target, entry, arguments, result, flags, {})
        signature = compiled.signature
        library = target.codegen().create_library(ENTRY)
        module = library.create_ir_module(ENTRY)
        pointers = [target.get_value_type(each) for each in signature.args]
        int32 = ir.IntType(32)
        function = ir.Function(module, ir.FunctionType(int32, pointers), ENTRY)
        builder = ir.IRBuilder(function.append_basic_block())
        callee = target.declare_function(module, compiled.fndesc)
        status, value = target.call_conv.call_function(
            builder, callee, signature.return_type, signature.args, function.args
        )
        raised = ir.Constant(int32, _raised())
        builder.ret(builder.select(status.is_ok, builder.trunc(value, int32), raised))
        library.add_ir_module(module)
        library.add_linking_library(compiled.library)
        library.finalize()
        content: bytes = library.emit_native_object()
        return content


def _raised() -> int:
    from daemon.core import KERNEL_RAISED

    return KERNEL_RAISED


def _first_words(text: str) -> str:
    """Numba's explanation without its pages of advice: the lines up to the traceback."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:8])[:800]


# ------------------------------------------------------------------ what it needs from outside


def refuse_foreign_symbols(code: bytes) -> None:
    """KernelRefusedError for an object that calls what a kernel may not, with the symbols."""
    foreign = sorted(set(undefined_symbols(code)) - ALLOWED)
    if foreign:
        raise KernelRefusedError(
            f"its machine code calls {', '.join(foreign)}: {_what_that_is(foreign)}; a kernel may"
            " use numbers, its arguments and the C mathematics library"
        )


def _what_that_is(symbols: list[str]) -> str:
    if any(name.startswith("NRT_") for name in symbols):
        return "it allocates memory"
    if any(name.startswith(("Py", "_Py", "numba_")) for name in symbols):
        return "it calls the interpreter"
    return "that is outside of it"


_HEADER: Final = struct.Struct("<16xHHIQQQIHHHHHH")  # of an ELF-64 file, behind its magic
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_SYMBOL: Final = struct.Struct("<IBBHQQ")
_SYMTAB: Final = 2


def undefined_symbols(code: bytes) -> Iterator[str]:
    """Names that an ELF-64 object leaves to the linker. KernelRefusedError for anything else."""
    if not code.startswith(b"\x7fELF\x02\x01"):
        raise KernelRefusedError("numba made no little-endian ELF-64 object")
    fields = _HEADER.unpack_from(code)
    table, size, count = fields[5], fields[10], fields[11]
    sections = [_SECTION.unpack_from(code, table + number * size) for number in range(count)]
    for section in sections:
        if section[1] != _SYMTAB:
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], _SYMBOL.size):
            name, _, _, defined_in, _, _ = _SYMBOL.unpack_from(code, at)
            if name and not defined_in:
                yield code[names + name : code.index(b"\0", names + name)].decode()


def link(code: bytes) -> bytes:
    """A shared object that shows its entry alone. KernelRefusedError without a linker."""
    linker = shutil.which(os.environ.get("LD", "ld"))
    if linker is None:
        raise KernelRefusedError("no linker: ld of binutils is needed (LD names another)")
    with tempfile.TemporaryDirectory(prefix="pitwire-kernel-") as folder:
        place = Path(folder)
        (place / "kernel.o").write_bytes(code)
        (place / "shown").write_text(f"{{ global: {ENTRY}; local: *; }};\n")
        done = subprocess.run(  # noqa: S603  the host's own linker, no text of a strategy
            [linker, *LINK, "-o", "kernel.so", "kernel.o", *_mathematics_library()],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=LINK_SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            raise KernelRefusedError(f"cannot be linked: {done.stderr.strip()[:400]}")
        return (place / "kernel.so").read_bytes()


def _mathematics_library() -> list[str]:
    """The libm of this very process, so that the object names it as what it needs."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return sorted({line.split()[-1] for line in lines if "/libm.so" in line or "/libm-" in line})


def main() -> int:
    """Answer one request; what strategies print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=KernelRequest)
    answers.write(msgspec.json.encode(answer_to(request)))
    answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
