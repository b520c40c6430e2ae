"""A recorded market over real sockets: messages arrive, snapshots join, orders fill by it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.exchange.fix_client import FixClient
from tests.exchange.running import ROOT, Running
from tools.exchange.configuration import load

REPLAY = ROOT / "config" / "exchange-replay.toml"
FOLDER = "crypto/binance_hftbacktest"
CONFIG = """
[exchange]
trades = "{folder}/trades.csv"
[[fix.session]]
target_comp_id = "PITWIRE"
[fix]
port = 0
[binance]
port = 0
[capture]
folder = "{captures}"
speed = 0
{more}
[[instrument]]
symbol = "BTCUSDT"
market = "usdm"
captures = ["{name}"]
price_increment = 0.1
qty_increment = 0.001
price_max = 10000000
fees = {{ maker_rate = 0.0002, taker_rate = 0.0005 }}
"""


def lines_of(path: Path, count: int) -> list[bytes]:
    with gzip.open(path) as lines:
        return [next(lines).split(b" ", 1)[1].strip() for _ in range(count)]


@pytest.fixture
def recorded(test_data: Callable[[str], Path], tmp_path: Path) -> list[bytes]:
    """The first 1,500 lines of a day, also as a capture of their own in tmp_path."""
    source = test_data(f"{FOLDER}/usdm_btcusdt_20240718.gz")
    with gzip.open(source) as lines, gzip.open(tmp_path / "short.gz", "wb") as short:
        for _ in range(1500):
            short.write(next(lines))
    return lines_of(source, 1500)


@pytest.fixture
def exchange(recorded: list[bytes], tmp_path: Path) -> Iterator[Running]:
    assert recorded, "the capture file is there"
    config = tmp_path / "replay.toml"
    config.write_text(CONFIG.format(folder=tmp_path, captures=tmp_path, name="short.gz", more=""))
    with Running(config) as running:
        yield running


async def collect(
    port: int, path: str, count: int, subscribe: list[str] | None = None
) -> list[str]:
    """The first messages of a subscription."""
    got: list[str] = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}{path}", max_msg_size=0) as socket,
    ):
        if subscribe:
            await socket.send_json({"method": "SUBSCRIBE", "params": subscribe, "id": 7})
            answer = await socket.receive_json(timeout=5)
            assert answer == {"result": None, "id": 7}
        while len(got) < count:
            message = await socket.receive(timeout=5)
            got.append(message.data)
    return got


STREAMS = ["btcusdt@depth@0ms", "btcusdt@bookTicker", "btcusdt@trade"]


async def test_every_recorded_message_arrives_as_it_was(
    exchange: Running, recorded: list[bytes]
) -> None:
    sent = [line.decode() for line in recorded if b'"stream"' in line]
    path = "/stream?streams=" + "/".join(STREAMS)
    assert await collect(exchange.ports["binance"], path, len(sent)) == sent


async def test_a_single_stream_carries_bare_payloads(
    exchange: Running, recorded: list[bytes]
) -> None:
    wanted = [json.loads(line)["data"] for line in recorded if b"btcusdt@trade" in line[:40]][:20]
    got = await collect(exchange.ports["binance"], "/usdm/ws/btcusdt@trade", len(wanted))
    assert [json.loads(text) for text in got] == wanted


async def test_subscribing_later_and_other_markets_stay_apart(exchange: Running) -> None:
    got = await collect(exchange.ports["binance"], "/usdm/stream", 1, ["btcusdt@trade"])
    assert '"btcusdt@trade"' in got[0]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await collect(exchange.ports["binance"], "/spot/ws/btcusdt@trade", 1)


async def test_a_replay_waits_for_as_many_clients_as_configured(
    recorded: list[bytes], tmp_path: Path
) -> None:
    first = next(line.decode() for line in recorded if b"btcusdt@trade" in line[:40])
    config = tmp_path / "two.toml"
    config.write_text(
        CONFIG.format(folder=tmp_path, captures=tmp_path, name="short.gz", more="clients = 2")
    )
    path = "/stream?streams=btcusdt@trade"
    with Running(config) as running:
        port = running.ports["binance"]
        alone = asyncio.create_task(collect(port, path, 1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(alone), 0.3)
        assert await collect(port, path, 1) == [first]
        assert await alone == [first]


def replayed_book(recorded: list[bytes]) -> tuple[int, dict[str, dict[Decimal, Decimal]]]:
    """Update id and book after all lines, by the venue's rules, without the native code."""
    messages = [json.loads(line) for line in recorded]
    snapshot = next(m for m in messages if "lastUpdateId" in m)
    book = {side: levels(snapshot[side]) for side in ("bids", "asks")}
    last = int(snapshot["lastUpdateId"])
    for diff in (m["data"] for m in messages if "@depth" in m.get("stream", "")):
        if diff["u"] < last:
            continue
        for side, key in (("bids", "b"), ("asks", "a")):
            book[side].update(levels(diff[key]))
        last = diff["u"]
    return last, {side: {px: qty for px, qty in held.items() if qty} for side, held in book.items()}


def levels(pairs: list[list[str]]) -> dict[Decimal, Decimal]:
    return {Decimal(px): Decimal(qty) for px, qty in pairs}


async def depth(port: int, path: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.json()


async def test_a_snapshot_is_the_book_of_its_update_id(
    exchange: Running, recorded: list[bytes]
) -> None:
    port = exchange.ports["binance"]
    status, _ = await depth(port, "/fapi/v1/depth?symbol=BTCUSDT")
    assert status == 503, "nothing was replayed yet"
    streamed = sum(b'"stream"' in line for line in recorded)
    await collect(port, "/stream?streams=" + "/".join(STREAMS), streamed)
    status, answer = await depth(port, "/fapi/v1/depth?symbol=btcusdt&limit=5000")
    last, book = replayed_book(recorded)
    assert (status, answer["lastUpdateId"]) == (200, last)
    for side in ("bids", "asks"):
        assert levels(answer[side]) == book[side]
        prices = [Decimal(px) for px, _ in answer[side]]
        assert prices == sorted(prices, reverse=side == "bids")
    _, short = await depth(port, "/fapi/v1/depth?symbol=BTCUSDT&limit=5")
    assert short["bids"] == answer["bids"][:5]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/fapi/v1/depth?symbol=NONE", "NONE"),
        ("/api/v3/depth?symbol=BTCUSDT", "BTCUSDT"),
        ("/fapi/v1/depth?symbol=BTCUSDT&limit=5001", "limit"),
        ("/fapi/v1/depth?symbol=BTCUSDT&limit=x", "limit"),
    ],
)
async def test_bad_requests_are_refused_with_the_reason(
    exchange: Running, path: str, told: str
) -> None:
    status, answer = await depth(exchange.ports["binance"], path)
    assert status == 400
    assert told in answer["msg"]


async def test_garbage_on_a_websocket_is_answered_with_an_error(exchange: Running) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{exchange.ports['binance']}/ws") as socket,
    ):
        for said in ("{", '{"method": 1}', '{"method": "NO", "id": 1}'):
            await socket.send_str(said)
            assert "error" in await socket.receive_json(timeout=5)


async def test_orders_take_recorded_quantity_and_wait_behind_it(
    exchange: Running, recorded: list[bytes]
) -> None:
    streamed = sum(b'"stream"' in line for line in recorded)
    await collect(exchange.ports["binance"], "/stream?streams=" + "/".join(STREAMS), streamed)
    _, answer = await depth(exchange.ports["binance"], "/fapi/v1/depth?symbol=BTCUSDT&limit=5")
    best_ask, qty = answer["asks"][0]
    client = FixClient(exchange.ports["fix"])
    client.order(1, 1, qty, best_ask, "BTCUSDT", (59, 3))
    client.report(1, "0")
    fill = client.report(1, "F")
    assert (Decimal(fill[31]), Decimal(fill[32]), fill[39]) == (
        Decimal(best_ask),
        Decimal(qty),
        "2",
    )
    assert Decimal(fill[12]) == (Decimal(best_ask) * Decimal(qty) * Decimal("0.0005")).quantize(
        Decimal("1e-8")
    )
    client.order(2, 1, qty, best_ask, "BTCUSDT", (59, 3))
    assert client.report(2, "4")[14] == "0.000", "the same quantity is not sold twice"
    client.order(3, 1, "0.010", answer["bids"][0][0], "BTCUSDT")
    client.report(3, "0")
    client.change("H", 3, 0, 1, "BTCUSDT")
    assert client.report(3, "I")[39] == "0"


async def test_the_process_ends_with_the_capture_where_so_configured(
    recorded: list[bytes], tmp_path: Path
) -> None:
    assert len(recorded) == 1500
    config = tmp_path / "ending.toml"
    more = 'start = "now"\nat_end = "exit"'
    config.write_text(CONFIG.format(folder=tmp_path, captures=tmp_path, name="short.gz", more=more))
    with Running(config) as running:
        code, errors = running.ended()
    assert code == 0, errors
    assert "capture_lines=1500" in errors
    assert "capture_refused=0" in errors


async def test_every_capture_of_the_configuration_replays_without_a_refused_line(
    test_data: Callable[[str], Path],
) -> None:
    lines = sum(
        gzip.decompress((test_data(FOLDER) / name).read_bytes()).count(b"\n")
        for made in load(REPLAY, captures=test_data(FOLDER)).instrument
        for name in made.captures
    )
    ports = ("--set", "fix.port=0", "--set", "binance.port=0", "--set", "exchange.trades=''")
    pace = (
        "--set",
        "capture.speed=0",
        "--set",
        "capture.start=now",
        "--set",
        "capture.at_end=exit",
    )
    with Running(REPLAY, str(test_data(FOLDER)), *ports, *pace) as running:
        code, errors = running.ended(60)
    assert code == 0, errors
    assert f"capture_lines={lines}" in errors
    assert "capture_refused=0" in errors
