"""Captures: whose each is, in which order, of several days, of ITCH, and the real ones."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from daemon.app.configuration import load
from daemon.app.history import history_of
from daemon.app.replaying import ReplayRun
from daemon.log import LogReader
from tests.backtest import itch, market
from tools.backtest import Outcome, run_backtest
from tools.backtest.captures import find

REAL = "crypto/binance_hftbacktest/"
# So many lines of each day; with the first of the second the chain crosses midnight.
LINES = {
    "usdm_btcusdt_20240718.gz": 10**9,
    "usdm_btcusdt_20240719.gz": 1_500,
    "usdm_ethusdt_20240718.gz": 10**9,
    "usdm_ethusdt_20240719.gz": 1_500,
    "spot_ethusdt_20240808.gz": 12_000,
    "cm_ethusd_perp_20240808.gz": 14_000,
}


def replays(outcome: Outcome) -> bool:
    (part,) = history_of(outcome.log).parts
    return ReplayRun.of_part(outcome.log, part).finish().identical


def test_files_of_one_instrument_follow_each_other_by_their_times(tmp_path: Path) -> None:
    markets = market.write_all(tmp_path / "captures", 120)
    whole = run_backtest(
        market.configuration(tmp_path), [each.path for each in markets.values()], tmp_path / "whole"
    )
    lines = markets["AAA"].path.read_text().splitlines(keepends=True)
    (tmp_path / "z_first").write_text("".join(lines[:150]))
    with gzip.open(tmp_path / "a_second.gz", "wt") as second:
        second.writelines(lines[150:])
    files = [tmp_path / "a_second.gz", tmp_path / "z_first"]
    files += [markets["BBB"].path, markets["INV"].path]
    cut = run_backtest(market.configuration(tmp_path), files, tmp_path / "cut")
    assert cut.metrics.total == whole.metrics.total
    assert cut.metrics.books == whole.metrics.books


def test_captures_of_different_days_begin_together_where_that_is_asked_for(tmp_path: Path) -> None:
    day = 86_400 * 1_000_000_000
    for name, symbol, later in (("aaa", "AAAUSDT", 0), ("bbb", "BBBUSDT", day)):
        market.write(tmp_path / name, symbol, 50, 3, market.BEGIN + later)
    market.write(tmp_path / "inv", "INVUSD", 50, 4)
    files = [tmp_path / name for name in ("aaa", "bbb", "inv")]
    configuration = market.configuration(tmp_path, "backtest.align_start=true")
    together = run_backtest(configuration, files, tmp_path / "log")
    assert together.metrics.begin == market.BEGIN
    assert together.metrics.seconds < 10
    assert [each.compared for each in together.metrics.books] == [50, 50, 50]


def test_an_itch_file_is_traded_and_replayed(tmp_path: Path) -> None:
    path = tmp_path / "20240809.itch"
    messages = itch.write(path, 1_500)
    outcome = run_backtest(itch.configuration(tmp_path), [path], tmp_path / "log")
    metrics = outcome.metrics
    assert metrics.messages == messages
    assert metrics.begin == itch.MIDNIGHT + itch.NINE_THIRTY_NS
    assert [(each.symbol, each.state) for each in metrics.books] == [("ACME", "LIVE")]
    assert metrics.books[0].updates > 1_500
    assert metrics.total.fills > 0
    assert metrics.failed == []
    assert replays(outcome)


def test_the_configured_names_are_looked_for_in_the_folder_given(tmp_path: Path) -> None:
    configuration = market.configuration(tmp_path)
    for name in ("b.capture", "a.capture", "c.other"):
        (tmp_path / name).touch()
    found = [tmp_path / "a.capture", tmp_path / "b.capture"]
    assert find(configuration, [tmp_path], "f.toml") == found
    assert find(configuration, [tmp_path / "c.other"], "f.toml") == [tmp_path / "c.other"]
    nothing = market.configuration(tmp_path, "backtest.captures=[]")
    assert find(nothing, [tmp_path], "f.toml") == [*found, tmp_path / "c.other"]


@pytest.fixture(scope="module")
def real(test_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The shipped configuration over parts of the real captures."""
    folder = tmp_path_factory.mktemp("real")
    for name, count in LINES.items():
        with gzip.open(test_data(REAL + name)) as whole, gzip.open(folder / name, "wb", 1) as cut:
            cut.writelines(islice(whole, count))
    configuration = load("config/binance-replay.toml", ["log.low_disk_bytes=0"])
    captures = find(configuration, [folder], "config/binance-replay.toml")
    return run_backtest(configuration, captures, folder / "log")


def test_real_captures_are_traded_on_books_that_agree_with_the_venue(real: Outcome) -> None:
    metrics = real.metrics
    assert {each.symbol for each in metrics.books if each.different == 0} == {
        "ETHUSDT.SPOT", "BTCUSDT.PERP", "ETHUSDT.PERP", "ETHUSD.COIN"
    }  # fmt: skip
    assert all(each.compared > 50 for each in metrics.books)
    assert all(each.snapshots_wanted == 0 for each in metrics.books)
    assert all(each.fills > 0 for each in metrics.strategies)
    assert metrics.failed == []


def test_a_backtest_of_real_captures_replays_identically(real: Outcome) -> None:
    assert replays(real)
    sequences = [frame.sequence for frame in LogReader(real.log)]
    assert sequences == list(range(1, len(sequences) + 1))
