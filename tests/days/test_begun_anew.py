"""Under another configuration strategies begin anew: flat or with their state, on the old facts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec

from daemon.app.checkpoints import checkpoint_files
from tests.days import books
from tests.days.day import Day, frames, pitwire

SHORT_MEMORY = {
    "log.segment_size_bytes": 1 << 18,
    "log.retain_bytes": 1 << 18,
    "checkpoint.every_records": 500,
    "checkpoint.keep": 1,
}
NOT_ARMED = {"risk.armed": "false"}  # what was found is looked at before anything trades

COUNTER = '''\
from daemon.messages import BookUpdate
from daemon.strategy import Parameters, State, Strategy


class Nothing(Parameters, frozen=True, kw_only=True):
    """No parameters."""


class Memory(State):
    """What it has seen."""

    updates: int = 0


class Counter(Strategy[Nothing, Memory]):
    """Counts, and says what it begins with."""

    def on_start(self) -> None:
        self.context.subscribe("CRUX")
        self.context.note(f"begins with {self.state.updates}")

    def on_book(self, update: BookUpdate) -> None:
        self.state.updates += 1
'''
COUNTING = {
    "strategy.pair.class": "counter_strategy:Counter",
    "strategy.pair.instruments": '["CRUX"]',
    "strategy.pair.parameters": "{}",
}
PAIR = 2  # its place


def _positions(day: Day) -> dict[str, Decimal]:
    rows = [row for row in day.done("positions") if row["strategy"] == ""]
    return {row["symbol"]: Decimal(row["qty"]) for row in rows}


def _limits(day: Day) -> dict[tuple[str, str], str]:
    return {(row["scope"], row["name"]): row["value"] for row in day.done("limits.show")}


def test_where_the_logs_beginning_is_gone_a_checkpoint_stands_for_its_facts(
    tmp_path: Path,
) -> None:
    with Day(tmp_path, settings=SHORT_MEMORY) as day:
        day.until_ready()
        day.until("a checkpoint", lambda: checkpoint_files(day.log))
        # The newest EPOCH's segment stays: the next one must not be in the first.
        day.until("2 segments", lambda: (day.log / "00000002.seg").exists())
        day.until("5 fills", lambda: day.status()["fills"] >= 5)
        assert day.stop() == 0, day.errors
        day.start()
        day.until_ready(2)
        day.done("limits.set", scope="firm", name="working_orders_max", value="77")
        day.until("the first is gone", lambda: not (day.log / "00000000.seg").exists())
        day.until_trading(3)
        assert day.stop() == 0, day.errors
        day.start({"risk.firm.notional_max": 900_000, **NOT_ARMED})
        day.until_ready(3)
        assert "strategies start anew" in day.errors
        totals = books.totals(books.exchange_trades(day.trades))
        assert _positions(day) == {symbol: total.position for symbol, total in totals.items()}
        limits = _limits(day)
        assert limits["firm", "working_orders_max"] == "77", "an operator set it"
        assert limits["firm", "notional_max"] == "900000", "the configuration of now"
        day.done("resume", reason="looked at")
        day.until_trading(3)
        day.until_logged("CHECKPOINT", after=frames(day.log, "EPOCH")[-1].sequence)
        day.kill()
        day.until_ready(4)
        assert "strategies start anew" not in day.errors.rpartition("log recovered")[2]
        day.done("resume", reason="looked at")
        day.until_trading(3)
        assert day.stop() == 0, day.errors
    sent = {frame.fields()["msg_seq_num"] for frame in frames(day.log, "FIX_TX")}
    assert len(sent) == len(frames(day.log, "FIX_TX")), "numbers go on, none is used twice"
    result = pitwire("replay", str(day.log), "--from-checkpoint")
    assert result.returncode == 0, result.stdout + result.stderr


def _die_and_start(day: Day, settings: dict[str, object]) -> None:
    """Killed with a checkpoint behind it, and started under another configuration."""
    day.until("some checkpoints", lambda: len(frames(day.log, "CHECKPOINT")) >= 3)
    day.daemon.leave_down()
    day.kill()
    day.until("it is down", lambda: day.daemon.ended)
    day.start(settings)


def test_a_strategy_keeps_its_declared_state_where_it_is_configured_to(tmp_path: Path) -> None:
    (tmp_path / "counter_strategy.py").write_text(COUNTER)
    settings = {**COUNTING, "strategy.pair.on_new_code": "keep_state"}
    settings["checkpoint.every_records"] = "500"
    with Day(tmp_path, settings, python_path=tmp_path) as day:
        day.until_ready()
        _die_and_start(day, {"risk.firm.notional_max": 900_000})
        day.until_ready(2)
        flat = {"risk.firm.notional_max": 800_000, "strategy.pair.on_new_code": "flat"}
        _die_and_start(day, flat)
        day.until_ready(3)
        day.until_trading()
        assert day.stop() == 0, day.errors
    said = [f.tail.rstrip(b"\0").decode() for f in frames(day.log, "NOTE")]
    first, kept, last = (each for each in said if each.startswith("begins with"))
    assert (first, last) == ("begins with 0", "begins with 0")
    assert int(kept.removeprefix("begins with ")) > 10
    started = [
        msgspec.json.decode(f.tail.rstrip(b"\0"))["reason"]
        for f in frames(day.log, "STRATEGY_STATE")
        if (f.fields()["strategy"], f.fields()["status"]) == (PAIR, 1)
    ]
    assert started == ["", "declared state kept", ""]
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("identical: ") == 3
