"""What an operator does to sessions of a day: out and in, numbers, hold, new certificates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.core import DenyReason
from daemon.log import LogReader
from daemon.messages.commands import COMMANDS, Role
from tests.days import books
from tests.days.certificates import Authority, place
from tests.days.day import Day, frames, pitwire


def _compare(day: Day) -> None:
    """Everything that was traded is booked, once, and the day replays."""
    books.assert_books_equal(day.log, day.trades)
    assert len(frames(day.log, "FILL")) == len(books.exchange_rows(day.trades)) > 0
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    with Day(tmp_path) as running:
        running.until_ready()
        running.until_trading(3)
        yield running
        code = running.exit_code if running.exit_code is not None else running.stop()
        assert code == 0, running.errors
    _compare(running)


def _show(day: Day) -> dict[str, Any]:
    row: dict[str, Any] = day.done("sessions.show", session="broker")
    return row


def _out(day: Day) -> dict[str, Any]:
    """Logs the session out; what it is then."""
    assert day.ctl("session", "logout", "broker", "--reason", "to be looked at").returncode == 0

    def down() -> dict[str, Any] | None:
        row = _show(day)
        return row if row["state"] == "down" else None

    return day.until("the session is down", down)


def _content(frame: Any) -> dict[str, Any]:  # noqa: ANN401  a frame of the log
    found: dict[str, Any] = msgspec.json.decode(frame.tail[: frame.fields()["size_bytes"]])
    return found


def _position(day: Day, command: str) -> int:
    """Where the newest command of this name stands in the log."""
    asked = [f for f in frames(day.log, "OPERATOR") if _content(f)["name"] == command]
    return int(asked[-1].sequence)


def _denials(log: Path, after: int) -> Counter[str]:
    denied = LogReader(log, types=["ORDER_DENIED"], committed=True, from_sequence=after + 1)
    return Counter(DenyReason(frame.fields()["reason"]).name for frame in denied)


def _connects(day: Day) -> int:
    return sum(f.fields()["event"] == 0 for f in frames(day.log, "FIX_CONNECTION"))


def test_who_may_do_what() -> None:
    roles = {name: spec.role for name, spec in COMMANDS.items() if name.startswith("sessions.")}
    assert roles == {
        "sessions.show": Role.VIEWER,
        "sessions.logon": Role.ADMIN,
        "sessions.logout": Role.ADMIN,
        "sessions.renew": Role.ADMIN,
        "sessions.numbers": Role.ADMIN,
        "sessions.hold": Role.TRADER,
        "sessions.release": Role.RISK,
    }


def test_a_session_is_shown_with_its_numbers_and_its_newest_messages(day: Day) -> None:
    row = _show(day)
    assert row["state"] == "logged_on"
    assert row["enabled"]
    assert not row["held"]
    assert row["next_sender_msg_seq_num"] > 3
    now = day.status()["ts_core"]
    assert 0 < row["ts_numbers"] < row["ts_sent"] <= now
    assert row["ts_numbers"] < row["ts_received"] <= now
    assert (row["missing"], row["resending"], row["hours_open"]) == ("", "", None)
    shown = day.ctl("session", "show", "broker")
    assert shown.returncode == 0
    assert "next out" in shown.stdout
    assert day.ctl("session", "show", "nobody").returncode == 1


def test_a_session_that_was_logged_out_stays_out_until_it_is_logged_on(day: Day) -> None:
    row = _out(day)
    assert not row["enabled"]
    assert day.status()["armed"] is False
    connects = _connects(day)
    refused = day.ctl("session", "renew", "broker")
    assert refused.returncode == 1
    assert "not logged on" in refused.stderr
    assert _connects(day) == connects, "it is not tried"

    before = day.status()["orders_submitted"]
    assert day.ctl("session", "logon", "broker").returncode == 0
    day.until("logged on", lambda: _show(day)["state"] == "logged_on")
    assert _show(day)["next_sender_msg_seq_num"] > row["next_sender_msg_seq_num"]
    day.until_trading(before + 1)


def test_numbers_are_set_only_while_logged_out_and_what_is_said_again_counts_once(
    day: Day,
) -> None:
    day.until("5 fills", lambda: day.status()["fills"] >= 5)
    arguments = ("session", "numbers", "broker", "--reason", "as agreed by telephone")
    refused = day.ctl(*arguments, "--next-sender", "9")
    assert refused.returncode == 1
    assert "log it out first" in refused.stderr

    row = _out(day)
    ours, theirs = row["next_sender_msg_seq_num"], row["next_target_msg_seq_num"]
    # Ours leaves a gap that is filled; theirs goes back, so that the newest reports come again.
    done = day.ctl(
        *arguments, "--next-sender", str(ours + 5), "--next-target", str(max(2, theirs - 20))
    )
    assert done.returncode == 0, done.stderr
    assert f"next sender {ours} is {ours + 5}" in done.stdout
    row = _show(day)
    assert row["next_sender_msg_seq_num"] == ours + 5
    asked = _position(day, "sessions.numbers")
    state = LogReader(day.log, types=["FIX_STATE"], committed=True, from_sequence=asked + 1)
    assert next(iter(state)).fields()["next_sender_msg_seq_num"] == ours + 5
    before = day.status()["orders_submitted"]
    assert day.ctl("session", "logon", "broker").returncode == 0
    day.until_trading(before + 1)
    day.until("everything came again", lambda: _show(day)["missing"] == "")
    assert day.ctl(*arguments).returncode == 1  # says nothing to set


def test_a_held_session_denies_orders_and_takes_them_when_released_also_behind_a_crash(
    day: Day,
) -> None:
    assert day.ctl("session", "hold", "broker", "--reason", "the broker asked").returncode == 0
    held = _position(day, "sessions.hold")
    day.until("denied", lambda: _denials(day.log, held)["SESSION_HELD"] > 0)
    sent = LogReader(day.log, types=["ORDER_SUBMITTED"], committed=True, from_sequence=held + 1)
    assert list(sent) == []
    assert _show(day)["held"]
    assert _show(day)["state"] == "logged_on"

    day.kill()
    day.until_ready(2)
    assert _show(day)["held"], "a hold outlives the process"
    epoch = frames(day.log, "EPOCH")[-1].sequence
    day.until("denied again", lambda: _denials(day.log, epoch)["SESSION_HELD"] > 0)
    assert day.ctl("session", "release", "broker", "--reason", "all clear").returncode == 0
    day.until_trading()
    assert not _show(day)["held"]
    assert day.ctl("session", "release", "broker").returncode == 1


def test_certificates_are_renewed_under_traffic_and_no_message_is_lost(tmp_path: Path) -> None:
    """The old certificate is revoked once the new one is there: that it goes on is the proof."""
    folder = tmp_path / "certificates"
    authority = Authority(folder)
    venue = authority.certify("venue", "DNS:venue.test")
    old, new = authority.certify("old", "DNS:firm.test"), authority.certify("new", "DNS:firm.test")
    shown = folder / "firm.pem", folder / "firm.key"
    place(old, shown)
    key = "session.broker.tls"
    firm: dict[str, object] = {
        f"{key}.ca_file": authority.file,
        f"{key}.server_name": "venue.test",
        f"{key}.certificate_file": shown[0],
        f"{key}.key_file": shown[1],
    }
    exchange: dict[str, object] = {
        "fix.tls.certificate": venue[0],
        "fix.tls.private_key": venue[1],
        "fix.tls.ca_file": authority.file,
        "fix.tls.crl_file": authority.crl(),
        "fix.tls.require_client_certificate": "true",
    }
    with Day(tmp_path, firm, exchange=exchange) as day:
        day.until_ready()
        day.until("3 fills", lambda: day.status()["fills"] >= 3)
        before = _show(day)
        place(new, shown)
        authority.revoke(old)
        authority.crl()
        renewed = day.ctl("session", "renew", "broker", "--reason", "a year is over")
        assert renewed.returncode == 0, renewed.stderr
        asked = _position(day, "sessions.renew")
        day.until_logged("FIX_CONNECTION", after=asked)
        fills = day.status()["fills"]
        day.until("fills over the new connection", lambda: day.status()["fills"] > fills + 2)
        after = _show(day)
        assert after["next_sender_msg_seq_num"] > before["next_sender_msg_seq_num"]
        assert after["ts_numbers"] == before["ts_numbers"], "numbers go on"
        assert after["reconnects"] == before["reconnects"] + 1
        assert day.stop() == 0, day.errors
    _compare(day)
