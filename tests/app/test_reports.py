"""What operators read, of a core with a market, an order session and two strategies."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from daemon.core import FeedEvent
from daemon.log import LogReader
from daemon.messages.commands import COMMANDS
from daemon.messages.replies import Outcome
from tests.app.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A market, nothing traded."""
    return Desk(tmp_path).market()


@pytest.fixture
def trading(tmp_path: Path) -> Desk:
    """The buyer's order for 0.003 BTC at 100.1 is at the venue."""
    desk = Desk(tmp_path).logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    return desk


def bought(desk: Desk) -> Desk:
    """Acknowledged, 0.001 filled as a maker, the rest as a taker."""
    desk.report("0", "0")
    desk.report("F", "1", t31="100.1", t32="0.001", t14="0.001", t151="0.002", t851=1)
    desk.report("F", "2", t31="100.0", t32="0.002", t14="0.003", t151="0", t851=2)
    desk.until(lambda: desk.ask("status").fills == 2)
    desk.update("BTCUSDT", 103, [["100.0", "7"]])  # positions are valued at the next update
    return desk


QUESTIONS = [name for name, spec in COMMANDS.items() if not spec.changes and name != "order"]
ASKED_OF: dict[str, dict[str, str]] = {"sessions.show": {"session": "broker"}}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_answered_with_the_type_that_the_protocol_names(
    trading: Desk, name: str
) -> None:
    result = bought(trading).ask(name, **ASKED_OF.get(name, {}))
    spec = COMMANDS[name]
    assert msgspec.json.decode(msgspec.json.encode(result), type=spec.result) == result


def test_questions_change_nothing_and_log_nothing(trading: Desk) -> None:
    bought(trading)
    before = trading._log.last_sequence, trading.live.core.save()
    for name in QUESTIONS:
        trading.ask(name, **ASKED_OF.get(name, {}))
    trading.ask("order", cl_ord_id=f"{trading.venue.orders[0]:X}")
    assert (trading._log.last_sequence, trading.live.core.save()) == before


def test_the_market_is_shown_in_exact_decimals(desk: Desk) -> None:
    btc, eth = desk.ask("market")
    assert (btc.symbol, btc.feed, btc.book_state) == ("BTC", "spot", "LIVE")
    assert (btc.bid_px, btc.bid_qty) == ("100.0", "6.000")
    assert (btc.ask_px, btc.ask_qty) == ("100.1", "4.000")
    assert btc.signals["mid"] == pytest.approx(100.05)
    assert btc.last_px is None
    assert (eth.bid_px, eth.ask_qty, eth.updates, eth.age_ms) == (None, None, 0, 0)


def test_a_feed_is_down_then_recovering_then_live_then_stale(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (feed,) = desk.ask("feeds")
    assert (feed.name, feed.kind, feed.state, feed.packets) == ("spot", "binance", "down", 0)
    for event, state in ((FeedEvent.CONNECTED, "recovering"), (FeedEvent.DISCONNECTED, "down")):
        desk.live.push_feed_status(0, int(event))
        desk.turn()
        assert desk.ask("feeds")[0].state == state
    desk.market()
    (feed,) = desk.ask("feeds")
    assert (feed.state, feed.packets) == ("live", 2)
    desk.live.push_feed_status(0, int(FeedEvent.DISCONNECTED))
    desk.turn()
    assert desk.ask("feeds")[0].state == "stale"


def test_a_gap_of_a_feed_is_counted(desk: Desk) -> None:
    desk.update("BTCUSDT", 200, [])
    (feed,) = desk.ask("feeds")
    assert (feed.state, feed.gaps) == ("recovering", 1)


def test_a_session_is_down_until_it_logs_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.ask("sessions")[0].state == "down"
    (session,) = desk.logged_on().ask("sessions")
    assert (session.name, session.kind, session.state) == ("broker", "fix", "logged_on")
    assert session.next_target_msg_seq_num == 3  # behind the Logon, and what it holds: nothing
    assert session.credits <= session.credits_max
    assert (session.reconnects, session.event) == (0, "reconciliation: equal")
    assert session.ts_state > 0


def test_an_order_is_shown_as_it_works(trading: Desk) -> None:
    trading.report("0", "0")
    (order,) = trading.ask("orders")
    assert order.order == order.cl_ord_id == f"{trading.venue.orders[0]:016X}"
    assert (order.symbol, order.strategy, order.session) == ("BTC", "buyer", "broker")
    assert (order.side, order.ord_type, order.time_in_force) == ("BUY", "LIMIT", "DAY")
    assert (order.state, order.order_id) == ("WORKING", "V-1")
    assert (order.price, order.order_qty, order.leaves_qty) == ("100.1", "0.003", "0.003")
    assert (order.stop_px, order.avg_px, order.flags) == (None, None, [])
    assert 0 < order.ts_submitted <= order.ts_state


def test_orders_are_selected_by_strategy_symbol_and_end(trading: Desk) -> None:
    assert trading.ask("orders", strategy="other") == []
    assert trading.ask("orders", symbol="ETH") == []
    assert len(trading.ask("orders", strategy="buyer", symbol="BTC")) == 1
    bought(trading)
    assert trading.ask("orders") == []
    (order,) = trading.ask("orders", finished=True)
    # (100.1 x 1 + 100.0 x 2) / 3, to four digits more than the price has
    assert (order.state, order.avg_px) == ("FILLED", "100.03333")


def test_fills_are_those_of_the_log_the_newest_first(trading: Desk) -> None:
    newest, first = bought(trading).ask("fills")
    assert (first.last_px, first.last_qty, first.aggressor) == ("100.1", "0.001", False)
    assert (newest.last_px, newest.last_qty, newest.aggressor) == ("100.0", "0.002", True)
    # 0.1001 x 1 bp and 0.2 x 2 bp
    assert (first.fee, newest.fee, first.currency) == ("0.00001001", "0.00004000", "USDT")
    logged = list(LogReader(trading.log_folder, types=["FILL"], committed=True))
    assert [(each.sequence, each.ts_core) for each in logged] == [
        (first.sequence, first.ts_core),
        (newest.sequence, newest.ts_core),
    ]
    assert trading.ask("fills", limit=1) == [newest]


def test_the_life_of_an_order_is_told_from_the_log(trading: Desk) -> None:
    bought(trading)
    report = trading.ask("order", cl_ord_id=f"{trading.venue.orders[0]:x}")
    assert [(s.event, s.from_state, s.to_state) for s in report.steps] == [
        ("SUBMIT", "NONE", "PENDING_NEW"),
        ("ACKNOWLEDGE", "PENDING_NEW", "WORKING"),
        ("FILL", "WORKING", "PARTIALLY_FILLED"),
        ("FILL", "PARTIALLY_FILLED", "FILLED"),
    ]
    assert report.order.state == "FILLED"
    assert report.fills == trading.ask("fills")[::-1]
    places = [step.sequence for step in report.steps]
    logged = LogReader(trading.log_folder, types=["ORDER_STATE"], committed=True)
    assert places == [frame.sequence for frame in logged]


def test_an_order_is_found_by_the_id_of_its_cancel_and_its_rejection_has_a_text(
    trading: Desk,
) -> None:
    trading.report("0", "0")
    trading.command("cancel-all")
    trading.until(lambda: bool(trading.venue.cancels))
    cancel, order = trading.venue.cancels[0]
    trading.report("4", "4", t11=f"{cancel:016X}", t41=f"{order:016X}", t151="0", t58="as asked")
    report = trading.ask("order", cl_ord_id=f"{cancel:016X}")
    assert report.order.order == f"{order:016X}"
    assert report.cl_ord_ids == [f"{order:016X}", f"{cancel:016X}"]
    assert [(s.event, s.to_state, s.text) for s in report.steps[-2:]] == [
        ("CANCEL_REQUEST", "PENDING_CANCEL", ""),
        ("CANCELED", "CANCELED", "as asked"),
    ]


def test_what_takes_too_long_to_read_is_told_from_memory(
    trading: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(trading)
    asked = f"{trading.venue.orders[0]:X}"
    whole = trading.ask("order", cl_ord_id=asked)
    monkeypatch.setattr("daemon.app.order_life.READ_NS_MAX", -1)
    monkeypatch.setattr("daemon.app.order_life.BATCH_FRAMES", 1)
    remembered = trading.ask("order", cl_ord_id=asked)
    assert remembered.steps == whole.steps
    assert remembered.fills == whole.fills
    unknown = trading.answer("order", cl_ord_id="77")
    assert (unknown.status, "pitwire log cat" in unknown.error) == (Outcome.REFUSED, True)


def test_a_denied_order_tells_its_reason_value_and_limit(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "strategy.buyer.parameters.qty=501").logged_on().market()
    assert desk.ask("status").orders_denied == 1
    assert desk.ask("risk").denials == {"QUANTITY_MAX": 1}
    (denied,) = LogReader(desk.log_folder, types=["ORDER_DENIED"], committed=True)
    report = desk.ask("order", cl_ord_id=f"{denied.fields()['cl_ord_id']:X}")
    (step,) = report.steps
    assert (step.event, step.to_state, step.sequence) == ("DENY", "DENIED", denied.sequence)
    assert step.text == "QUANTITY_MAX: value 501, limit 500"
    assert (report.order.state, report.order.order_qty) == ("DENIED", "0.501")


def test_positions_are_of_each_strategy_and_of_all(trading: Desk) -> None:
    working = trading.ask("positions", strategy="buyer")[0]
    assert (working.qty, working.qty_low, working.qty_high) == ("0.000", "0.000", "0.003")
    own, firm = bought(trading).ask("positions")
    assert (own.strategy, firm.strategy) == ("buyer", "")
    assert (own.qty, own.qty_high, own.currency) == ("0.003", "0.003", "USDT")
    assert (own.avg_px, own.mark_px, own.fees) == ("100.03333", "100.0", "0.00005001")
    # 0.003 x 100.0 - (0.1001 + 0.2)
    assert (own.realised, own.unrealised) == ("0.00000000", "-0.00010000")
    assert msgspec.structs.replace(firm, strategy="buyer") == own
    assert trading.ask("positions", symbol="ETH") == []


def test_strategies_show_money_counts_and_handler_times(trading: Desk) -> None:
    buyer, other = bought(trading).ask("strategies")
    assert (buyer.name, buyer.status, buyer.instruments) == ("buyer", "RUNNING", ["BTC"])
    assert (buyer.fees, buyer.unrealised, buyer.currency) == ("0.00005001", "-0.00010000", "USDT")
    assert (buyer.orders_submitted, buyer.orders_working, buyer.fills) == (1, 0, 2)
    assert buyer.calls >= 5
    assert 0 < buyer.handler_ns_p99 <= buyer.handler_ns_max
    assert buyer.parameters["price"] == 1001
    assert len(buyer.code_sha256) == 64
    assert (other.orders_submitted, other.realised) == (0, "0.00")


def test_a_handler_over_its_budget_is_counted(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "core.handler_budget_ns=1").logged_on().market()
    buyer = desk.ask("strategies")[0]
    assert buyer.over_budget == buyer.calls > 0


def test_a_strategy_that_failed_says_why(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "strategy.buyer.parameters.fails=true").logged_on().market()
    buyer = desk.ask("strategies")[0]
    assert (buyer.status, buyer.reason) == ("FAILED", "ValueError: asked to fail")


def test_latency_has_the_stages_that_ran(trading: Desk) -> None:
    stages = {row.stage: row for row in trading.ask("latency")}
    assert set(stages) >= {"turn", "native phase", "python phase", "handler buyer"}
    out = {row.stage: row for row in trading.ask("latency") if row.lane == "python"}
    assert {"received to decoded", "decided to risk passed", "logged to sent"} <= out.keys()
    assert {row.count for row in out.values()} == {1}
    turn, native = stages["turn"], stages["native phase"]
    assert turn.count == native.count >= stages["python phase"].count > 0
    assert turn.p50_ns <= turn.p90_ns <= turn.p99_ns <= turn.p999_ns <= turn.max_ns
    assert turn.max_ns >= stages["python phase"].max_ns


def test_risk_and_limits_show_what_is_set(trading: Desk) -> None:
    report = trading.ask("risk")
    firm, buyer, _ = report.scopes
    assert (firm.strategy, firm.state, firm.armed) == ("", "ACTIVE", True)
    assert firm.reason == "reconciled"
    assert (firm.daily_loss_max, firm.working_orders) == ("5000", 1)
    assert (buyer.strategy, buyer.working_orders) == ("buyer", 1)
    assert (report.killed, report.killed_by_uid) == (False, None)
    limits = {(row.scope, row.name): (row.value, row.unit) for row in trading.ask("limits.show")}
    assert limits == {
        ("firm", "working_orders_max"): ("10", "orders"),
        ("firm", "daily_loss_max"): ("5000", "risk currency"),
        ("instrument:BTC", "quantity_max"): ("0.500", "quantity"),
        ("strategy:buyer", "notional_max"): ("100000", "risk currency"),
    }


def test_a_kill_is_shown_with_who_did_it(trading: Desk) -> None:
    trading._status.kill(4711)
    trading.until(lambda: trading.ask("risk").scopes[0].state == "HALTED")
    report = trading.ask("risk")
    assert (report.killed, report.killed_by_uid) == (True, 4711)
    status = trading.ask("status")
    assert (status.killed, status.armed) == (True, False)
    assert "4711" in status.note


def test_status_counts_what_happened(trading: Desk) -> None:
    status = bought(trading).ask("status")
    assert (status.name, status.mode, status.phase, status.epoch) == ("desk", "live", "ready", 1)
    assert (status.orders_submitted, status.orders_working, status.fills) == (1, 0, 2)
    assert status.inputs > 0
    assert status.memory_bytes > 1 << 20
    assert status.log.last_sequence == trading._log.last_sequence > 0
    assert status.log.bytes_appended > 0
    assert status.log.disk_free_bytes > 0
    assert (status.log.disk_low, status.log.failure) == (False, "")


def test_the_snapshot_is_of_one_turn(trading: Desk) -> None:
    snapshot = bought(trading).ask("snapshot")
    assert snapshot.fills == trading.ask("fills")
    assert snapshot.strategies == trading.ask("strategies")
    assert snapshot.status.fills == len(snapshot.fills)


def filled_and_closed(folder: Path) -> tuple[Desk, int]:
    """A process that bought and ended, and the order's ClOrdID."""
    first = Desk(folder).logged_on().market()
    first.until(lambda: bool(first.venue.orders))
    bought(first)._log.close()
    return first, first.venue.orders[0]


def test_what_the_process_before_did_is_shown_and_not_counted(tmp_path: Path) -> None:
    first, order = filled_and_closed(tmp_path)
    port = f"session.broker.port={first.venue.listener.port}"
    second = Desk(tmp_path, port)
    assert second.ask("fills") == first.ask("fills")
    assert second.ask("status").fills == 0
    told = second.ask("order", cl_ord_id=f"{order:X}")
    assert (told.order.state, told.order.avg_px) == ("FILLED", "100.03333")
    assert told.order.order_id == "V-1"
    assert told.fills == first.ask("fills")[::-1]


def test_ids_of_another_configuration_are_not_shown_as_ours(tmp_path: Path) -> None:
    first, order = filled_and_closed(tmp_path)
    port = f"session.broker.port={first.venue.listener.port}"
    second = Desk(tmp_path, port, "daemon.seed=2")
    assert second.ask("fills") == []
    assert second.answer("order", cl_ord_id=f"{order:X}").status == Outcome.REFUSED


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("orders", {"strategy": "nobody"}, "there is no strategy nobody; there are: buyer, other"),
        ("positions", {"symbol": "XYZ"}, "there is no instrument XYZ; there are: BTC, ETH"),
        ("order", {"cl_ord_id": "77"}, "there is no order 0000000000000077"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(
    desk: Desk, name: str, arguments: dict[str, str], reason: str
) -> None:
    reply = desk.answer(name, **arguments)
    assert (reply.status, reply.result, reply.error) == (Outcome.REFUSED, None, reason)


def test_bad_questions_are_answered_as_such(desk: Desk) -> None:
    assert desk.answer("shutdown").status == Outcome.BAD_COMMAND
    reply = desk.answer("fills", limit=0)
    assert reply.status == Outcome.BAD_COMMAND
    assert reply.error.startswith("fills: ")
