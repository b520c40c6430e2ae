"""A third dialect, written with docs/fix.md alone: the page is enough to connect a broker.

Its specification, as a broker would send it: symbols end in ".N"; quantities are in round lots of
100; ClOrdIDs begin with our letters; every order names an algorithm (9500) and its capacity; a
trade says A or R in 9730 and has its fee in 9731, in tenths of a cent.
"""

from __future__ import annotations

from pathlib import Path

from tests.days import books
from tests.days.day import Day, frames, pitwire
from tests.days.test_dialects import free_port

DIALECT = """
name = "round-lots-44"
version = "FIX.4.4"
qty_decimals = 0

[cl_ord_id]
prefix = "ACM-"

[[field]]
tag = 9500
name = "Algorithm"
type = "INT"
required = ["D"]

[[put]]
tag = 9500
source = "order_tag"
messages = ["D"]

[[put]]
tag = 528
value = "P"
messages = ["D", "G"]

[[field]]
tag = 9730
name = "AddedRemoved"
type = "CHAR"
values = ["A", "R"]
messages = ["8"]

[[field]]
tag = 9731
name = "TradeFee"
type = "AMT"
messages = ["8"]

[report]
fee_tag = 9731
fee_unit = 0.001
liquidity = { tag = 9730, added = ["A"], removed = ["R"] }
"""
SYMBOLS = '{ ACME = { symbol = "ACME.N", qty_unit = 100 }, BOLT = { symbol = "BOLT.N" } }'


def test_the_page_is_enough_to_trade_with_a_broker(tmp_path: Path) -> None:
    dialect = tmp_path / "round-lots.toml"
    dialect.write_text(DIALECT)
    session = f'{{ target_comp_id = "PITWIRE", dialect = "{dialect}", symbols = {SYMBOLS} }}'
    exchange: dict[str, object] = {
        "fix.port": free_port(),
        "fix.session": f"[{session}]",
        "instrument.0.lot": 100,
    }
    firm: dict[str, object] = {
        "session.broker.dialect": dialect,
        "session.broker.symbols": SYMBOLS,
        "instrument.ACME.lot": 100,
        "strategy.maker.parameters": (
            '{ symbol = "ACME", qty = 100, max_position = 800, kappa = 5.0 }'
        ),
        "strategy.pair.start": "false",
    }
    with Day(tmp_path, firm, exchange=exchange) as day:
        day.until_ready()
        day.until(
            "fills in lots and in shares",
            lambda: {"ACME", "BOLT"} <= {each["symbol"] for each in day.done("fills")},
        )
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    assert len(frames(day.log, "FILL")) == len(books.exchange_rows(day.trades))
    assert pitwire("replay", str(day.log)).returncode == 0
    sent = [
        frame.tail[: frame.fields()["size_bytes"]].decode().replace("\x01", "|")
        for frame in frames(day.log, "FIX_TX")
    ]
    orders = [text for text in sent if "|35=D|" in text]
    in_lots = [text for text in orders if "|55=ACME.N|" in text]
    assert in_lots
    for text in in_lots:
        assert 1 <= int(text.split("|38=")[1].split("|")[0]) <= 20
    for text in orders:
        for part in ("|11=ACM-", "|528=P|", "|9500="):
            assert part in text
    assert "not whole" not in day.errors
