"""Another configuration on the same log: what ids mean stays, and all of the log replays."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path

import msgspec

from tests.days import books
from tests.days.day import Day, frames, pitwire
from tools.demo import CONFIG

IDS = {"instrument": 0, "strategy": 1}


def _write(day: Day, instruments: Collection[str], strategies: Collection[str]) -> None:
    """The demo's configuration with these instruments and strategies, in this order."""
    text = (CONFIG / "demo.toml").read_text()
    sections = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    named = {match[1]: part for part in sections if (match := re.search(r'"(\w+)"', part))}
    kept = [part for part in sections if not re.match(r"\[\[(instrument|strategy)\]\]", part)]
    kept = [part for part in kept if not re.match(r"\[risk\.(strategy|instrument)", part)]
    wanted = "".join(named[name] for name in (*instruments, *strategies))
    day.configuration = day.folder / "changed.toml"
    day.configuration.write_text("".join(kept) + wanted)


def _ids(day: Day, kind: str) -> dict[int, str]:
    """What the log's definitions say, of every one of them."""
    found: dict[int, set[str]] = {}
    for frame in frames(day.log, "DEFINITION"):
        fields = frame.fields()
        if fields["kind"] == IDS[kind]:
            content = msgspec.json.decode(frame.tail.rstrip(b"\0"))
            name = content["symbol" if kind == "instrument" else "name"]
            found.setdefault(fields["id"], set()).add(name)
    assert all(len(names) == 1 for names in found.values()), found
    return {number: names.pop() for number, names in found.items()}


def _positions(day: Day) -> dict[str, Decimal]:
    """The firm's, by symbol."""
    rows = [row for row in day.done("positions") if row["strategy"] == ""]
    return {row["symbol"]: Decimal(row["qty"]) for row in rows}


def _reason(day: Day, strategy: str) -> str:
    rows = [row for row in day.done("strategies") if row["name"] == strategy]
    return str(rows[0]["reason"])


def _until_traded(day: Day, fills: int) -> None:
    day.until(f"{fills} fills", lambda: day.status()["fills"] >= fills)


def test_instruments_move_come_and_go_and_positions_stay_those_of_the_exchange(
    tmp_path: Path,
) -> None:
    day = Day(tmp_path)
    _write(day, ["ACME", "BOLT"], ["maker", "momentum"])
    with day:
        day.until_ready()
        _until_traded(day, 5)
        assert day.stop() == 0, day.errors
        before = books.totals(books.exchange_trades(day.trades))
        _write(day, ["CRUX", "BOLT", "ACME"], ["momentum", "pair", "maker"])
        day.start({"risk.armed": "false"})  # nothing trades until positions were looked at
        day.until_ready(2)
        held = _positions(day)
        assert {symbol: held[symbol] for symbol in before} == {
            symbol: total.position for symbol, total in before.items()
        }
        day.done("resume", reason="looked at")
        _until_traded(day, 5)
        day.kill()
        day.until_ready(3)
        day.done("resume", reason="looked at")
        assert "strategies start anew" not in day.errors.rpartition("log recovered")[2]
        day.until_trading(3)
        assert day.stop() == 0, day.errors
        day._settings = {k: v for k, v in day._settings.items() if "maker" not in k}
        _write(day, ["CRUX", "BOLT"], ["momentum"])
        day.start()
        day.until_ready(4)
        totals = books.totals(books.logged_trades(day.log))
        for symbol, quantity in _positions(day).items():
            assert quantity == totals[symbol].position
        day.done("resume", reason="looked at")
        day.until_trading(1)
        assert [row["symbol"] for row in day.done("market")] == ["BOLT", "CRUX"]
        assert {row["name"] for row in day.done("strategies")} == {"pair", "maker", "momentum"}
        assert not day.ask("strategies.start", strategy="maker").status
        day.until("it is refused", lambda: "not in the configuration" in _reason(day, "maker"))
        assert day.stop() == 0, day.errors
    assert _ids(day, "instrument") == {0: "ACME", 1: "BOLT", 2: "CRUX"}
    assert _ids(day, "strategy") == {0: "maker", 1: "momentum", 2: "pair"}
    books.assert_books_equal(day.log, day.trades)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("identical: ") == 3, result.stdout
    assert result.stdout.count("strategies began anew") == 2


def test_other_units_for_an_instrument_of_the_log_are_refused(tmp_path: Path) -> None:
    with Day(tmp_path) as day:
        day.until_ready()
        assert day.stop() == 0, day.errors
        words = ["run", "-c", str(CONFIG / "demo.toml"), "--set", f"log.folder={day.log}"]
        words += ["--set", f"daemon.runtime_dir={tmp_path / 'other'}"]
        result = pitwire(*words, "--set", "instrument.CRUX.money_scale=4")
    assert result.returncode == 2, result.stdout + result.stderr
    assert "instrument[2].money_scale: 4, but CRUX is counted in 8 in this log" in result.stderr
