"""What the documents name exists, and the configuration that they show is accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.app.configuration import ConfigurationError, parse

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md")]
)
# Written with the parts that they describe; a link to them may come first.
AHEAD = {"docs/exchange.md", "docs/fix.md"}
ROOMS = ("daemon", "strategies", "tools", "native", "config", "systemd", "deploy", "tests", "cmake")
# A name in code type that looks like one of ours: a path from the root, or a class.
PATH = re.compile(rf"`((?:{'|'.join(ROOMS)})/[\w./-]*)`")
CLASS = re.compile(r"`([A-Z][a-z]\w*[A-Z]\w*)(?:(?:::|\.)(\w+))?(?:\(\))?`")


def _names(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_names)
def test_links_lead_somewhere(document: Path) -> None:
    missing = [link for link, target in _links(document) if not _leads(target)]
    assert missing == []


def _links(document: Path) -> Iterator[tuple[str, Path]]:
    for link in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        if "://" not in link:
            name, _, _ = link.partition("#")
            yield link, (document.parent / name).resolve() if name else document


def _leads(target: Path) -> bool:
    return target.exists() or str(target.relative_to(ROOT)) in AHEAD


@pytest.mark.parametrize("document", DOCUMENTS, ids=_names)
def test_anchors_are_headings(document: Path) -> None:
    for link, target in _links(document):
        _, separator, anchor = link.partition("#")
        if separator and target.exists():
            assert anchor in _anchors(target), f"{_names(document)}: {link}"


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=_names)
def test_named_files_exist(document: Path) -> None:
    missing = [path for path in PATH.findall(document.read_text()) if not (ROOT / path).exists()]
    assert missing == []


@pytest.fixture(scope="module")
def sources() -> str:
    """Every source text of ours, where a name must be found."""
    suffixes = {".hpp", ".cpp", ".py", ".pyi"}
    files = (
        file
        for room in ("native", "daemon", "strategies", "tools", "tests")
        for file in (ROOT / room).rglob("*")
        if file.suffix in suffixes and file != Path(__file__)
    )
    return "\n".join(file.read_text() for file in files)


@pytest.mark.parametrize("document", DOCUMENTS, ids=_names)
def test_named_classes_exist(document: Path, sources: str) -> None:
    words = set(re.findall(r"\w+", sources))
    named = {part for found in CLASS.findall(document.read_text()) for part in found if part}
    assert sorted(named - words) == []


def test_the_file_in_adding_a_venue_is_accepted() -> None:
    page = (ROOT / "docs" / "adding-a-venue.md").read_text()
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    configuration = parse(text)
    assert [each.venue_symbol for each in configuration.instrument] == ["ACME.X"]
    with pytest.raises(ConfigurationError, match="longer than the 8 characters"):
        parse(text.replace('feed_symbol = "ACME" ', 'feed_symbol = "ACMEACMEA" '))
