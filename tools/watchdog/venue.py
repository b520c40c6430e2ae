"""The watchdog's own FIX session with a venue, by which it cancels another session's orders.

Logged on all the time, so that an incident finds it up. Sequence numbers begin at 1 at each logon:
nothing of this session is ever worth a resend.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from daemon import core
from daemon.app.watchdog_settings import WatchdogSession
from daemon.io.credentials import resolve
from tools.watchdog.rounds import CANCEL, MASS_CANCEL, Request, Rounds
from tools.watchdog.words import Words

SOH: Final = "\x01"
# Upper half of a daemon's ClOrdIDs is its epoch's number, which never gets here; below it are
# microseconds since 1970, so that none is given twice.
RESERVED: Final = 0xF << 60
MESSAGES_A_LOOK: Final = 4096
NOW, ALL_ORDERS = "@now", "7"


def first_reserved_id(now: int) -> int:
    """The ClOrdID behind which ours begin; `now` is the host clock, ns."""
    return RESERVED | now // 1000


class VenueSession:
    """Connects, logs on, stays up. `start` begins to cancel."""

    def __init__(
        self, settings: WatchdogSession, on_behalf_of: str, words: Words, number: int
    ) -> None:
        """CredentialError or ValueError say what keeps it from ever connecting."""
        self._words = words
        self.name, self.covers = settings.name, settings.covers
        self._begin_string, self._on_behalf_of = settings.begin_string, on_behalf_of
        has = settings.begin_string != "FIX.4.2"
        self._mass_cancel = has if settings.mass_cancel is None else settings.mass_cancel
        self._session = _session(settings, number)
        self._connection = core.FixConnection(
            number,
            settings.host,
            settings.port,
            _tls(settings),
            _secrets(settings),
            settings.reconnect_ms_max * 1_000_000,
        )
        self._received = self._sent = 0
        self.rounds: Rounds | None = None
        self.reason = "not connected yet"

    @property
    def up(self) -> bool:
        """Logged on."""
        return self._session.logged_on

    def fileno(self) -> int:
        """Readable when `poll` has something to do."""
        return self._connection.fileno()

    def start(self, now: int) -> Rounds:
        """Begin to cancel; `now` is the host clock, ns."""
        self.rounds = Rounds(first_reserved_id(now), self._mass_cancel)
        return self.rounds

    def stop(self) -> None:
        """The orders there are the daemon's again."""
        self.rounds = None

    def log_out(self, now: int) -> None:
        """Say Logout; a few more polls bring it out."""
        self._session.logout(now, "the watchdog ends")
        self._carry_out()

    def poll(self, now: int) -> None:
        """Do what is due: read, answer, keep the session alive, send what the rounds want."""
        for kind, *said in self._connection.poll(now, MESSAGES_A_LOOK):
            if kind == "message":
                self._received += 1
                self._session.received(now, self._received, said[2])
                self._hear(_fields(said[2]))
            elif kind == "event":
                self._connection_event(now, said[1], said[2])
        self._session.time(now)
        self._carry_out()
        if self.rounds is not None and self.up:
            for request in self.rounds.wants(now):
                self._session.send_application(now, self._message(request, now))
            self._carry_out()

    def _connection_event(self, now: int, event: int, reason: str) -> None:
        if event == core.ConnectionEvent.CONNECTED:
            self._session.connected(now)
        elif event != core.ConnectionEvent.GARBLED:
            self.reason = reason
            self._session.disconnected(now)

    def _carry_out(self) -> None:
        for kind, *said in self._session.drain():
            if kind == "tx":
                self._sent += 1
                self._connection.write(self._sent, said[0])
            elif kind == "disconnect":
                self._connection.close(said[0])
            elif kind == "logged_out":
                self.reason = said[0]
            elif kind == "logged_on" and self.rounds is not None:
                self.rounds.connected()

    # ------------------------------------------------------------------ messages

    def _message(self, request: Request, now: int) -> bytes:
        """Header, length and checksum are made by the session."""
        stamp = datetime.fromtimestamp(now / 1e9, UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]
        words, order = self._words, request.order
        fields: list[tuple[int, object]] = [(35, request.kind), (115, self._on_behalf_of)]
        fields.append((11, words.cl_ord_id(request.cl_ord_id)))
        if request.kind == MASS_CANCEL:
            fields += [(530, ALL_ORDERS), (60, stamp)]
        if order is not None:
            fields += [*words.instrument(order), (54, order.side)]
            if request.kind == CANCEL:
                fields += [(41, words.cl_ord_id(order.cl_ord_id)), (38, words.quantity(order))]
                fields.append((60, stamp))
        fields += words.extras(request.kind, order)
        body = SOH.join(f"{tag}={value}" for tag, value in fields)
        return f"8={self._begin_string}{SOH}9=0{SOH}{body}{SOH}10=000{SOH}".encode()

    def _hear(self, message: Mapping[int, str]) -> None:
        if (rounds := self.rounds) is None:
            return
        number, text = self._words.number(message.get(11, "")), message.get(58, "")
        status = message.get(39, "")
        match message.get(35):
            case "8" if self._words.number(message.get(41, "")):
                rounds.canceled_one(number)
            case "8":
                rounds.told(number, status, message.get(103, ""), text)
            case "9":
                rounds.cancel_rejected(number, status, message.get(102, ""), text)
            case "r":
                refusal = text or "refused" if message.get(531) == "0" else ""
                rounds.mass_canceled(number, int(message.get(533, "0")), refusal)
            case "j" | "3":
                rounds.not_taken(message.get(372, ""), text)


def _session(settings: WatchdogSession, number: int) -> core.FixSession:
    config = core.FixSessionConfig()
    config.id = number
    config.initiator = True
    config.begin_string = settings.begin_string
    config.sender_comp_id = settings.sender_comp_id
    config.target_comp_id = settings.target_comp_id
    config.heart_bt_int_seconds = settings.heart_bt_int_seconds
    config.reset_on_logon = True
    config.timestamp_digits = 3
    if settings.username:
        config.username_placeholder = _PLACEHOLDERS["username"]
    if settings.password:
        config.password_placeholder = _PLACEHOLDERS["password"]
    return core.FixSession(config, core.FixSymbology(), core.host_now())


_PLACEHOLDERS: Final = {"username": "@username", "password": "@password"}


def _secrets(settings: WatchdogSession) -> list[tuple[str, str]]:
    given = {"username": settings.username, "password": settings.password}
    return [
        (_PLACEHOLDERS[kind], resolve(reference).reveal().decode())
        for kind, reference in given.items()
        if reference
    ]


def _tls(settings: WatchdogSession) -> dict[str, str] | None:
    if settings.tls is None:
        return None
    return {
        "ca_file": settings.tls.ca_file or "",
        "server_name": settings.tls.server_name or settings.host,
        "certificate_file": settings.tls.certificate_file or "",
        "key_file": settings.tls.key_file or "",
    }


def _fields(message: bytes) -> dict[int, Any]:
    pairs = (field.partition("=") for field in message.decode("latin-1").split(SOH) if field)
    return {int(tag): value for tag, _, value in pairs if tag.isdecimal()}
