"""Where the process is ended: the points of an order's life, by the frame of the log they stand at.

What a process leaves is its log and what its socket had taken. Between two frames it changes
nothing else that outlives it, so a point is a frame, and whether the process ended before it,
within it, or behind it; of a message that is sent, also whether the socket had taken it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from daemon.core import ExecType
from daemon.log import Frame

_FIELD = re.compile(rb"\x01(35|150|39|43)=([^\x01]*)")


class Stop(Enum):
    """Where about a frame."""

    BEFORE = "before"  # it is not there
    WITHIN = "within"  # it is half written
    BEHIND = "behind"
    HELD = "held"  # a message: logged, and the socket has not taken it
    BARE = "bare"  # the end of a segment, whose successor has no header


@dataclass(frozen=True)
class Point:
    """A name, the kind of frame (`kind_of`), and where about it.

    `starting`: it comes while a process starts or a session logs on.
    """

    name: str
    kind: str
    stop: Stop = Stop.BEHIND
    starting: bool = False


def kind_of(frame: Frame) -> str:
    """The record's name and, of messages, reports and states, what tells them apart."""
    spec = frame.spec
    name = spec.name if spec else "?"
    if name in ("FIX_TX", "FIX_RX"):
        fields = dict(_FIELD.findall(frame.tail))
        kind = f"{name} {fields.get(b'35', b'').decode()}"
        if name == "FIX_RX" and fields.get(b"43") == b"Y":
            return f"{name} again"
        exec_type = fields.get(b"150", b"").decode()
        return f"{kind}{exec_type}{fields[b'39'].decode() if exec_type == 'F' else ''}"
    if name == "EXECUTION":
        fields = frame.fields()
        exec_type = ExecType(fields["exec_type"])
        rest = " part" if exec_type is ExecType.TRADE and fields["leaves_qty"] else ""
        return f"{name} {exec_type.name}{rest}"
    if name == "RISK_STATE" and frame.fields()["armed"]:
        return f"{name} armed"
    return name


POINTS = (
    # a new order
    Point("decided", "ORDER_SUBMITTED", Stop.BEFORE),
    Point("risk passed, half logged", "ORDER_SUBMITTED", Stop.WITHIN),
    Point("order logged", "ORDER_SUBMITTED"),
    Point("order's message half logged", "FIX_TX D", Stop.WITHIN),
    Point("order in the send buffer", "FIX_TX D", Stop.HELD),
    Point("order written", "FIX_TX D"),
    Point("writing told", "TX_WRITTEN"),
    Point("acknowledgement on its way", "FIX_RX 80", Stop.BEFORE),
    Point("acknowledgement read, half logged", "FIX_RX 80", Stop.WITHIN),
    Point("acknowledgement logged", "FIX_RX 80"),
    Point("acknowledgement applied", "EXECUTION NEW"),
    Point("rejection logged", "FIX_RX 88"),
    Point("rejection applied", "EXECUTION REJECTED"),
    Point("turn ended", "TURN_END"),
    # fills
    Point("partial fill on its way", "FIX_RX 8F1", Stop.BEFORE),
    Point("partial fill read, half logged", "FIX_RX 8F1", Stop.WITHIN),
    Point("partial fill logged", "FIX_RX 8F1"),
    Point("partial fill applied", "EXECUTION TRADE part"),
    Point("fill booked", "FILL"),
    Point("last fill on its way", "FIX_RX 8F2", Stop.BEFORE),
    Point("last fill logged", "FIX_RX 8F2"),
    Point("last fill applied", "EXECUTION TRADE"),
    # cancels
    Point("cancel logged", "CANCEL_REQUESTED"),
    Point("cancel in the send buffer", "FIX_TX F", Stop.HELD),
    Point("cancel written", "FIX_TX F"),
    Point("cancellation on its way", "FIX_RX 84", Stop.BEFORE),
    Point("cancellation logged", "FIX_RX 84"),
    Point("cancellation applied", "EXECUTION CANCELED"),
    Point("refusal on its way", "FIX_RX 9", Stop.BEFORE),
    Point("refusal logged", "FIX_RX 9"),
    Point("refusal applied", "CANCEL_REJECTED"),
    # replaces
    Point("replace logged", "REPLACE_REQUESTED"),
    Point("replace in the send buffer", "FIX_TX G", Stop.HELD),
    Point("replace written", "FIX_TX G"),
    Point("replacement on its way", "FIX_RX 85", Stop.BEFORE),
    Point("replacement logged", "FIX_RX 85"),
    Point("replacement applied", "EXECUTION REPLACED"),
    # the log's own
    Point("checkpoint half written", "CHECKPOINT", Stop.WITHIN),
    Point("checkpoint written", "CHECKPOINT", Stop.BEFORE),
    Point("checkpoint told", "CHECKPOINT"),
    Point("segment ended", "SEGMENT_END", Stop.BARE),
    Point("segment begun", "SEGMENT_END"),
    # a start
    Point("abandoned half logged", "ABANDONED", Stop.WITHIN, True),
    Point("abandoned logged", "ABANDONED", starting=True),
    Point("epoch logged", "EPOCH", starting=True),
    Point("definitions logged", "DEFINITION", starting=True),
    # a session
    Point("logon in the send buffer", "FIX_TX A", Stop.HELD, True),
    Point("logon sent", "FIX_TX A", starting=True),
    Point("logon answered", "FIX_RX A", starting=True),
    Point("resend asked", "FIX_TX 2", starting=True),
    Point("resend running", "FIX_RX again", starting=True),
    Point("gap filled", "FIX_TX 4", starting=True),
    Point("status asked", "FIX_TX H", starting=True),
    Point("all orders asked for", "FIX_TX AF", starting=True),
    Point("status answered", "FIX_RX 8I", starting=True),
    Point("positions asked", "FIX_TX AN", starting=True),
    Point("positions answered", "FIX_RX AO", starting=True),
    Point("compared", "RECONCILIATION", starting=True),
    Point("armed", "RISK_STATE armed", starting=True),
)
