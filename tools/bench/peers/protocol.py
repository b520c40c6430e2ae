"""What a peer's program says to `pitwire bench --peers`: JSON lines over its pipes.

    python -m tools.bench.peers.NAME MEASURE [INPUT]

1. It prepares (imports, compiles, reads INPUT, builds what is not timed), then says
   {"version": ..., "unit": ...}, or {"skipped": why} and ends.
2. For each line on its standard input it runs one lap and says {"value": ...}, in the unit, with
   "p50" and "p99" where the lap has samples; or {"skipped": why} and ends.
3. The end of its input is the end.

Standard library only: this module is loaded by interpreters that have nothing of ours.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import IO, Any, TypeAlias

Lap: TypeAlias = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class Measure:
    """One thing to measure. `prepare` gets INPUT ("" for none) and makes the lap."""

    unit: str
    prepare: Callable[[str], AbstractContextManager[Lap] | Lap]


def value(figure: float) -> dict[str, float]:
    """A lap with one figure."""
    return {"value": figure}


def samples(figures: Sequence[float]) -> dict[str, float]:
    """A lap with samples: the value is their median."""
    ordered = sorted(figures)
    p99 = ordered[max(0, -(-len(ordered) * 99 // 100) - 1)]
    median = statistics.median(ordered)
    return {"value": median, "p50": median, "p99": p99}


def serve(distribution: str, measures: Mapping[str, Measure]) -> int:
    """Speak as described above. The exit code: 0, or 2 for a measure that is not there."""
    out = _own_output()
    words = sys.argv[1:]
    if not words or words[0] not in measures:
        sys.stderr.write(f"expected one of {', '.join(measures)}\n")
        return 2
    measure = measures[words[0]]
    try:
        prepared = measure.prepare(words[1] if len(words) > 1 else "")
        with (
            prepared
            if isinstance(prepared, AbstractContextManager)
            else nullcontext(prepared) as lap
        ):
            version = importlib.metadata.version(distribution)
            _say(out, {"version": version, "unit": measure.unit})
            for _ in sys.stdin:
                _say(out, lap())
    except Exception as error:
        _say(out, {"skipped": f"{type(error).__name__}: {error}"})
    return 0


def _own_output() -> IO[str]:
    """Standard output for this protocol alone: what a peer prints goes to standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return out


def _say(out: IO[str], message: Mapping[str, Any]) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()
