"""`pitwire backtest`: runs a configuration over captures, writes what came of it, and shows it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from tools.command import UsageError
from tools.config import check_outside, load_configuration
from tools.screen import Columns, screen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daemon.app.configuration import Configuration
    from daemon.runtime.effects import Tell
    from tools.backtest.metrics import Metrics
    from tools.backtest.run import Outcome

PERCENT_TOLD: Final = 10
FOLDER: Final = Path("run/backtest")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "backtest",
        help="a configuration over recorded markets, as fast as it goes",
        description=(
            "Run a daemon's configuration over captures: the same core, strategies, gate and log, "
            "on the captures' time, with every venue simulated inside the process. The log's "
            "folder gets backtest.json (metrics) and backtest.html (the same with charts) too; "
            "`pitwire replay` runs the log again. Exit code 1: a strategy failed, or nothing was "
            "started; 2: a capture or the configuration cannot be used."
        ),
        epilog=(
            "example: pitwire backtest -c config/binance-replay.toml CAPTURES\n"
            "example: pitwire backtest -c my.toml day1.gz day2.gz --set strategy.maker.parameters"
            ".qty=10"
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-c", "--config", required=True, metavar="FILE", help="configuration")
    parser.add_argument(
        "captures",
        nargs="*",
        type=Path,
        metavar="CAPTURES",
        help="files, or a folder of those in [backtest] captures (default: these, from here)",
    )
    parser.add_argument(
        "--log",
        type=Path,
        metavar="FOLDER",
        help="a new log's folder (default: run/backtest/ and the time)",
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="change one value of the configuration",
    )
    parser.add_argument("--json", action="store_true", help="print the metrics instead of tables")
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """Exit code: 0 done, 1 it did not trade as configured, 2 it cannot be run."""
    from daemon.app.backtesting import in_process
    from tools.backtest.page import page_of

    configuration = load_configuration(arguments.config, arguments.overrides)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    log = arguments.log or FOLDER / stamp
    check_outside(arguments.config, in_process(configuration, log))
    console = screen(errors=arguments.json)
    outcome = _run(configuration, arguments, log, console)
    metrics = outcome.metrics
    content = metrics.to_json()
    (log / "backtest.json").write_bytes(content)
    (log / "backtest.html").write_text(page_of(outcome), encoding="utf-8")
    if arguments.json:
        sys.stdout.write(content.decode())
    show(metrics, console)
    console.print(f"metrics: {log / 'backtest.json'}", soft_wrap=True)
    console.print(f"page: {log / 'backtest.html'}", soft_wrap=True)
    console.print(f"log: {log}", soft_wrap=True)
    return 1 if metrics.failed else 0


def _run(
    configuration: Configuration, arguments: argparse.Namespace, log: Path, console: Console
) -> Outcome:
    from tools.backtest.captures import find
    from tools.backtest.run import run_backtest

    def say(now: int, what: Tell) -> None:
        from tools.backtest.text import when

        if what.level == "info":
            return
        said = "  ".join(f"{key}={value}" for key, value in what.fields.items())
        reason = f"  {type(what.error).__name__}: {what.error}" if what.error else ""
        console.print(f"{when(now)} {what.level}: {what.event}  {said}{reason}", soft_wrap=True)

    captures = find(configuration, arguments.captures, arguments.config)
    try:
        with _progress(sum(each.stat().st_size for each in captures), console) as advance:
            return run_backtest(
                configuration, captures, log, file=arguments.config, advance=advance, say=say
            )
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"{arguments.config}: {error}") from None


@contextmanager
def _progress(total_bytes: int, console: Console) -> Iterator[Callable[[int], None]]:
    """Of the captures' bytes: a bar on a terminal, a line each tenth without."""
    if console.is_terminal:
        columns = (TextColumn("backtest"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
            task = bar.add_task("backtest", total=total_bytes or None)
            yield lambda read: bar.advance(task, read)
        return
    read_bytes = told = 0

    def advance(read: int) -> None:
        nonlocal read_bytes, told
        read_bytes += read
        percent = read_bytes * 100 // total_bytes if total_bytes else 100
        if percent >= told + PERCENT_TOLD:
            told = percent - percent % PERCENT_TOLD
            console.print(f"{told} % of the captures read")

    yield advance


# ------------------------------------------------------------------ tables


def show(metrics: Metrics, console: Console) -> None:
    """What came of it, for people."""
    from tools.backtest.text import signed, when

    for table in (_rows(metrics), _totals(metrics)):
        console.print(table)
    for book in metrics.books:
        if book.different or book.snapshots_wanted or book.state != "LIVE":
            console.print(
                f"{book.symbol}: book {book.state} at the end, asked {book.snapshots_wanted:,} "
                f"times for a snapshot, {book.different:,} of {book.compared:,} comparisons with "
                "the venue's best prices different",
                soft_wrap=True,
            )
    for capture in metrics.captures:
        if capture.refused:
            console.print(
                f"{capture.files}: {capture.refused:,} lines not read, the last: {capture.defect}",
                soft_wrap=True,
            )
    for reason in metrics.failed:
        console.print(reason, style="red", soft_wrap=True)
    took = metrics.wall_clock
    console.print(
        f"{when(metrics.begin)} to {when(metrics.end)} UTC: net "
        f"{signed(metrics.total.net_in_currency)} {metrics.currency}; {metrics.messages:,} "
        f"messages in {took.seconds:.1f} s, {took.messages_per_second:,.0f}/s, "
        f"{took.times_real:,.1f} x real time",
        soft_wrap=True,
    )


def _rows(metrics: Metrics) -> Columns:
    from tools.backtest.text import per_cent, signed

    titles = ("strategy", "instrument", "orders", "denied", "fills", "passive", "filled", "hit",
              "held", "position", "fees", "realised", "unrealised", "net", "in",
              f"net {metrics.currency}")  # fmt: skip
    cells = [
        (row.strategy, row.symbol, f"{row.orders:,}", f"{row.denied:,}", f"{row.fills:,}",
         f"{row.passive_fills:,}", per_cent(row.fill_ratio), per_cent(row.hit_ratio),
         per_cent(row.exposure.share), f"{row.position:,f}", f"{row.fees:,f}",
         f"{row.realised:+,f}", f"{row.unrealised:+,f}", f"{row.net:+,f}", row.currency,
         signed(row.net_in_currency))
        for row in metrics.rows
    ]  # fmt: skip
    return _columns(titles, cells, left={0, 1, 14}, expendable=(8, 5, 6, 7, 12, 11, 10, 3))


def _totals(metrics: Metrics) -> Columns:
    from tools.backtest.text import amount, per_cent, ratio, signed

    currency = metrics.currency
    titles = ("strategy", f"net {currency}", "fees", "turnover", "drawdown max",
              f"Sharpe/year of {metrics.sampling.interval_ms:,} ms", "orders", "fills", "hit",
              "held")  # fmt: skip
    cells = [
        (each.strategy or "all", signed(each.net_in_currency), amount(each.fees_in_currency),
         amount(each.turnover_in_currency), amount(each.max_drawdown_in_currency),
         ratio(each.sharpe), f"{each.orders:,}", f"{each.fills:,}", per_cent(each.hit_ratio),
         per_cent(each.exposure.share))
        for each in [*metrics.strategies, metrics.total]
    ]  # fmt: skip
    return _columns(titles, cells, left={0}, expendable=(9, 8, 6, 3))


def _columns(
    titles: tuple[str, ...],
    cells: Sequence[tuple[str, ...]],
    left: set[int],
    expendable: tuple[int, ...],
) -> Columns:
    texts = [[Text(cell) for cell in row] for row in cells]
    return Columns(titles, texts, left=frozenset(left), expendable=expendable, tell=True)
