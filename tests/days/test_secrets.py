"""A session's credentials are on the wire and nowhere else, also where the venue echoes them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.days.day import Day, frames, pitwire

USER, PASSWORD = "alice-7f3a91", "Tr0ub4dor-c0ffee-5ecret"
WIRED = USER, PASSWORD


def _found(folder: Path) -> list[str]:
    """Files that hold a secret, in any part of the day's folder but the exchange's own."""
    return [
        f"{each}: {secret}"
        for each in sorted(folder.rglob("*"))
        if each.is_file() and not each.name.startswith("exchange")
        for secret in WIRED
        if secret.encode() in each.read_bytes()
    ]


def test_no_log_frame_or_answer_holds_a_credential(tmp_path: Path) -> None:
    secret = tmp_path.parent / f"{tmp_path.name}.password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    settings: dict[str, object] = {
        "session.broker.username": "env:VENUE_USER",
        "session.broker.password": f"file:{secret}",
    }
    with Day(tmp_path, settings, environment={"VENUE_USER": USER}) as day:
        day.until_ready()
        answers = [
            day.ctl(*words)
            for words in (("status",), ("sessions",), ("session", "show", "broker"), ("snapshot",))
        ]
        assert day.ctl("session", "logout", "broker", "--reason", "to say it twice").returncode == 0
        day.until("out", lambda: day.done("sessions")[0]["state"] == "down")
        assert day.ctl("session", "logon", "broker").returncode == 0  # credentials a second time
        day.until("in again", lambda: day.status()["armed"])
        assert day.stop() == 0, day.errors
    secret.unlink()

    logons = [
        frame
        for frame in frames(day.log, "FIX_TX")
        if b"\x0135=A\x01" in frame.tail[: frame.fields()["size_bytes"]]
    ]
    assert len(logons) == 2
    assert b"554=PITWIRE-PASSWORD-0" in logons[0].tail, "the log has a placeholder"
    for answer in answers:
        assert answer.returncode == 0, answer.stderr
        assert not any(each in answer.stdout + answer.stderr for each in WIRED)
    assert _found(tmp_path) == []
    shown = pitwire("log", "cat", str(day.log)).stdout
    assert json.dumps(PASSWORD)[1:-1] not in shown
    assert USER not in shown
