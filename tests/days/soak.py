"""A day under every fault at once, and our books beside the exchange's at its end.

    python -m tests.days.soak --minutes 30 --seed 1

Strategies trade through `proxy.Proxy`, which delays, stalls, duplicates, cuts and resets. The
daemon is killed and started again, or stopped in order and started again, at moments that the seed
draws. At the end all is let be, trading is halted without a cancel, and compared: open orders, each
execution, each trade, and by instrument position, cash and fees, to the lot and to the last digit
of a fee.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from daemon.core import ExecType
from tests.days import books
from tests.days.day import CHURNING, Day, frames, pitwire
from tests.days.proxy import Proxy

OURS = "PITWIRE"
ENDED = {"FILLED", "DONE_FOR_DAY", "CANCELED", "REJECTED", "EXPIRED"}
DUPLICATE = 2  # of EXECUTION.flags: its ExecID was known
RESTART_S = (4.0, 12.0)  # of trading, from one restart of the daemon to the next
TRADES_AGAIN = 5  # orders of a process before its time counts
SETTINGS: Mapping[str, object] = {
    "session.broker.reconnect_ms_max": 300,
    "session.broker.heart_bt_int_seconds": 3,
    **CHURNING,
}


class Soaked(NamedTuple):
    """What came of it."""

    seconds: float
    kills: int
    orderly: int
    faults: Counter[str]
    executions: int
    trades: int
    open_orders: int
    orders: int

    def table(self) -> str:
        """For people."""
        rows = [("seconds", f"{self.seconds:.0f}"), ("orders sent", str(self.orders))]
        rows += [("executions", str(self.executions)), ("trades", str(self.trades))]
        rows += [("open at the end, the same on both sides", str(self.open_orders))]
        rows += [("restarts after SIGKILL", str(self.kills))]
        rows += [("restarts in order", str(self.orderly))]
        rows += [(f"proxy: {name}", str(count)) for name, count in sorted(self.faults.items())]
        return "\n".join(f"{name:42} {value:>9}" for name, value in rows)


class SoakDay(Day):
    """The daemon's session goes through the proxy."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.reports = folder / "reports.csv"
        self._seed = seed
        exchange = {"exchange.reports": self.reports, "agents.actions_per_second": 1000}
        super().__init__(folder, SETTINGS, exchange=exchange)

    def start(self, settings: Mapping[str, object] | None = None) -> None:
        """Also again, after a stop; the proxy is there once."""
        if not hasattr(self, "proxy"):
            self.proxy = Proxy(int(self._exchange._process.ports["fix"]), self._seed)
            self.proxy.__enter__()
            self._settings["session.broker.port"] = self.proxy.port
        super().start(settings)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[arg-type]  # what `with` gives
        self.proxy.__exit__(None, None, None)


def soak(
    folder: Path, seconds: float, seed: int, say: Callable[[str], object] = lambda _: None
) -> Soaked:
    """The whole of it. AssertionError says what is not equal; `say` hears how it goes."""
    dice = random.Random(seed)
    kills = orderly = 0
    with SoakDay(folder, seed) as day:
        epoch = 1
        day.until_ready(epoch, 60)
        day.until_trading(TRADES_AGAIN, 60)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(dice.uniform(*RESTART_S), max(0.0, end - time.monotonic())))
            epoch += 1
            if dice.random() < 0.6:
                day.kill()
                kills += 1
            else:
                # 1: the venue was away for longer than the end waits; the next start asks it.
                assert day.stop() in (0, 1), day.errors
                day.start()
                orderly += 1
            day.until_ready(epoch, 60)
            # The feed's gap of the meantime is filled first.
            day.until_trading(TRADES_AGAIN, 120)
            left = max(0.0, end - time.monotonic())
            say(f"epoch {epoch}, {left:.0f} s left, {day.proxy.counts['messages']} messages")
        day.proxy.calm = True
        open_orders = _open_orders_are_equal(day)
        assert day.stop() == 0, day.errors
        faults = day.proxy.counts
    executions = _executions_are_equal(day)
    books.assert_books_equal(day.log, day.trades)
    for command in (("replay", str(day.log)), ("log", "verify", str(day.log))):
        result = pitwire(*command)
        assert result.returncode == 0, result.stdout + result.stderr
    trades = len(books.exchange_trades(day.trades))
    orders = len(frames(day.log, "ORDER_SUBMITTED"))
    return Soaked(seconds, kills, orderly, faults, executions, trades, open_orders, orders)


def _open_orders_are_equal(day: SoakDay) -> int:
    """Nothing new is sent; what works by our table works by the exchange's record, and no other."""
    day.done("halt", cancel=False, reason="the soak is over")

    def equal() -> tuple[dict[str, Decimal]] | None:
        ours = {row["cl_ord_id"]: Decimal(str(row["leaves_qty"])) for row in day.done("orders")}
        settled = all(row["state"] in ("WORKING", "PARTIALLY_FILLED") for row in day.done("orders"))
        return (ours,) if settled and ours == _open_at_exchange(day.reports) else None

    (ours,) = day.until("open orders are equal", equal, 60)
    return len(ours)


def _open_at_exchange(reports: Path) -> dict[str, Decimal]:
    """Newest ClOrdID and open quantity of each order that works, by the exchange's own record."""
    working: dict[str, tuple[str, Decimal]] = {}
    for row in _rows(reports):
        if row["ord_status"] in ENDED:
            working.pop(row["order_id"], None)
        elif row["order_id"] != "0":
            working[row["order_id"]] = (row["cl_ord_id"], Decimal(row["leaves_qty"]))
    return dict(working.values())


def _rows(reports: Path) -> list[dict[str, str]]:
    with reports.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["session"] == OURS and row["cum_qty"]]


def _executions_are_equal(day: SoakDay) -> int:
    """Each execution report of the exchange's is in our log once as new, and no other is."""
    theirs = Counter(
        row["exec_id"]
        for row in _rows(day.reports)
        if row["exec_type"] != ExecType.ORDER_STATUS.name
    )
    ours: Counter[str] = Counter()
    for frame in frames(day.log, "EXECUTION"):
        fields = frame.fields()
        if not fields["flags"] & DUPLICATE and fields["exec_type"] != ExecType.ORDER_STATUS:
            ours[books.text_of(fields["exec_id"])] += 1
    assert theirs - ours == Counter(), "lost"
    assert ours - theirs == Counter(), "invented or doubled"
    return sum(ours.values())


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.days.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="kept; a new one otherwise, removed")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(soak(folder, arguments.minutes * 60, arguments.seed, _say).table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
