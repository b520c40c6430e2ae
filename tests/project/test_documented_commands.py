"""Every command that a page shows is one: its words, its options, its number of arguments."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tools.command import _parser, commands

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
# In code type, in running text: perhaps without what has to follow.
NAMED = re.compile(r"`pitwire ((?:[^`\n]|\n(?!\n))+)`")
# On a line of its own in a block: to be typed as it stands.
TYPED = re.compile(r"^(?: {4})?(?:\$ )?pitwire ([a-z].*)$", re.MULTILINE)
# Rows of the table of operators' commands.
CONTROL = re.compile(r"^\| [^|]+ \| (`[^|]+`) \| (?:viewer|trader|risk|admin) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    return _parser(commands())


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= action.choices
    return found


def _walk(parser: argparse.ArgumentParser, words: list[str]) -> None:
    """AssertionError names the word that is no command, or the option that it does not have."""
    place, said = parser, "pitwire"
    for word in words:
        below = _subcommands(place)
        if word.startswith("-"):
            option = word.partition("=")[0]
            assert option in place._option_string_actions, f"{said} has no {option}"
        elif word in below:
            place, said = below[word], f"{said} {word}"
        else:
            assert not below or not word.islower() or not word.isalpha(), f"{said} {word}"


def _words(text: str) -> list[str]:
    """Without the brackets of what may be left out, and without a comment behind it."""
    return shlex.split(re.sub(r"[\[\]…]", " ", text), comments=True)


def _shown(pattern: re.Pattern[str]) -> list[Any]:
    """Parameters of tests: each text once, named by its page."""
    found = {
        " ".join(text.split()): page.name
        for page in PAGES
        for text in pattern.findall(re.sub(r"\\\n", " ", page.read_text()))
    }
    return [pytest.param(text, id=f"{page}: {text}") for text, page in sorted(found.items())]


@pytest.mark.parametrize("text", _shown(NAMED))
def test_a_command_that_is_named_exists(text: str, parser: argparse.ArgumentParser) -> None:
    _walk(parser, _words(text))


@pytest.mark.parametrize("text", _shown(TYPED))
def test_a_command_in_a_block_can_be_typed_as_it_stands(
    text: str, parser: argparse.ArgumentParser
) -> None:
    words = _words(text.partition(" > ")[0])
    _walk(parser, words)
    parser.parse_args(words)  # exits where an argument is missing or wrong


@pytest.mark.parametrize("cell", _shown(CONTROL))
def test_operators_commands_are_words_of_ctl(cell: str, parser: argparse.ArgumentParser) -> None:
    ctl = _subcommands(parser)["ctl"]
    before: list[str] = []
    for text in re.findall(r"`([^`]+)`", cell):
        words = _words(text)
        # `strategies start S`, `stop S`: the first word is said once.
        if words[0] not in _subcommands(ctl):
            words = [before[0], *words]
        before = words
        assert words[0] in _subcommands(ctl), text
        _walk(ctl, words)


def test_the_pages_show_commands() -> None:
    assert len(_shown(TYPED)) >= 5
    assert len(_shown(NAMED)) >= 15
    assert len(_shown(CONTROL)) >= 8
