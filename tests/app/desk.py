"""A core on a log of its own, wired as the daemon wires it, with a venue that a test answers for.

The venue is a FIX session of our own code on loopback; the market is pushed by the test.
"""

from __future__ import annotations

import json
import select
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daemon.app.configuration import parse
from daemon.app.connections import connect_sessions
from daemon.app.epoch import EpochStart, append_epoch
from daemon.app.history import history_of
from daemon.app.reports import Reports
from daemon.app.wiring import Wiring
from daemon.core import (
    FeedEvent,
    FixListener,
    FixSession,
    FixSessionConfig,
    FixSymbology,
    Live,
    LogReader,
    LogWriter,
    MessageKind,
    SharedStatus,
)
from daemon.messages import Reply
from daemon.runtime.effects import Effect, EnableSession, SendReply

NO_ID = 0xFFFF_FFFF
SOH = "\x01"
POLLS_MAX = 2000
Held = tuple[int, int, int, int]  # instrument, long, short, settlement price

CONFIGURATION = """
[daemon]
name = "desk"
[log]
folder = "{folder}"
segment_size_bytes = 1048576
low_disk_bytes = 0
[[venue]]
name = "v"
[[feed]]
name = "spot"
kind = "binance"
venue = "v"
market = "spot"
websocket_url = "ws://127.0.0.1"
rest_url = "http://127.0.0.1"
[[session]]
name = "broker"
kind = "fix"
venue = "v"
sender_comp_id = "FIRM"
target_comp_id = "VENUE"
host = "127.0.0.1"
port = {port}
[[instrument]]
symbol = "BTC"
feed_symbol = "BTCUSDT"
venue = "v"
feed = "spot"
session = "broker"
price_increment = 0.1
qty_increment = 0.001
settlement_currency = "USDT"
money_scale = 8
fees = {{ maker_rate = 0.0001, taker_rate = 0.0002 }}
[[instrument]]
symbol = "ETH"
venue = "v"
feed = "spot"
session = "broker"
price_increment = 0.01
[[strategy]]
name = "buyer"
class = "tests.app.trader:Trader"
instruments = ["BTC"]
parameters = {{ symbol = "BTC", price = 1001 }}
[[strategy]]
name = "other"
class = "tests.app.trader:Trader"
instruments = ["ETH"]
parameters = {{ symbol = "ETH", price = 5, qty = 1 }}
[risk]
rates = {{ USDT = 1 }}
[risk.firm]
working_orders_max = 10
daily_loss_max = 5000
[risk.instrument.BTC]
quantity_max = 0.5
[risk.strategy.buyer]
notional_max = 100000
"""

# A second line of the same venue, beside CONFIGURATION.
DROP_COPY = """
[[session]]
name = "copies"
kind = "drop_copy"
copies = "broker"
venue = "v"
sender_comp_id = "FIRM"
target_comp_id = "COPIES"
host = "127.0.0.1"
port = {port}
late_after_ms = 40
"""


class Venue:
    """The other end of the order session."""

    def __init__(self, begin_string: str, name: str = "VENUE") -> None:
        config = FixSessionConfig()
        config.id, config.begin_string, config.initiator = 0, begin_string, False
        config.sender_comp_id, config.target_comp_id = name, "FIRM"
        self._name = name
        self._symbols = FixSymbology()
        self._symbols.add(0, "BTC", "0.1", "0.001", "0.00000001")
        self._symbols.add(1, "ETH", "0.01", "1", "0.01")
        self._config = config
        self.listener = FixListener("127.0.0.1", 0, [config])
        self.session: FixSession | None = None
        self.orders: list[int] = []
        self.cancels: list[tuple[int, int]] = []
        self.replaces: list[tuple[int, int]] = []
        self.held: list[Held] | None = []  # None: the question is not answered
        self.asked: list[int] = []
        self.status_requests: list[int] = []
        self.mass_requests: list[tuple[str, int]] = []  # "status" or "cancel", and its id
        self.logons: list[bytes] = []
        self._sequence = 0
        self._reports = 0

    def poll(self, now: int) -> None:
        if self.session is None:
            self.session = FixSession(self._config, self._symbols, now)
        for kind, _, *rest in self.listener.poll(now):
            if kind == "message":
                self.logons += [rest[1]] if b"\x0135=A\x01" in rest[1] else []
                self.session.received(now, 1, rest[1])
            elif kind == "event" and rest[0] == 0:
                self.session.connected(now)
            elif kind == "event" and rest[0] == 1:
                self.session.disconnected(now)
        self._write(now)

    def _write(self, now: int) -> None:
        assert self.session is not None
        for said in self.session.drain():
            if said[0] == "tx":
                self._sequence += 1
                assert self.listener.write(0, self._sequence, said[1])
            elif said[0] == "new_order":
                self.orders.append(said[1])
            elif said[0] == "cancel":
                self.cancels.append((said[1], said[2]))
            elif said[0] == "replace":
                self.replaces.append((said[1], said[2]))
            elif said[0] == "positions_request":
                self.asked.append(said[1])
                if self.held is not None:
                    self.hold(now, self.held)
            elif said[0] == "status_request":
                self.status_requests.append(said[1])
            elif said[0] in ("mass_status_request", "mass_cancel"):
                self.mass_requests.append((said[0].split("_")[1], said[1]))

    def report(self, now: int, order: int, exec_type: str, ord_status: str, **more: object) -> None:
        """An ExecutionReport about 0.003 BTC bought at 100.1, with these fields besides."""
        assert self.session is not None
        self._reports += 1
        fields = {
            35: "8", 37: "V-1", 11: f"{order:016X}", 17: f"E-{self._reports}", 150: exec_type,
            39: ord_status, 55: "BTC", 54: 1, 38: "0.003", 44: "100.1", 151: "0.003", 14: 0, 6: 0,
            60: _stamp(now), **{int(tag[1:]): value for tag, value in more.items()},
        }  # fmt: skip
        self.say(now, fields)

    def say(self, now: int, fields: dict[int, object]) -> None:
        """An application message of these fields, MsgType first."""
        assert self.session is not None
        header = {35: fields[35], 34: 1, 49: self._name, 52: _stamp(now), 56: "FIRM"}
        body = "".join(f"{tag}={value}{SOH}" for tag, value in (header | fields).items())
        whole = f"8=FIX.4.4{SOH}9={len(body)}{SOH}{body}"
        checksum = sum(whole.encode()) % 256
        assert self.session.send_application(now, f"{whole}10={checksum:03d}{SOH}".encode())
        self._write(now)

    def hold(self, now: int, held: list[Held]) -> None:
        """Answer the newest question for positions."""
        assert self.session is not None
        assert self.session.send_positions(now, self.asked[-1], held)
        self._write(now)


def _stamp(now: int) -> str:
    return datetime.fromtimestamp(now / 1e9, UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]


class Desk:
    """What `Reports` sees of a daemon, driven by the test: `turn`, `until`."""

    def __init__(
        self,
        folder: Path,
        *overrides: str,
        begin_string: str = "FIX.4.4",
        copied: bool = False,
        rehearse_every_ns: int = 0,
    ) -> None:
        """`copied`: with a drop-copy session, which `copy` answers for."""
        (folder / "dialect.toml").write_text("[cancel_on_disconnect]\ntag = 35002\n")
        self.venue = Venue(begin_string)
        self.copy = Venue(begin_string, "COPIES")
        self.effects: list[Effect] = []
        self._commands = 0
        self.log_folder = folder / "log"
        self.log_folder.mkdir(exist_ok=True)
        text = CONFIGURATION.format(folder=self.log_folder, port=self.venue.listener.port)
        if copied:
            text += DROP_COPY.format(port=self.copy.listener.port)
        version = f"session.broker.begin_string={begin_string}"
        self.configuration = parse(text, "desk.toml", [version, *overrides])
        self._log, _ = LogWriter.recover(str(self.log_folder), 1 << 20)
        self.history = history_of(self.log_folder)
        self._status = SharedStatus(str(folder / "status.page"))
        self.live = Live(self._log, self._status, rehearse_every_ns=rehearse_every_ns)
        self.wiring = Wiring(self.live.core, self.configuration)
        self.reports = Reports(self)
        self.phase = "ready"
        self.epoch: EpochStart | None = append_epoch(self.live, self.wiring, None)
        self.reports.turns.take()
        connect_sessions(self.live, self.configuration)
        self._carry_out()

    def _carry_out(self) -> None:
        taken = self.wiring.effects.take()
        self.effects += taken
        for effect in taken:
            if isinstance(effect, EnableSession):
                self.live.enable_connection(effect.session, effect.enabled)

    def turn(self) -> None:
        self.reports.turns.take()
        self._carry_out()
        self.venue.poll(self.live.clock_now())
        self.copy.poll(self.live.clock_now())

    def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(POLLS_MAX):
            self.turn()
            if holds():
                return
            files = [self.live.epoll_fd, self.venue.listener.fileno(), self.copy.listener.fileno()]
            select.select(files, [], [], 0.005)
        raise AssertionError(f"not within {POLLS_MAX} turns")

    def logged_on(self) -> Desk:
        self.until(lambda: self.ask("status").armed)
        return self

    def market(self, symbol: str = "BTCUSDT", bid: str = "100.0", ask: str = "100.1") -> Desk:
        """A book of one level a side, live, with one update."""
        number = 0 if symbol == "BTCUSDT" else 1
        now = self.live.clock_now()
        self.live.push_feed_status(0, int(FeedEvent.CONNECTED))
        snapshot = {"lastUpdateId": 100, "bids": [[bid, "5"]], "asks": [[ask, "4"]]}
        text = json.dumps(snapshot)
        self.live.push_market_message(0, now, int(MessageKind.SNAPSHOT), number, text)
        self.update(symbol, 101, [[bid, "6"]])
        return self

    def update(self, symbol: str, first_id: int, bids: list[list[str]]) -> None:
        """A difference of two update ids, and the turn that applies it."""
        self.push(symbol, first_id, bids)
        self.turn()

    def push(self, symbol: str, first_id: int, bids: list[list[str]]) -> None:
        """The same, to be applied with whatever else waits."""
        ids = {"U": first_id, "u": first_id + 1}
        text = json.dumps({"e": "depthUpdate", "E": 1, "s": symbol, **ids, "b": bids, "a": []})
        now, kind = self.live.clock_now(), int(MessageKind.WEBSOCKET)
        self.live.push_market_message(0, now, kind, NO_ID, text)

    def report(self, exec_type: str, ord_status: str, **more: object) -> None:
        """The venue reports on the first order; turns until the report is in the log."""
        self._report(self.venue, exec_type, ord_status, **more)

    def report_copy(self, exec_type: str, ord_status: str, **more: object) -> None:
        """The same on the drop copy."""
        self._report(self.copy, exec_type, ord_status, **more)

    def _report(self, by: Venue, exec_type: str, ord_status: str, **more: object) -> None:
        before = self.live.stats["fix_inputs"]
        order = self.venue.orders[0]
        by.report(self.live.clock_now(), order, exec_type, ord_status, **more)
        self.until(lambda: self.live.stats["fix_inputs"] > before)

    def command(self, name: str, /, **arguments: object) -> Reply:
        """An operator's command, carried out in the next turn; its reply."""
        said = {"name": name, "arguments": arguments, "user": "tester", "role": "risk"}
        self._commands += 1
        self.live.push_operator(0, 0, self._commands, json.dumps(said))
        self.turn()
        replies = [each.reply for each in self.effects if isinstance(each, SendReply)]
        (reply,) = [each for each in replies if each.command_id == self._commands]
        return reply

    def taken_as_facts(self, folder: Path) -> tuple[Live, Wiring]:
        """Another process, on a log in `folder`, that took this one's log as facts."""
        self._log.close()
        folder.mkdir(parents=True, exist_ok=True)
        live = Live(LogWriter.create(str(folder), 1 << 20), None)
        wiring = Wiring(live.core, self.configuration)
        assert live.apply_facts(LogReader(str(self.log_folder), committed=True)) > 0
        return live, wiring

    def answer(self, name: str, **arguments: object) -> Reply:
        return self.reports.answer(name, arguments)

    def ask(self, name: str, **arguments: object) -> Any:  # noqa: ANN401 - the command's reply
        """The result of a question that is answered."""
        reply = self.answer(name, **arguments)
        assert reply.status == 0, reply.error
        return reply.result
