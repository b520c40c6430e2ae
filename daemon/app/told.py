"""What the operating log says of the live core: sessions, risk states, kills.

Told from the events that actors get, and only of this process's: what a restart hears again of the
day before was said then.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import structlog

from daemon.messages import RiskStateChanged, SessionState
from daemon.runtime.events import ConnectionTold, Killed

log = structlog.get_logger("daemon")

LEVELS: Final = ("info", "warning", "error")
SAID_MAX: Final = 256  # different texts of a session: a gap can have one for each message


class Told:
    """Says each thing once: a venue that refuses every attempt does so in one line, until logon."""

    def __init__(self, since_ts: int, addresses: Sequence[tuple[str, str]]) -> None:
        """`addresses` are names of sessions, and where they connect to."""
        self._since_ts = since_ts
        self._addresses = dict(addresses)
        # By session, since its state changed; in order, and the newest of them only.
        self._said: dict[str, OrderedDict[str, None]] = {}

    def connection(self, told: ConnectionTold) -> None:
        """An event of a session's connection, by its severity."""
        said = self._said.setdefault(told.session, OrderedDict())
        if self._old(told.ts_core) or not told.text or told.text in said:
            return
        said[told.text] = None
        if len(said) > SAID_MAX:
            said.popitem(last=False)
        say = getattr(log, LEVELS[told.severity])
        say("session", session=told.session, text=told.text, **self._at(told.session))

    def session(self, state: SessionState, was_logged_on: bool) -> None:
        """A session logged on, or is no longer."""
        if self._old(state.ts_core) or state.logged_on == was_logged_on:
            return
        said = self._said.pop(state.session, None)
        reason, at = next(reversed(said)) if said else "", self._at(state.session)
        if state.logged_on:
            log.info("session logged on", session=state.session, **at)
        else:
            log.warning("session down", session=state.session, reason=reason or "asked for", **at)

    def risk(self, changed: RiskStateChanged) -> None:
        """The firm's state or a strategy's."""
        if self._old(changed.ts_core):
            return
        log.info(
            "risk state",
            scope=changed.strategy or "firm",
            state=changed.state.name,
            armed=changed.armed,
            reason=changed.reason,
        )

    def killed(self, message: Killed) -> None:
        """The kill word was seen."""
        if not self._old(message.ts_core):
            log.critical("killed: no order leaves", uid=message.uid)

    def _old(self, ts_core: int) -> bool:
        return ts_core < self._since_ts

    def _at(self, session: str) -> dict[str, str]:
        address = self._addresses.get(session, "")
        return {"address": address} if address else {}
