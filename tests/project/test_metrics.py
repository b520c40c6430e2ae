"""`pitwire metrics` on a small log and shared pages: every figure is the one that was written."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon import core
from daemon.log import spec_of
from tools.command import main

ROOT = Path(__file__).parents[2]
SECOND = 10**9


class Written:
    """A log in which one record after the other is written, one ns apart."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._log = core.LogWriter.create(str(folder), segment_size_bytes=1 << 20)
        self._now = 1_767_225_600 * SECOND

    def add(self, name: str, tail: bytes = b"", source: int = 0, **fields: Any) -> None:  # noqa: ANN401  any field
        spec = spec_of(name)
        record = np.zeros(1, spec.dtype)
        for field, value in fields.items():
            record[field] = value
        self._now += 1
        payload = record.tobytes() + tail
        self._log.append(spec.number, self._now, payload, spec.frame_class, source=source)

    def close(self) -> None:
        self._log.close()


def fill_log(log: Written) -> None:
    log.add("EPOCH", b"{}", epoch=3)
    instrument = {
        "symbol": "ACME",
        "settlement_currency": "USD",
        "money_scale": 2,
        "qty_increment": "0.5",
    }
    for kind, number, text in (
        (0, 7, instrument),
        (1, 2, {"name": "maker"}),
        (3, 1, {"name": "broker"}),
        (4, 5, {"name": "itch"}),
    ):
        log.add("DEFINITION", json.dumps(text).encode(), kind=kind, id=number)
    for _ in range(4):
        log.add("ORDER_SUBMITTED", strategy=2, instrument=7)
    log.add("ORDER_SUBMITTED", strategy=9, instrument=7)
    log.add("ORDER_DENIED", strategy=2, reason=core.DenyReason.PRICE_COLLAR)
    log.add("FILL", strategy=2, instrument=7, position=10, realised_pnl=0, fees=1)
    log.add("FILL", strategy=2, instrument=7, position=-6, realised_pnl=12345, fees=-250)
    log.add("FIX_STATE", source=1, logged_on=1)
    log.add("FEED_STATUS", source=5, event=core.FeedEvent.GAP)
    log.add("BOOK_STATE", instrument=7, state=core.BookState.LIVE)
    log.add("RISK_STATE", strategy=0xFFFFFFFF, state=core.RiskState.REDUCING, armed=1)
    log.add("STRATEGY_STATE", strategy=2, status=core.StrategyStatus.RUNNING)
    log.add("ORDER_STATE", illegal=1)
    log.add("TURN_COST", turns=100, native_ns=2 * SECOND, python_ns=SECOND // 2)
    log.add("HANDLER_COST", strategy=2, calls=10, total_ns=SECOND, over_budget=1)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose folders are in the test's own."""
    text = (ROOT / "config" / "demo.toml").read_text().replace("run/demo", str(tmp_path))
    file = tmp_path / "c.toml"
    file.write_text(text)
    return file


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    log = Written(tmp_path / "log")
    yield log
    log.close()


def scrape(config: Path, capsys: pytest.CaptureFixture[str], code: int = 0) -> dict[str, float]:
    arguments = ["metrics", "-c", str(config), "--once"]
    assert main(arguments, {"metrics": "tools.metrics"}) == code
    return samples(capsys.readouterr().out)


def samples(text: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_every_figure_of_the_log(
    config: Path, written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_log(written)
    written.close()
    got = scrape(config, capsys)
    expected = {
        "pitwire_up": 0,
        "pitwire_log_damaged": 0,
        "pitwire_epoch": 3,
        'pitwire_log_frames_total{type="DEFINITION"}': 4,
        'pitwire_orders_submitted_total{instrument="ACME",strategy="maker"}': 4,
        'pitwire_orders_submitted_total{instrument="ACME",strategy="9"}': 1,
        'pitwire_orders_denied_total{reason="PRICE_COLLAR",strategy="maker"}': 1,
        'pitwire_fills_total{instrument="ACME",strategy="maker"}': 2,
        'pitwire_position{instrument="ACME",strategy="maker"}': -3.0,
        'pitwire_realised_pnl{currency="USD",instrument="ACME",strategy="maker"}': 123.45,
        'pitwire_fees{currency="USD",instrument="ACME",strategy="maker"}': -2.5,
        'pitwire_session_logged_on{session="broker"}': 1,
        'pitwire_feed_events_total{event="GAP",feed="itch"}': 1,
        'pitwire_book_state{instrument="ACME"}': 2,
        'pitwire_risk_state{strategy="firm"}': 1,
        'pitwire_armed_state{strategy="firm"}': 1,
        'pitwire_strategy_status{strategy="maker"}': 1,
        "pitwire_order_transitions_illegal_total": 1,
        "pitwire_turns_total": 100,
        'pitwire_turn_seconds_total{part="native"}': 2.0,
        'pitwire_turn_seconds_total{part="python"}': 0.5,
        'pitwire_handler_calls_total{strategy="maker"}': 10,
        'pitwire_handler_over_budget_total{strategy="maker"}': 1,
    }
    assert {name: got.get(name) for name in expected} == expected


def test_the_shared_pages(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = core.SharedStatus(str(config.parent / "status.page"))
    status.heartbeat(41, core.host_now())
    status.set_positions(10, 9)
    counters = core.SharedCounters(str(config.parent / "counters.page"))
    counters.counter("inputs.market").add(7)
    counters.histogram("tick_to_order_ns").record(2000)
    counters.histogram("order.native.logged_to_sent_ns").record(11_000)
    got = scrape(config, capsys)
    assert got["pitwire_turn"] == 41
    assert 0 <= got["pitwire_turn_age_seconds"] < 60
    assert (got["pitwire_committed_sequence"], got["pitwire_durable_sequence"]) == (10, 9)
    assert got["pitwire_killed"] == 0
    assert got["pitwire_core_inputs_market"] == 7
    name = "pitwire_core_tick_to_order_seconds_count"
    assert [value for key, value in got.items() if key.startswith(name)] == [1]
    labels = '{lane="native",stage="logged_to_sent"}'
    assert got[f"pitwire_order_stage_seconds_count{labels}"] == 1
    assert got[f"pitwire_order_stage_seconds_sum{labels}"] == 1.1e-5
    status.kill(0)
    assert scrape(config, capsys)["pitwire_killed"] == 1


def test_the_watchdogs_page(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not [name for name in scrape(config, capsys) if "watchdog" in name]
    page = core.SharedCounters(str(config.parent / "watchdog.page"))
    page.counter("looked_ts").set(core.host_now())
    page.counter("incidents").set(2)
    got = scrape(config, capsys)
    assert (got["pitwire_watchdog_up"], got["pitwire_watchdog_incidents"]) == (1, 2)
    assert 0 <= got["pitwire_watchdog_look_age_seconds"] < 60


def test_a_damaged_log_is_said_and_what_was_before_is_served(
    config: Path, written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_log(written)
    written.close()
    segment = next((config.parent / "log").glob("*.seg"))
    content = bytearray(segment.read_bytes())
    content[4096 + 64] ^= 1
    segment.write_bytes(content)
    assert scrape(config, capsys, code=1)["pitwire_log_damaged"] == 1


def test_it_follows_a_log_that_grows_and_ends_by_sigterm(config: Path, written: Written) -> None:
    command = [sys.executable, "-m", "tools.command", "metrics", "-c", str(config)]
    command += ["--listen", "127.0.0.1:0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        fill_log(written)
        written.close()
        name = 'pitwire_fills_total{instrument="ACME",strategy="maker"}'
        for _ in range(2000):
            with urllib.request.urlopen(found[0], timeout=5) as answer:
                got = samples(answer.read().decode())
            if name in got:
                break
        assert got[name] == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_an_address_that_is_none_is_bad_usage(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["metrics", "-c", str(config), "--listen", "nowhere"]
    assert main(arguments, {"metrics": "tools.metrics"}) == 2
    assert "is no HOST:PORT" in capsys.readouterr().err
