"""The captures as a market: books checked by the venue's own word, orders filled, replay identical.

The sample crosses midnight on both USD-M chains; the full captures (`deep`) on all of them.
"""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from daemon.core import BookState
from daemon.log import LogReader
from tests.days import books, recorded
from tests.days.day import frames, pitwire
from tests.days.recorded import ALL_LINES, DAYS, FOLDER, Run

# At a pace: as fast as possible, a slow host would get its first snapshot behind the sample.
SPEED = 25.0
# Lines of the day before midnight and of the day after.
SAMPLE = {
    "ETHUSDT.SPOT": (12_000, 0),
    "BTCUSDT.PERP": (ALL_LINES, 1_000),
    "ETHUSDT.PERP": (ALL_LINES, 1_000),
    "ETHUSD.COIN": (14_000, 0),
}
# Update ids that can be compared, in the whole captures (tests/market/test_binance_captures.py).
# A run misses what comes before the first snapshot that it is given, and nothing behind it.
COMMON = {"ETHUSDT.SPOT": 1056, "BTCUSDT.PERP": 625, "ETHUSDT.PERP": 834, "ETHUSD.COIN": 2278}
OTHER_DAYS = ("usdm_btcusdt_20230404.dat.gz", "usdm_btcusdt_20230405.dat.gz")
OTHER_COMMON = 1565


def free_ports() -> tuple[int, int]:
    """Two ports that nobody has now."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture(scope="module")
def traded(
    test_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Run]:
    """The sample, and what trading it came to. Read only."""
    folder = tmp_path_factory.mktemp("recorded")
    captures = recorded.sample(test_data, folder / "captures", SAMPLE)
    return captures, recorded.run(captures, folder, free_ports(), 120, SPEED)


def crossed_midnight(run: Run, captures: Path, symbols: list[str]) -> None:
    """Each book was compared at every update id that can be, from the first one on: on both days,
    and without ceasing to be whole."""
    compared = run.compared()
    for symbol in symbols:
        number = list(DAYS).index(symbol)
        midnight = recorded.first_update_id(captures / DAYS[symbol][1])
        ids = [*compared[number].values()]
        common = recorded.common_ids(captures / name for name in DAYS[symbol])
        assert ids[0] < midnight < ids[-1], symbol
        assert ids == [each for each in common if each >= ids[0]], symbol
        lost = [
            frame.sequence
            for frame in frames(run.log, "BOOK_STATE")
            if frame.fields()["instrument"] == number and frame.fields()["state"] != BookState.LIVE
        ]
        first, last = min(compared[number]), max(compared[number])
        assert [each for each in lost if first < each < last] == [], symbol


def traded_and_replayed(run: Run) -> None:
    fills = frames(run.log, "FILL")
    assert len(fills) > 0
    books.assert_books_equal(run.log, run.log.parent / "trades.csv")
    outcome = books.replayed(run.log)[1]
    assert outcome.identical


def test_every_book_equals_the_venues_best_prices_through_midnight(
    traded: tuple[Path, Run],
) -> None:
    captures, run = traded
    assert run.exit_code == 0, run.errors
    checks = run.checks()
    assert {symbol: each.different for symbol, each in checks.items()} == dict.fromkeys(DAYS, 0)
    assert min(each.compared for each in checks.values()) > 10
    crossed_midnight(run, captures, ["BTCUSDT.PERP", "ETHUSDT.PERP"])


def test_the_strategies_trade_and_the_log_replays(traded: tuple[Path, Run]) -> None:
    traded_and_replayed(traded[1])


def test_the_run_ends_with_the_captures_and_says_what_came_of_it(traded: tuple[Path, Run]) -> None:
    run = traded[1]
    assert "the market is over" in run.errors
    assert "equal to the exchange's record" in run.screen
    assert "DIFFERS" not in run.screen
    assert "0 different" in run.screen
    assert run.screen.splitlines()[-1] == f"log: {run.log}"


def corrupted(path: Path) -> int:
    """Change the quantity of the best bid that a bookTicker names, where a depth update of the same
    id sets it; returns that update id."""
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    tickers = {}
    for at, line in enumerate(lines):
        stamp, text = line.split(b" ", 1)
        payload = orjson.loads(text).get("data", {})
        if "B" in payload:
            tickers[payload["u"]] = payload["b"]
        best = tickers.get(payload.get("u"))
        if at < len(lines) // 3 or payload.get("e") != "depthUpdate" or best is None:
            continue
        for level in payload["b"]:
            if level[0] == best:
                whole = orjson.loads(text)
                whole["data"]["b"] = [
                    [px, f"{float(qty) + 1:.3f}"] if px == best else [px, qty]
                    for px, qty in payload["b"]
                ]
                lines[at] = stamp + b" " + orjson.dumps(whole) + b"\n"
                path.write_bytes(gzip.compress(b"".join(lines), 1))
                return int(payload["u"])
    raise AssertionError("no update sets the best bid that a ticker names")


def test_one_wrong_level_is_found_at_its_update_and_the_book_is_made_anew(
    test_data: Callable[[str], Path], tmp_path: Path
) -> None:
    captures = recorded.sample(test_data, tmp_path / "captures", dict.fromkeys(DAYS, (4_000, 0)))
    wrong = corrupted(captures / DAYS["BTCUSDT.PERP"][0])
    # At a pace, so that something is left of the market when the snapshot is there.
    run = recorded.run(captures, tmp_path, free_ports(), 120, 10.0)
    assert run.exit_code == 0, run.errors
    first = next(each for each in frames(run.log, "BOOK_CHECKED") if each.fields()["different"])
    fields = first.fields()
    assert (fields["instrument"], fields["update_id"]) == (1, wrong)
    assert fields["bid_px"] == fields["announced_bid_px"]
    assert fields["bid_qty"] == fields["announced_bid_qty"] + 1000
    assert f"at update {wrong} the book is" in run.errors
    after = LogReader(run.log, types=["BOOK_STATE"], from_sequence=first.sequence)
    states = [
        (each.sequence, each.fields()["state"])
        for each in after
        if each.fields()["instrument"] == 1
    ]
    assert states[0][1] == BookState.RECOVERING
    whole_again = next(sequence for sequence, state in states if state == BookState.LIVE)
    sent = [
        frame.sequence
        for frame in frames(run.log, "ORDER_SUBMITTED")
        if frame.fields()["instrument"] == 1 and first.sequence < frame.sequence < whole_again
    ]
    assert sent == []
    stat = pitwire("log", "stat", str(run.log))
    assert "BTCUSDT.PERP: book compared" in stat.stdout
    assert books.replayed(run.log)[1].identical


# ------------------------------------------------------------------ the whole captures


@pytest.mark.deep
@pytest.mark.alone
def test_the_whole_captures(test_data: Callable[[str], Path], tmp_path: Path) -> None:
    captures = test_data(FOLDER + DAYS["ETHUSDT.SPOT"][0]).parent
    run = recorded.run(captures, tmp_path, free_ports(), 900)
    assert run.exit_code == 0, run.errors
    checks = run.checks()
    assert {symbol: each.different for symbol, each in checks.items()} == dict.fromkeys(DAYS, 0)
    for symbol, common in COMMON.items():
        assert 0 < checks[symbol].compared <= common
    crossed_midnight(run, captures, list(DAYS))
    traded_and_replayed(run)
    for hash_seed in range(20):
        again = pitwire("replay", str(run.log), PYTHONHASHSEED=str(hash_seed))
        assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.deep
@pytest.mark.alone
def test_the_captures_of_2023(test_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Microsecond stamps, and the other BTCUSDT chain."""
    captures = recorded.sample(test_data, tmp_path / "captures", dict.fromkeys(DAYS, (200, 0)))
    for name, other in zip(DAYS["BTCUSDT.PERP"], OTHER_DAYS, strict=True):
        (captures / name).unlink()
        (captures / name).symlink_to(test_data(FOLDER + other))
    run = recorded.run(captures, tmp_path, free_ports(), 600)
    assert run.exit_code == 0, run.errors
    check = run.checks()["BTCUSDT.PERP"]
    assert check.different == 0
    assert 0 < check.compared <= OTHER_COMMON
    crossed_midnight(run, captures, ["BTCUSDT.PERP"])
    assert books.replayed(run.log)[1].identical
