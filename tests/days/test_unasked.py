"""A real day on which the exchange does what nobody asked it for, and ours ends as its record."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daemon.model import OrderEvent, OrderState
from daemon.runtime.events import NO_ID
from tests.days import books
from tests.days.day import Day, frames, pitwire

PREFIX = "E"
FOREIGN = "00000000000000AA"


class Venue:
    """The exchange's control socket, as PITWIRE's broker."""

    def __init__(self, path: Path, client: str = "PITWIRE") -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rw")
        self._client = client

    def does(self, what: str, **how: object) -> bool:
        self._lines.write(json.dumps({"do": what, "client": self._client, **how}) + "\n")
        self._lines.flush()
        answer: dict[str, Any] = json.loads(self._lines.readline())
        assert "error" not in answer, answer
        return bool(answer["done"])


def made(folder: Path, settings: Mapping[str, object] | None = None, **sessions: object) -> Day:
    exchange = {
        "exchange.control": folder / "control.sock",
        "exchange.exec_id_prefix": PREFIX,
        **sessions,
    }
    return Day(folder, settings, exchange=exchange)


def to_an_order(day: Day, venue: Venue, what: str, **how: object) -> str:
    """Done to the first working order that it can be done to; its ClOrdID."""

    def once() -> str | None:
        for row in day.done("orders"):
            if row["state"] == "WORKING" and venue.does(what, order=row["order"], **how):
                return str(row["order"])
        return None

    return day.until(f"an order to {what}", once)


def events(day: Day, name: str) -> list[dict[str, Any]]:
    return [each.fields() for each in frames(day.log, "ORDER_STATE") if _event(each) == name]


def _event(frame: Any) -> str:  # noqa: ANN401 - a frame of the log
    return OrderEvent(frame.fields()["event"]).name


def became_unknown(day: Day, order: str, after: int) -> bool:
    """By a report, behind this sequence."""
    states = (each.fields() for each in day.until_logged("ORDER_STATE", after=after))
    return any(
        each["order"] == int(order, 16) and each["to_state"] == OrderState.UNKNOWN
        for each in states
    )


def newest_trade(day: Day) -> dict[str, str]:
    rows = [row for row in books.exchange_rows(day.trades) if not row["qty"].startswith("-")]
    return rows[-1]


def undone(day: Day, venue: Venue, what: str, **how: object) -> None:
    def once() -> bool:
        number = int(newest_trade(day)["exec_id"].removeprefix(PREFIX))
        return venue.does(what, trade=number, **how)

    day.until(f"a trade to {what}", once)


def test_what_nobody_asked_for_is_followed_to_the_lot_and_the_cent(tmp_path: Path) -> None:
    with made(tmp_path) as day:
        day.until_ready()
        day.until("10 fills", lambda: day.status()["fills"] >= 10)
        venue = Venue(tmp_path / "control.sock")
        to_an_order(day, venue, "cancel")
        to_an_order(day, venue, "restate", qty=4)
        to_an_order(day, venue, "done_for_day")
        undone(day, venue, "bust")
        undone(day, venue, "correct", px=1_000_000, qty=3)
        for event in ("RESTATED", "DONE_FOR_DAY", "BUST", "CORRECT"):
            day.until(event, lambda event=event: events(day, event))  # type: ignore[misc]  # bound
        assert day.status()["armed"]

        foreign = {"order": FOREIGN, "symbol": "BOLT", "side": "BUY", "px": 420_000, "qty": 9}
        assert venue.does("trade", **foreign)
        day.until("the difference", lambda: not day.status()["armed"])
        (report,) = [each for each in day.done("reconciliation") if each["differences"]]
        assert [(d["kind"], d["what"]) for d in report["differences"]] == [("order", "missing")]
        accept = ("--accept", str(report["report"]), "--reason", "the broker's own")
        assert day.ctl("reconcile", *accept).returncode == 0
        day.until("armed again", lambda: day.status()["armed"])

        # Its strategy may cancel it before anybody looks: that it was unknown is in the log.
        before = day.last_sequence()
        order = to_an_order(day, venue, "overfill", qty=50)
        day.until("it is unknown", lambda: became_unknown(day, order, before))
        day.done("reconcile")
        day.until("it is known again", lambda: day.status()["orders_unknown"] == 0)
        assert day.stop() == 0, day.errors
    ours, theirs = books.logged_trades(day.log), books.exchange_trades(day.trades)
    assert Counter(ours) == Counter(theirs)
    assert books.totals(ours) == books.totals(theirs)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_venue_that_was_asked_to_cancel_on_disconnect_has_done_so_when_we_are_back(
    tmp_path: Path,
) -> None:
    dialect = tmp_path / "dialect.toml"
    dialect.write_text("[cancel_on_disconnect]\ntag = 35002\n")
    asks = {"session.broker.dialect": dialect, "session.broker.on_disconnect": "venue"}
    with made(tmp_path, asks, **{"fix.session.0.dialect": dialect}) as day:
        day.until_ready()
        day.until_trading(5)
        day.until("a working order", lambda: day.status()["orders_working"] > 0)
        before = day.last_sequence()
        venue = Venue(tmp_path / "control.sock")
        assert venue.does("drop")
        day.until_logged("RECONCILIATION", after=before)
        asked = day.until_logged("STATUS_REQUESTED", after=before)
        assert [each for each in asked if each.fields()["instrument"] == NO_ID], "and for all"
        day.until("armed again", lambda: day.status()["armed"])
        cancelled = [
            each for each in events(day, "CANCELED") if each["to_state"] == OrderState.CANCELED
        ]
        ours = {each.fields()["order"] for each in frames(day.log, "CANCEL_REQUESTED")}
        assert {each["order"] for each in cancelled} - ours, "learned from the venue alone"
        day.until_trading(day.status()["orders_submitted"] + 3)
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)


class CopyDay(Day):
    """With a second session, on which the exchange tells our trades again."""

    def start(self, settings: Any = None) -> None:  # noqa: ANN401 - as Day's
        self.configuration = self.folder / "copied.toml"
        demo = (Path(__file__).parents[2] / "config" / "demo.toml").read_text()
        start = demo.index("[[session]]")
        line = demo[start : demo.index("\n[", start) + 1]
        line = line.replace('"broker"', '"copies"').replace('"PITWIRE"', '"COPIES"')
        line = line.replace('kind = "fix"', 'kind = "drop_copy"\ncopies = "broker"')
        line = line.replace('mass_requests = ["cancel", "status"]\n', "")
        line = line.replace("port = 9878", f"port = {self._exchange._process.ports['fix']}")
        self.configuration.write_text(demo.replace("[[instrument]]", line + "[[instrument]]", 1))
        super().start(settings)


def test_a_drop_copy_tells_what_our_own_line_lost(tmp_path: Path) -> None:
    sessions = '[{ target_comp_id = "PITWIRE" }, { target_comp_id = "COPIES", copies = "PITWIRE" }]'
    exchange = {
        "exchange.control": tmp_path / "control.sock",
        "exchange.exec_id_prefix": PREFIX,
        "fix.session": sessions,
    }
    late = {"session.copies.late_after_ms": 500}
    with CopyDay(tmp_path, settings=late, exchange=exchange) as day:
        day.until_ready()
        day.until("10 fills", lambda: day.status()["fills"] >= 10)
        assert day.status()["armed"]
        venue = Venue(tmp_path / "control.sock")
        assert venue.does("withhold", qty=1)
        day.until("the difference", lambda: not day.status()["armed"])

        def missing() -> dict[str, Any] | None:
            for each in day.done("reconciliation"):
                if [d["what"] for d in each["differences"] if d["kind"] == "trade"] == ["missing"]:
                    return dict(each)
            return None

        report = day.until("a missing trade", missing)
        accept = ("--accept", str(report["report"]), "--reason", "seen on the copy")
        assert day.ctl("reconcile", *accept).returncode == 0
        day.done("reconcile")
        day.until("armed again", lambda: day.status()["armed"])
        day.until_trading(day.status()["orders_submitted"] + 3)
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr
