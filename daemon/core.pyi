"""The native core as Python sees it: one section a file of native/bindings, in its order.

Integers are those of the records: prices in increments, quantities in lots, times and durations in
ns, ids dense. A parameter before `/` has no name in the binding. What raises says so.
"""

# ruff: noqa: A002 - parameters are named as the binding names them

from collections.abc import Callable, Mapping, Sequence, Sized
from enum import IntEnum, IntFlag
from typing import Any, ClassVar, Self, overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

# ------------------------------------------------------------------ schema

class FrameClass(IntEnum):
    STRUCTURE = 0
    INPUT = 1
    OUTPUT = 2
    OBSERVATION = 3

class Origin(IntEnum):
    NONE = 0
    MARKET = 1
    OURS = 2
    OPERATOR = 3

class Side(IntEnum):
    NONE = 0
    BUY = 1
    SELL = 2

class OrdType(IntEnum):
    MARKET = 1
    LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4
    MARKET_IF_TOUCHED = 5
    TRAILING_STOP = 6

class TimeInForce(IntEnum):
    DAY = 0
    GTC = 1
    IOC = 3
    FOK = 4
    GTD = 6

class OrderFlag(IntFlag):
    NONE = 0
    POST_ONLY = 1
    REDUCE_ONLY = 2
    NATIVE_RULE = 4
    ADOPTED = 8
    EMULATED = 16

class ExecType(IntEnum):
    NEW = 0
    PARTIAL_FILL = 1
    FILL = 2
    DONE_FOR_DAY = 3
    CANCELED = 4
    REPLACED = 5
    PENDING_CANCEL = 6
    STOPPED = 7
    REJECTED = 8
    SUSPENDED = 9
    PENDING_NEW = 10
    CALCULATED = 11
    EXPIRED = 12
    RESTATED = 13
    PENDING_REPLACE = 14
    TRADE = 15
    TRADE_CORRECT = 16
    TRADE_CANCEL = 17
    ORDER_STATUS = 18

class OrdStatus(IntEnum):
    NEW = 0
    PARTIALLY_FILLED = 1
    FILLED = 2
    DONE_FOR_DAY = 3
    CANCELED = 4
    REPLACED = 5
    PENDING_CANCEL = 6
    STOPPED = 7
    REJECTED = 8
    SUSPENDED = 9
    PENDING_NEW = 10
    CALCULATED = 11
    EXPIRED = 12
    ACCEPTED_FOR_BIDDING = 13
    PENDING_REPLACE = 14

class OrderState(IntEnum):
    NONE = 0
    PENDING_NEW = 1
    WORKING = 2
    PARTIALLY_FILLED = 3
    PENDING_CANCEL = 4
    PENDING_REPLACE = 5
    SUSPENDED = 6
    UNKNOWN = 7
    DENIED = 8
    NOT_SENT = 9
    FILLED = 10
    CANCELED = 11
    REJECTED = 12
    EXPIRED = 13
    DONE_FOR_DAY = 14
    HELD = 15

class OrderEvent(IntEnum):
    SUBMIT = 0
    DENY = 1
    ACKNOWLEDGE = 2
    FILL = 3
    CANCEL_REQUEST = 4
    REPLACE_REQUEST = 5
    CANCELED = 6
    REPLACED = 7
    REJECTED = 8
    CANCEL_REJECTED = 9
    REPLACE_REJECTED = 10
    EXPIRED = 11
    DONE_FOR_DAY = 12
    SUSPENDED = 13
    RESTATED = 14
    BUST = 15
    CORRECT = 16
    STATUS = 17
    CONNECTION_LOST = 18
    NOT_SENT = 19
    UNKNOWN_AT_VENUE = 20
    OPERATOR_CLOSED = 21
    HOLD = 22
    HELD_CHANGED = 23
    HELD_CANCELED = 24
    HELD_EXPIRED = 25

class OrderLane(IntEnum):
    UNKNOWN = 0
    PYTHON = 1
    NATIVE = 2

class OrderAction(IntEnum):
    UNKNOWN = 0
    SUBMIT = 1
    REPLACE = 2
    CANCEL = 3

class WithheldReason(IntEnum):
    KILLED = 1
    LOG_FAILED = 2
    FENCED = 3

class CancelReason(IntEnum):
    STRATEGY = 0
    OPERATOR = 1
    KILL = 2
    SHUTDOWN = 3
    STRATEGY_FAILED = 4
    RISK = 5
    RECOVERY = 6
    DISCONNECT = 7
    CONTINGENCY = 16
    EXPIRED = 17
    REDUCE_ONLY = 18
    IMMEDIATE = 19

class CopyMatch(IntEnum):
    AWAITED = 0
    EQUAL = 1
    PRICE = 2
    QUANTITY = 3
    REPEATED = 4

class DenyReason(IntEnum):
    NONE = 0
    KILLED = 1
    HALTED = 2
    NOT_ARMED = 3
    REDUCING = 4
    UNKNOWN_INSTRUMENT = 5
    INSTRUMENT_NOT_TRADABLE = 6
    SESSION_DOWN = 7
    SESSION_BACKPRESSURE = 8
    BOOK_STALE = 9
    BOOK_GAPPED = 10
    BOOK_CROSSED = 11
    PRICE_NOT_ALLOWED = 12
    TICK_SIZE = 13
    LOT_SIZE = 14
    QUANTITY_MAX = 15
    NOTIONAL_MAX = 16
    PRICE_COLLAR = 17
    POSITION_MAX = 18
    GROSS_NOTIONAL_MAX = 19
    WORKING_ORDERS_MAX = 20
    MESSAGE_RATE = 21
    DUPLICATE = 22
    SELF_TRADE = 23
    DAILY_LOSS = 24
    REDUCE_ONLY = 25
    OVERFLOW = 26
    TABLE_FULL = 27
    UNKNOWN_ORDER = 28
    ORDER_NOT_WORKING = 29
    STRATEGY_STOPPED = 30
    DISK_LOW = 31
    UNSUPPORTED = 32
    POST_ONLY = 33
    SESSION_HELD = 34

class TriggerPriceType(IntEnum):
    NONE = 0
    LAST_TRADE = 2
    BID_ASK = 3
    MID = 6

class PegOffsetType(IntEnum):
    PRICE = 0
    BASIS_POINTS = 1

class ContingencyType(IntEnum):
    NONE = 0
    OCO = 1
    OTO = 2
    OUO = 3

class HeldStatus(IntEnum):
    NONE = 0
    PARENT = 1
    TRIGGER = 2
    LIST = 3
    GATE = 4
    SLICE = 5

class RiskState(IntEnum):
    ACTIVE = 0
    REDUCING = 1
    HALTED = 2

class BookState(IntEnum):
    EMPTY = 0
    RECOVERING = 1
    LIVE = 2
    STALE = 3
    GAPPED = 4
    CROSSED = 5

class QueueState(IntEnum):
    UNTRACKED = 0
    AWAITED = 1
    EXACT = 2
    ESTIMATED = 3
    GONE = 4
    LOST = 5

class TradingState(IntEnum):
    UNKNOWN = 0
    HALTED = 1
    PAUSED = 2
    QUOTATION_ONLY = 3
    TRADING = 4
    AUCTION = 5
    CLOSED = 6

class ProductType(IntEnum):
    LINEAR = 0
    INVERSE = 1
    OPTION = 2
    SPREAD = 3

class FeedEvent(IntEnum):
    CONNECTED = 0
    DISCONNECTED = 1
    GAP = 2
    GAP_FILLED = 3
    GAP_LOST = 4
    SNAPSHOT_BEGIN = 5
    SNAPSHOT_END = 6
    SESSION_CHANGED = 7
    SESSION_ENDED = 8
    MALFORMED = 9

class ConnectionEvent(IntEnum):
    CONNECTED = 0
    DISCONNECTED = 1
    REFUSED = 2
    TLS_FAILED = 3
    GARBLED = 4

class MessageKind(IntEnum):
    WEBSOCKET = 0
    SNAPSHOT = 1
    SUBSCRIPTION = 2

class StrategyStatus(IntEnum):
    STOPPED = 0
    RUNNING = 1
    FAILED = 2

class RecordType(IntEnum):
    """Numbers of records, as in native/schema/records.toml."""

    SEGMENT_END = 1
    EPOCH = 2
    DEFINITION = 3
    SOURCE = 4
    TURN = 5
    TURN_END = 6
    ABANDONED = 7
    CHECKPOINT = 8
    KERNEL_CODE = 9
    TIME = 16
    MARKET_DATAGRAM = 17
    MARKET_MESSAGE = 18
    FEED_STATUS = 19
    FIX_RX = 20
    FIX_CONNECTION = 21
    TX_WRITTEN = 22
    OPERATOR = 23
    KILL = 24
    WORKER_RESULT = 25
    VENUE_REPORT = 26
    TX_WITHHELD = 27
    ORDER_SUBMITTED = 32
    ORDER_DENIED = 33
    CANCEL_REQUESTED = 34
    REPLACE_REQUESTED = 35
    STATUS_REQUESTED = 36
    MASS_CANCEL_REQUESTED = 37
    EXECUTION = 38
    CANCEL_REJECTED = 39
    ORDER_STATE = 40
    FILL = 41
    FIX_TX = 42
    FIX_STATE = 43
    FIX_EVENT = 44
    VENUE_TX = 45
    BAR = 46
    RISK_STATE = 47
    LIMIT_CHANGED = 48
    STRATEGY_STATE = 49
    WORKER_REQUEST = 50
    OPERATOR_REPLY = 51
    BOOK_STATE = 52
    RECONCILIATION = 53
    RULE_STATE = 54
    NOTE = 55
    BOOK_CHECKED = 60
    POSITIONS_REQUESTED = 56
    VENUE_POSITION = 57
    POSITIONS_ANSWERED = 58
    POSITION_ADJUSTED = 59
    KERNEL_STATE = 61
    ORDER_TERMS = 80
    ORDER_HELD = 81
    ORDER_HELD_CHANGED = 82
    ORDER_HELD_ENDED = 83
    CONTINGENCY_BROKEN = 84
    ORDER_ADOPTED = 85
    DROP_COPY = 86
    COPY_ACCEPTED = 87
    ORDER_INSTRUCTIONS = 88
    LOG_SHORTER = 89
    ORDER_LATENCY = 64
    TURN_COST = 65
    COLLECTOR_RUN = 66
    HANDLER_COST = 67

RECORDS: list[dict[str, Any]]
KERNEL_INPUT_FIELDS: list[tuple[str, str, int]]
KERNEL_NOT_FINITE: int
KERNEL_RAISED: int

# ------------------------------------------------------------------ base

class TscClock:
    class Source:
        AUTO: ClassVar[TscClock.Source]
        TSC: ClassVar[TscClock.Source]
        MONOTONIC: ClassVar[TscClock.Source]
        GIVEN: ClassVar[TscClock.Source]

    def __init__(self, floor: int = 0, source: TscClock.Source = ...) -> None: ...
    def now(self) -> int: ...
    def adjust(self) -> int: ...
    def set_floor(self, floor: int) -> None: ...
    @property
    def hz(self) -> int: ...
    @property
    def uses_tsc(self) -> bool: ...

def host_now() -> int: ...

class Histogram:
    def __init__(self) -> None: ...
    def record(self, value_ns: int, count: int = 1) -> None: ...
    def merge(self, other: Histogram) -> None: ...
    def clear(self) -> None: ...
    def percentile(self, percent: float) -> int: ...
    def copy(self) -> Histogram: ...
    def serialise(self) -> bytes: ...
    @staticmethod
    def deserialise(data: Buffer, /) -> Histogram: ...
    @property
    def count(self) -> int: ...
    @property
    def sum(self) -> int: ...
    @property
    def min(self) -> int: ...
    @property
    def max(self) -> int: ...
    @property
    def mean(self) -> float: ...
    @property
    def saturated(self) -> int: ...

class SharedCounter:
    def add(self, n: int = 1) -> None: ...
    def set(self, value: int) -> None: ...
    @property
    def value(self) -> int: ...

class SharedCounters:
    def __init__(
        self, path: str, counters_max: int = 1024, histograms_max: int = 32, mode: int = 0o640
    ) -> None: ...
    def counter(self, name: str) -> SharedCounter: ...
    def histogram(self, name: str) -> Histogram: ...

class SharedCountersReader:
    def __init__(self, path: str) -> None: ...
    def counters(self) -> list[tuple[str, int]]: ...
    def histograms(self) -> list[tuple[str, Histogram]]: ...
    @property
    def writer_pid(self) -> int: ...

class TouchWriterState:
    LIVE: ClassVar[TouchWriterState]
    ENDED: ClassVar[TouchWriterState]
    REPLACED: ClassVar[TouchWriterState]
    @property
    def name(self) -> str: ...

# version, bid (px, qty, orders), ask (px, qty, orders), ts_event, ts_recv, sequence, book state,
# trading state
_TouchFields = tuple[int, int, int, int, int, int, int, int, int, int, int, int]

class TouchReader:
    """Best bids and asks that another process publishes (docs/touch.md).

    RuntimeError with path and reason where there is no such file, it is none of these or of another
    version.
    """

    def __init__(self, path: str) -> None: ...
    def __len__(self) -> int: ...
    def row(self, at: int) -> tuple[str, int, int, int, int]:
        """Symbol, price increment as mantissa and exponent, quantity increment the same."""
    def read(self, at: int) -> _TouchFields | None:
        """The newest touch, never a mixture of two; None where its writer stands still in it."""
    def alive(self, now: int, silence_max_ns: int) -> bool:
        """LIVE, and its newest turn is not longer ago; both of the host's clock."""
    @property
    def state(self) -> TouchWriterState: ...
    @property
    def pid(self) -> int: ...
    @property
    def epoch(self) -> int: ...
    @property
    def started_ts(self) -> int: ...
    @property
    def alive_ts(self) -> int:
        """When the writer's newest turn was."""

class WakeSource:
    def ready(self) -> bool: ...

class Inbox(WakeSource):
    def __init__(self, capacity_bytes: int) -> None: ...
    def push(self, kind: int, source: int, ts_recv: int, data: Buffer, /) -> bool: ...
    def poll(self, budget: int) -> list[tuple[int, int, int, bytes]]: ...
    @property
    def message_bytes_max(self) -> int: ...
    @property
    def capacity_bytes(self) -> int: ...
    @property
    def used_bytes(self) -> int: ...
    @property
    def peak_bytes(self) -> int: ...
    @property
    def refused(self) -> int: ...

class TuningResult:
    def __bool__(self) -> bool: ...
    @property
    def ok(self) -> bool: ...
    @property
    def reason(self) -> str: ...

def pin_thread(cores: Sequence[int]) -> TuningResult: ...
def allowed_cores() -> list[int]: ...
def lock_memory() -> TuningResult: ...
def prefault_stack(size_bytes: int) -> None: ...
def name_thread(name: str) -> TuningResult: ...
def thread_count() -> int: ...
def thread_names() -> list[str]: ...
def is_real_time() -> bool: ...

# ------------------------------------------------------------------ wire

class SharedStatus:
    def __init__(self, path: str, mode: int = 0o640) -> None: ...
    @staticmethod
    def open(path: str, writable: bool = False) -> SharedStatus: ...
    def heartbeat(self, turn: int, ts_core: int) -> None: ...
    def set_positions(self, committed: int, durable: int) -> None: ...
    def set_phase(self, phase: int) -> None: ...
    def kill(self, uid: int = 0xFFFFFFFF) -> int: ...
    def clear_kill(self) -> None: ...
    def acquire_fence(self) -> int: ...
    def holds(self, token: int) -> bool: ...
    @property
    def killed(self) -> bool: ...
    @property
    def pid(self) -> int: ...
    @property
    def phase(self) -> int: ...
    @property
    def started_ts(self) -> int: ...
    @property
    def turn(self) -> int: ...
    @property
    def turn_ts(self) -> int: ...
    @property
    def committed_sequence(self) -> int: ...
    @property
    def durable_sequence(self) -> int: ...
    @property
    def kill_word(self) -> int: ...
    @property
    def kill_uid(self) -> int: ...
    @property
    def kill_ts(self) -> int: ...
    @property
    def fence(self) -> int: ...

class KillSocket(WakeSource):
    def __init__(
        self,
        path: str,
        status: SharedStatus,
        mode: int = 0o600,
        uids_allowed: Sequence[int] = (),
        gids_allowed: Sequence[int] = (),
    ) -> None: ...
    def seen(self) -> None: ...
    @property
    def refused(self) -> int: ...

class WaitMode:
    PARK: ClassVar[WaitMode]
    SPIN: ClassVar[WaitMode]
    SPIN_THEN_PARK: ClassVar[WaitMode]

WAIT_TIMEOUT: int
WAIT_NATIVE: int
WAIT_LOOP: int

class Waiter:
    def __init__(self) -> None: ...
    @overload
    def add(self, fd: int, want_output: bool = False) -> None: ...
    @overload
    def add(self, source: WakeSource) -> None: ...
    def modify(self, fd: int, want_output: bool) -> None: ...
    @overload
    def remove(self, fd: int) -> None: ...
    @overload
    def remove(self, source: WakeSource) -> None: ...
    def watch_loop(self, backend_fd: int) -> None: ...
    def arm(self) -> bool: ...
    def disarm(self) -> None: ...
    def wait(self, mode: WaitMode, spin_ns: int, timeout_ns: int) -> int: ...
    @property
    def epoll_fd(self) -> int: ...

class Endpoint:
    address: str
    port: int
    def __init__(self, address: str = "", port: int = 0) -> None: ...

class FeedLineSocket:
    endpoint: Endpoint
    interface: str
    def __init__(self, endpoint: Endpoint, interface: str = "") -> None: ...

class SnapshotConfig:
    timeout_ns: int
    def __init__(self, server: Endpoint, username: str = "", password: str = "") -> None: ...

class FeedSequencerConfig:
    session: str
    first_sequence: int
    snapshot_first: bool
    held_max: int
    grace_ns: int
    request_timeout_ns: int
    attempts_max: int
    request_messages_max: int
    gap_messages_max: int
    snapshot_retry_ns: int
    silence_ns: int
    def __init__(self) -> None: ...

class FeedLineConfig:
    lines: list[FeedLineSocket]
    retransmission: Endpoint | None
    snapshot: SnapshotConfig | None
    sequencing: FeedSequencerConfig
    receive_buffer_bytes: int
    busy_poll_us: int
    kernel_stamps: bool
    datagram_bytes_max: int
    def __init__(self, feed_id: int, lines: Sequence[FeedLineSocket], /) -> None: ...

class FeedLine:
    def __init__(self, config: FeedLineConfig) -> None: ...
    def poll(self, now: int, budget: int) -> list[tuple[Any, ...]]: ...
    def port(self, line: int) -> int: ...
    def stats(self) -> dict[str, Any]: ...
    @property
    def epoll_fd(self) -> int: ...
    @property
    def session(self) -> str: ...
    @property
    def next_sequence(self) -> int: ...
    @property
    def next_deadline(self) -> int: ...

# ------------------------------------------------------------------ market

_Top = tuple[int | None, int, int | None, int, int, int]

_Levels = list[tuple[int, int, int]]
L2_DELTA: np.dtype[np.void]
L3_DELTA: np.dtype[np.void]
BOOK_ROW: np.dtype[np.void]

class DecodeStatus(IntEnum):
    OK = 0
    SKIPPED = 1
    TRUNCATED = 2
    MALFORMED = 3
    UNKNOWN_TYPE = 4
    UNKNOWN_ORDER = 5
    DUPLICATE_ORDER = 6
    QTY_EXCEEDED = 7
    INEXACT = 8
    OUT_OF_RANGE = 9
    STALE = 10
    BUFFERED = 11
    GAP = 12
    NO_INSTRUMENT = 13

class L2Book:
    def __init__(self) -> None: ...
    def set(self, side: int, px: int, qty: int, ts_event: int = 0, /) -> bool: ...
    def apply(self, deltas: NDArray[np.void]) -> bool: ...
    def clear(self, ts_event: int = 0) -> None: ...
    def top(self) -> _Top: ...
    def levels(self, side: int, depth: int) -> _Levels: ...
    def level_count(self, side: int) -> int: ...
    def record(self, depth: int, every_ns: int = 0) -> None: ...
    def take_rows(self) -> NDArray[np.void]: ...

class L3Book:
    def __init__(self, orders_expected: int = 1024) -> None: ...
    def apply(self, deltas: NDArray[np.void]) -> int: ...
    def add(self, ref: int, side: int, px: int, qty: int, ts_event: int = 0) -> int: ...
    def execute(self, ref: int, qty: int, ts_event: int = 0) -> int: ...
    def remove(self, ref: int, ts_event: int = 0) -> int: ...
    def top(self) -> _Top: ...
    def levels(self, side: int, depth: int) -> _Levels: ...
    def level_count(self, side: int) -> int: ...
    def order_count(self) -> int: ...
    def qty_ahead(self, ref: int) -> int: ...
    def counts(self) -> dict[str, int]: ...
    def record(self, depth: int, every_ns: int = 0) -> None: ...
    def take_rows(self) -> NDArray[np.void]: ...

class ItchBooks:
    def __init__(self, orders_expected: int = 65536, map_all: bool = False) -> None: ...
    def map_symbol(self, symbol: str, increment: int = 1) -> None: ...
    def set_midnight(self, midnight: int) -> None: ...
    def feed(self, data: Buffer) -> int: ...
    def apply_message(self, message: Buffer) -> int: ...
    def apply_datagram(self, datagram: Buffer) -> int: ...
    def top(self, symbol: str) -> _Top: ...
    def levels(self, symbol: str, side: int, depth: int) -> _Levels: ...
    def level_count(self, symbol: str, side: int) -> int: ...
    def order_count(self, symbol: str) -> int: ...
    def qty_ahead(self, symbol: str, ref: int) -> int: ...
    def symbols(self) -> list[str]: ...
    def messages(self) -> int: ...
    def counts(self) -> dict[str, int]: ...
    def types(self) -> dict[str, int]: ...
    def record(self, depth: int, every_ns: int = 0) -> None: ...
    def take_rows(self) -> NDArray[np.void]: ...

class BinanceBooks:
    def __init__(self) -> None: ...
    def map_symbol(
        self,
        symbol: str,
        instrument: int,
        price_increment: tuple[int, int],
        qty_increment: tuple[int, int],
        kind: int,
    ) -> None: ...
    def on_message(self, message: Buffer) -> int: ...
    def on_snapshot(self, instrument: int, message: Buffer) -> int: ...
    @staticmethod
    def is_snapshot(message: Buffer) -> bool: ...
    def top(self, instrument: int) -> _Top: ...
    def levels(self, instrument: int, side: int, depth: int) -> _Levels: ...
    def level_count(self, instrument: int, side: int) -> int: ...
    def ticker(self, instrument: int) -> tuple[int, int, int, int, int, int]: ...
    def state(self, instrument: int) -> int: ...
    def update_id(self, instrument: int) -> int: ...
    def gaps(self, instrument: int) -> int: ...
    def checks(self, instrument: int) -> tuple[int, int]: ...
    def trades(self) -> int: ...
    def reason(self) -> str: ...
    def disconnected(self) -> None: ...
    def record(self, depth: int, every_ns: int = 0) -> None: ...
    def take_rows(self) -> NDArray[np.void]: ...

# ------------------------------------------------------------------ log

class LogError(RuntimeError): ...

class LogReader:
    def __init__(self, folder: str, committed: bool = False) -> None: ...
    def read_batch(self, limit: int, types: Sequence[int] = ()) -> tuple[bytes, bytes]: ...
    def seek(self, sequence: int) -> bool: ...
    @property
    def status(self) -> str: ...
    @property
    def error(self) -> tuple[str, int, str]: ...
    @property
    def last_sequence(self) -> int: ...
    @property
    def durable_sequence(self) -> int: ...
    @property
    def segment_index(self) -> int: ...
    @property
    def offset(self) -> int: ...

class ReaderRegistration:
    def __init__(self, folder: str, name: str) -> None: ...
    @property
    def position(self) -> int: ...
    def update(self, sequence: int) -> bool: ...
    def forget(self) -> None: ...

class LogWriter:
    @staticmethod
    def create(
        folder: str, segment_size_bytes: int = 268435456, log_uuid: bytes = b""
    ) -> LogWriter: ...
    @staticmethod
    def recover(
        folder: str,
        segment_size_bytes: int = 268435456,
        prefault: bool = True,
        retain_bytes: int = 0,
        retain_days: int = 0,
        low_disk_bytes: int = 1073741824,
        sync_market: bool = True,
        sync_orders: bool = True,
        sync_sessions: Sequence[bool] = ...,
    ) -> tuple[LogWriter, dict[str, Any]]:
        """Frames of a class that is not synced ask for none; they go along with those that do."""
    def append(
        self,
        type: int,
        ts_core: int,
        payload: bytes,
        frame_class: int,
        origin: int = 0,
        source: int = 0,
    ) -> int: ...
    def skip_sequences(self, count: int) -> None: ...
    def wait_durable(self, sequence: int) -> bool: ...
    @property
    def last_sequence(self) -> int: ...
    @property
    def last_ts_core(self) -> int: ...
    @property
    def durable_sequence(self) -> int: ...
    @property
    def bytes_appended(self) -> int: ...
    @property
    def disk_low(self) -> bool: ...
    @property
    def segment_index(self) -> int: ...
    @property
    def failed(self) -> bool: ...
    @property
    def failure(self) -> str: ...
    def close(self) -> bool: ...

def verify_log(folder: str, progress: Callable[[int], None]) -> dict[str, Any]: ...

# ------------------------------------------------------------------ engine

class NativeOrder:
    """An order, read anew at each access; as last seen once the table has recycled it."""

    @property
    def order(self) -> int: ...
    @property
    def cl_ord_id(self) -> int: ...
    @property
    def instrument(self) -> int: ...
    @property
    def strategy(self) -> int: ...
    @property
    def session(self) -> int: ...
    @property
    def side(self) -> int: ...
    @property
    def ord_type(self) -> int: ...
    @property
    def time_in_force(self) -> int: ...
    @property
    def flags(self) -> int: ...
    @property
    def state(self) -> int: ...
    @property
    def price(self) -> int: ...
    @property
    def stop_px(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def display_qty(self) -> int:
        """What is shown of it at a time, 0: all."""

    @property
    def slice(self) -> tuple[int, int] | None:
        """Of an order that the daemon shows in slices: the quantity of the one at the venue and
        what is filled of it; (0, 0) between two."""

    @property
    def waits_for(self) -> int:
        """The DenyReason with which the gate holds a held order back, else 0."""

    @property
    def terms(self) -> tuple[int, int, int, int, int, int, int, int] | None:
        """Of a kept order: OrdType as asked for, TriggerPriceType, offset and its PegOffsetType,
        list, ContingencyType, parent, quantity as asked for."""

    @property
    def order_qty(self) -> int: ...
    @property
    def cum_qty(self) -> int: ...
    @property
    def leaves_qty(self) -> int: ...
    @property
    def tag(self) -> int: ...
    @property
    def cause(self) -> int: ...
    @property
    def avg_px(self) -> float: ...
    @property
    def queue(self) -> tuple[int, int, int]:
        """QueueState, quantity ahead, orders ahead (-1 where the book knows quantities only)."""
    @property
    def order_id(self) -> str: ...

class NativePosition:
    """A strategy's or the firm's holding in an instrument, read anew at each access."""

    @property
    def net_qty(self) -> int: ...
    @property
    def lowest_qty(self) -> int: ...
    @property
    def highest_qty(self) -> int: ...
    @property
    def avg_px(self) -> float: ...
    @property
    def mark_px(self) -> int | None: ...
    @property
    def realised_pnl(self) -> int: ...
    @property
    def unrealised_pnl(self) -> int: ...
    @property
    def fees(self) -> int: ...

class Core:
    """The deterministic core of a Live or a Replay, which owns it."""

    # -------------------------------------------------- the turn

    @property
    def now(self) -> int: ...
    @property
    def turn(self) -> int: ...
    def take_events(self) -> list[tuple[int, int, int, tuple[int, ...], str]]: ...
    def forget_events(self) -> None: ...
    def end_turn(self) -> None: ...
    @property
    def settled(self) -> bool: ...
    def save(self) -> bytes: ...
    def restore(self, saved: bytes, /) -> bool: ...
    def restore_facts(self, saved: bytes, /) -> bool: ...

    # -------------------------------------------------- definitions, before the first input

    def define_feed(self, id: int, kind: int, midnight_offset_ns: int = 0) -> None: ...
    def define_instrument(self, spec: dict[str, Any], /) -> None: ...
    def define_strategy(self, id: int, name: str, /) -> None: ...
    def define_kernel(
        self, strategy: int, name: str, state: int, parameters: int, object: bytes, /
    ) -> None: ...
    def define_fix_session(
        self, spec: dict[str, Any], instruments: list[dict[str, Any]], rules: dict[str, int], /
    ) -> None: ...
    def define_drop_copy(self, line: int, copied: int, by_order: bool, /) -> None: ...
    def define_venue_session(self, id: int, rules: dict[str, int], /) -> None: ...
    def configure_limit(self, name: str, strategy: int, instrument: int, value: int, /) -> int: ...

    # -------------------------------------------------- market and sessions

    @property
    def slots(self) -> memoryview: ...
    def levels(self, instrument: int, side: int, depth: int, /) -> list[tuple[int, int]]: ...
    def book_checks(self, instrument: int, /) -> tuple[int, int]:
        """How often the book was compared with the venue's own best bid and ask at the same update
        id, and how often it differed; both 0 where the venue announces none."""

    def symbol(self, instrument: int, /) -> str: ...
    def session_state(self, session: int, /) -> tuple[bool, bool, int, int, int]:
        """(connected, logged on, next sender number, next target number, credits)."""

    def session_logon(self, session: int, /) -> None: ...
    def session_logout(self, session: int, reason: str, /) -> None: ...
    def session_activity(self, session: int, /) -> dict[str, Any]:
        """What an operator sees of it; changes nothing."""

    def session_set_numbers(self, session: int, next_sender: int, next_target: int) -> bool:
        """0 leaves one as it is. False, and nothing changed, while it is logged on."""

    def session_reset_numbers(self, session: int) -> bool:
        """Both begin at 1 now. False, and nothing changed, while it is connected."""

    def session_hold(self, session: int, held: bool) -> bool:
        """New orders of a held session are denied."""

    # -------------------------------------------------- orders and positions

    def new_cl_ord_id(self) -> int: ...
    def submit(
        self,
        cl_ord_id: int,
        strategy: int,
        instrument: int,
        session: int,
        side: int,
        ord_type: int,
        time_in_force: int,
        flags: int,
        price: int,
        stop_px: int,
        order_qty: int,
        expire_ts: int,
        tag: int,
        /,
    ) -> bool: ...
    def would_pass(
        self,
        cl_ord_id: int,
        strategy: int,
        instrument: int,
        session: int,
        side: int,
        ord_type: int,
        time_in_force: int,
        flags: int,
        price: int,
        stop_px: int,
        order_qty: int,
        expire_ts: int,
        tag: int,
        /,
    ) -> bool:
        """What `submit` would answer now; nothing is sent."""

    def submit_kept(
        self,
        cl_ord_id: int,
        strategy: int,
        instrument: int,
        session: int,
        side: int,
        ord_type: int,
        time_in_force: int,
        flags: int,
        price: int,
        stop_px: int,
        order_qty: int,
        expire_ts: int,
        tag: int,
        parent: int,
        sibling: int,
        contingency: int,
        trigger: int,
        peg_offset: int,
        peg_offset_type: int,
        display_qty: int,
        /,
    ) -> bool: ...
    def cancel(self, order: int, reason: int, /) -> bool: ...
    def replace(self, order: int, price: int, qty: int, stop_px: int | None = None) -> bool: ...
    def end_day(self, session: int, /) -> None:
        """What is held for the day only expires."""

    @property
    def contingencies_broken(self) -> int:
        """How often more of a list traded than it allows."""

    def cancel_all(self, strategy: int | None, instrument: int | None, reason: int, /) -> int: ...
    def cancel_session(self, session: int, reason: int, /) -> int: ...
    def request_status(self, order: int, /) -> bool:
        """False where it is over, has no name that the venue knows, or its session is down."""

    def request_all_status(self, session: int, /) -> int:
        """Of every order that works at the venue; the request's id, 0 where it was not sent."""

    def in_flight(self, session: int, /) -> list[tuple[int, int]]: ...
    def unaccepted(self, session: int, /) -> list[NativeOrder]: ...
    def lost(self, session: int, /) -> tuple[int, int] | None:
        """Our next MsgSeqNum and the venue's, where it has had messages that our log has not."""

    def copies(
        self, line: int, /
    ) -> list[tuple[str, int, int, int, int, int, bool, bool, int, int, int, int, int]]: ...
    def accept_copy(self, line: int, report: int, exec_id: str, side: int, /) -> bool: ...
    def request_positions(self, session: int, /) -> int:
        """The question's number; 0 where the session does not take it."""

    def adjust_position(
        self, session: int, instrument: int, change: int, px: int, report: int, /
    ) -> None:
        """An operator accepted a venue's position: book lots to no strategy, at this price."""

    def price_of(self, instrument: int, settl_px: int, /) -> int:
        """Of the market, else the venue's; 0 where neither is known."""

    def close_order(self, order: int, /) -> bool: ...
    def order(self, cl_ord_id: int, /) -> NativeOrder | None:
        """By any of its ClOrdIDs."""

    def working(self, strategy: int | None, instrument: int | None, /) -> list[NativeOrder]: ...
    def orders(
        self, strategy: int | None, instrument: int | None, finished: bool, /
    ) -> list[NativeOrder]: ...
    def position(self, strategy: int, instrument: int, /) -> NativePosition: ...
    @property
    def orders_working(self) -> int: ...
    @property
    def orders_unknown(self) -> int: ...

    # -------------------------------------------------- risk

    def explain(self, cl_ord_id: int, /) -> list[dict[str, Any]]:
        """Every check as if an order of the table were submitted now; empty where unknown."""

    def explain_request(
        self,
        strategy: int,
        instrument: int,
        session: int,
        side: int,
        ord_type: int,
        time_in_force: int,
        flags: int,
        price: int,
        stop_px: int,
        order_qty: int,
        /,
    ) -> list[dict[str, Any]]:
        """Every check of a request as the gate would do it now."""

    def limits(self) -> list[tuple[str, str, int, int, int]]:
        """(name, unit, strategy, instrument, value) of every limit that is set."""

    def risk_state(self, strategy: int, /) -> tuple[int, bool, bool, int, int, int]:
        """(RiskState, armed, killed, working orders, PnL, the day's loss)."""

    def set_risk_state(self, strategy: int, state: int, armed: bool, reason: str, /) -> None: ...
    def clear_kill(self) -> None: ...
    def set_limit(self, name: str, strategy: int, instrument: int, value: int, /) -> int: ...

    # -------------------------------------------------- subscriptions, timers, rules

    def subscribe_book(self, strategy: int, instrument: int, every_update: bool, /) -> None: ...
    def subscribe_trades(self, strategy: int, instrument: int, /) -> None: ...
    def subscribe_bars(self, strategy: int, instrument: int, seconds: int, /) -> None: ...
    def forget_strategy(self, strategy: int, /) -> None: ...
    def arm_timer(self, id: int, strategy: int, deadline: int, period_ns: int, /) -> None: ...
    def cancel_timer(self, id: int, /) -> None: ...
    def timer_armed(self, id: int, /) -> bool: ...
    def arm_rule(
        self,
        strategy: int,
        name: str,
        instrument: int,
        session: int,
        signal: int,
        comparison: int,
        threshold: float,
        side: int,
        qty: int,
        max_position: int,
        price_offset: int,
        cooldown_ns: int,
        /,
    ) -> None: ...
    def disarm_rule(self, strategy: int, name: str, /) -> bool: ...

    # -------------------------------------------------- kernels

    @property
    def kernel_values(self) -> memoryview: ...
    def kernels(self, strategy: int, /) -> list[tuple[int, str, bool, int, list[float], float]]: ...
    def kernel_slot(self, strategy: int, instrument: int, name: str, /) -> int: ...
    def run_kernel(self, slot: int, parameters: Sequence[float], /) -> None: ...

    # -------------------------------------------------- records; text is UTF-8 where bytes

    def strategy_state(self, strategy: int, status: int, json: str | bytes, /) -> None: ...
    def worker_request(self, request_id: int, strategy: int, json: str | bytes, /) -> None: ...
    def operator_reply(self, command_id: int, status: int, json: str | bytes, /) -> None: ...
    def reconciliation(
        self, session: int, differences: int, accepted: bool, json: str | bytes, /
    ) -> None: ...
    def note(self, strategy: int, severity: int, text: str, /) -> None: ...

class HandlerTimes:
    def __init__(self, mailbox: object, budget_ns: int) -> None: ...
    def __call__(self, message: object, /) -> None: ...
    def take(self) -> tuple[int, int, int, int]: ...
    @property
    def histogram(self) -> Histogram: ...
    @property
    def over_budget(self) -> int: ...
    @property
    def budget_ns(self) -> int: ...

class Delivery:
    observe: Callable[[int, int, int, Any], None] | None
    def __init__(
        self,
        core: Core,
        messages: Sequence[type],
        members: Sequence[Sequence[Any]],
        symbols: Sequence[str],
        mailboxes: Sequence[Any],
        failed: Callable[[Any, Exception], None],
        queue: Sized,
    ) -> None: ...
    def run(self) -> bool: ...

class BookSlot:
    """(core, instrument): its touch, read anew at each look; more arguments are a subclass's."""

    def __new__(cls, core: Core, instrument: int, /, *more: object) -> Self: ...
    @property
    def bid_px(self) -> int:
        """0 while there is no bid; `ask_px` alike."""

    @property
    def bid_qty(self) -> int: ...
    @property
    def ask_px(self) -> int: ...
    @property
    def ask_qty(self) -> int: ...
    @property
    def mid(self) -> float:
        """NaN where a side is empty."""

    @property
    def spread(self) -> int:
        """0 where a side is empty."""

    @property
    def state_number(self) -> int:
        """BookState."""

    @property
    def trading_number(self) -> int:
        """TradingState."""

    @property
    def ts_event(self) -> int: ...
    @property
    def ts_core(self) -> int: ...

class SignalSlot:
    """(core, instrument): its signals, read anew at each look; more arguments are a subclass's."""

    def __new__(cls, core: Core, instrument: int, /, *more: object) -> Self: ...
    @property
    def mid(self) -> float: ...
    @property
    def microprice(self) -> float: ...
    @property
    def spread(self) -> float: ...
    @property
    def imbalance(self) -> float: ...
    @property
    def ofi(self) -> float: ...
    @property
    def volatility(self) -> float: ...
    @property
    def trade_flow(self) -> float: ...
    @property
    def trade_rate(self) -> float: ...

class Turns:
    turn: Histogram
    native: Histogram
    python: Histogram
    rehearsal: Callable[[], None] | None
    """Called while there is no work, wherever the core rehearses."""

    def __init__(self, live: Live, phase: object) -> None: ...
    def take(self, turns_max: int = 1, spin_ns: int = 0) -> bool: ...
    @property
    def idle(self) -> bool: ...
    def take_cost(self) -> tuple[int, tuple[int, int, int, int]] | None: ...

LATENCY_STAGES: tuple[tuple[str, str, str], ...]  # name, and fields of ORDER_LATENCY: from, to

class Live:
    """A core on a log, with its edge."""

    def __init__(
        self,
        log: LogWriter,
        status: SharedStatus | None,
        orders_max: int = 65536,
        turn_records_max: int = 2048,
        operator_quota: int = 16,
        session_quota: int = 64,
        market_quota: int = 64,
        inbox_bytes: int = 16777216,
        thread_wait: int = 0,
        thread_spin_ns: int = 50000,
        rehearse_every_ns: int = 0,
        given_time: bool = False,
    ) -> None: ...
    @property
    def core(self) -> Core: ...
    def drain(self) -> bool: ...
    @property
    def busy(self) -> bool: ...
    @property
    def epoll_fd(self) -> int: ...
    def until_due_ns(self) -> int: ...
    def watch(self, source: WakeSource, /) -> None: ...
    def arm(self) -> bool: ...
    def disarm(self) -> None: ...
    def watch_loop(self, backend_fd: int, /) -> None: ...
    def adjust_clock(self) -> int: ...
    def clock_now(self) -> int: ...
    def set_time(self, now: int, /) -> None:
        """On given time (else ValueError): what the clock says from now on. It never goes back."""

    @property
    def stats(self) -> dict[str, int]: ...
    def order_latencies(self) -> list[tuple[str, str, Histogram]]:
        """Lane, stage and histogram of each; the histograms are counted on."""
    def share_order_latencies(self, page: SharedCounters, /) -> None:
        """Keeps them in the page; before the first order."""
    def log_unanswered(self) -> None:
        """Into the log, what is known of requests that no venue has answered."""

    # -------------------------------------------------- edges

    def add_feed(
        self,
        id: int,
        lines: Sequence[tuple[str, int, str]],
        retransmission: tuple[str, int] | None,
        snapshot: tuple[str, int] | None,
        receive_buffer_bytes: int,
        busy_poll_us: int,
        kernel_stamps: bool,
        stale_after_ns: int,
        threaded: bool,
        /,
    ) -> None: ...
    def feed_stats(self, at: int, /) -> dict[str, int]: ...
    def add_connection(
        self,
        session: int,
        host: str,
        port: int,
        tls: Mapping[str, str] | None,
        secrets: Sequence[tuple[str, str]],
        backoff_min_ns: int,
        backoff_max_ns: int,
        awaits: int,
        threaded: bool,
        busy_poll_us: int,
        quick_ack: bool,
        kernel_stamps: bool,
        /,
    ) -> None: ...
    def claim_fence(self) -> None:
        """Take the right to send from whoever had it; before the first connection."""
    def publish_touch(self, path: str, mode: int, epoch: int) -> None:
        """Tells other processes the best bid and ask from now on; replaces the file.

        ValueError with path and reason where it cannot be made.
        """
    def end_touch(self) -> None:
        """Its last word; nothing where it was not told."""
    @property
    def fenced(self) -> bool:
        """Another process has taken the right to send: nothing leaves any more."""
    def enable_connection(self, session: int, enabled: bool, /) -> None: ...
    def add_venue(
        self,
        session: int,
        instruments: Sequence[int],
        order_latency_us: int,
        report_latency_us: int,
        reject_one_in: int,
        seed: int,
    ) -> None: ...

    # -------------------------------------------------- inputs

    # False: inbox_bytes are waiting already, and it was not taken.
    def push_operator(self, uid: int, pid: int, command_id: int, json: str | bytes, /) -> bool: ...
    def push_worker_result(
        self, request_id: int, strategy: int, status: int, json: str | bytes, /
    ) -> bool: ...
    def push_datagram(self, feed: int, ts_recv: int, packet: bytes, /) -> bool: ...
    def push_market_message(
        self, feed: int, ts_recv: int, kind: int, instrument: int, message: str | bytes, /
    ) -> bool: ...
    def push_feed_status(self, feed: int, event: int, /) -> None: ...
    def append_epoch(self, epoch: int, start_number: int, json: str | bytes, /) -> None: ...
    def append_definition(self, id: int, kind: int, json: str | bytes, /) -> None: ...
    def repeat_definitions(self, definitions: Sequence[tuple[int, int, str]], /) -> None: ...
    def append_checkpoint(self, covered_sequence: int, size_bytes: int, name: str, /) -> None: ...
    def append_source(self, sha256: str | bytes, text: str | bytes, /) -> None: ...
    def append_kernel_code(self, sha256: str | bytes, tail: str | bytes, /) -> None: ...
    def append_collector_run(
        self, generation: int, collected: int, duration_ns: int, /
    ) -> None: ...
    def append_turn_cost(
        self,
        turns: int,
        native_ns: int,
        python_ns: int,
        python_ns_max: int,
        mailbox_depth_max: int,
        /,
    ) -> None: ...
    def append_handler_cost(
        self, strategy: int, calls: int, total_ns: int, max_ns: int, over_budget: int, /
    ) -> None: ...
    def append_abandoned(self, turn: int, from_sequence: int, last_sequence: int, /) -> None: ...
    def apply_facts(self, reader: LogReader, /) -> int: ...

class RecordedRun:
    """A live core on given time, over captures. ValueError for one on the host's time."""

    def __init__(self, live: Live, align_start: bool) -> None: ...
    def add_lines(self, feed: int, instrument: int, /) -> int:
        """Of Binance's messages; the capture's number."""

    def add_itch(self, feed: int, midnight: int, name: str, /) -> int:
        """Of ITCH 5.0; the capture's number."""

    def append(self, capture: int, piece: bytes, last: bool, /) -> None:
        """ValueError where it is no such capture."""

    def buffered(self, capture: int, /) -> int: ...
    def refused(self, capture: int, /) -> tuple[int, str]:
        """What could not be read, and why the last of it could not."""

    @property
    def messages(self) -> int: ...
    def start(self) -> int:
        """Sets the clock to the captures' beginning. ValueError where they hold nothing."""

    def run_native(self, until: int, turns_max: int, /) -> int: ...

class Replay:
    """A core that runs a log's inputs again and compares its outputs with the log's."""

    def __init__(
        self,
        folder: str,
        facts: Sequence[tuple[int, bool, int, int]] = (),
        orders_max: int = 65536,
    ) -> None:
        """`facts`: of each ABANDONED record its place, whether strategies began anew, first, last.

        Rising. What recovery took as facts, replay takes as facts.
        """

    @property
    def core(self) -> Core: ...
    def run(self, inputs_max: int, direct: Delivery | None) -> int: ...
    def begin_anew(self, abandoned: int, facts_from: int = 1) -> bool: ...
    def resume_after(self, sequence: int, /) -> tuple[int, int] | None: ...
    def stop_after(self, sequence: int, /) -> None: ...
    def explain_at(self, sequence: int, /) -> None:
        """Note every check of the request at this sequence, just before it is applied."""

    @property
    def explained(self) -> list[dict[str, Any]]:
        """What `explain_at` asked for; empty before the run is there."""

    @property
    def divergence(self) -> dict[str, Any] | None: ...
    @property
    def epoch_json(self) -> str: ...
    @property
    def inputs(self) -> int: ...
    @property
    def first_ts(self) -> int: ...
    @property
    def outputs_compared(self) -> int: ...
    @property
    def last_sequence(self) -> int: ...
    @property
    def log_error(self) -> tuple[bool, str, int, str]:
        """(whether the log is damaged, file, offset, reason)."""

# ------------------------------------------------------------------ orders

def order_state_table() -> list[dict[str, Any]]: ...
def limit_specs() -> list[dict[str, Any]]: ...
def check_specs() -> list[dict[str, Any]]: ...

class InstrumentRegistry:
    def __init__(self) -> None: ...
    def add(self, **fields: object) -> int:
        """Decimals are (mantissa, exponent). ValueError names field and reason."""

    def find(self, symbol: str, venue: str = "") -> int | None: ...
    def __len__(self) -> int: ...
    def notional(self, id: int, px: int, qty: int, /) -> int | None:
        """In the instrument's money unit; None on overflow, IndexError for an unknown id."""

# ------------------------------------------------------------------ fix

class FixSessionConfig:
    id: int
    begin_string: str
    sender_comp_id: str
    target_comp_id: str
    initiator: bool
    heart_bt_int_seconds: int
    check_latency: bool
    max_latency_seconds: int
    reset_on_logon: bool
    reset_on_logout: bool
    reset_on_disconnect: bool
    non_stop: bool
    start_time: str
    end_time: str
    timestamp_digits: int
    username_placeholder: str
    password_placeholder: str
    account: str
    allow_unknown_fields: bool
    def __init__(self) -> None: ...

def check_fix_dialect(
    begin_string: str, initiator: bool, account: str, dialect: dict[str, Any]
) -> None:
    """ValueError, "key: reason", where the dialect cannot be spoken."""

class FixSymbology:
    def __init__(self) -> None: ...
    def add(self, id: int, symbol: str, price_step: str, qty_step: str, fee_step: str) -> None:
        """Steps are exact decimals as text. ValueError."""

class FixSession:
    """A FIX session in the caller's time. Records are their bytes; ValueError at a wrong size."""

    def __init__(
        self,
        config: FixSessionConfig,
        symbology: FixSymbology,
        now: int,
        next_sender: int = 1,
        next_target: int = 1,
    ) -> None: ...
    def drain(self) -> list[tuple[Any, ...]]:
        """What it said since the last drain, in order: the kind first."""

    def connected(self, now: int, /) -> None: ...
    def disconnected(self, now: int, /) -> None: ...
    def received(self, now: int, raw_sequence: int, message: bytes, /) -> None: ...
    def time(self, now: int, /) -> None: ...
    def logon(self, now: int, /) -> None: ...
    def logout(self, now: int, reason: str, /) -> None: ...
    def set_next_numbers(self, now: int, next_sender: int, next_target: int, /) -> bool: ...
    def send_order(self, now: int, payload: bytes, more: bytes | None = None) -> bool: ...
    def send_replace(self, now: int, payload: bytes, more: bytes | None = None) -> bool: ...
    def send_status(self, now: int, record: bytes, /) -> bool: ...
    def send_mass_cancel(self, now: int, record: bytes, /) -> bool: ...
    def send_cancel(self, now: int, record: bytes, order_qty: int, /) -> bool: ...
    def send_positions(
        self, now: int, request: int, held: list[tuple[int, int, int, int]], /
    ) -> bool:
        """A whole answer: (instrument, long, short, settlement price) of each that is held."""

    def send_application(self, now: int, message: bytes, /) -> bool: ...
    @property
    def logged_on(self) -> bool: ...
    @property
    def next_deadline(self) -> int: ...

class FixConnection:
    def __init__(
        self,
        id: int,
        host: str,
        port: int,
        tls: Mapping[str, str] | None = None,
        secrets: Sequence[tuple[str, str]] = (),
        backoff_max_ns: int = ...,
    ) -> None: ...
    def poll(self, now: int, budget: int = 64) -> list[tuple[Any, ...]]: ...
    def write(self, sequence: int, message: bytes, /) -> bool: ...
    def close(self, reason: str, /) -> None: ...
    def fileno(self) -> int: ...
    @property
    def connected(self) -> bool: ...

class DefinitionOutcome:
    """Of one definition: where it did not hold first, and the messages that differ, SOH as |."""

    passed: bool
    line: int
    problem: str
    expected: str
    found: str

def run_fix_definition(
    text: bytes, side: str | None = None, patterns: bytes | None = None
) -> DefinitionOutcome:
    """An acceptance definition against our `acceptor` or `initiator` in virtual time; without
    `side`, the one that its first connection asks for. `patterns` as QuickFIX's fields.fmt.
    ValueError, the line first, where a text is none."""

class FixListener:
    def __init__(
        self,
        host: str,
        port: int,
        sessions: Sequence[FixSessionConfig],
        tls: Mapping[str, str] | None = None,
    ) -> None: ...
    def poll(self, now: int, budget: int = 64) -> list[tuple[Any, ...]]: ...
    def write(self, session: int, sequence: int, message: bytes, /) -> bool: ...
    def close(self, session: int, reason: str, /) -> None: ...
    def fileno(self) -> int: ...
    @property
    def port(self) -> int: ...

# ------------------------------------------------------------------ matching

class SimulatedVenue:
    """Orders matched against recorded quantity; payloads are records of the log."""

    def __init__(
        self,
        instruments: int,
        latency_in_ns: int = 0,
        latency_out_ns: int = 0,
        seed: int = 1,
        rejects_per_million: int = 0,
    ) -> None: ...
    def set_level(self, now: int, instrument: int, side: int, px: int, qty: int, /) -> None: ...
    def on_trade(self, now: int, instrument: int, px: int, qty: int, aggressor: int, /) -> None: ...
    def on_request(self, now: int, type: int, payload: bytes, /) -> bool: ...
    def poll(self, now: int, /) -> list[tuple[int, int, bytes]]: ...
    def next_deadline(self) -> int: ...

# ------------------------------------------------------------------ exchange

class Exchange:
    """The simulated exchange, see native/include/pitwire/exchange/exchange.hpp."""

    def __init__(self, config: dict[str, Any]) -> None: ...
    def poll(self) -> int: ...
    def spin(self, spin_ns: int) -> int: ...
    def wait_ns(self) -> int: ...
    def fds(self) -> list[int]: ...
    def shut_down(self) -> None: ...
    def anyone_connected(self) -> bool: ...
    @property
    def fix_port(self) -> int: ...
    @property
    def retransmission_port(self) -> int: ...
    def snapshot(self) -> bytes: ...
    def mold_session(self) -> bytes: ...
    def next_sequence(self) -> int: ...
    def set_trading(self, symbol: str, state: int) -> bool: ...
    def withhold(self, target_comp_id: str, count: int, /) -> bool: ...
    def provoke(
        self,
        target_comp_id: str,
        kind: int,
        symbol: str,
        cl_ord_id: int,
        side: int,
        price: int,
        qty: int,
        exec_id: int,
        /,
    ) -> bool: ...
    def drop(self, target_comp_id: str) -> bool: ...
    def notes(self) -> list[tuple[int, str]]: ...
    def counts(self) -> dict[str, int]: ...
    def levels(self, instrument: int, side: int) -> list[tuple[int, int]]: ...
    def append(self, symbol: int, piece: bytes, last: bool) -> None: ...
    def buffered(self, symbol: int) -> int: ...
    def start_capture(self) -> None: ...
    def capture_ended(self) -> bool: ...
    def advance(self, lines_max: int) -> list[tuple[int, str, bytes, bytes]]: ...
    def depth(self, symbol: int, limit: int) -> bytes: ...
    def capture_defect(self) -> str: ...
