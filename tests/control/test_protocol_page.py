"""docs/control-protocol.md says what the tables of commands and replies say."""

from __future__ import annotations

from pathlib import Path

from daemon.messages.commands import COMMANDS
from tools.ctl.protocol import document

PAGE = Path(__file__).parents[2] / "docs" / "control-protocol.md"


def test_the_page_is_up_to_date() -> None:
    hint = "run: python -m tools.ctl.protocol > docs/control-protocol.md"
    assert PAGE.read_text() == "\n".join(document()), hint


def test_the_page_has_every_command() -> None:
    text = PAGE.read_text()
    assert all(f"| `{name}` |" in text for name in COMMANDS)
