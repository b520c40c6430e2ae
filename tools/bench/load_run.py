"""One run of the daemon under load: sender, exchange and daemon as processes, over loopback.

The daemon has the first core of those that we may use, sender, exchange and the daemon's other
threads the second. The sender keeps to its schedule; what it sent is compared with what the
daemon's counters, books and log say.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final, Literal

import msgspec

from tools.bench.native import BINARIES
from tools.bench.quickfix_venue import QuickfixVenue
from tools.ctl.client import Client, NoDaemonError
from tools.demo import free_udp_port
from tools.processes import ExchangeProcess, command, on_core, start, stop

SENDER: Final = BINARIES / "pitwire_load"
NOT_BUILT: Final = "not built: make bench (or build the target pitwire_load)"
TRIGGER: Final = "TRIG"
OPENING_PER_SYMBOL: Final = 900  # additions before anything else
READY_SECONDS_MAX: Final = 20.0
TAKEN_SECONDS_MAX: Final = 3.0  # for the daemon to take what waits in its socket
POLL_SECONDS: Final = 0.02
ERRORS_SHOWN: Final = 500
SCHEDULED: Final = ("Submitter", "Rester", "Looper", "Surge", "Sitter")  # trade by their own time

EXCHANGE: Final = """
[exchange]
trades = "{folder}/trades.csv"
wait = "{wait}"
tick_ms = 1000   # where it parks orders wake it; a tick a millisecond would take the sender's core
[[fix.session]]
target_comp_id = "PITWIRE"
[[fix.session]]
target_comp_id = "OTHER"
[fix]
port = 0
[agents]
actions_per_second = {actions}
[[instrument]]
symbol = "{trigger}"
price_increment = 0.01
start_price = {price}
"""

DAEMON: Final = """
[daemon]
name = "load"
runtime_dir = "{folder}/run"
[log]
folder = "{folder}/log"
durability_orders = "{durability}"
durability_sessions = "{durability}"
low_disk_bytes = 0
[core]
orders_max = 1048576
wait = "{wait}"
pin_core = {core}
pin_native = [{other}]
[worker]
processes = 0
[[venue]]
name = "sim"
unknown_order = "never_arrived"
[[feed]]
name = "itch"
kind = "itch_moldudp64"
venue = "sim"
lines = [{{ port = {port} }}]
receive_buffer_bytes = {buffer}
[[session]]
name = "broker"
kind = "fix"
venue = "sim"
sender_comp_id = "PITWIRE"
target_comp_id = "EXCHANGE"
host = "127.0.0.1"
port = {fix}
messages_in_flight_max = 65536
positions = "{positions}"
[risk.firm]
quantity_max = 10
notional_max = 1000000
price_collar_bps = 500
"""
NO_CHECKPOINTS: Final = """
[checkpoint]
every_seconds = 3600
every_records = 1000000000
"""
INSTRUMENT: Final = """
[[instrument]]
symbol = "{symbol}"
venue = "sim"
feed = "itch"
price_increment = 0.01
"""
STRATEGY: Final = """
[[strategy]]
name = "{name}"
class = "tools.bench.load_strategies:{kind}"
instruments = ["{symbol}"]
session = "broker"
parameters = {{ {parameters} }}
"""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. `trader`, of `load_strategies`, trades in the trigger's symbol; `watchers` look
    at a symbol each, conflated.

    Who is `SCHEDULED` sends orders by its own time while the feed goes on; the sender then sleeps
    between datagrams, because the core that it shares is the venue's.
    """

    rate: int  # messages a second
    seconds: int
    per_datagram: int = 1
    symbols: int = 50
    toggle_every: int = 0  # messages; every second one asks for an order
    trader: (
        Literal["Native", "Decider", "Submitter", "Follower", "Rester", "Looper", "Surge", "Sitter"]
        | None
    ) = None
    orders_per_second: int = 0  # of a Submitter
    orders: int = 0  # and of a Rester
    trades_as: str = ""  # more of the trader's parameters, as TOML
    watchers: int = 0
    watcher: Literal["Watcher", "Counter"] = "Watcher"
    wait: Literal["spin", "park"] = "spin"
    venue_wait: Literal["spin", "park"] = "park"
    venue: Literal["pitwire", "quickfix"] = "pitwire"
    venue_trades: bool = False  # agents near our book; else far above it, and orders end unfilled
    durability: Literal["page_cache", "group", "awaited"] = "group"
    buffer_bytes: int = 64 << 20
    checkpoints: bool = False  # as often as without a word in the configuration; else none


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender says; `endings` are symbol, bid, quantity, ask, quantity in cents and lots.

    Datagram k was meant to leave at `start_ns + k * interval_ns` by the host's clock.
    """

    start_ns: int
    interval_ns: int
    messages: int
    datagrams: int
    marks: int  # heartbeats and the end of the session, behind them
    messages_per_datagram: int
    bytes: int
    triggers: int
    lateness_ns_p50: int
    lateness_ns_p99: int
    lateness_ns_max: int
    endings: list[tuple[str, int, int, int, int]]


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over. `lost` says what did not arrive as sent, "" where all did."""

    sent: Sent
    lost: str
    log: Path
    reports: list[Path]  # of the watchers


class RunError(RuntimeError):
    """A process did not do what it is there for; names it, with its last words."""


def cores() -> tuple[int, int]:
    """The daemon's and the others'. RunError where there are not two."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise RunError("needs two cores: one for the daemon, one for sender and exchange")
    return usable[0], usable[1]


@contextlib.contextmanager
def ran(load: Load) -> Iterator[Ran]:
    """Run it to its end; the log is there until the context ends. RunError with the reason."""
    with tempfile.TemporaryDirectory(prefix="pitwire-load-") as name:
        yield Stage(load, Path(name)).run()


class Stage:
    """Sender, exchange and daemon of a load, in this folder; each can be started by itself."""

    def __init__(self, load: Load, folder: Path) -> None:
        self._load, self.folder = load, folder
        self._core, self._other = cores()
        self._port = free_udp_port()
        self._errors = folder / "daemon.err"

    def run(self) -> Ran:
        """Start the three, let the sender send, stop them; what came of it."""
        with contextlib.ExitStack() as stack:
            sender = stack.enter_context(self.sender())
            symbols: list[str] = self.heard(sender)["symbols"]
            exchange = self.exchange()
            stack.callback(exchange.stop)
            exchange.wait_ready()
            daemon = self.daemon(symbols, exchange.ports["fix"])
            stack.callback(stop, daemon)
            try:
                with self.client_of(daemon) as client:
                    self.write(sender, b"\n")
                    sent = msgspec.convert(self.heard(sender), Sent)
                    lost = self._lost(client, sent)
            except NoDaemonError as error:
                raise RunError(str(error)) from None
            stop(daemon)
            if daemon.returncode != 0:
                raise RunError(f"the daemon ended with {daemon.returncode}: {self._last_words()}")
        reports = [self.folder / f"{number}.seen" for number in range(self._load.watchers)]
        return Ran(sent=sent, lost=lost, log=self.folder / "log", reports=reports)

    # ------------------------------------------------------------------ processes

    @contextlib.contextmanager
    def sender(self, session: int = 0, **changes: int) -> Iterator[subprocess.Popen[bytes]]:
        """Says its symbols, then waits for a line; `changes` to its options."""
        load = self._load
        options = {
            "port": self._port,
            "rate": load.rate,
            "seconds": load.seconds,
            "messages-per-datagram": load.per_datagram,
            "symbols": load.symbols,
            "opening": min(load.symbols * OPENING_PER_SYMBOL, load.rate * load.seconds // 2),
            "toggle-every": load.toggle_every,
            "session": session,
            "sleeps": int(load.trader in SCHEDULED),
        }
        words = [str(SENDER)]
        for key, value in {**options, **changes}.items():
            words += [f"--{key}", str(value)]
        if not SENDER.exists():
            raise RunError(NOT_BUILT)
        pipe = subprocess.PIPE
        with on_core(self._other):
            process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe)  # noqa: S603 - our binary
        with process:  # closes its input, by which it ends, and waits
            yield process

    def exchange(self) -> ExchangeProcess | QuickfixVenue:
        """Started, and perhaps not ready yet."""
        if self._load.venue == "quickfix":
            with on_core(self._other):
                return QuickfixVenue(self.folder / "exchange.err")
        config = self.folder / "exchange.toml"
        config.write_text(self._venue())
        with on_core(self._other):
            return ExchangeProcess(config, self.folder / "exchange.err", {})

    def _venue(self) -> str:
        load = self._load
        return EXCHANGE.format(
            folder=self.folder,
            trigger=TRIGGER,
            wait=load.venue_wait,
            actions=1_000 if load.venue_trades else 0.001,
            price="99.00" if load.venue_trades else "200.00",
        )

    def daemon(
        self, symbols: list[str], fix_port: int, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Started, also again on the same log."""
        config = self.folder / "daemon.toml"
        config.write_text(self._configuration(symbols, fix_port))
        with self._errors.open("wb") as errors:
            words = command("run", "-c", str(config))
            return start(words, subprocess.DEVNULL, errors, environment)

    def _configuration(self, symbols: list[str], fix_port: int) -> str:
        load = self._load
        text = DAEMON.format(
            folder=self.folder,
            core=self._core,
            other=self._other,
            port=self._port,
            fix=fix_port,
            wait=load.wait,
            durability=load.durability,
            positions="fix" if load.venue == "pitwire" else "none",  # which QuickFIX has none of
            buffer=load.buffer_bytes,
        )
        text += "" if load.checkpoints else NO_CHECKPOINTS
        text += "".join(INSTRUMENT.format(symbol=symbol) for symbol in symbols)
        if load.trader is not None:
            parameters = f'symbol = "{TRIGGER}"'
            if load.trader == "Submitter":
                parameters += f", per_second = {load.orders_per_second}, orders = {load.orders}"
            parameters += f", {load.trades_as}" if load.trades_as else ""
            if load.trader == "Rester":
                parameters += f', report = "{self.folder}/refused", orders = {load.orders}'
            watched = '", "'.join(symbols) if load.trader == "Follower" else TRIGGER
            text += STRATEGY.format(
                name="trader", kind=load.trader, symbol=watched, parameters=parameters
            )
        for number in range(load.watchers):
            symbol = symbols[number % load.symbols]
            parameters = f'symbol = "{symbol}", report = "{self.folder}/{number}.seen"'
            text += STRATEGY.format(
                name=f"watcher-{number}", kind=load.watcher, symbol=symbol, parameters=parameters
            )
        return text

    # ------------------------------------------------------------------ what they say

    def write(self, sender: subprocess.Popen[bytes], line: bytes) -> None:
        """For it to begin."""
        stream: IO[bytes] = sender.stdin  # type: ignore[assignment]  # a pipe was asked for
        stream.write(line)
        stream.flush()

    def heard(self, sender: subprocess.Popen[bytes]) -> dict[str, Any]:
        """What it says next. RunError where it ends instead."""
        stream: IO[bytes] = sender.stdout  # type: ignore[assignment]  # as above
        line = stream.readline()
        if not line:
            said = sender.communicate()[1].decode().strip()
            raise RunError(f"the sender ended with {sender.returncode}: {said}")
        heard: dict[str, Any] = msgspec.json.decode(line)
        return heard

    def _last_words(self) -> str:
        return self._errors.read_text(errors="replace")[-ERRORS_SHOWN:].strip()

    def client_of(self, daemon: subprocess.Popen[bytes]) -> Client:
        """Once it trades. RunError where it does not within `READY_SECONDS_MAX`."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline and daemon.poll() is None:
            if (client := self._ready()) is not None:
                return client
            time.sleep(POLL_SECONDS)
        raise RunError(f"the daemon was not ready in {READY_SECONDS_MAX:g} s: {self._last_words()}")

    def _ready(self) -> Client | None:
        """A connection, once the venue was asked and orders may go."""
        with contextlib.suppress(NoDaemonError):
            client = Client(self.folder / "run" / "control.sock")
            status = client.ask("status").result
            if status["phase"] == "ready" and status["armed"]:
                return client
            client.close()
        return None

    def _lost(self, client: Client, sent: Sent) -> str:
        """What is not as it was sent, once nothing more comes out of the socket."""
        deadline = time.monotonic() + TAKEN_SECONDS_MAX
        (feed,) = client.ask("feeds").result
        while feed["packets"] < sent.datagrams + sent.marks and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            (feed,) = client.ask("feeds").result
        return not_as_sent(sent, feed, client.ask("market").result)


def not_as_sent(sent: Sent, feed: dict[str, Any], market: list[dict[str, Any]]) -> str:
    """By the daemon's rows of the feed and of every book; "" where all is."""
    for name in ("dropped_by_kernel", "gaps", "lost", "malformed"):
        if feed[name]:
            return f"{name.replace('_', ' ')}: {feed[name]}"
    wanted = sent.datagrams + sent.marks
    if feed["packets"] != wanted:
        return f"{feed['packets']} datagrams arrived of {wanted}"
    books = {row["symbol"]: row for row in market}
    differ = [symbol for symbol, *touch in sent.endings if _touch(books[symbol]) != touch]
    return f"books that end with another touch: {', '.join(differ)}" if differ else ""


def _touch(row: dict[str, Any]) -> list[int]:
    """Bid, quantity, ask, quantity in cents and lots; 0 where there is none."""
    bid, ask = (int(Decimal(row[key] or 0) * 100) for key in ("bid_px", "ask_px"))
    return [bid, int(row["bid_qty"] or 0), ask, int(row["ask_qty"] or 0)]
