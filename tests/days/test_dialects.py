"""Two brokers with dialects of their own in one day, against an exchange that speaks both."""

from __future__ import annotations

import socket
from pathlib import Path

from daemon.log import Frame
from tests.days import books
from tests.days.day import ROOT, Day, frames, pitwire

DIALECTS = ROOT / "config" / "dialects"
NUMBERS = '{ ACME = { security_id = "100001" }, CRUX = { security_id = "100003" } }'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def venue() -> dict[str, object]:
    """The exchange's settings: a session for each dialect."""
    sessions = (
        f'{{ target_comp_id = "PITWIRE", dialect = "{DIALECTS / "exchange-44.toml"}",'
        f" symbols = {NUMBERS} }}",
        '{ target_comp_id = "PITWIRE42", begin_string = "FIX.4.2",'
        f' dialect = "{DIALECTS / "broker-42.toml"}" }}',
    )
    return {"fix.port": free_port(), "fix.session": f"[{', '.join(sessions)}]"}


def firm(port: object) -> dict[str, object]:
    """The daemon's: BOLT goes to the broker, ACME and CRUX to the exchange."""
    common = f'kind = "fix", venue = "sim", host = "127.0.0.1", port = {port}'
    sessions = (
        f'{{ name = "broker", {common}, sender_comp_id = "PITWIRE", target_comp_id = "EXCHANGE",'
        f' dialect = "{DIALECTS / "exchange-44.toml"}", symbols = {NUMBERS} }}',
        f'{{ name = "cash", {common}, begin_string = "FIX.4.2", sender_comp_id = "PITWIRE42",'
        f' target_comp_id = "EXCHANGE", dialect = "{DIALECTS / "broker-42.toml"}" }}',
    )
    return {"session": f"[{', '.join(sessions)}]", "instrument.BOLT.session": "cash"}


def _sent(log: Path, source: int, msg_type: str) -> list[str]:
    return [text for frame in frames(log, "FIX_TX") if (text := _of(frame, source, msg_type))]


def _of(frame: Frame, source: int, msg_type: str) -> str:
    text = frame.tail[: frame.fields()["size_bytes"]].decode().replace("\x01", "|")
    return text if frame.source == source and f"|35={msg_type}|" in text else ""


def test_two_dialects_trade_side_by_side(tmp_path: Path) -> None:
    exchange = venue()
    with Day(tmp_path, firm(exchange["fix.port"]), exchange=exchange) as day:
        day.until_ready()
        # Whether the maker's quotes are met is the market's affair, that it has some is not.
        day.until("both trade", lambda: "BOLT" in _filled(day) and "ACME" in _working(day), 60)
        assert {each["state"] for each in day.done("sessions")} == {"logged_on"}
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    assert len(frames(day.log, "FILL")) == len(books.exchange_rows(day.trades)) > 0
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr

    numbered = _sent(day.log, 0, "D")
    assert numbered
    parties = "|453=2|448=FIRM7|447=D|452=1|448=ALGO1|447=D|452=12|"
    for text in numbered:
        assert "|48=100001|" in text or "|48=100003|" in text
        for part in ("|22=8|", "|55=[N/A]|", "|336=CONT|", "|528=P|", parties):
            assert part in text
    in_cents = _sent(day.log, 1, "D")
    assert in_cents
    for text in in_cents:
        for part in ("|11=PW0", "|9004=EQ1|", "|21=2|", "|100=N|"):
            assert part in text
        assert "|9010=momentum|" in text or "|9010=pressure|" in text
        if "|44=" in text:
            price = text.split("|44=")[1].split("|")[0]
            assert 1_000 < int(price) < 20_000, "BOLT begins at 42.00"
    # No report was unreadable, on either: each order's state is known.
    assert "not whole" not in day.errors
    assert "not taken" not in day.errors


def _filled(day: Day) -> set[str]:
    return {each["symbol"] for each in day.done("fills")}


def _working(day: Day) -> set[str]:
    return {each["symbol"] for each in day.done("orders") if each["state"] == "WORKING"}
