"""One backtest as a function, for the command, for benchmarks and for whoever tries parameters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from daemon.app.backtesting import Backtest, Recording, in_process
from daemon.app.configuration import Configuration
from daemon.model import BookState
from daemon.runtime.effects import Tell
from daemon.runtime.views import SLOT_BYTES, STATE, TRADES, UPDATES
from tools.backtest.captures import look, recordings
from tools.backtest.measuring import Logged, read, risk_of, rows_of, sampling_of, totals_of
from tools.backtest.metrics import Book, CaptureRead, Metrics, WallClock
from tools.backtest.sampling import Samples


class Outcome(msgspec.Struct, frozen=True):
    """What came of a run: metrics, the samples and fills that pages are made of, and its log."""

    metrics: Metrics
    samples: Samples
    logged: Logged
    log: Path

    @property
    def messages_per_second(self) -> float:
        """Recorded messages a second of the host, with everything that followed from them."""
        return self.metrics.wall_clock.messages_per_second


def run_backtest(
    configuration: Configuration,
    captures: Sequence[Path],
    log: Path,
    *,
    file: str = "the configuration",
    advance: Callable[[int], None] = lambda _: None,
    say: Callable[[int, Tell], None] = lambda _, __: None,
) -> Outcome:
    """Run this configuration over these files, on a new log in the folder `log`.

    `advance` hears how many bytes of the files were read, `say` the lines of the operating log with
    their recorded time. CaptureError, ValueError, OSError or RuntimeError say why it cannot be;
    `file` is what they call the configuration.
    """
    configuration = in_process(configuration, log)
    played = recordings(configuration, [look(path) for path in captures], file, advance)
    samples = Samples(configuration, say)
    backtest = Backtest(configuration, played)
    try:
        samples.attach(backtest.wiring)
        began = time.perf_counter()
        begin, end = asyncio.run(backtest.run(samples))
        took = time.perf_counter() - began
    finally:
        backtest.close()
    logged = read(log)
    metrics = _metrics(backtest, played, samples, logged, (begin, end), took)
    return Outcome(metrics, samples, logged, log)


def _metrics(
    backtest: Backtest,
    played: list[Recording],
    samples: Samples,
    logged: Logged,
    span: tuple[int, int],
    took: float,
) -> Metrics:
    begin, end = span
    configuration, core = backtest.configuration, backtest.wiring.core
    rows = rows_of(samples, logged, core, begin, end)
    total, strategies = totals_of(samples, logged, rows, begin, end)
    failures = [host.failure for host in backtest.wiring.hosts]
    return Metrics(
        name=configuration.daemon.name,
        currency=configuration.risk.currency,
        begin=begin,
        end=end,
        seconds=(end - begin) / 1e9,
        ready=backtest.ready,
        orders_left=backtest.left,
        messages=backtest.messages,
        inputs=backtest.live.stats["inputs"],
        turns=core.turn,
        sampling=sampling_of(samples),
        total=total,
        strategies=[
            msgspec.structs.replace(each, failure=failure)
            for each, failure in zip(strategies, failures, strict=True)
        ],
        rows=rows,
        books=_books(backtest, played),
        captures=[
            CaptureRead(
                files=each.name,
                symbol=_symbol(configuration, each),
                refused=each.refused,
                defect=each.defect,
            )
            for each in played
        ],
        risk=risk_of(logged, samples),
        wall_clock=WallClock(
            seconds=took,
            messages_per_second=backtest.messages / took,
            times_real=(end - begin) / 1e9 / took,
        ),
    )


def _symbol(configuration: Configuration, recording: Recording) -> str:
    """Of ITCH, which has many, none."""
    number = recording.instrument
    return "" if number is None else configuration.instrument[number].symbol


def _books(backtest: Backtest, played: list[Recording]) -> list[Book]:
    """Of every instrument that a capture feeds."""
    core = backtest.wiring.core
    slots = core.slots.cast("B").cast("q")
    feeds = {backtest.configuration.feed[each.feed].name for each in played}
    own = {each.instrument for each in played}
    books = []
    for number, instrument in enumerate(backtest.configuration.instrument):
        if instrument.feed not in feeds or (number not in own and None not in own):
            continue
        at = number * SLOT_BYTES // 8
        compared, different = core.book_checks(number)
        books.append(
            Book(
                symbol=instrument.symbol,
                updates=slots[at + UPDATES],
                trades=slots[at + TRADES],
                state=BookState(slots[at + STATE]).name,
                snapshots_wanted=backtest.gaps.get(instrument.symbol, 0),
                compared=compared,
                different=different,
            )
        )
    return books
