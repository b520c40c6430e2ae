"""The configuration as the native exchange takes it: integers in increments, nanoseconds, names."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from daemon.app.dialects import native
from daemon.app.naming import Counted, venue_names
from tools.exchange.configuration import Address, Config, Fix, Instrument, Itch, Line

NO_ID = 0xFFFFFFFF


def settings(config: Config) -> dict[str, Any]:
    """The dictionary that `daemon.core.Exchange` is made from."""
    symbols = [instrument.symbol for instrument in config.instrument]
    return {
        "seed": config.exchange.seed,
        "trades_path": config.exchange.trades,
        "reports_path": config.exchange.reports,
        "orders_max": config.exchange.orders_max,
        "client_orders_max": config.exchange.client_orders_max,
        "instruments": [_instrument(made, symbols) for made in config.instrument],
        "fix": _fix(
            config.fix,
            config.exchange.exec_id_prefix or _prefix(),
            [_counted(each, number) for number, each in enumerate(config.instrument)],
        ),
        "agents": {
            "actions_per_second": config.agents.actions_per_second,
            "makers": config.agents.makers,
            "noise": config.agents.noise,
            "trend": config.agents.trend,
            "informed": config.agents.informed,
        },
        "history_messages": config.itch.history_messages if config.itch else 1,
        "mold": _mold(config.itch) if config.itch else None,
        "capture": {"speed": config.capture.speed, "align_start": config.capture.align_start}
        if config.capture
        else None,
    }


def _prefix() -> str:
    """Different for every start, so that an ExecID is never given twice."""
    return f"X{time.time_ns() // 1_000_000:X}-"


def _steps(value: Decimal, step: Decimal) -> int:
    return int(value / step)


def _instrument(made: Instrument, symbols: list[str]) -> dict[str, Any]:
    tick = made.tick or made.price_increment
    lot = made.lot or made.qty_increment
    return {
        "symbol": made.symbol,
        "price_increment": f"{made.price_increment:f}",
        "qty_increment": f"{made.qty_increment:f}",
        "tick": _steps(tick, made.price_increment),
        "lot": _steps(lot, made.qty_increment),
        "price_max": _steps(made.price_max, made.price_increment),
        "order_qty_max": _steps(made.order_qty_max, made.qty_increment),
        "fees": {
            "inverse": made.inverse,
            "multiplier": f"{made.multiplier:f}",
            "fee_decimals": made.fees.decimals,
            "maker_rate_e8": int(made.fees.maker_rate * 10**8),
            "taker_rate_e8": int(made.fees.taker_rate * 10**8),
        },
        "agent": {
            "start_px": _steps(made.start_price, made.price_increment),
            "order_lots_max": made.agent.order_lots_max,
            "volatility_ticks": made.agent.volatility_ticks,
            "spread_ticks": made.agent.spread_ticks,
            "depth_ticks": made.agent.depth_ticks,
            "live_orders_max": made.agent.live_orders_max,
            "follows": symbols.index(made.agent.follows) if made.agent.follows else NO_ID,
            "beta": made.agent.beta,
            "spread_reversion_per_second": made.agent.spread_reversion_per_second,
            "spread_volatility_ticks": made.agent.spread_volatility_ticks,
        },
        "market": made.market,
        "feed_symbol": made.feed_symbol or made.symbol,
    }


def _counted(made: Instrument, number: int) -> Counted:
    return Counted(
        number,
        made.symbol,
        made.symbol,
        made.price_increment,
        made.qty_increment,
        Decimal(1).scaleb(-made.fees.decimals),
    )


def _fix(fix: Fix, exec_id_prefix: str, instruments: list[Counted]) -> dict[str, Any]:
    jitter = fix.jitter_us * 1000
    clients = [session.target_comp_id for session in fix.session]
    return {
        "host": fix.host,
        "port": fix.port,
        "tls": {
            "certificate": fix.tls.certificate,
            "private_key": fix.tls.private_key,
            "ca_file": fix.tls.ca_file,
            "crl_file": fix.tls.crl_file,
            "require_client_certificate": fix.tls.require_client_certificate,
        }
        if fix.tls
        else None,
        "sessions": [
            {
                "begin_string": session.begin_string,
                "sender_comp_id": session.sender_comp_id,
                "target_comp_id": session.target_comp_id,
                "check_latency": session.check_latency,
                "cancel_on_disconnect": session.cancel_on_disconnect,
                "copies": clients.index(session.copies) if session.copies else number,
                "stored_bytes_max": session.stored_bytes_max,
                "cancels_for": session.cancels_for,
                "dialect": native(session.dialect),
                "instruments": venue_names(session.dialect, session.symbols, instruments),
            }
            for number, session in enumerate(fix.session)
        ],
        "latency_in": {"base_ns": fix.latency_in_us * 1000, "jitter_ns": jitter},
        "latency_out": {"base_ns": fix.latency_out_us * 1000, "jitter_ns": jitter},
        "rejects_per_million": fix.rejects_per_million,
        "disconnects_per_hour": fix.disconnects_per_hour,
        "exec_id_prefix": exec_id_prefix,
    }


def _mold(itch: Itch) -> dict[str, Any]:
    return {
        # Ten characters that differ from one start to the next: readers take a new session as new.
        "session": itch.session or f"{time.time_ns() // 1_000_000 % 10**10:010d}",
        "lines": [_line(line) for line in itch.lines],
        "retransmission": _address(itch.retransmission),
        "heartbeat_ns": itch.heartbeat_ms * 1_000_000,
        "datagram_bytes_max": itch.datagram_bytes_max,
    }


def _address(address: Address) -> dict[str, Any]:
    return {"host": address.host, "port": address.port}


def _line(line: Line) -> dict[str, Any]:
    return {
        **_address(line),
        "interface": line.interface,
        "drop_per_million": line.drop_per_million,
    }
