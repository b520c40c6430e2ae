"""What one turn takes, and what one session has under way."""

from __future__ import annotations

from pathlib import Path

from daemon.core import FeedEvent, Live, LogWriter
from daemon.log import LogReader
from daemon.model import CancelReason, DenyReason
from tests.app.desk import NO_ID, Desk

COMMAND = '{"name": "none", "arguments": {}}'


def _sources(folder: Path, after: int) -> list[str]:
    """Inputs behind a sequence, without the passing of time and the turn's own marks."""
    types = ["OPERATOR", "FEED_STATUS"]
    return [
        frame.name
        for frame in LogReader(folder, types=types, committed=True, from_sequence=after + 1)
    ]


def test_a_turn_takes_no_more_than_its_limit_and_each_source_no_more_than_its_quota(
    tmp_path: Path,
) -> None:
    log = LogWriter.create(str(tmp_path), 1 << 20)
    live = Live(log, None, turn_records_max=4, operator_quota=2, market_quota=8)
    live.core.define_feed(0, 1)
    live.append_epoch(1, 1, "{}")
    for _ in range(5):
        live.push_operator(0, 0, 1, COMMAND)
        live.push_feed_status(0, int(FeedEvent.CONNECTED))
    turns: list[list[str]] = []
    while live.busy or not turns:
        inputs, last = live.stats["inputs"], log.last_sequence
        if live.drain():
            live.core.take_events()
            live.core.end_turn()
        assert live.stats["inputs"] - inputs <= 4
        turns.append(_sources(tmp_path, last))
    assert turns == [
        ["OPERATOR"] * 2 + ["FEED_STATUS"] * 2,
        ["OPERATOR"] * 2 + ["FEED_STATUS"] * 2,
        ["OPERATOR", "FEED_STATUS"],
    ]


def test_messages_in_flight_are_limited_and_a_share_is_kept_for_cancels(tmp_path: Path) -> None:
    limits = ("session.broker.messages_in_flight_max=8", "session.broker.cancel_share_percent=25")
    desk = Desk(tmp_path, *limits, "risk.firm.working_orders_max=100").logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    desk.report("0", "0")
    row = desk.ask("sessions")[0]
    assert (row.credits, row.credits_max) == (8, 8)
    core = desk.live.core
    # Nothing is polled in between: what was handed over is not reported written.
    sent = [
        core.submit(1 << 48 | number, 0, 0, 0, 1, 2, 0, 0, 900 + number, 0, 1, 0, 0)
        for number in range(8)
    ]
    assert sent == [True] * 6 + [False] * 2
    assert core.cancel(desk.venue.orders[0], int(CancelReason.STRATEGY)), "cancels have the rest"
    denied = [
        f.fields() for f in LogReader(desk.log_folder, types=["ORDER_DENIED"], committed=True)
    ]
    assert {each["reason"] for each in denied} == {int(DenyReason.SESSION_BACKPRESSURE)}
    assert {(each["value"], each["limit"]) for each in denied} == {(2, 3)}
    core.end_turn()
    desk.until(lambda: desk.ask("sessions")[0].credits == 8)
    assert desk.ask("risk").scopes[0].working_orders == 7
    assert core.risk_state(NO_ID)[1]
