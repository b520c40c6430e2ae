"""`pitwire data` as users run it: files in, rows and a picture out, errors with their reason."""

import argparse
import csv
import gzip
import lzma
import struct
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tools.command import UsageError
from tools.marketdata.command import decimal_text, interval_ns, register

ITCH = "itch/ex20101224.TEST_ITCH_50.gz"


def run(*arguments: str | Path) -> int:
    """The command's exit code; UsageError is what the dispatcher turns into 2."""
    parser = argparse.ArgumentParser(prog="pitwire")
    register(parser.add_subparsers())
    args = parser.parse_args(["data", *map(str, arguments)])
    code: int = args.run(args)
    return code


def add(ref: int, side: bytes, shares: int, price: int, ts: int) -> bytes:
    """An ITCH add order of ACME with its length before it."""
    head = b"A" + struct.pack(">HH", 1, 0) + ts.to_bytes(6)
    body = head + struct.pack(">Q1sI8sI", ref, side, shares, b"ACME    ", price)
    return len(body).to_bytes(2) + body


@pytest.fixture
def feed() -> bytes:
    second = 10**9
    return add(1, b"B", 100, 10_000, second) + add(2, b"S", 50, 10_200, 3 * second)


def test_rows_are_the_book_after_every_message(
    feed: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "day.itch.gz", tmp_path / "rows.csv"
    source.write_bytes(gzip.compress(feed))
    assert run("book", source, "--format", "itch5", "--out", out) == 0
    with out.open() as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["ts_event", "sequence", "symbol", "side", "level", "price", "size"]
    assert rows[1:] == [
        ["1000000000", "1", "ACME", "bid", "1", "1.0000", "100"],
        ["3000000000", "2", "ACME", "bid", "1", "1.0000", "100"],
        ["3000000000", "2", "ACME", "ask", "1", "1.0200", "50"],
    ]
    shown = capsys.readouterr().out
    assert "ACME: 1 bid and 1 ask levels" in shown
    assert "1.02" in shown


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".zst"])
def test_parquet_holds_exact_decimals_whatever_the_file_was_compressed_with(
    feed: bytes, tmp_path: Path, suffix: str
) -> None:
    compress: dict[str, Callable[[bytes], bytes]] = {
        "": bytes,
        ".gz": gzip.compress,
        ".xz": lzma.compress,
        ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
    }
    source, out = tmp_path / f"2024-03-01.itch{suffix}", tmp_path / "rows.parquet"
    source.write_bytes(compress[suffix](feed))
    assert run("book", source, "--every", "1s", "--out", out) == 0
    table = pq.read_table(out).to_pylist()
    midnight = 1709269200 * 10**9  # 2024-03-01 in New York
    assert table == [
        {
            "ts_event": midnight + 2 * 10**9,
            "sequence": 1,
            "symbol": "ACME",
            "side": "bid",
            "level": 1,
            "price": Decimal("1.0000"),
            "size": 100,
        }
    ]


def test_a_truncated_last_message_is_told_and_the_rest_kept(
    feed: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "cut.itch"
    source.write_bytes(feed[:-1])
    assert run("book", source, "--format", "itch5") == 0
    shown = capsys.readouterr().out
    assert "ACME: 1 bid and 0 ask levels" in shown
    assert "ends within a message" in shown


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--out", "rows.txt"], "expected a name that ends in"),
        (["--every", "soon", "--out", "rows.csv"], "expected `message` or an interval"),
        (["--depth", "0"], "expected 1 to 1024"),
        (["--date", "1.3.2024"], "expected YYYY-MM-DD"),
        (["--symbol", "TOOLONGNAME"], "expected 1 to 8"),
        (["--format", "dbn"], "not a DBN file"),
        (["--format", "lobster"], "line 1"),
        (["--format", "binance"], "no depthUpdate"),
    ],
)
def test_bad_usage_says_what_and_why(
    feed: bytes, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    source = tmp_path / "day.itch"
    source.write_bytes(feed)
    with pytest.raises(UsageError, match=reason):
        run("book", source, *arguments)


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absent: no such file"):
        run("book", tmp_path / "absent")
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(gzip.compress(b"x" * 100_000)[:40])
    with pytest.raises(UsageError, match=r"damaged\.gz"):
        run("book", damaged, "--format", "itch5")
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\0\0\xff\xff")
    with pytest.raises(UsageError, match="not recognised"):
        run("info", garbage)


def test_a_symbol_that_is_not_there_gives_one(feed: bytes, tmp_path: Path) -> None:
    source = tmp_path / "day.itch"
    source.write_bytes(feed)
    assert run("book", source, "--symbol", "OTHER") == 1


@pytest.mark.parametrize(
    ("relative", "facts"),
    [
        (ITCH, ["itch5", "12,012", "ALC, BOB, CHAR", "117 messages UNKNOWN_ORDER"]),
        (
            "databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst",
            ["GLBX.MDP3", "version        │ 1", "68,792", "ESH4"],
        ),
        (
            "lobster/AAPL_2012-06-21_34200000_57600000_message_10.head1000.csv",
            ["lobster", "999"],
        ),
        ("crypto/binance_hftbacktest/usdm_btcusdt_20240718.gz", ["depthUpdate", "3,326"]),
    ],
)
def test_info_says_what_is_in_a_file(
    test_data: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
    relative: str,
    facts: list[str],
) -> None:
    assert run("info", test_data(relative)) == 0
    shown = capsys.readouterr().out
    for fact in facts:
        assert fact in shown


def test_intervals_and_decimals_are_exact() -> None:
    assert [interval_ns(text) for text in ("message", "100ms", "1s", "5m")] == [
        0,
        100 * 10**6,
        10**9,
        300 * 10**9,
    ]
    assert decimal_text(-5, 3) == "-0.005"
    assert decimal_text(4810250000000, 9) == "4810.25"
    assert decimal_text(7, 0) == "7"


# ------------------------------------------------------------------ ground truths, by the command

BINANCE = "crypto/binance_hftbacktest/"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("spot_ethusdt_20240808.gz", "spot_ethusdt_20240809.gz", "ETHUSDT: compared 1,056"),
        ("usdm_btcusdt_20230404.dat.gz", "usdm_btcusdt_20230405.dat.gz", "BTCUSDT: compared 1,565"),
        ("usdm_btcusdt_20240718.gz", "usdm_btcusdt_20240719.gz", "BTCUSDT: compared 625"),
        ("usdm_ethusdt_20240718.gz", "usdm_ethusdt_20240719.gz", "ETHUSDT: compared 834"),
        ("cm_ethusd_perp_20240808.gz", "cm_ethusd_perp_20240809.gz", "ETHUSD_PERP: compared 2,278"),
    ],
)
def test_book_of_two_days_equals_the_venues_best_prices(
    test_data: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
    first: str,
    second: str,
    said: str,
) -> None:
    assert run("book", test_data(BINANCE + first), test_data(BINANCE + second)) == 0
    name, count = said.split(" compared ")
    told = f"{name} compared with bookTicker at {count} update ids, 0 different"
    assert told in capsys.readouterr().out


def test_book_of_a_dbn_day_ends_as_known(
    test_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    day = test_data("databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst")
    assert run("book", day, "--depth", "1") == 0
    shown = capsys.readouterr().out
    assert "ESH4: 922 bid and 565 ask levels" in shown
    assert "4810.00 │ 4810.25" in shown


def test_rows_of_a_lobster_day_are_the_order_book_file(
    test_data: Callable[[str], Path], tmp_path: Path
) -> None:
    name = "lobster/AAPL_2012-06-21_34200000_57600000_{}_10.head1000.csv"
    files = [test_data(name.format(kind)) for kind in ("message", "orderbook")]
    out = tmp_path / "rows.csv"
    assert run("book", *files, "--depth", "10", "--out", out) == 0
    built: dict[int, list[str]] = {}
    with out.open() as lines:
        for row in csv.DictReader(lines):
            place = 4 * (int(row["level"]) - 1) + (0 if row["side"] == "ask" else 2)
            book = built.setdefault(int(row["sequence"]), [""] * 40)
            book[place] = str(int(Decimal(row["price"]) * 10_000))
            book[place + 1] = row["size"]
    with files[1].open() as lines:
        shown = list(csv.reader(lines))
    assert [built[number] for number in range(1, len(shown) + 1)] == shown
