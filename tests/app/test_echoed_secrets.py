"""A venue that repeats our credentials in its refusals puts them into no log and no answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.desk import Desk

USER, PASSWORD = "alice-7f3a91", "Tr0ub4dor-c0ffee-5ecret"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("DESK_USER", USER)
    monkeypatch.setenv("DESK_PASSWORD", PASSWORD)
    references = (
        'session.broker.username="env:DESK_USER"',
        'session.broker.password="env:DESK_PASSWORD"',
    )
    return Desk(tmp_path, *references).logged_on()


@pytest.mark.parametrize("msg_type", ["j", "8", "9", "3"])
def test_a_refusal_that_repeats_them_is_masked(msg_type: str, desk: Desk) -> None:
    text = f"user {USER} with password {PASSWORD} may not"
    fields: dict[int, object] = {35: msg_type, 58: text}
    if msg_type == "j":
        fields |= {45: 2, 372: "D", 380: 0}
    elif msg_type == "3":
        fields |= {45: 2, 373: 5}
    elif msg_type == "9":
        fields |= {37: "NONE", 11: f"{7:016X}", 41: f"{8:016X}", 39: "8", 434: "1", 102: 2}
    else:
        fields |= {
            37: "V-1", 11: f"{7:016X}", 17: "E-1", 150: "8", 39: "8", 55: "BTC", 54: 1,
            151: 0, 14: 0, 6: 0,
        }  # fmt: skip
    before = desk.live.stats["fix_inputs"]
    desk.venue.say(desk.live.clock_now(), fields)
    desk.until(lambda: desk.live.stats["fix_inputs"] > before)
    rows = desk.ask("sessions")
    assert not any(each in str(rows) for each in (USER, PASSWORD))
    assert not any(each in str(desk.effects) for each in (USER, PASSWORD))
    desk._log.close()
    content = b"".join(each.read_bytes() for each in desk.log_folder.rglob("*") if each.is_file())
    assert b"may not" in content, "the refusal itself is in the log"
    for secret in (USER, PASSWORD):
        assert secret.encode() not in content
