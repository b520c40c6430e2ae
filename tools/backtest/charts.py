"""Charts as inline SVG: no script, no network; colours are the page's CSS variables.

Time runs to the right, in UTC. A curve of more points than the chart has columns is drawn by the
least and the greatest of each column, so that no peak is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from math import ceil, floor, isfinite, log10
from typing import Final

import msgspec

WIDTH: Final = 960
LEFT, RIGHT, TOP, BOTTOM = 84, 12, 20, 26
COLUMNS: Final = 600
MARKS_MAX: Final = 3000
PIXELS_A_TICK: Final = 36
NS: Final = 1_000_000_000
TIME_STEPS_S: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
)  # fmt: skip


class Curve(msgspec.Struct, frozen=True):
    """A line: its name, its CSS class, its values at the chart's times (NaN: a hole)."""

    name: str
    style: str
    values: Sequence[float]
    step: bool = False
    filled: bool = False


class Mark(msgspec.Struct, frozen=True):
    """A point of its own, with what is said when the pointer rests on it."""

    ts: int
    value: float
    style: str
    up: bool
    said: str


class _Scale(msgspec.Struct, frozen=True):
    begin: int
    end: int
    low: float
    high: float
    height: int

    def x(self, ts: int) -> float:
        share = (ts - self.begin) / max(1, self.end - self.begin)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)


def chart(
    label: str,
    times: Sequence[int],
    curves: Sequence[Curve],
    *,
    unit: str,
    marks: Sequence[Mark] = (),
    height: int = 220,
    with_zero: bool = True,
) -> str:
    """One chart. `label` says to those who do not see it what it shows."""
    values = [value for curve in curves for value in curve.values if isfinite(value)]
    values += [mark.value for mark in marks]
    if not times or not values:
        return f'<p class="none">{escape(label)}: nothing to draw</p>'
    low, high = min(values), max(values)
    if with_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    margin = (high - low) * 0.05 or max(abs(high) * 0.001, 0.5)
    scale = _Scale(times[0], times[-1], low - margin, high + margin, height)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">',
        *_grid(scale, unit),
        *(_path(scale, times, curve) for curve in curves),
        *_marks(scale, marks),
        "</svg>",
    ]
    return "".join(parts)


def _grid(scale: _Scale, unit: str) -> Iterator[str]:
    step = _nice_step((scale.high - scale.low) / max(3, scale.height // PIXELS_A_TICK))
    digits = max(0, -floor(log10(step)))
    for count in range(ceil(scale.low / step), floor(scale.high / step) + 1):
        y = scale.y(count * step)
        style = "zero" if count == 0 else "grid"
        yield f'<line class="{style}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        text = f"{count * step:,.{digits}f}"
        yield f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{text}</text>'
    yield f'<text x="4" y="{TOP - 9}">{escape(unit)}</text>'
    bottom = scale.height - BOTTOM
    for ts, text in _time_ticks(scale):
        x = scale.x(ts)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
        anchor = "end" if x > WIDTH - 40 else "middle"
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="{anchor}">{text}</text>'


def _time_ticks(scale: _Scale) -> Iterator[tuple[int, str]]:
    seconds = (scale.end - scale.begin) / NS
    step = next((each for each in TIME_STEPS_S if seconds / each <= 9), 0)
    step = step or ceil(seconds / 9 / 86_400) * 86_400
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86_400 else "%d %b"
    first = -(-scale.begin // (step * NS)) * step * NS
    for ts in range(first, scale.end + 1, step * NS):
        yield ts, f"{datetime.fromtimestamp(ts / NS, UTC):{form}}"


def _nice_step(rough: float) -> float:
    scale = 10.0 ** floor(log10(rough))
    return scale * next(each for each in (1, 2, 5, 10) if each * scale >= rough * 0.999)


def _path(scale: _Scale, times: Sequence[int], curve: Curve) -> str:
    commands: list[str] = []
    pen_down = False
    before = 0.0
    for ts, value in _thinned(times, curve.values):
        if not isfinite(value):
            pen_down = False
            continue
        x, y = scale.x(ts), scale.y(value)
        if pen_down and curve.step and y != before:
            commands.append(f"L{x:.1f},{before:.1f}")
        commands.append(f"{'L' if pen_down else 'M'}{x:.1f},{y:.1f}")
        pen_down, before = True, y
    line = "".join(commands)
    area = ""
    if curve.filled and line:
        base = f"L{scale.x(times[-1]):.1f},{scale.y(0.0):.1f}L{LEFT},{scale.y(0.0):.1f}Z"
        area = f'<path class="area {curve.style}" d="{line}{base}"/>'
    title = f"<title>{escape(curve.name)}</title>"
    return f'{area}<path class="line {curve.style}" d="{line}">{title}</path>'


def _thinned(times: Sequence[int], values: Sequence[float]) -> Iterator[tuple[int, float]]:
    """At most two points a column: the least and the greatest, in their order."""
    count = len(values)
    if count <= 2 * COLUMNS:
        yield from zip(times, values, strict=True)
        return
    for column in range(COLUMNS):
        bounds = range(column * count // COLUMNS, (column + 1) * count // COLUMNS)
        finite = [at for at in bounds if isfinite(values[at])]
        value_at: Callable[[int], float] = values.__getitem__
        chosen = {min(finite, key=value_at), max(finite, key=value_at)} if finite else bounds[:1]
        for at in sorted(chosen):
            yield times[at], values[at]


def _marks(scale: _Scale, marks: Sequence[Mark]) -> Iterator[str]:
    """Triangles: up where we bought, below the price; down where we sold, above it."""
    for mark in marks[:: ceil(len(marks) / MARKS_MAX) or 1]:
        x, y = scale.x(mark.ts), scale.y(mark.value)
        tip, base = (y + 1, y + 7) if mark.up else (y - 1, y - 7)
        points = f"{x:.1f},{tip:.1f} {x - 3.5:.1f},{base:.1f} {x + 3.5:.1f},{base:.1f}"
        said = f"<title>{escape(mark.said)}</title>"
        yield f'<polygon class="{mark.style}" points="{points}">{said}</polygon>'
