"""Turns about books alone go by native code; the general way would have done the same."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

from daemon.app.history import history_of
from daemon.app.replaying import ReplayRun, configuration_of
from daemon.log import LogReader
from daemon.messages import BookUpdate
from tests.app.desk import Desk

UPDATES = 20


def _updates(desk: Desk) -> None:
    for number in range(UPDATES):
        desk.update("BTCUSDT", 103 + 2 * number, [["100.0", str(7 + number)]])


def test_a_turn_about_books_alone_needs_no_queue_and_is_measured(tmp_path: Path) -> None:
    desk = Desk(tmp_path).logged_on().market()
    said: list[str] = []
    desk.wiring.phase.go_on = lambda: said.append("the general way")  # type: ignore[method-assign]  # to count its calls
    turns, times = desk.reports.turns, desk.reports.handler_times[0]
    phases, calls, turn = turns.python.count, times.histogram.count, desk.live.core.turn
    _updates(desk)
    assert said == []
    assert desk.live.core.turn == turn + UPDATES
    assert turns.python.count == phases + UPDATES
    assert times.histogram.count == calls + UPDATES
    ends = [
        each.fields()["turn"]
        for each in LogReader(desk.log_folder, types=["TURN_END"], committed=True)
    ]
    assert ends[-UPDATES:] == list(range(turn + 1, turn + 1 + UPDATES))


def test_both_ways_replay_alike(tmp_path: Path) -> None:
    desk = Desk(tmp_path).logged_on().market()
    _updates(desk)
    desk._log.close()
    (part,) = history_of(desk.log_folder).parts
    outcomes = []
    for way in (True, False):
        run = ReplayRun(desk.log_folder, configuration_of(part.first.start), None)
        if not way:
            run.wiring.phase.direct = None  # type: ignore[assignment]  # replay takes none
        outcomes.append(run.finish())
    assert all(outcome.identical for outcome in outcomes), outcomes
    assert outcomes[0].outputs == outcomes[1].outputs > UPDATES


def test_a_mailbox_that_raises_fails_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path).logged_on().market()
    first, second = desk.wiring.strategy_mailboxes
    desk.market("ETHUSDT")

    def raises(message: object) -> None:
        if isinstance(message, BookUpdate):
            raise RuntimeError("broken")

    heard: list[Any] = []
    first.handle, second.handle = raises, heard.append
    for host in desk.wiring.hosts:
        desk.live.core.subscribe_book(host.strategy_id, 0, True)
    desk.update("BTCUSDT", 103, [["100.0", "7"]])
    assert isinstance(heard[0], BookUpdate)
    assert "broken" in desk.wiring.hosts[0].failure
    assert desk.wiring.hosts[1].failure == ""


def test_a_wiring_that_is_left_is_freed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    left = weakref.ref(desk.wiring)
    del desk
    gc.collect()
    assert left() is None
