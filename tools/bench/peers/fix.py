"""QuickFIX's Python binding: messages made and read, and orders between two processes.

The sessions are as it makes them with the least to do: messages in memory alone, no log, no check
against a dictionary. The acceptor acknowledges each order by one report. Nothing is pinned: each
process has threads of its own, and the two cores.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE
from time import perf_counter_ns, process_time_ns

import quickfix

from tools.bench.peers.protocol import Lap, Measure, samples, serve, value

MESSAGES = 5_000
ROUND_TRIPS = 1_000
WARM_UP = 100
BURST = 5_000
LOGON_S = 20.0
BURST_S = 60.0
STRINGS = (11, 37, 17, 150, 39, 55, 54, 60)
NUMBERS = (38, 44, 31, 32, 151, 14, 6)
REPORT = (
    "35=8|34=1000000|49=VENUE|52=20231114-22:13:20.000000|56=FIRM|6=101.25|11=0000000700000001|14=100"
    "|17=E-1000001|31=101.25|32=100|37=V-1000001|38=100|39=2|40=2|44=101.25|54=1|55=AAA|59=0"
    "|60=20231114-22:13:20.000000|150=F|151=0|851=1|"
)
SETTINGS = """
[DEFAULT]
ConnectionType={type}
HeartBtInt=30
ReconnectInterval=1
NonStopSession=Y
UseDataDictionary=N
SocketNodelay=Y
TimestampPrecision=6
[SESSION]
BeginString=FIX.4.4
SenderCompID={sender}
TargetCompID={target}
SocketConnectHost=127.0.0.1
SocketConnectPort={port}
SocketAcceptPort={port}
"""


# ------------------------------------------------------------------ messages


def new_order(cl_ord_id: str) -> quickfix.Message:
    """The fields of our own order, but for the header's."""
    message = quickfix.Message()
    message.getHeader().setField(quickfix.MsgType("D"))
    message.setField(quickfix.ClOrdID(cl_ord_id))
    message.setField(quickfix.HandlInst("1"))
    message.setField(quickfix.OrderQty(100))
    message.setField(quickfix.OrdType("2"))
    message.setField(quickfix.Price(101.25))
    message.setField(quickfix.Side("1"))
    message.setField(quickfix.Symbol("AAA"))
    message.setField(quickfix.TimeInForce("0"))
    message.setField(quickfix.TransactTime())
    return message


def _encoding(_: str) -> Lap:
    """With what a session adds, as our own does. Processor time, as our row's."""

    def lap() -> dict[str, float]:
        began = process_time_ns()
        for number in range(MESSAGES):
            message = new_order("0000000700000001")
            header = message.getHeader()
            header.setField(quickfix.BeginString("FIX.4.4"))
            header.setField(quickfix.SenderCompID("FIRM"))
            header.setField(quickfix.TargetCompID("VENUE"))
            header.setField(quickfix.MsgSeqNum(number))
            header.setField(quickfix.SendingTime())
            message.toString()
        return value((process_time_ns() - began) / MESSAGES)

    return lap


def _parsing(_: str) -> Lap:
    fields = REPORT.replace("|", "\x01")
    text = f"8=FIX.4.4\x019={len(fields)}\x01{fields}"
    text += f"10={sum(text.encode()) % 256:03d}\x01"

    def lap() -> dict[str, float]:
        began = process_time_ns()
        for _ in range(MESSAGES):
            message = quickfix.Message(text, False)
            for tag in STRINGS:
                message.getField(tag)
            for tag in NUMBERS:
                float(message.getField(tag))
        return value((process_time_ns() - began) / MESSAGES)

    return lap


# ------------------------------------------------------------------ two processes


class _Silent(quickfix.Application):
    def onCreate(self, session: quickfix.SessionID) -> None: ...
    def onLogon(self, session: quickfix.SessionID) -> None: ...
    def onLogout(self, session: quickfix.SessionID) -> None: ...
    def toAdmin(self, message: quickfix.Message, session: quickfix.SessionID) -> None: ...
    def fromAdmin(self, message: quickfix.Message, session: quickfix.SessionID) -> None: ...
    def toApp(self, message: quickfix.Message, session: quickfix.SessionID) -> None: ...


class _Firm(_Silent):
    """Sends orders, and says when the report of the last of them is here."""

    def __init__(self) -> None:
        super().__init__()
        self.session: quickfix.SessionID | None = None
        self.up = threading.Event()
        self.answered = threading.Event()
        self.left = 0
        self.took_us: list[float] = []
        self._sent_ns = 0

    def onLogon(self, _session: quickfix.SessionID) -> None:
        self.session = quickfix.SessionID("FIX.4.4", "FIRM", "VENUE")
        self.up.set()

    def fromApp(self, message: quickfix.Message, _session: quickfix.SessionID) -> None:
        for tag in STRINGS[:6]:
            message.getField(tag)
        self.left -= 1
        if self.left == 0:
            self.took_us.append((perf_counter_ns() - self._sent_ns) / 1e3)
            self.answered.set()

    def send(self, orders: int) -> None:
        """As fast as they can be made; returns with the last report."""
        self.left = orders
        self.answered.clear()
        made = [new_order(f"{number:016X}") for number in range(orders)]
        self._sent_ns = perf_counter_ns()
        for order in made:
            quickfix.Session.sendToTarget(order, self.session)
        if not self.answered.wait(BURST_S):
            raise TimeoutError(f"{self.left} of {orders} reports missing after {BURST_S} s")


class _Venue(_Silent):
    """Acknowledges."""

    def __init__(self) -> None:
        super().__init__()
        self._number = 0

    def fromApp(self, order: quickfix.Message, session: quickfix.SessionID) -> None:
        self._number += 1
        report = quickfix.Message()
        report.getHeader().setField(quickfix.MsgType("8"))
        for tag in (11, 38, 40, 44, 54, 55, 59):
            report.setField(quickfix.StringField(tag, order.getField(tag)))
        report.setField(quickfix.OrderID(f"V-{self._number}"))
        report.setField(quickfix.ExecID(f"E-{self._number}"))
        report.setField(quickfix.ExecType("0"))
        report.setField(quickfix.OrdStatus("0"))
        report.setField(quickfix.LeavesQty(100))
        report.setField(quickfix.CumQty(0))
        report.setField(quickfix.AvgPx(0))
        report.setField(quickfix.TransactTime())
        quickfix.Session.sendToTarget(report, session)


@contextmanager
def _running(application: _Silent, port: int) -> Iterator[None]:
    """An initiator for the firm, an acceptor for the venue."""
    firm = isinstance(application, _Firm)
    kind, names = ("initiator", ("FIRM", "VENUE")) if firm else ("acceptor", ("VENUE", "FIRM"))
    text = SETTINGS.format(type=kind, sender=names[0], target=names[1], port=port)
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
        file.write(text)
        file.flush()
        settings = quickfix.SessionSettings(file.name)
    store = quickfix.MemoryStoreFactory()
    make = quickfix.SocketInitiator if firm else quickfix.SocketAcceptor
    runner = make(application, store, settings)
    runner.start()
    try:
        yield
    finally:
        runner.stop()


def venue(port: int) -> None:
    """The other process: serves until its input ends."""
    with _running(_Venue(), port):
        sys.stdout.write("up\n")
        sys.stdout.flush()
        sys.stdin.read()


@contextmanager
def _logged_on() -> Iterator[_Firm]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-m", __spec__.name, "venue", str(port)]
    firm = _Firm()
    with subprocess.Popen(words, stdin=PIPE, stdout=PIPE) as other:  # noqa: S603 - this module
        if other.stdout is None or other.stdout.readline() != b"up\n":
            raise RuntimeError("the acceptor did not start")
        with _running(firm, port):
            if not firm.up.wait(LOGON_S):
                raise TimeoutError(f"not logged on after {LOGON_S} s")
            yield firm
        other.communicate()


@contextmanager
def _round_trips(_: str) -> Iterator[Lap]:
    with _logged_on() as firm:

        def lap() -> dict[str, float]:
            firm.took_us.clear()
            for _ in range(WARM_UP + ROUND_TRIPS):
                firm.send(1)
            return samples(firm.took_us[WARM_UP:])

        yield lap


@contextmanager
def _bursts(_: str) -> Iterator[Lap]:
    with _logged_on() as firm:

        def lap() -> dict[str, float]:
            firm.took_us.clear()
            firm.send(BURST)
            return value(BURST / firm.took_us[0] * 1e3)

        yield lap


MEASURES = {
    "encode": Measure("ns", _encoding),
    "parse": Measure("ns", _parsing),
    "round-trips": Measure("us", _round_trips),
    "bursts": Measure("k orders/s", _bursts),
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["venue"]:
        venue(int(sys.argv[2]))
        raise SystemExit(0)
    raise SystemExit(serve("quickfix", MEASURES))
