"""Kernels are compiled by a process of their own, once, and refused where they are not kernels."""

from __future__ import annotations

import ctypes
import math
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from daemon.core import KERNEL_RAISED
from daemon.io.kernel_main import KernelRefusedError, undefined_symbols
from daemon.io.kernels import Kernels
from daemon.strategy.kernels import InterpretedKernel, kernel_input
from daemon.strategy.loading import LoadedStrategy, LoadingError, load, load_source
from tests.app.kernel_user import counter, mixed

SEED = 20260101
UPDATES = 20_000


def strategy(body: str, declared: str = "state=1, parameters=1") -> LoadedStrategy:
    """A strategy whose one kernel has this body."""
    text = f"""
import math
import numpy as np
from daemon.strategy import Parameters, State, Strategy, kernel

@kernel({declared})
def shape(update, parameters, state, out):
{textwrap.indent(textwrap.dedent(body), "    ")}

class Shaped(Strategy[Parameters, State]):
    kernels = (shape,)
"""
    return load_source("elsewhere.shaped:Shaped", text)


def refused(tmp_path: Path, body: str) -> str:
    with pytest.raises(LoadingError) as error:
        Kernels(tmp_path).objects(strategy(body))
    return str(error.value)


# ------------------------------------------------------------------ what it computes


class Native:
    """A compiled kernel, called as the core calls it."""

    def __init__(self, folder: Path, content: bytes, state: int, parameters: list[float]) -> None:
        path = folder / "kernel.so"
        path.write_bytes(content)
        self._entry = ctypes.CDLL(str(path)).pitwire_kernel
        self._entry.restype = ctypes.c_int32
        self._state = np.zeros(state)
        self._parameters = np.array(parameters)
        self._out = np.full(1, math.nan)

    def update(self, update: np.recarray) -> tuple[int, float]:
        arrays = (update, self._parameters, self._state, self._out)
        pointers = [ctypes.c_void_p(each.ctypes.data) for each in arrays]
        return int(self._entry(*pointers)), float(self._out[0])


def stream(seed: int) -> list[np.recarray]:
    """A made market: a touch that jumps, empties and refills, and trades in between."""
    made = random.Random(seed)
    updates, now, bid = [], 1_700_000_000_000_000_000, 10_000
    for _ in range(UPDATES):
        now += made.choice([0, 1, 999, 1_000_000, 5_000_000_000])
        bid += made.randint(-3, 3)
        bid_qty, ask_qty = made.choice([0, 1, 7, 1000]), made.choice([0, 2, 5, 900])
        trade = made.random() < 0.3
        both = bid_qty and ask_qty
        updates.append(
            kernel_input(
                ts_core=now, bid_px=bid if bid_qty else 0, bid_qty=bid_qty,
                ask_px=bid + 2 if ask_qty else 0, ask_qty=ask_qty,
                trade_qty=made.randint(1, 50) if trade else 0,
                trade_side=made.randint(1, 2) if trade else 0,
                imbalance=(bid_qty - ask_qty) / (bid_qty + ask_qty) if both else 0.0,
                microprice=made.uniform(bid, bid + 2) if both else math.nan,
                ofi=made.gauss(0, 50), trade_rate=made.expovariate(0.1),
            )
        )  # fmt: skip
    return updates


def test_compiled_and_interpreted_agree_bit_for_bit(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    objects = Kernels().objects(load("tests.app.kernel_user:Counter"))
    native = Native(tmp_path, objects["mixed"], mixed.state, [1e9, 2.0])
    interpreted = InterpretedKernel(mixed, [1e9, 2.0])
    answers = set()
    for update in stream(SEED):
        assert interpreted.update(update)  # leaves dt_ns, which the core would
        assert native.update(update) == (0, interpreted.value)
        answers.add(interpreted.value)
    assert len(answers) > UPDATES // 2


def test_an_index_outside_of_its_state_is_a_status_in_both(tmp_path: Path) -> None:
    objects = Kernels().objects(load("tests.app.kernel_user:Counter"))
    native = Native(tmp_path, objects["counter"], counter.state, [0.0])
    interpreted = InterpretedKernel(counter, [0.0])
    outside = kernel_input(bid_qty=90)
    assert native.update(outside)[0] == KERNEL_RAISED
    assert not interpreted.update(outside)
    assert interpreted.status == KERNEL_RAISED


# ------------------------------------------------------------------ the cache


def test_the_second_time_nothing_is_compiled_and_a_change_compiles_again(tmp_path: Path) -> None:
    first = Kernels(tmp_path)
    objects = first.objects(strategy("out[0] = update.mid\nreturn 0"))
    again = Kernels(tmp_path)
    assert again.objects(strategy("out[0] = update.mid\nreturn 0")) == objects
    assert (first.compiled, again.compiled) == (1, 0)
    other = again.objects(strategy("out[0] = update.mid * 2\nreturn 0"))
    assert again.compiled == 1
    assert other != objects
    (damaged, _) = sorted(tmp_path.glob("*.kernels"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    third = Kernels(tmp_path)
    third.objects(strategy("out[0] = update.mid\nreturn 0"))
    third.objects(strategy("out[0] = update.mid * 2\nreturn 0"))
    assert third.compiled == 1, "the one whose file was cut"


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    kernels = Kernels(tmp_path / "file")
    assert set(kernels.objects(strategy("out[0] = 1.0\nreturn 0"))) == {"shape"}


def test_the_asking_process_never_imports_numba(tmp_path: Path) -> None:
    program = """
        import sys
        from pathlib import Path
        from daemon.io.kernels import Kernels
        from daemon.strategy.loading import load
        kernels = Kernels(Path(sys.argv[1]))
        assert kernels.objects(load("tests.app.kernel_user:Counter"))
        assert kernels.compiled == 1
        print(sorted({"numba", "llvmlite"} & set(sys.modules)))
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


# ------------------------------------------------------------------ what is refused


def test_what_allocates_is_refused_with_the_symbol(tmp_path: Path) -> None:
    said = refused(tmp_path, "out[0] = np.ones(int(update.bid_qty)).sum()\nreturn 0")
    assert "kernel shape: its machine code calls NRT_" in said
    assert "it allocates memory" in said
    assert not list(tmp_path.glob("*.kernels")), "and not kept"


def test_what_calls_the_interpreter_is_refused_with_the_symbol(tmp_path: Path) -> None:
    said = refused(tmp_path, "print(out[0])\nreturn 0")
    assert "elsewhere.shaped:Shaped: kernel shape: its machine code calls Py" in said
    assert "it calls the interpreter" in said


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("out[0] = update.nothing\nreturn 0", "nothing"),
        ("out[0] = {}\nreturn 0", "kernel shape: numba:"),
        ("return 'done'", "kernel shape: numba:"),
    ],
)
def test_what_numba_cannot_type_is_refused_with_its_words(
    tmp_path: Path, body: str, reason: str
) -> None:
    assert reason in refused(tmp_path, body)


def test_what_is_no_object_file_is_refused() -> None:
    with pytest.raises(KernelRefusedError, match="ELF"):
        list(undefined_symbols(b"MZ"))
