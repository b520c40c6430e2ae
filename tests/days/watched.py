"""A day with a watchdog, ways to hang the daemon, and the exchange's own record of reports."""

from __future__ import annotations

import contextlib
import csv
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.days.day import Day
from tools.ctl.client import Client, NoDaemonError

OURS = "PITWIRE"
ENDED = {"FILLED", "DONE_FOR_DAY", "CANCELED", "REJECTED", "EXPIRED"}
SESSIONS = (
    '[{ target_comp_id = "PITWIRE" },'
    ' { target_comp_id = "PITWIRE-WATCHDOG", cancels_for = ["PITWIRE"] }]'
)
# Orders that rest, and a watchdog that waits for no restart; a hang counts when it does by default.
SETTINGS: Mapping[str, object] = {
    "strategy.pair.class": "tests.days.hanging:Hangs",
    "strategy.pair.instruments": '["CRUX"]',
    "strategy.pair.parameters": '{ symbol = "CRUX" }',
    "watchdog.restart_within_ms": 1500,
}


# Two processes start, and a third: what a loaded machine takes for it is no fault.
PATIENCE_S = 60.0


class Reported(NamedTuple):
    """A line of the exchange's record of reports."""

    ts: int
    order_id: str
    exec_type: str
    ord_status: str


class WatchedDay(Day):
    """`with WatchedDay(folder) as day:`; the watchdog is up when it is entered."""

    def __init__(self, folder: Path, settings: Mapping[str, object] | None = None) -> None:
        self.reports = folder / "reports.csv"
        self.alarms = folder / "alarms"
        self._alarm = folder / "alarm.sh"
        self._alarm.write_text(f'#!/bin/sh\necho "$1|$2" >> {self.alarms}\n')
        self._alarm.chmod(0o700)
        own = {"watchdog.alarm_command": f'["{self._alarm}"]'}
        exchange = {"exchange.reports": self.reports, "fix.session": SESSIONS}
        super().__init__(folder, {**SETTINGS, **own, **(settings or {})}, exchange=exchange)

    def start(self, settings: Mapping[str, object] | None = None) -> None:
        """The daemon, and at the first time the watchdog."""
        super().start(settings)
        if not hasattr(self, "watchdog"):
            self.watchdog = self._watch()
            self.until("the watchdog's session is up", lambda: "logged on" in self.said, PATIENCE_S)

    def _watch(self) -> subprocess.Popen[bytes]:
        with (self.folder / "watchdog.err").open("wb") as errors:
            return subprocess.Popen(
                self.companion("watchdog"), stderr=errors, start_new_session=True
            )

    def __exit__(self, *error: object) -> None:
        with contextlib.ExitStack() as both:
            both.callback(super().__exit__, *error)  # type: ignore[arg-type]  # what `with` gives
            both.callback(self.end_watchdog)

    def end_watchdog(self) -> int:
        """SIGTERM; its exit code."""
        self.watchdog.terminate()
        return self.watchdog.wait(20)

    @property
    def said(self) -> str:
        """The watchdog's operating log."""
        return (self.folder / "watchdog.err").read_text(errors="replace")

    # ------------------------------------------------------------------ hanging

    def until_resting(self) -> None:
        """Until orders work that only a cancel ends."""
        self.until("8 orders work", lambda: self.status()["orders_working"] >= 8, PATIENCE_S)

    def hang(self, kind: str) -> int:
        """Now, in this way; the host clock before it, ns."""
        pid = self._hung = int(self.status()["pid"])
        before = time.time_ns()
        match kind:
            case "stopped":
                os.kill(pid, signal.SIGSTOP)
            case "killed":
                self.daemon.leave_down()
                os.kill(pid, signal.SIGKILL)
            case _:
                # Nobody answers: who asks is left behind.
                threading.Thread(target=self._tell_to_hang, args=(kind,), daemon=True).start()
        return before

    def put_down(self) -> None:
        """End what was hung, if it is still there: SIGTERM would be waited for in vain."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._hung, signal.SIGKILL)

    def _tell_to_hang(self, kind: str) -> None:
        with contextlib.suppress(NoDaemonError, OSError):
            arguments = {"strategy": "pair", "values": {"hangs": kind}}
            Client(self.control).ask("strategies.params", arguments)

    # ------------------------------------------------------------------ what came of it

    def incidents(self) -> list[dict[str, Any]]:
        """The files, oldest first."""
        folder = self.log / "incidents"
        return [msgspec.json.decode(each.read_bytes()) for each in sorted(folder.glob("*.json"))]

    def until_canceled(self, seconds: float = PATIENCE_S) -> dict[str, Any]:
        """The newest incident, when the watchdog says that nothing works."""

        def canceled() -> dict[str, Any] | None:
            found = self.incidents()
            return found[-1] if found and found[-1]["canceled_ts"] else None

        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (incident := canceled()) is not None:
                return incident
            time.sleep(0.02)
        raise AssertionError(f"nothing was cancelled:\n{self.said[-4000:]}")

    def reported(self) -> Iterator[Reported]:
        """The exchange's reports to the daemon's session, as it made them."""
        with self.reports.open(newline="") as file:
            for row in csv.DictReader(file):
                if row["session"] == OURS and row["cum_qty"] is not None:
                    yield Reported(
                        int(row["ts"]), row["order_id"], row["exec_type"], row["ord_status"]
                    )

    def working_at_exchange(self, until_ts: int | None = None) -> set[str]:
        """Orders that work there by its own record, up to a moment."""
        working: set[str] = set()
        for each in self.reported():
            if until_ts is not None and each.ts > until_ts:
                break
            if each.ord_status in ENDED:
                working.discard(each.order_id)
            elif each.order_id != "0":
                working.add(each.order_id)
        return working

    def until_said(self, text: str, seconds: float = PATIENCE_S) -> None:
        """Until the watchdog's operating log has it."""
        deadline = time.monotonic() + seconds
        while text not in self.said:
            assert time.monotonic() < deadline, f"not said: {text}\n{self.said[-4000:]}"
            time.sleep(0.02)
