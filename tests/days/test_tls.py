"""A FIX session over TLS: both sides prove who they are, or the session stays down and says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.days import books
from tests.days.certificates import Authority
from tests.days.day import Day, frames


class Certificates(msgspec.Struct, frozen=True):
    """What the sides of a day have in hand."""

    ca: Path
    other_ca: Path
    venue: tuple[Path, Path]
    expired: tuple[Path, Path]
    firm: tuple[Path, Path]
    stranger: tuple[Path, Path]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority, other = Authority(folder), Authority(folder, "other")
    return Certificates(
        ca=authority.file,
        other_ca=other.file,
        venue=authority.certify("venue", "DNS:venue.test"),
        expired=authority.certify("expired", "DNS:venue.test", days=-1),
        firm=authority.certify("firm", "DNS:firm.test"),
        stranger=other.certify("stranger", "DNS:firm.test"),
    )


def venue_with(pair: tuple[Path, Path], ca: Path) -> dict[str, object]:
    """The exchange's settings: it wants to see its client's certificate too."""
    return {
        "fix.tls.certificate": pair[0],
        "fix.tls.private_key": pair[1],
        "fix.tls.ca_file": ca,
        "fix.tls.require_client_certificate": "true",
    }


def firm_with(
    pair: tuple[Path, Path] | None, ca: Path, name: str = "venue.test"
) -> dict[str, object]:
    """The daemon's settings."""
    key = "session.broker.tls"
    own = {f"{key}.certificate_file": pair[0], f"{key}.key_file": pair[1]} if pair else {}
    return {f"{key}.ca_file": ca, f"{key}.server_name": name, **own}


def test_both_sides_verified_trade_over_tls(tmp_path: Path, certificates: Certificates) -> None:
    venue = venue_with(certificates.venue, certificates.ca)
    with Day(tmp_path, firm_with(certificates.firm, certificates.ca), exchange=venue) as day:
        day.until_ready()
        day.until("3 fills", lambda: day.status()["fills"] >= 3)
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)


REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "the venue's authority is not ours": (
        "TLS: self-signed certificate in certificate chain",
        {"ca": "other_ca"},
    ),
    "the venue's certificate expired": ("TLS: certificate has expired", {"venue": "expired"}),
    "the venue has another name": ("TLS: hostname mismatch", {"name": "elsewhere.test"}),
    "we show no certificate": ("alert certificate required", {"firm": None}),
    "our certificate is a stranger's": ("alert unknown ca", {"firm": "stranger"}),
}


def shown(day: Day, text: str) -> dict[str, Any] | None:
    """The one session, while its newest event is this."""
    (session,) = day.done("sessions")
    return session if text in session["event"] else None


@pytest.mark.parametrize("case", REFUSALS)
def test_a_certificate_that_is_not_right_keeps_the_session_down(
    case: str, tmp_path: Path, certificates: Certificates
) -> None:
    text, wrong = REFUSALS[case]
    venue = venue_with(getattr(certificates, wrong.get("venue", "venue")), certificates.ca)
    own = wrong.get("firm", "firm")
    firm = firm_with(
        None if own is None else getattr(certificates, own),
        getattr(certificates, wrong.get("ca", "ca")),
        wrong.get("name", "venue.test"),
    )
    with Day(tmp_path, firm, exchange=venue) as day:

        def told() -> list[dict[str, Any]]:
            lines = [msgspec.json.decode(line) for line in day.errors.splitlines()]
            return [line for line in lines if text in line.get("text", "")]

        first = day.until(f"the operating log says: {text}", told)[0]
        assert first["session"] == "broker"
        assert first["address"].startswith("127.0.0.1:")
        # The next attempt is at its logon again before it is refused in its turn.
        session = day.until("`ctl sessions` says it", lambda: shown(day, text))
        assert session["state"] != "logged_on"
        assert day.status()["phase"] == "reconciling"
        assert day.stop() == 0, day.errors
    assert frames(day.log, "ORDER_SUBMITTED") == []
