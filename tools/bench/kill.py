"""P19: the kill, from the command to the gate's first refusal and to the last cancel acknowledged.

A daemon with a thousand orders resting on the real exchange, over FIX, whose strategy asks for more
all the time, is killed by its native kill socket, as `pitwire ctl kill` does it; when all has ended
the kill is taken back, the strategy builds its orders up again, and the next one follows. Times
begin in this process, before the socket is opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from daemon.app.phases import PHASES
from daemon.core import SharedStatus
from daemon.model import CancelReason, DenyReason, ExecType
from tools.bench.load_log import received_of, records_of
from tools.bench.load_run import NOT_BUILT, SENDER, Load, RunError
from tools.bench.rows import Row, row_of_runs, with_jitter
from tools.bench.site import POLL_SECONDS, Site, site
from tools.ctl.client import Client, kill

RUNS: Final = 5
ORDERS: Final = 1_000
ASKED_MIN: Final = 100  # before a kill
SECONDS_MAX: Final = 20.0  # for anything that is waited for
FEED_SECONDS: Final = 120
NS_PER_MS: Final = 1e6
STANDS_NS: Final = 300_000_000  # without a turn: a handler loops
REFUSED_MS: Final = 1.0
CANCELLED_MS: Final = 100.0


class Killed(NamedTuple):
    """One kill; the host's ns since 1970."""

    began: int
    answered: int


def rows() -> list[Row]:
    """Refused, all cancelled, and set while a handler loops."""
    refused = _row("kill → the gate's first refusal, a strategy asking 4,000 times/s", REFUSED_MS)
    cancelled = _row(
        f"kill → last cancel acknowledged, {ORDERS:,} orders resting over FIX", CANCELLED_MS
    )
    looping = _row(
        "kill → all refused from here, a handler looping for a second meanwhile", REFUSED_MS
    )
    return [
        _measured(refused, lambda: killed_ms(0, _refused)),
        _measured(cancelled, lambda: killed_ms(ORDERS, _cancelled)),
        _measured(looping, looping_ms),
    ]


def _row(name: str, goal: float) -> Row:
    return Row(id="P19", name=name, unit="ms", goal=goal)


def _measured(row: Row, measure: Callable[[], list[float]]) -> Row:
    if not SENDER.exists():
        return msgspec.structs.replace(row, skipped=NOT_BUILT)
    try:
        return with_jitter(row_of_runs(row, measure()), NS_PER_MS)
    except RunError as error:
        return msgspec.structs.replace(row, skipped=str(error))


def _load(trader: str, orders: int = 0) -> Load:
    load = Load(rate=1_000, seconds=FEED_SECONDS, symbols=2, toggle_every=5, orders=orders)
    return msgspec.convert({**msgspec.to_builtins(load), "trader": trader}, Load)


def _until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not holds():
        if time.monotonic() > deadline:
            raise RunError(f"{what}: not within {SECONDS_MAX:g} s")
        time.sleep(POLL_SECONDS)


def _kill(place: Site) -> Killed:
    began = time.time_ns()
    kill(place.folder / "run" / "kill.sock")
    return Killed(began, time.time_ns())


def _status(client: Client) -> dict[str, Any]:
    status: dict[str, Any] = client.ask("status").result
    return status


def _again(client: Client) -> None:
    reply = client.ask("resume", {"clear_kill": True})
    if reply.error:
        raise RunError(f"resume: {reply.error}")


# ------------------------------------------------------------------ while a strategy asks


def killed_ms(orders: int, measure: Callable[[Path, list[Killed]], list[float]]) -> list[float]:
    """Of each kill of a daemon with so many orders resting, what `measure` finds in its folder."""
    with site(_load("Rester", orders)) as place:
        place.seconds_to_ready()
        with place.fed(), place.client() as client:
            kills = []
            for _ in range(RUNS):
                _until_trading(client, orders)
                kills.append(_kill(place))
                _until("no order working", lambda: _status(client)["orders_working"] == 0)
                _again(client)
        place.stop()
        _check_denied(place.folder / "log")
        return measure(place.folder, kills)


def _until_trading(client: Client, orders: int) -> None:
    submitted = _status(client)["orders_submitted"]

    def trades() -> bool:
        status = _status(client)
        asked = status["orders_submitted"] >= submitted + ASKED_MIN
        return asked and bool(status["orders_working"] >= orders)

    _until(f"{orders} orders working", trades)


def _refused(folder: Path, kills: list[Killed]) -> list[float]:
    """Until the strategy heard the first one."""
    times = np.fromfile(folder / "refused", np.int64)
    at = np.searchsorted(times, [each.began for each in kills])
    if len(times) == 0 or at[-1] == len(times):
        raise RunError("a kill was followed by no refusal")
    began = (each.began for each in kills)
    return [float(time - began) / NS_PER_MS for time, began in zip(times[at], began, strict=True)]


def _cancelled(folder: Path, kills: list[Killed]) -> list[float]:
    """Every cancel that a kill sent must be answered, and all that rested be cancelled by one.

    An order that was on its way may have ended before its cancel: the venue then rejects that.
    """
    log = folder / "log"
    asked = records_of(log, "CANCEL_REQUESTED")
    asked = asked[asked["reason"] == int(CancelReason.KILL)]
    cancelled = records_of(log, "EXECUTION")
    cancelled = cancelled[cancelled["exec_type"] == int(ExecType.CANCELED)]
    cancelled = cancelled[np.isin(cancelled["cl_ord_id"], asked["cl_ord_id"])]
    rejected = records_of(log, "CANCEL_REJECTED")
    rejected = rejected[np.isin(rejected["cl_ord_id"], asked["cl_ord_id"])]
    if len(cancelled) + len(rejected) != len(asked) or len(cancelled) < ORDERS * len(kills):
        raise RunError(
            f"of {len(asked)} cancels {len(cancelled)} were done and {len(rejected)} rejected"
        )
    raw = np.concatenate([cancelled["raw_sequence"], rejected["raw_sequence"]]).astype(np.int64)
    received = received_of(log)
    times = received.ts_recv[np.searchsorted(received.sequence, raw)]
    ends = [each.began for each in kills[1:]] + [int(times.max()) + 1]
    return [
        float(times[(times >= each.began) & (times < end)].max() - each.began) / NS_PER_MS
        for each, end in zip(kills, ends, strict=True)
    ]


# ------------------------------------------------------------------ while a handler loops


def looping_ms() -> list[float]:
    """Until the word that the gate reads before every order is set, by the socket's answer.

    The order that the handler asked for when it had looped must be denied for it.
    """
    taken = []
    for _ in range(RUNS):
        with site(_load("Looper")) as place:
            place.seconds_to_ready()
            with place.fed():
                taken.append(_while_looping(place))
            place.stop()
            _check_denied(place.folder / "log")
    return taken


def _while_looping(place: Site) -> float:
    status = SharedStatus.open(str(place.folder / "run" / "status.page"))
    _until("a handler that loops", lambda: _stands(status))
    killed = _kill(place)
    if not status.killed or not _stands(status):
        raise RunError("the word was not set while the handler looped")
    _until("the handler's end", lambda: not _stands(status))
    return (killed.answered - killed.began) / NS_PER_MS


def _check_denied(log: Path) -> None:
    if not (records_of(log, "ORDER_DENIED")["reason"] == int(DenyReason.KILLED)).any():
        raise RunError("no order was denied for the kill")


def _stands(status: SharedStatus) -> bool:
    return status.phase == PHASES.index("ready") and time.time_ns() - status.turn_ts > STANDS_NS
