"""`pitwire data record` as users run it: a live feed in, files that the other commands read out."""

from __future__ import annotations

import asyncio
import gzip
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.io.binance_venue import Refusal, Venue, diff, snapshot, trade
from tests.market.test_data_command import run
from tools.command import UsageError

FIRST = snapshot(100, [("10.00", "1.000")], [("10.02", "2.000")])
SECOND = snapshot(120, [("9.00", "1.000")], [("9.02", "1.000")])

CONFIGURATION = """\
[daemon]
name = "recorder"
runtime_dir = "run"
[log]
folder = "log"
[[venue]]
name = "binance"
[[feed]]
name = "spot"
kind = "binance"
venue = "binance"
market = "spot"
websocket_url = "ws://127.0.0.1:{port}"
rest_url = "http://127.0.0.1:{port}"
[[instrument]]
symbol = "BTC"
feed_symbol = "BTCUSDT"
venue = "binance"
feed = "spot"
price_increment = 0.01
qty_increment = 0.001
"""
ETHER = """\
[[instrument]]
symbol = "ETHUSDT"
venue = "binance"
feed = "spot"
price_increment = 0.01
qty_increment = 0.001
"""


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    async with Venue() as venue:
        venue.answers["BTCUSDT"] = [FIRST]
        yield venue


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "recorder.toml"
    path.write_text(CONFIGURATION.format(port=1))
    return path


class Recording:
    """`pitwire data record` in a process of its own."""

    def __init__(self, folder: Path, venue: Venue, *arguments: str) -> None:
        config = folder / "recorder.toml"
        config.write_text(CONFIGURATION.format(port=venue.port))
        self._arguments = ["-c", str(config), *arguments]

    async def __aenter__(self) -> Recording:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tools.command",
            "data",
            "record",
            *self._arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return self

    async def stop(self) -> tuple[int | None, str]:
        """Its exit code and what it printed, after SIGINT."""
        self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            out, _ = await self.process.communicate()
        return self.process.returncode, out.decode()

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


async def test_capture_of_a_feed_with_a_gap_is_read_by_data_book(
    venue: Venue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "btc.gz"
    sent = [
        diff(101, 101, bids=[("10.00", "3.000")]),
        trade("10.02", "0.250"),
        diff(118, 121, bids=[("9.01", "7.000")]),
        diff(130, 131, bids=[("1.00", "1.000")]),
    ]
    async with Recording(tmp_path, venue, "--out", str(out)) as recording:
        await venue.until(lambda: len(venue.requests) == 1)
        await venue.send(*sent[:2])
        venue.answers["BTCUSDT"] = [SECOND]
        await venue.send(sent[2])
        await venue.until(lambda: len(venue.requests) == 2)  # the gap asked
        # Another gap asks only when the second snapshot is in.
        venue.answers["BTCUSDT"] = [Refusal(503)]
        await venue.send(sent[3])
        await venue.until(lambda: len(venue.requests) == 3)
        code, printed = await recording.stop()
    assert code == 0, printed
    assert "BTCUSDT, 4 messages, 2 snapshots" in printed
    lines = [line.split(" ", 1) for line in gzip.decompress(out.read_bytes()).decode().splitlines()]
    assert sorted(line[1] for line in lines) == sorted([*sent, FIRST, SECOND])
    stamps = [int(line[0]) for line in lines]
    assert stamps == sorted(stamps)
    assert stamps[0] > 1_700_000_000 * 10**9
    assert run("book", out, "--format", "binance") == 0
    shown = capsys.readouterr().out
    assert "BTCUSDT: 2 bid and 1 ask levels" in shown
    assert "9.01" in shown


async def test_feed_without_a_snapshot_makes_no_book_and_says_so(
    venue: Venue, tmp_path: Path
) -> None:
    venue.answers["BTCUSDT"] = [snapshot(1, [], [])]
    async with Recording(tmp_path, venue, "--out", str(tmp_path / "btc.gz")) as recording:
        await venue.until(lambda: len(venue.requests) == 1)
        await venue.send(diff(101, 101, bids=[("10.00", "3.000")]))
        await venue.until(lambda: len(venue.requests) == 2)
        code, printed = await recording.stop()
    assert code == 1
    assert "no book can be built of BTCUSDT" in printed


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--feed", "usdm"], "--feed usdm: expected one of spot"),
        (["--symbol", "XRP"], "--symbol XRP: feed spot has BTCUSDT"),
        (["--set", "feed.spot.market=perp"], "market"),
    ],
)
def test_what_the_configuration_does_not_have_is_refused(
    config: Path, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        run("record", "-c", config, "--out", tmp_path / "x.gz", *arguments)
    assert not (tmp_path / "x.gz").exists()


def test_existing_file_is_not_overwritten(config: Path, tmp_path: Path) -> None:
    taken = tmp_path / "ETHUSDT.gz"
    taken.write_bytes(b"precious")
    config.write_text(config.read_text() + ETHER)
    with pytest.raises(UsageError, match="File exists"):
        run("record", "-c", config, "--out", tmp_path / "{symbol}.gz")
    assert taken.read_bytes() == b"precious"
    assert not (tmp_path / "BTCUSDT.gz").exists()


def test_several_instruments_need_a_place_for_their_names(config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text() + ETHER)
    with pytest.raises(UsageError, match=r"2 instruments need \{symbol\}"):
        run("record", "-c", config, "--out", tmp_path / "x.gz")
