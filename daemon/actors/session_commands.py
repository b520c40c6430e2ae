"""What an operator does to sessions: logon, logout, numbers, hold and release, new certificates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daemon.actors.acceptance import RefusedError
from daemon.core import Core
from daemon.messages import Command, SessionState
from daemon.messages.replies import Done
from daemon.runtime.effects import Effects, EnableSession


class SessionCommands:
    """The operator desk's part for sessions; each command is in the log before it is carried out.

    A session that was logged out stays out, and its connection is not tried, until it is logged on
    again, its hours begin, or the process does. A hold outlives the process.
    """

    def __init__(self, core: Core, names: Sequence[str], effects: Effects) -> None:
        self._core = core
        self._names = list(names)
        self._effects = effects
        self._renewing: set[int] = set()  # logged out to come back over a new connection
        self.handlers: Mapping[str, Callable[[Command], Any]] = {
            "sessions.logon": self._logon,
            "sessions.logout": self._logout,
            "sessions.renew": self._renew,
            "sessions.numbers": self._set_numbers,
            "sessions.hold": self._hold,
            "sessions.release": self._release,
        }

    def number(self, name: str) -> int:
        """The session's id; RefusedError where there is none of this name."""
        if name not in self._names:
            raise RefusedError(f"there is no session {name}")
        return self._names.index(name)

    def _of(self, command: Command) -> tuple[str, int]:
        name = command.arguments["session"]
        return name, self.number(name)

    def _logon(self, command: Command) -> Done:
        name, session = self._of(command)
        self._renewing.discard(session)
        self._effects.add(EnableSession(session, True))
        self._core.session_logon(session)
        return Done(text=f"{name} logs on", affected=1)

    def _logout(self, command: Command) -> Done:
        name, session = self._of(command)
        self._renewing.discard(session)
        self._leave(session, command)
        self._effects.add(EnableSession(session, False))
        return Done(text=f"{name} logs out", affected=1)

    def _leave(self, session: int, command: Command) -> None:
        reason = command.arguments.get("reason") or f"asked by {command.user}"
        self._core.session_logout(session, reason)

    def _renew(self, command: Command) -> Done:
        """Numbers go on: what the venue says meanwhile is asked for again behind the logon."""
        name, session = self._of(command)
        if not self._core.session_state(session)[1]:
            raise RefusedError(f"{name} is not logged on: its next connection takes the files anew")
        self._renewing.add(session)
        self._leave(session, command)
        return Done(text=f"{name} logs out, and on again over a new connection", affected=1)

    def changed(self, message: SessionState) -> None:
        """A session that left for a new connection comes back."""
        session = self._names.index(message.session)
        if message.logged_on or session not in self._renewing:
            return
        self._renewing.discard(session)
        self._core.session_logon(session)

    def _set_numbers(self, command: Command) -> Done:
        name, session = self._of(command)
        sender = command.arguments.get("next_sender") or 0
        target = command.arguments.get("next_target") or 0
        if not sender and not target:
            raise RefusedError("needs next_sender or next_target")
        connected, _, *before = self._core.session_state(session)
        if not before[0]:
            raise RefusedError(f"{name} has no sequence numbers")
        if connected or not self._core.session_set_numbers(session, sender, target):
            raise RefusedError(f"{name} is connected: log it out first")
        after = self._core.session_state(session)[2:4]
        return Done(
            text=f"{name}: next sender {before[0]} is {after[0]}, next target {before[1]} is"
            f" {after[1]}",
            affected=1,
        )

    def _hold(self, command: Command) -> Done:
        name, session = self._of(command)
        self._core.session_hold(session, True)
        return Done(text=f"{name} is held: new orders are denied, cancels go", affected=1)

    def _release(self, command: Command) -> Done:
        name, session = self._of(command)
        if not self._core.session_activity(session)["held"]:
            raise RefusedError(f"{name} is not held")
        self._core.session_hold(session, False)
        return Done(text=f"{name} takes orders again", affected=1)

    # ------------------------------------------------------------------ checkpoints

    def save(self) -> list[int]:
        """Sessions on their way to a new connection."""
        return sorted(self._renewing)

    def restore(self, saved: Sequence[int]) -> None:
        """The inverse of `save`."""
        self._renewing = set(saved)

    def begin_epoch(self) -> None:
        """Every session of this process is new."""
        self._renewing.clear()
