"""A day on which the exchange itself works what it has orders for: icebergs, stops, what trails.

They stand at the exchange while the daemon is killed, and are known again by its log and by the
exchange's answers; then their prices come.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from daemon.core import ExecType
from daemon.model import Side
from tests.days import books
from tests.days.day import Day, frames, pitwire
from tests.orders.held_desk import call, submit

INCREMENT = Decimal("0.0001")
TICK = 100  # price increments
ICE_QTY, SHOWN = 60, 20
SETTINGS: dict[str, object] = {
    "strategy.momentum.class": "tests.orders.scripted:Scripted",
    "strategy.momentum.parameters": '{ symbol = "BOLT" }',
    # Nobody else of ours is in BOLT: no order is in the way of another.
    "strategy.pressure.instruments": '["CRUX"]',
    "strategy.pressure.parameters": (
        '{ symbol = "CRUX", qty = 50, tau_s = 0.5, enter = 0.3, slippage_ticks = 100 }'
    ),
    "session.broker.order_types": (
        '["market", "limit", "stop", "stop_limit", "market_if_touched", "trailing_stop"]'
    ),
    "session.broker.instructions": '["post_only", "iceberg"]',
    "risk.firm.price_collar_bps": 9000,
}
NATIVE: list[tuple[str, str, str, list[str]]] = [
    ("LIMIT", "WORKING", "60", []),
    ("MARKET_IF_TOUCHED", "WORKING", "4", []),
    ("STOP", "WORKING", "3", []),
    ("TRAILING_STOP", "WORKING", "5", []),
]


def _do(day: Day, *calls: dict[str, Any]) -> None:
    day.done("strategies.params", strategy="momentum", values={"calls": list(calls)})


def _orders(day: Day, **how: object) -> list[dict[str, Any]]:
    rows = day.done("orders", **how)
    ours = [row for row in rows if row["strategy"] == "momentum"]
    return sorted(ours, key=lambda row: str(row["ord_type"]))


def _terms(day: Day) -> list[tuple[str, str, str, list[str]]]:
    flagged = ("EMULATED",)
    return [
        (row["ord_type"], row["state"], row["order_qty"], [f for f in row["flags"] if f in flagged])
        for row in _orders(day)
    ]


def _filled(day: Day, ord_type: str, qty: str) -> bool:
    rows = _orders(day, finished=True)
    return (ord_type, "FILLED", qty) in [
        (row["ord_type"], row["state"], row["cum_qty"]) for row in rows
    ]


def _best(day: Day) -> tuple[int, int]:
    """The touch of BOLT in price increments, once it has traded."""

    def found() -> tuple[int, int] | None:
        (row,) = [row for row in day.done("market") if row["symbol"] == "BOLT"]
        if row["bid_px"] is None or row["ask_px"] is None or row["last_px"] is None:
            return None
        return int(Decimal(row["bid_px"]) / INCREMENT), int(Decimal(row["ask_px"]) / INCREMENT)

    return day.until("a touch and a trade of BOLT", found)


def _stand_far_away(day: Day) -> None:
    bid, ask = _best(day)
    low, high = bid // 200 * TICK, ask // 200 * 3 * TICK
    _do(
        day,
        submit("ice", "SELL", ICE_QTY, high, display_qty=SHOWN, post_only=True),
        submit("stop", "SELL", 3, stop_px=low),
        submit("touch", "SELL", 4, stop_px=high, ord_type="MARKET_IF_TOUCHED"),
        submit("trail", "SELL", 5, trail_bps=5000),
    )
    day.until("the exchange has all four", lambda: _terms(day) == NATIVE)


def _prices_come(day: Day) -> None:
    """The stop's and the other's by a replace, which has to work at the exchange to do anything.

    The gate refuses while the feed fills its gap, and a request is out at a time: asked again.
    """

    def moved() -> bool:
        bid, ask = _best(day)
        above, below = (ask // TICK + 50) * TICK, (bid // TICK - 50) * TICK
        _do(
            day,
            call("replace", order="stop", stop_px=above),
            call("replace", order="touch", stop_px=below),
        )
        return _filled(day, "STOP", "3") and _filled(day, "MARKET_IF_TOUCHED", "4")

    day.until("stop and touch are filled", moved)
    _do(day, call("cancel", order="trail"), submit("near", "SELL", 6, trail=TICK))
    day.until("what trails is filled", lambda: _filled(day, "TRAILING_STOP", "6"))


def _ice_melts(day: Day) -> None:
    def melted() -> bool:
        ice = [row for row in _orders(day) if row["ord_type"] == "LIMIT"]
        _, ask = _best(day)
        if ice and int(Decimal(ice[0]["price"]) / INCREMENT) > ask:
            _do(day, call("replace", order="ice", price=ask))
        return _filled(day, "LIMIT", str(ICE_QTY))

    day.until("the iceberg is filled", melted)


def test_what_the_exchange_works_itself_outlives_a_kill_trades_and_runs_again(
    tmp_path: Path,
) -> None:
    with Day(tmp_path, SETTINGS) as day:
        day.until_ready()
        _stand_far_away(day)
        names = [(row["order"], row["order_id"]) for row in _orders(day)]
        day.kill()
        day.until_ready(2)
        assert _terms(day) == NATIVE
        assert [(row["order"], row["order_id"]) for row in _orders(day)] == names
        (compared,) = day.done("reconciliation")
        assert compared["differences"] == []
        assert _told_again(day.log) >= {int(order, 16) for order, _ in names}
        _prices_come(day)
        _ice_melts(day)
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr
    asked = [each.tail for each in frames(day.log, "FIX_TX")]
    for field in (b"\x0140=J\x01", b"\x0140=P\x01", b"\x01111=20\x01"):
        assert [tail for tail in asked if field in tail], field
    _seen_part_by_part(day.log, *names[0])


def _told_again(log: Path) -> set[int]:
    """Orders whose status the exchange has told this process."""
    epoch = frames(log, "EPOCH")[-1].sequence
    reports = (frame.fields() for frame in frames(log, "EXECUTION") if frame.sequence > epoch)
    return {each["cl_ord_id"] for each in reports if each["exec_type"] == ExecType.ORDER_STATUS}


def _seen_part_by_part(log: Path, ice: str, order_id: str) -> None:
    booked = (frame.fields() for frame in frames(log, "FILL"))
    fills = [each for each in booked if each["order"] == int(ice, 16)]
    assert sum(each["last_qty"] for each in fills) == ICE_QTY
    assert {(each["side"], each["flags"] & 1) for each in fills} == {(Side.SELL, 0)}
    shown, executed = _parts(log, int(order_id.removeprefix("O")))
    assert executed == [each["last_qty"] for each in fills]
    assert len(shown) >= ICE_QTY // SHOWN
    assert max(shown) <= SHOWN


def _parts(log: Path, reference: int) -> tuple[list[int], list[int]]:
    """What the feed showed of an order, one part after the other, and what of them traded.

    A part that is executed whole is followed by the next, as an order of another reference.
    """
    shown: list[int] = []
    executed: list[int] = []
    left = 0
    for message in _itch(log):
        kind, first = message[:1], int.from_bytes(message[11:19], "big")
        if kind == b"A" and (first == reference or (executed and left == 0)):
            if sum(executed) == ICE_QTY:
                break
            reference, left = first, int.from_bytes(message[20:24], "big")
            shown.append(left)
        elif kind == b"U" and first == reference:
            reference = int.from_bytes(message[19:27], "big")
            left = int.from_bytes(message[27:31], "big")
            shown.append(left)
        elif kind == b"E" and first == reference:
            executed.append(int.from_bytes(message[19:23], "big"))
            left -= executed[-1]
    return shown, executed


def _itch(log: Path) -> Iterator[bytes]:
    """The feed's messages that the log has, each once, in order."""
    following = 1
    packets = [
        frame.tail[: frame.fields()["size_bytes"]] for frame in frames(log, "MARKET_DATAGRAM")
    ]
    for packet in sorted(packets, key=lambda each: each[10:18]):
        sequence, count, at = int.from_bytes(packet[10:18], "big"), packet[18:20], 20
        for number in range(sequence, sequence + int.from_bytes(count, "big") % 0xFFFF):
            size = int.from_bytes(packet[at : at + 2], "big")
            if number >= following:
                yield packet[at + 2 : at + 2 + size]
                following = number + 1
            at += 2 + size
