"""What the operating log says of sessions: each thing once, and never more than it can remember."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from daemon.app.told import SAID_MAX, Told
from daemon.messages import SessionState
from daemon.runtime.events import ConnectionTold


@pytest.fixture
def told() -> Told:
    return Told(since_ts=100, addresses=[("broker", "host:1")])


def say(told: Told, *texts: str) -> list[str]:
    """What of these the log said."""
    with capture_logs() as lines:
        for text in texts:
            told.connection(ConnectionTold("broker", 1, text, 100))
    return [line["text"] for line in lines]


def test_the_same_text_is_said_once_until_the_state_changes(told: Told) -> None:
    assert say(told, "refused", "refused", "timed out", "refused") == ["refused", "timed out"]
    with capture_logs() as lines:
        told.session(
            SessionState("broker", connected=False, logged_on=False, ts_core=100),
            was_logged_on=True,
        )
    assert [(line["event"], line["reason"]) for line in lines] == [("session down", "timed out")]
    assert say(told, "refused") == ["refused"]


def test_of_many_texts_the_newest_are_remembered(told: Told) -> None:
    texts = [f"expecting {number}" for number in range(SAID_MAX + 1)]
    assert say(told, *texts) == texts
    assert say(told, texts[-1]) == []
    assert say(told, texts[0]) == [texts[0]]
