"""A daemon's process in virtual time: its real start, its real turns, its real log and wire.

What is not here is the event loop, and what hangs on it: control socket, workers, signals. The
connection is a socket in the file system, whose other end the test holds: what was written is there
when a turn has ended, and nothing moves unless it is moved.
"""

from __future__ import annotations

import gc
import json
import os
import socket
from pathlib import Path
from typing import cast

from daemon.app.configuration import Configuration, parse
from daemon.app.connections import connect_sessions
from daemon.app.live import Daemon
from daemon.app.recovery import Recovered
from daemon.core import FeedEvent, Live, MessageKind
from daemon.io.service import OperatingLog
from daemon.log import Frame, LogReader
from daemon.runtime.effects import EnableSession, Ready, Tell
from daemon.runtime.events import NO_ID

TURNS_MAX = 200
CONFIGURATION = """
[daemon]
name = "crash"
runtime_dir = "{root}/run"
seed = {seed}
[core]
orders_max = 4096
[log]
folder = "{root}/log"
segment_size_bytes = 65536
prefault = false
low_disk_bytes = 0
durability_orders = "{durability}"
durability_sessions = "{durability}"
[checkpoint]
every_seconds = 1000000
every_records = 150
[[venue]]
name = "v"
unknown_order = "never_arrived"
[[feed]]
name = "feed"
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
host = "{root}/venue.sock"
port = 1
receive_stamp = "user"
order_types = ["market", "limit"]
mass_requests = ["status"]
[[instrument]]
symbol = "ACME"
feed_symbol = "ACME"
venue = "v"
feed = "feed"
session = "broker"
price_increment = 1
qty_increment = 1
settlement_currency = "USD"
money_scale = 2
fees = {{ maker_rate = 0, taker_rate = 0 }}
[[strategy]]
name = "trader"
class = "tests.crash.trader:Trader"
instruments = ["ACME"]
parameters = {{ symbol = "ACME" }}
[risk]
rates = {{ USD = 1 }}
"""


def configuration_of(root: Path, seed: int, durability: str) -> Configuration:
    """Of one seed's daemon; `durability` of what it sends."""
    text = CONFIGURATION.format(root=root, seed=seed, durability=durability)
    return parse(text, "crash.toml", [])


class Process(Daemon):
    """From its start on; `now` is the clock's first answer, where the log has none later."""

    def __init__(self, configuration: Configuration, now: int) -> None:
        # Its level is all that it is asked for, by an operator whom nobody plays here.
        super().__init__(configuration, cast(OperatingLog, None))
        self.recovered: Recovered | None = None
        self.told: list[Tell] = []
        self._first_now = now
        self._commands = 0
        self._prepare()
        try:
            self.recovered = self._recover()
            self._begin_epoch(self.recovered)
            self.live.claim_fence()
            connect_sessions(self.live, self.configuration)
            self._carry_out_effects()
        except BaseException:
            self._log.close()
            os.close(self._claimed)
            raise

    def _make_live(self, given_time: bool = True) -> Live:
        live = super()._make_live(given_time)
        live.set_time(self._first_now)
        return live

    def _recovering(self, sequence: int) -> None:
        """Nobody waits."""

    def _carry_out_effects(self) -> None:
        for effect in self.wiring.effects.take():
            if isinstance(effect, EnableSession):
                self.live.enable_connection(effect.session, effect.enabled)
            elif isinstance(effect, Ready) and self.phase == "reconciling":
                self._set_phase("ready")
            elif isinstance(effect, Tell):
                self.told.append(effect)

    @property
    def armed(self) -> bool:
        """Whether orders may go."""
        return self.wiring.firm.armed

    def turn(self, now: int) -> None:
        """Turns at this time, until nothing waits; checkpoints as they fall due."""
        self.live.set_time(now)
        for _ in range(TURNS_MAX):
            ended_turn = self.reports.turns.take()
            saveable_at = self._log.last_sequence if ended_turn and self.live.core.settled else 0
            self._carry_out_effects()
            if saveable_at:
                self._checkpoint_if_due(saveable_at)
            if not ended_turn and not self.live.busy:
                return
        raise AssertionError(f"not idle after {TURNS_MAX} turns")

    def sync(self) -> None:
        """Everything is durable: what waits for that may leave in the next turn."""
        assert self._log.wait_durable(self._log.last_sequence)

    def market(self, update: int, snapshot: bool) -> None:
        """The book's next update, which wakes the strategy; a feed begins with a snapshot.

        Before it a trade between others, for what waits for a price.
        """
        bids, asks = '[["9990","5"]]', f'[["10010","{5 + update % 7}"]]'
        now, number = self.live.clock_now(), 100 + update
        if snapshot:
            text = f'{{"lastUpdateId":{number},"bids":{bids},"asks":{asks}}}'
            self.live.push_feed_status(0, int(FeedEvent.CONNECTED))
            self.live.push_market_message(0, now, int(MessageKind.SNAPSHOT), 0, text)
            return
        price = 10_000 + update * 7_919 % 61 - 30
        said = f'"e":"trade","E":1,"s":"ACME","T":1,"t":{number},"p":"{price}","q":"1","m":false'
        self.live.push_market_message(0, now, int(MessageKind.WEBSOCKET), NO_ID, f"{{{said}}}")
        head = f'"e":"depthUpdate","E":1,"s":"ACME","U":{number},"u":{number}'
        text = f'{{{head},"b":{bids},"a":{asks}}}'
        self.live.push_market_message(0, now, int(MessageKind.WEBSOCKET), NO_ID, text)

    def accept(self, report: int) -> None:
        """An operator knows of what this report says."""
        arguments = {"accept": report, "reason": "seen at the venue"}
        said = {"name": "reconcile", "arguments": arguments, "user": "tester", "role": "risk"}
        self._commands += 1
        assert self.live.push_operator(0, 0, self._commands, json.dumps(said))

    @property
    def last_sequence(self) -> int:
        """Of the log."""
        return self._log.last_sequence

    def frames(self, types: list[str]) -> list[Frame]:
        """Of the log as it stands."""
        return list(LogReader(self.log_folder, types=types, committed=True))

    def dispose(self) -> None:
        """The process is no more; its log is what was taken from it before."""
        self._log.close()
        os.close(self._claimed)
        del self.live, self.wiring, self.reports, self._log, self._checkpoints, self._counters
        gc.collect()


class Wire:
    """The venue's end of the connection, and the bytes on their way to the venue."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._listener.setblocking(False)
        self._peer: socket.socket | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection that the venue knows of."""
        return self._peer is not None

    def accept(self) -> bool:
        """True where a connection was waiting."""
        try:
            self._peer, _ = self._listener.accept()
        except BlockingIOError:
            return False
        self._peer.setblocking(False)
        return True

    def read(self) -> tuple[bytes, bool]:
        """What has been written since, whole or not; whether the daemon ended the connection."""
        assert self._peer is not None
        found = b""
        while True:
            try:
                piece = self._peer.recv(1 << 16)
            except BlockingIOError:
                return found, False
            except ConnectionResetError:
                return found, True
            if not piece:
                return found, True
            found += piece

    def write(self, content: bytes) -> None:
        """To the daemon, which reads it in its next turn."""
        assert self._peer is not None
        assert self._peer.send(content) == len(content)

    def drop(self) -> None:
        """End the connection, with all that is on it."""
        if self._peer is not None:
            self._peer.close()
        self._peer = None

    def close(self) -> None:
        """No more connections."""
        self.drop()
        self._listener.close()
