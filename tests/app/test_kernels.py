"""Kernels in the running core: called on every update, logged, replayed, restored, reported."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.app.checkpoints import Checkpoint, encode, identity_of, read_checkpoint
from daemon.app.code import Code, current_code, logged_code
from daemon.app.epoch import describe, differences, epochs_of
from daemon.app.history import history_of
from daemon.app.recovery import recover
from daemon.app.replaying import Outcome, ReplayRun, configuration_of
from daemon.app.wiring import Wiring
from daemon.core import KERNEL_NOT_FINITE, KERNEL_RAISED, Live, LogWriter, SharedStatus
from daemon.log import Frame, LogReader
from daemon.strategy.loading import LoadingError
from tests.app.desk import Desk
from tests.app.kernel_user import Memory

SPEC = "tests.app.kernel_user:Counter"
OVERRIDES = (
    f'strategy.other.class="{SPEC}"',
    'strategy.other.instruments=["BTC"]',
    'strategy.other.parameters={ symbol = "BTC", above = 3.0 }',
)


class Watched(Desk):
    """A desk whose second strategy is the counter; `quote` is one update of BTC's book."""

    def __init__(self, folder: Path, *overrides: str) -> None:
        super().__init__(folder, *OVERRIDES, *overrides)
        self._id = 103

    def opened(self) -> Watched:
        self.logged_on().market()
        return self

    def quote(self, bid_qty: int, bid: str = "100.0") -> None:
        """In lots of 0.001."""
        self.update("BTCUSDT", self._id, [[bid, f"{bid_qty / 1000}"]])
        self._id += 2

    @property
    def memory(self) -> Memory:
        strategy = self.wiring.hosts[1]._strategy
        assert strategy is not None
        memory: Memory = strategy.state
        return memory

    def kernel(self, name: str) -> tuple[bool, int, float]:
        for _, found, armed, status, _, value in self.live.core.kernels(1):
            if found == name:
                return armed, status, value
        raise KeyError(name)

    def states(self, record: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        frames: list[Frame] = list(LogReader(self.log_folder, types=[record], committed=True))
        return [(frame.fields(), msgspec.json.decode(frame.tail)) for frame in frames]

    def replayed(self, code: Code | None = None) -> tuple[ReplayRun, Outcome]:
        first = epochs_of(self.log_folder)[0]
        logged = code or logged_code(self.log_folder, first.sequence)
        run = ReplayRun(self.log_folder, configuration_of(first.start), logged)
        return run, run.finish()


@pytest.fixture
def desk(tmp_path: Path) -> Watched:
    return Watched(tmp_path).opened()


def test_a_kernel_is_called_on_every_update_also_below_the_touch(desk: Watched) -> None:
    before = desk.kernel("counter")[2]
    desk.quote(100)
    desk.quote(200)
    desk.quote(300, bid="90.0")  # the touch stays
    assert desk.kernel("counter")[2] == before + 3


def test_a_trigger_wakes_the_strategy_on_the_very_update(desk: Watched) -> None:
    while not desk.memory.woken:
        desk.quote(100 + int(desk.kernel("counter")[2]))
    (woken,) = desk.memory.woken
    assert woken == ("many", 4.0, 4.0, desk.live.core.slots.cast("q")[1])


def test_what_arrived_behind_the_update_waits_until_the_strategy_was_woken(desk: Watched) -> None:
    while desk.kernel("counter")[2] < 3.0:
        desk.quote(200)
    for place, bid_qty in enumerate(("0.101", "0.102", "0.103")):
        desk.push("BTCUSDT", desk._id + 2 * place, [["100.0", bid_qty]])
    desk.turn()
    assert [woken for woken in desk.memory.woken if woken[0] == "many"] == [("many", 4.0, 4.0, 101)]
    desk.turn()
    assert desk.kernel("counter")[2] == 6.0, "then the others are applied"


def test_a_trigger_on_a_native_signal_fires_in_both_directions(desk: Watched) -> None:
    for bid in ("100.0", "99.0", "99.0", "100.0"):  # one increment of 0.1 between 100.0 and 100.1
        if bid == "99.0":
            desk.update("BTCUSDT", desk._id, [["100.0", "0"], [bid, "0.1"]])
            desk._id += 2
        else:
            desk.quote(150, bid)
    assert [(name, value) for name, value, _, _ in desk.memory.woken if name == "spread"] == [
        ("spread", 11.0),
        ("spread", 1.0),
    ]


@pytest.mark.parametrize(
    ("bid_qty", "status", "reason"),
    [(70, 7, "status"), (80, KERNEL_NOT_FINITE, "not finite"), (90, KERNEL_RAISED, "raised")],
)
def test_a_bad_answer_disarms_the_kernel_and_what_stands_on_it(
    desk: Watched, bid_qty: int, status: int, reason: str
) -> None:
    desk.quote(bid_qty)
    armed, found, value = desk.kernel("counter")
    assert (armed, found) == (False, status)
    assert math.isnan(value)
    assert desk.kernel("mixed")[0], "the other one goes on"
    assert desk.memory.disarmed == [("counter", status)]
    fields, said = desk.states("KERNEL_STATE")[-1]
    assert (fields["armed"], fields["status"], said["reason"]) == (0, status, reason)
    fields, said = desk.states("RULE_STATE")[-1]
    assert (fields["armed"], said) == (0, {"name": "many", "reason": "kernel disarmed"})
    (row,) = [row for row in desk.ask("strategies") if row.name == "other"]
    shown = {each.name: (each.armed, each.answered, each.value) for each in row.kernels}
    assert shown["counter"] == (False, status, None)
    desk.quote(100)
    assert math.isnan(desk.kernel("counter")[2]), "not called again"


def test_an_operator_changes_parameters_and_arms_what_was_disarmed(desk: Watched) -> None:
    before = desk.kernel("counter")[2]
    _change(desk, scale=100.0)
    desk.quote(100)
    assert desk.kernel("counter")[2] == before + 1 + 100, "the state is kept"
    desk.quote(70)
    _change(desk, scale=0.0)
    desk.quote(100)
    assert desk.kernel("counter") == (True, 0, 1.0), "from zeros"


def _change(desk: Watched, **values: float) -> None:
    arguments = {"strategy": "other", "values": values}
    said = {"name": "strategies.params", "arguments": arguments, "user": "u", "role": "trader"}
    desk.live.push_operator(0, 0, 9, msgspec.json.encode(said).decode())
    desk.turn()


def test_a_stopped_strategys_kernels_do_not_run(desk: Watched) -> None:
    said = {"name": "strategies.stop", "arguments": {"strategy": "other"}, "user": "u"}
    said["role"] = "trader"
    desk.live.push_operator(0, 0, 9, msgspec.json.encode(said).decode())
    desk.turn()
    assert {said["name"] for fields, said in desk.states("KERNEL_STATE")[-2:]} == {
        "counter",
        "mixed",
    }
    assert not desk.kernel("counter")[0]
    desk.quote(100)
    assert math.isnan(desk.kernel("counter")[2])


# ------------------------------------------------------------------ the log


def _day(desk: Watched) -> None:
    """Triggers, changed parameters, a kernel that fails and comes back."""
    for bid_qty in (100, 200, 300, 70, 100):
        desk.quote(bid_qty)
    _change(desk, scale=1.5)
    for bid_qty in (100, 80, 200):
        desk.quote(bid_qty)


def test_a_day_with_kernels_replays_identically_with_the_logged_machine_code(
    desk: Watched,
) -> None:
    _day(desk)
    run, outcome = desk.replayed()
    assert outcome.identical
    assert not outcome.cut
    assert run.wiring.core.kernels(1)[1][:5] == desk.live.core.kernels(1)[1][:5]
    start = epochs_of(desk.log_folder)[0].start
    assert [each.kernel for each in start.kernels] == [f"{SPEC}/counter", f"{SPEC}/mixed"]
    assert differences(start, describe(run.wiring, 1, 1)) == []


def test_current_code_is_the_same_machine_code_where_nothing_changed(desk: Watched) -> None:
    _day(desk)
    run, outcome = desk.replayed(current_code(desk.configuration))
    assert outcome.identical
    assert run.wiring.code.kernels == desk.wiring.code.kernels


def test_a_replay_with_other_machine_code_says_so_and_where_it_differs(desk: Watched) -> None:
    _day(desk)
    kernels = dict(desk.wiring.code.kernels)
    # The other way round it would write behind what it declares.
    kernels[SPEC, "mixed"] = kernels[SPEC, "counter"]
    run, outcome = desk.replayed(Code(desk.wiring.code.loaded, kernels))
    assert not outcome.identical
    said = differences(epochs_of(desk.log_folder)[0].start, describe(run.wiring, 1, 1))
    assert said == [f"kernel {SPEC}/mixed: other machine code than logged"]


def test_another_text_of_a_strategy_keeps_the_room_of_its_kernels(desk: Watched) -> None:
    code = desk.wiring.code
    text = code.loaded[SPEC].source
    assert code.with_source(SPEC, text.replace("+= 1.0", "+= 2.0")).kernels == code.kernels
    less = text.replace("@kernel(state=3", "@kernel(state=1")
    assert less != text
    with pytest.raises(LoadingError, match="declares other kernels"):
        code.with_source(SPEC, less)


def test_a_replay_from_the_middle_has_the_kernels_state(desk: Watched, tmp_path: Path) -> None:
    for bid_qty in (100, 200, 70):
        desk.quote(bid_qty)
    middle = _checkpoint(desk, tmp_path)
    _day(desk)
    first = epochs_of(desk.log_folder)[0]
    code = logged_code(desk.log_folder, first.sequence)
    run = ReplayRun(desk.log_folder, configuration_of(first.start), code, checkpoint=middle)
    assert run.finish().identical
    whole, _ = desk.replayed()
    assert run.wiring.save() == whole.wiring.save()


def _checkpoint(desk: Watched, folder: Path) -> Checkpoint:
    end = list(LogReader(desk.log_folder, types=["TURN_END"], committed=True))[-1]
    assert desk.epoch is not None
    identity = identity_of(desk.log_folder, desk.epoch)
    path = folder / "1.ckpt"
    body = desk.wiring.save()
    path.write_bytes(encode(identity, end.sequence, end.fields()["turn"], body))
    return read_checkpoint(path)


def test_a_restart_goes_on_with_the_kernels_as_they_were(desk: Watched) -> None:
    _day(desk)
    before = desk.live.core.kernels(1)
    configuration = desk.configuration
    desk._log.close()
    log, _ = LogWriter.recover(str(desk.log_folder), 1 << 20)
    status = SharedStatus(str(desk.log_folder.parent / "again.page"))
    live = Live(log, status)
    wiring = Wiring(live.core, configuration)
    recovered = recover(live, wiring, desk.log_folder, history_of(desk.log_folder))
    assert recovered.replayed
    assert repr(live.core.kernels(1)) == repr(before)
    log.close()


def test_what_is_no_machine_code_is_refused_with_the_loaders_words(desk: Watched) -> None:
    with pytest.raises(RuntimeError, match="odd: cannot be loaded"):
        desk.live.core.define_kernel(0, "odd", 0, 0, b"no shared object")


def test_machine_code_that_is_not_what_its_hash_says_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    log, _ = LogWriter.recover(str(folder), 1 << 20)
    live = Live(log, SharedStatus(str(tmp_path / "status.page")))
    live.append_epoch(1, 1, "{}")
    live.append_kernel_code(bytes(32), f"{SPEC}/counter\0".encode() + b"\x7fELF")
    log.close()
    with pytest.raises(LoadingError, match="code of kernel counter is damaged"):
        logged_code(folder, 1)
