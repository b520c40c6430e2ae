"""Captures traded by the real daemon, over real sockets: `pitwire run … CAPTURES` as a user has it.

Samples are cut from the real files: all of the day before midnight that the snapshot needs, or so
many lines of it, and the first lines of the day after.
"""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import orjson

from daemon.log import LogReader
from daemon.log.measure import BookChecks, totals_of
from tests.days.day import ROOT
from tools.processes import command, set_options

FOLDER = "crypto/binance_hftbacktest/"
DAYS = {
    "ETHUSDT.SPOT": ("spot_ethusdt_20240808.gz", "spot_ethusdt_20240809.gz"),
    "BTCUSDT.PERP": ("usdm_btcusdt_20240718.gz", "usdm_btcusdt_20240719.gz"),
    "ETHUSDT.PERP": ("usdm_ethusdt_20240718.gz", "usdm_ethusdt_20240719.gz"),
    "ETHUSD.COIN": ("cm_ethusd_perp_20240808.gz", "cm_ethusd_perp_20240809.gz"),
}
ALL_LINES = 10**9
_UPDATE_ID = re.compile(rb'"u": ?(\d+)')


class Run(msgspec.Struct, frozen=True):
    """A run of the command that is over."""

    exit_code: int
    screen: str
    errors: str
    log: Path

    def checks(self) -> dict[str, BookChecks]:
        """How each book compared, by symbol, as the log has it."""
        return {each.instrument: each for each in totals_of(self.log).book_checks}

    def compared(self) -> dict[int, dict[int, int]]:
        """Where book and bookTicker were compared: update ids by log sequence, by instrument."""
        found: dict[int, dict[int, int]] = {}
        for frame in LogReader(self.log, types=["BOOK_CHECKED"]):
            fields = frame.fields()
            found.setdefault(fields["instrument"], {})[frame.sequence] = fields["update_id"]
        return found


def sample(
    source: Callable[[str], Path], folder: Path, lines: Mapping[str, tuple[int, int]]
) -> Path:
    """A folder of captures: so many lines of each symbol's two days."""
    folder.mkdir()
    for symbol, names in DAYS.items():
        for name, count in zip(names, lines[symbol], strict=True):
            with (
                gzip.open(source(FOLDER + name)) as whole,
                gzip.open(folder / name, "wb", 1) as cut,
            ):
                cut.writelines(islice(whole, count))
    return folder


def first_update_id(path: Path) -> int:
    """Of the first depth update in a capture."""
    with gzip.open(path) as lines:
        for line in lines:
            payload: dict[str, Any] = orjson.loads(line.split(b" ", 1)[1]).get("data", {})
            if payload.get("e") == "depthUpdate":
                return int(payload["U"])
    raise AssertionError(f"{path}: no depth update")


def common_ids(paths: Iterable[Path]) -> list[int]:
    """Update ids that a depth update ends at and a bookTicker names, in order."""
    ends: set[int] = set()
    named: set[int] = set()
    for path in paths:
        with gzip.open(path) as lines:
            for line in lines:
                if found := _UPDATE_ID.search(line):
                    (ends if b"depthUpdate" in line else named).add(int(found[1]))
    return sorted(ends & named)


def run(
    captures: Path,
    folder: Path,
    free_ports: tuple[int, int],
    seconds: float,
    speed: float = 0,
) -> Run:
    """`pitwire run -c config/binance-replay.toml CAPTURES`; speed 0 is as fast as it is read."""
    folder.mkdir(exist_ok=True)
    fix, http = free_ports
    exchange = folder / "exchange-replay.toml"
    text = (ROOT / "config/exchange-replay.toml").read_text()
    text = text.replace("port = 9879", f"port = {fix}").replace("port = 26410", f"port = {http}")
    exchange.write_text(text)
    overrides: dict[str, object] = {
        "daemon.runtime_dir": folder / "run",
        "log.folder": folder / "log",
        "session.broker.port": fix,
        **{
            f"feed.{name}.rest_url": f"http://127.0.0.1:{http}"
            for name in ("spot", "usdm", "coinm")
        },
        **{
            f"feed.{name}.websocket_url": f"ws://127.0.0.1:{http}/{name}"
            for name in ("spot", "usdm", "coinm")
        },
    }
    words = ["run", "-c", "config/binance-replay.toml", str(captures), "--speed", str(speed)]
    done = subprocess.run(
        command(*words, "--exchange", str(exchange), *set_options(overrides)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    found = re.search(r"^log: (.+)$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return Run(done.returncode, done.stdout, done.stderr, Path(found[1]))
