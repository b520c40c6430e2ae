"""A QuickFIX/J initiator at our exchange: order flow, gaps both ways, resets, TLS."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from tests.days.books import exchange_rows
from tests.days.certificates import Authority
from tests.exchange.running import Running
from tools import quickfixj

CONFIG = """
[exchange]
trades = "{folder}/trades.csv"
seed = 11
[[fix.session]]
target_comp_id = "QFJ"
[fix]
port = 0
{tls}
[agents]
actions_per_second = 2000
[[instrument]]
symbol = "ACME"
tick = 0.01
start_price = 100.00
"""
REPLACED = 3  # of five orders
TLS = """
[fix.tls]
certificate = "{certificate}"
private_key = "{key}"
ca_file = "{ca}"
require_client_certificate = true
"""


def run(
    folder: Path, orders: int, mode: str, tls: str = "", stores: tuple[Path, ...] = (),
    seconds: int = 100,
) -> tuple[str, list[dict[str, str]]]:  # fmt: skip
    """The client's last line and its record, once the exchange's record has been compared."""
    config = folder / "exchange.toml"
    config.write_text(CONFIG.format(folder=folder, tls=tls))
    record, log = folder / "record.csv", folder / "client.err"
    with Running(config) as exchange, log.open("wb") as errors:
        words = (exchange.ports["fix"], orders, record, folder / "client.store", mode)
        client = quickfixj.start("Client", *words, *stores, log=errors)
        try:
            said, _ = client.communicate(timeout=seconds)
        finally:
            client.kill()
        code, _ = exchange.stop()
    assert client.returncode == 0, log.read_text()[-2000:]
    assert code == 0
    with record.open(newline="") as file:
        rows = list(csv.DictReader(file))
    fills = Counter((row["exec_id"], Decimal(row["px"]), Decimal(row["qty"])) for row in rows
                    if row["kind"] == "F")  # fmt: skip
    theirs = Counter((row["exec_id"], Decimal(row["px"]), Decimal(row["qty"]))
                     for row in exchange_rows(folder / "trades.csv"))  # fmt: skip
    assert fills == theirs
    assert "IllegalState" not in log.read_text()
    return said.splitlines()[-1], rows


def assert_flow(rows: list[dict[str, str]], orders: int) -> None:
    """Of five orders two cross, one is cancelled, one replaced and cancelled, one rejected."""
    kinds = Counter(row["kind"] for row in rows)
    assert kinds["8"] == orders // 5
    assert kinds["0"] == orders - orders // 5
    assert kinds["F"] > orders // 5
    ended = Counter(row["order"] for row in rows if row["kind"] in "48C")
    filled = Counter(row["order"] for row in rows if row["kind"] == "F")
    replaced = [row["order"] for row in rows if row["kind"] == "5"]
    refused = {row["order"] for row in rows if row["kind"] == "cancel_reject"}
    asked = {str(number) for number in range(1, orders + 1) if number % 5 == REPLACED}
    assert len(replaced) == len(set(replaced))
    assert set(replaced) <= asked
    # The market may have come to them first.
    assert asked - set(replaced) <= refused & set(filled)
    assert len(ended | filled) == orders
    assert max(ended.values()) == 1


def test_whole_flow(tmp_path: Path) -> None:
    said, rows = run(tmp_path, 1000, "plain")
    assert said == "orders 1000 repeated 0"
    assert_flow(rows, 1000)


def test_gaps_both_ways_lose_nothing(tmp_path: Path) -> None:
    said, rows = run(tmp_path, 1000, "gaps")
    assert said.startswith("orders 1000 repeated ")
    assert int(said.split()[-1]) >= 40  # two logons that had forgotten the last forty messages
    assert_flow(rows, 1000)


def test_numbers_that_begin_anew(tmp_path: Path) -> None:
    said, rows = run(tmp_path, 500, "reset")
    assert said == "orders 500 repeated 0"
    assert_flow(rows, 500)


def test_tls_both_ways(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.certify("exchange", "DNS:localhost")
    stores = quickfixj.stores(tmp_path, *authority.certify("client", "DNS:client"), authority.file)
    tls = TLS.format(certificate=certificate, key=key, ca=authority.file)
    said, rows = run(tmp_path, 250, "plain", tls, stores)
    assert said == "orders 250 repeated 0"
    assert_flow(rows, 250)


@pytest.mark.deep
def test_a_hundred_thousand_orders(tmp_path: Path) -> None:
    said, rows = run(tmp_path, 100_000, "gaps", seconds=900)
    assert said.startswith("orders 100000 repeated ")
    assert_flow(rows, 100_000)
