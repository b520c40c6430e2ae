"""An order's way through Python is rehearsed, and nothing of it is to be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daemon.app.rehearsing import NAME, Nowhere, Rehearsal, Understudy, rehearsal_of
from daemon.app.reports import Reports
from daemon.core import Core
from daemon.runtime.effects import Tell
from tests.app.desk import Desk

ROUNDS = 20


class Gate(Nowhere):
    """Keeps what the gate was asked, and what it said."""

    def __init__(self, core: Core) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.said: list[bool] = []
        self.core = core

    def submit(self, *order: Any) -> None:  # type: ignore[override]  # noqa: ANN401  # its fields
        self.asked.append(order)
        self.said.append(self.core.would_pass(*order))


def _rehearsal(desk: Desk) -> Rehearsal:
    rehearsal = rehearsal_of(desk.wiring)
    assert rehearsal is not None
    return rehearsal


def _gate_of(desk: Desk, understudy: Understudy) -> Gate:
    gate = Gate(desk.live.core)
    understudy.context._core = gate  # type: ignore[assignment]  # to see what comes of it
    return gate


def test_a_rehearsal_leaves_neither_records_nor_state(tmp_path: Path) -> None:
    desk = Desk(tmp_path).logged_on().market()
    rehearsal = _rehearsal(desk)
    sequence, state = desk._log.last_sequence, desk.wiring.save()
    for _ in range(ROUNDS):
        rehearsal()
    assert desk._log.last_sequence == sequence
    assert desk.wiring.save() == state
    assert [each.failure for each in rehearsal.understudies] == [""] * len(desk.wiring.hosts)
    assert desk.wiring.effects.take() == []


def test_each_strategy_has_its_turn_and_its_gate_is_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path).logged_on().market()
    rehearsal = _rehearsal(desk)
    gates = [_gate_of(desk, each) for each in rehearsal.understudies]
    for _ in range(ROUNDS):
        rehearsal()
    for number, gate in enumerate(gates):
        assert len(gate.asked) == ROUNDS // len(gates)
        assert {order[1] for order in gate.asked} == {number}
    # The book that this one reads is live, so that its order would pass.
    assert set(gates[0].said) == {True}


def test_an_understudy_that_fails_says_so_once_and_the_daemon_goes_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path).logged_on().market()
    rehearsal = _rehearsal(desk)
    first = rehearsal.understudies[0]
    first.context._session_of = {}  # to make it fail
    for _ in range(ROUNDS):
        rehearsal()
    (told,) = desk.wiring.effects.take()
    assert isinstance(told, Tell)
    assert told.fields == {"strategy": NAME}
    assert first.failure.startswith("KeyError")
    assert rehearsal.understudies[1].failure == ""


def test_it_is_called_where_the_core_rehearses(tmp_path: Path) -> None:
    desk = Desk(tmp_path, rehearse_every_ns=1)
    calls = []
    turns = Reports(desk).turns
    turns.rehearsal = lambda: calls.append(desk.live.stats["rehearsals"])
    for _ in range(ROUNDS):  # the first have something to do
        turns.take(1, spin_ns=100_000)
    assert calls == list(range(1, 1 + desk.live.stats["rehearsals"]))
    assert calls
