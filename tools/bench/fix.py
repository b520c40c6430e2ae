"""P13's kind: NewOrderSingle → ExecutionReport over loopback TCP, both ends ours, in one thread.

Both sides are polled in turn, so that no wake-up is in the figure; the acceptor acknowledges each
order. Python stands between sessions and sockets on both sides, which the daemon's own loop does
without: the figure is an upper bound of one without it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any, Final

from daemon import core
from daemon.log import spec_of
from tools.bench.rows import Row, row_of_samples, runs, with_jitter

RUNS: Final = 5
ORDERS: Final = 400
WARM_UP: Final = 50
POLLS_MAX: Final = 100_000
SOH: Final = "\x01"


class End:
    """A session and the socket that carries its messages."""

    def __init__(
        self,
        session: core.FixSession,
        poll: Callable[[int], list[tuple[Any, ...]]],
        write: Callable[[int, bytes], bool],
    ) -> None:
        self.session = session
        self._poll = poll
        self._write = write
        self._sequence = 0

    def turn(self, now: int) -> list[tuple[Any, ...]]:
        """What arrived goes to the session, what it sends to the socket; the rest is returned."""
        for kind, _, *rest in self._poll(now):
            if kind == "message":
                self.session.received(now, 1, rest[1])
            elif kind == "event" and rest[0] == 0:
                self.session.connected(now)
        return self.flush()

    def flush(self) -> list[tuple[Any, ...]]:
        """Write what the session has to send; what else it says."""
        said = self.session.drain()
        for item in said:
            if item[0] == "tx":
                self._sequence += 1
                if not self._write(self._sequence, item[1]):
                    raise RuntimeError("the socket takes no more")
        return said


class Wire:
    """An initiator and an acceptor, logged on."""

    def __init__(self, now: int) -> None:
        firm, venue = _config(initiator=True), _config(initiator=False)
        self._symbols = core.FixSymbology()
        self._symbols.add(0, "AAA", "0.01", "1", "0.0001")
        listener = core.FixListener("127.0.0.1", 0, [venue])
        client = core.FixConnection(1, "127.0.0.1", listener.port)
        self.firm = End(core.FixSession(firm, self._symbols, now), client.poll, client.write)
        self.venue = End(
            core.FixSession(venue, self._symbols, now),
            listener.poll,
            lambda sequence, message: listener.write(1, sequence, message),
        )
        for _ in range(POLLS_MAX):
            self.firm.turn(now)
            self.venue.turn(now)
            if self.firm.session.logged_on and self.venue.session.logged_on:
                return
        raise RuntimeError("the two sessions did not log on")

    def round_trip(self, now: int, order: bytes, report: bytes) -> int:
        """From the order's record to its ExecutionReport, ns."""
        began = perf_counter_ns()
        self.firm.session.send_order(now, order)
        self.firm.flush()
        for _ in range(POLLS_MAX):
            if any(item[0] == "new_order" for item in self.venue.turn(now)):
                self.venue.session.send_application(now, report)
                self.venue.flush()
            if any(item[0] == "execution" for item in self.firm.turn(now)):
                return perf_counter_ns() - began
        raise RuntimeError("no ExecutionReport arrived")


def rows() -> list[Row]:
    """One row, the round trip in microseconds."""
    now = core.host_now()
    wire = Wire(now)
    number = 0

    def run(orders: int) -> list[float]:
        nonlocal number
        samples = []
        for _ in range(orders):
            number += 1
            cl_ord_id = (1 << 32) | number
            messages = _order(cl_ord_id), _report(now, cl_ord_id)
            samples.append(wire.round_trip(now, *messages) / 1e3)
        return samples

    run(WARM_UP)
    row = Row(
        id="P13",
        name="FIX order → report, loopback, both ends polled in one thread, through Python",
        unit="us",
        goal=40,
    )
    return [with_jitter(row_of_samples(row, [run(ORDERS) for _ in range(runs(RUNS))]), 1e3)]


def _config(*, initiator: bool) -> core.FixSessionConfig:
    config = core.FixSessionConfig()
    config.id, config.begin_string, config.initiator = 1, "FIX.4.4", initiator
    names = ("FIRM", "VENUE")
    config.sender_comp_id, config.target_comp_id = names if initiator else names[::-1]
    return config


def _order(cl_ord_id: int) -> bytes:
    """An ORDER_SUBMITTED payload: 100 at 101.50, a limit for the day."""
    import numpy as np

    record = np.zeros(1, spec_of("ORDER_SUBMITTED").dtype)
    record["cl_ord_id"], record["side"], record["ord_type"] = cl_ord_id, 1, 2
    record["price"], record["order_qty"] = 10_150, 100
    return record.tobytes()


def _report(now: int, cl_ord_id: int) -> bytes:
    """The venue's acknowledgement; its session numbers and dates it."""
    stamp = datetime.fromtimestamp(now / 1e9, UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]
    fields = {
        35: "8", 34: 1, 49: "VENUE", 52: stamp, 56: "FIRM", 37: f"V-{cl_ord_id}",
        11: f"{cl_ord_id:016X}", 17: f"E-{cl_ord_id}", 150: "0", 39: "0", 55: "AAA", 54: 1,
        38: 100, 44: "101.50", 151: 100, 14: 0, 6: 0, 60: stamp,
    }  # fmt: skip
    body = "".join(f"{tag}={value}{SOH}" for tag, value in fields.items())
    whole = f"8=FIX.4.4{SOH}9={len(body)}{SOH}{body}"
    return f"{whole}10={sum(whole.encode()) % 256:03d}{SOH}".encode()
