"""A made-up market as captures, and a configuration that trades it: small, seeded, whole."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from daemon.app.configuration import Configuration, parse

BEGIN: Final = 1_723_161_600_000_000_000  # 2024-08-09, ns
STEP_NS: Final = 100_000_000
LEVELS: Final = 8
TICK: Final = Decimal("0.01")
LOT: Final = Decimal("0.001")
SYMBOLS: Final = {"AAA": "AAAUSDT", "BBB": "BBBUSDT", "INV": "INVUSD"}

CONFIGURATION: Final = """
[daemon]
name = "made-up"
runtime_dir = "{folder}/run"
[log]
folder = "{folder}/unused"
segment_size_bytes = 4194304
low_disk_bytes = 0
[worker]
functions = ["strategies.ou_fit:fit"]
[backtest]
captures = ["*.capture"]
worker_delay_ms = 50
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
sender_comp_id = "US"
target_comp_id = "THEM"
host = "127.0.0.1"
port = 1
[[instrument]]
symbol = "AAA"
feed_symbol = "AAAUSDT"
venue = "v"
feed = "spot"
session = "broker"
price_increment = 0.01
qty_increment = 0.001
quote_currency = "USDT"
settlement_currency = "USDT"
money_scale = 8
fees = {{ maker_rate = 0.0001, taker_rate = 0.0003 }}
[[instrument]]
symbol = "BBB"
feed_symbol = "BBBUSDT"
venue = "v"
feed = "spot"
session = "broker"
price_increment = 0.01
qty_increment = 0.001
quote_currency = "USDT"
settlement_currency = "USDT"
money_scale = 8
fees = {{ maker_rate = -0.0001, taker_rate = 0.0003 }}
[[instrument]]
symbol = "INV"
feed_symbol = "INVUSD"
venue = "v"
feed = "spot"
session = "broker"
product = "inverse"
multiplier = 10
price_increment = 0.01
qty_increment = 0.001
quote_currency = "USD"
settlement_currency = "ETH"
money_scale = 8
fees = {{ maker_rate = 0.0001, taker_rate = 0.0003 }}
[[strategy]]
name = "maker"
class = "strategies.market_maker:MarketMaker"
instruments = ["AAA"]
parameters = {{ symbol = "AAA", qty = 30, max_position = 300, gamma = 1e-4 }}
[[strategy]]
name = "momentum"
class = "strategies.momentum:Momentum"
instruments = ["BBB"]
parameters = {{ symbol = "BBB", qty = 7, entry_flow = 1.0, entry_imbalance = 0.0, cooldown_s = 0.5 }}
[[strategy]]
name = "inverse"
class = "strategies.market_maker:MarketMaker"
instruments = ["INV"]
parameters = {{ symbol = "INV", qty = 13, max_position = 100, gamma = 1e-4 }}
[[strategy]]
name = "pressure"
class = "strategies.pressure:Pressure"
instruments = ["BBB"]
parameters = {{ symbol = "BBB", qty = 5, tau_s = 0.5, enter = 0.2, slippage_ticks = 5 }}
[[strategy]]
name = "pair"
class = "strategies.ou_pair:OuPair"
instruments = ["AAA", "BBB"]
parameters = {{ first = "AAA", second = "BBB", qty = 11, sample_s = 0.25, window = 20, refit_s = 4.0, cost = 1e-5 }}
[risk]
currency = "USDT"
rates = {{ ETH = 2000 }}
[risk.firm]
price_collar_bps = 500
"""  # noqa: E501  a table of TOML is one line

Book = dict[Decimal, Decimal]


def configuration(folder: Path, *overrides: str) -> Configuration:
    """Five strategies on three instruments: quotes, flow, an inverse contract, a kernel, a worker.
    The session is a FIX one, for which a simulated venue stands in."""
    return parse(CONFIGURATION.format(folder=folder), "made-up.toml", overrides)


class Market(msgspec.Struct):
    """What a capture ends with."""

    path: Path
    messages: int
    bid: Decimal
    ask: Decimal


def write(path: Path, symbol: str, steps: int, seed: int, begin: int = BEGIN) -> Market:
    """A capture of a spot market of `steps` tenths of a second: book, best prices, trades."""
    print(f"{path.name}: seed {seed}")
    chance = random.Random(seed)
    middle = Decimal(chance.randint(9_000, 11_000)) * TICK
    bids, asks = _side(chance, middle, -1), _side(chance, middle, 1)
    lines = [(begin, json.dumps({"lastUpdateId": 1, **_sides(bids, asks)}))]
    for step in range(1, steps + 1):
        ts = begin + step * STEP_NS + chance.randrange(1_000_000)
        best_bid, best_ask = max(bids), min(asks)
        if chance.random() < 0.6:  # a trade, told before the change of the book that it causes
            sold = chance.random() < 0.5
            depth = chance.randrange(LEVELS) * TICK  # of a sweep only the last price is told
            px = best_bid - depth if sold else best_ask + depth
            qty = min((bids if sold else asks)[px], _qty(chance, 900))
            lines.append((ts, _trade(symbol, ts, px, qty, buyer_is_maker=sold)))
        middle += chance.choice((-2, -1, 0, 0, 1, 2)) * TICK
        new_bids, new_asks = _side(chance, middle, -1), _side(chance, middle, 1)
        changed = {"b": _changes(bids, new_bids), "a": _changes(asks, new_asks)}
        bids, asks = new_bids, new_asks
        update = {"e": "depthUpdate", "E": ts // 1_000_000, "s": symbol, "U": step + 1}
        lines.append((ts, _combined(symbol, "depth@100ms", {**update, "u": step + 1, **changed})))
        lines.append((ts, _combined(symbol, "bookTicker", _ticker(symbol, step + 1, bids, asks))))
    path.write_text("".join(f"{ts} {line}\n" for ts, line in lines))
    return Market(path, len(lines), max(bids), min(asks))


def write_all(folder: Path, steps: int = 400) -> dict[str, Market]:
    """A capture of every instrument of the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        name: write(folder / f"{name.lower()}.capture", symbol, steps, seed)
        for seed, (name, symbol) in enumerate(SYMBOLS.items(), start=11)
    }


def _qty(chance: random.Random, lots: int) -> Decimal:
    return chance.randint(1, lots) * LOT


def _side(chance: random.Random, middle: Decimal, sign: int) -> Book:
    return {middle + sign * (1 + each) * TICK: _qty(chance, 400) for each in range(LEVELS)}


def _sides(bids: Book, asks: Book) -> dict[str, Any]:
    return {
        "bids": [[str(px), str(qty)] for px, qty in bids.items()],
        "asks": [[str(px), str(qty)] for px, qty in asks.items()],
    }


def _changes(old: Book, new: Book) -> list[list[str]]:
    gone = [[str(px), "0"] for px in old if px not in new]
    return gone + [[str(px), str(qty)] for px, qty in new.items() if old.get(px) != qty]


def _ticker(symbol: str, update: int, bids: Book, asks: Book) -> dict[str, Any]:
    bid, ask = max(bids), min(asks)
    best = {"b": str(bid), "B": str(bids[bid]), "a": str(ask), "A": str(asks[ask])}
    return {"u": update, "s": symbol, **best}


def _trade(symbol: str, ts: int, px: Decimal, qty: Decimal, *, buyer_is_maker: bool) -> str:
    said = {"e": "trade", "E": ts // 1_000_000, "T": ts // 1_000_000, "s": symbol}
    return _combined(symbol, "trade", {**said, "m": buyer_is_maker, "p": str(px), "q": str(qty)})


def _combined(symbol: str, stream: str, payload: dict[str, Any]) -> str:
    return json.dumps({"stream": f"{symbol.lower()}@{stream}", "data": payload})
