"""What a log says of a load: from the intended send time of a datagram to its order's last byte."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from daemon.log import LogReader, spec_of
from tools.bench.load_run import Ran, Sent

FRAMES: Final = 65_536
MOLD_SEQUENCE_AT: Final = 10  # in the datagram, 8 bytes, big-endian

Numbers = npt.NDArray[np.int64]


class Datagrams(NamedTuple):
    """Every datagram in the log, in order."""

    sequence: Numbers  # of the log
    first: Numbers  # of its messages, by MoldUDP64
    ts_recv: Numbers  # the kernel's stamp
    ts_core: Numbers


class Orders(NamedTuple):
    """Every order that was submitted, in order; ns since 1970."""

    intended: Numbers  # when the datagram that caused it was to be sent
    ts_recv: Numbers
    ts_core: Numbers
    ts_sent: Numbers  # its last byte handed to the kernel


def intended_ns(sent: Sent, first: Numbers) -> Numbers:
    """When datagrams with these first messages were to be sent."""
    return sent.start_ns + (first - 1) // sent.messages_per_datagram * sent.interval_ns


def orders_of(run: Ran) -> Orders:
    """The orders of a run. ValueError where not every trigger made one, or one did not leave."""
    submitted = records_of(run.log, "ORDER_SUBMITTED")
    latency = records_of(run.log, "ORDER_LATENCY")
    denied = len(records_of(run.log, "ORDER_DENIED"))
    if len(submitted) != run.sent.triggers or denied:
        raise ValueError(
            f"{len(submitted)} orders submitted and {denied} denied of {run.sent.triggers} triggers"
        )
    sent_at = dict(zip(latency["cl_ord_id"].tolist(), latency["ts_sent"].tolist(), strict=True))
    ts_sent = np.array([sent_at.get(each, 0) for each in submitted["cl_ord_id"].tolist()], np.int64)
    if not ts_sent.all():
        raise ValueError(f"{int((ts_sent == 0).sum())} orders of {len(ts_sent)} did not leave")
    datagrams = datagrams_of(run.log)
    # The cause is the datagram itself, or the end of the native phase right behind it.
    at = np.searchsorted(datagrams.sequence, submitted["cause"].astype(np.int64), "right") - 1
    intended = intended_ns(run.sent, datagrams.first[at])
    return Orders(intended, datagrams.ts_recv[at], datagrams.ts_core[at], ts_sent)


class Answers(NamedTuple):
    """Every order of a schedule, in order; ns since 1970."""

    due: Numbers  # by the schedule
    ts_logged: Numbers  # its message was in the log, and could leave
    ts_answered: Numbers  # the first report of it was received


def answers_of(run: Ran, orders: int, per_second: int) -> Answers:
    """The orders of a `Submitter`. ValueError where one is missing, denied or not answered."""
    submitted = records_of(run.log, "ORDER_SUBMITTED")
    denied = len(records_of(run.log, "ORDER_DENIED"))
    if len(submitted) != orders or denied:
        raise ValueError(f"{len(submitted)} orders submitted and {denied} denied of {orders}")
    ids = submitted["cl_ord_id"]
    executions = records_of(run.log, "EXECUTION")
    answered, first = np.unique(executions["cl_ord_id"], return_index=True)  # the first of each
    if not np.isin(ids, answered).all():
        raise ValueError(f"{int((~np.isin(ids, answered)).sum())} orders were not answered")
    raw = executions["raw_sequence"][first[np.searchsorted(answered, ids)]]
    received = received_of(run.log)
    latency = records_of(run.log, "ORDER_LATENCY")
    logged, at = np.unique(latency["cl_ord_id"], return_index=True)
    if not np.isin(ids, logged).all():
        raise ValueError(f"{int((~np.isin(ids, logged)).sum())} orders did not leave")
    began = _began(run.log)
    return Answers(
        began + submitted["tag"].astype(np.int64) * 1_000_000_000 // per_second,
        latency["ts_logged"][at[np.searchsorted(logged, ids)]],
        received.ts_recv[np.searchsorted(received.sequence, raw.astype(np.int64))],
    )


def _began(log: Path) -> int:
    """When the first order was asked for: the time of its turn."""
    (batch, *_) = LogReader(log, types=["ORDER_SUBMITTED"]).batches(1)
    return int(batch.rows["ts_core"][0])


class Received(NamedTuple):
    """Of FIX messages."""

    sequence: Numbers
    ts_recv: Numbers


def received_of(log: Path) -> Received:
    """Every message of the FIX session, in order."""
    spec = spec_of("FIX_RX")
    batches = list(LogReader(log, types=[spec.number]).batches(FRAMES))
    sequence = np.concatenate([batch.rows["sequence"] for batch in batches])
    ts_recv = np.concatenate([batch.records(spec)["ts_recv"] for batch in batches])
    return Received(sequence.astype(np.int64), ts_recv.astype(np.int64))


def records_of(log: Path, name: str) -> npt.NDArray[np.void]:
    """All of one type, in order."""
    spec = spec_of(name)
    parts = [batch.records(spec) for batch in LogReader(log, types=[name]).batches(FRAMES)]
    return np.concatenate(parts) if parts else np.empty(0, spec.dtype)


def datagrams_of(log: Path) -> Datagrams:
    """All of them, heartbeats excepted: those are not logged."""
    spec = spec_of("MARKET_DATAGRAM")
    parts = []
    for batch in LogReader(log, types=[spec.number]).batches(FRAMES):
        starts = batch.rows["payload_at"].astype(np.intp) + spec.size_bytes + MOLD_SEQUENCE_AT
        raw = np.frombuffer(batch.payloads, np.uint8)[starts[:, None] + np.arange(8)]
        first = np.ascontiguousarray(raw).view(">u8").reshape(-1)
        ts_recv = batch.records(spec)["ts_recv"]
        columns = (batch.rows["sequence"], first, ts_recv, batch.rows["ts_core"])
        parts.append([column.astype(np.int64) for column in columns])
    if not parts:
        return Datagrams(*(np.empty(0, np.int64) for _ in Datagrams._fields))
    return Datagrams(*(np.concatenate(column) for column in zip(*parts, strict=True)))
