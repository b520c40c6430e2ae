"""Operators' way into the turn: a question is answered at once, a command by the turn that has it.

Both come from the control socket; the daemon itself gives commands too (a shutdown, a halt when the
disk gets low), which are in the log like an operator's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, Final

import msgspec

from daemon.app.reports import Reports
from daemon.core import Live, SharedStatus
from daemon.io.peers import Peer
from daemon.messages import Reply
from daemon.messages.commands import COMMANDS
from daemon.messages.replies import Outcome

ANSWER_SECONDS_MAX: Final = 10.0
DAEMON: Final = "daemon"  # who gives the commands that nobody typed
FULL_RETRY_S: Final = 0.01  # what the core's inbox had no room for is offered again


class Operators:
    """`daemon.io.control.CommandPort`. `epoch` makes its commands' numbers unlike any before."""

    def __init__(
        self,
        live: Live,
        status: SharedStatus,
        reports: Reports,
        schedule: Callable[[], None],
        epoch: int,
        keeps_kill: Callable[[], str],
    ) -> None:
        """`keeps_kill`: why a kill cannot be taken back now, "" where it can."""
        self._keeps_kill = keeps_kill
        self._live, self._status, self._reports = live, status, reports
        self._schedule = schedule
        self._command_id = epoch << 32
        self._replies: dict[int, asyncio.Future[Reply]] = {}
        self._own: set[asyncio.Task[Reply]] = set()

    async def execute(self, peer: Peer, name: str, arguments: dict[str, Any]) -> Reply:
        """The answer to a peer whose role suffices."""
        if not COMMANDS[name].changes:
            return self._reports.answer(name, arguments)
        return await self._command(
            peer.uid, peer.pid, peer.user, peer.role.name.lower(), name, arguments
        )

    def command(self, name: str, **arguments: object) -> None:
        """The daemon's own command; its answer is in the log."""
        own = self._command(os.getuid(), os.getpid(), DAEMON, "admin", name, arguments)
        task = asyncio.get_running_loop().create_task(own)
        self._own.add(task)
        task.add_done_callback(self._own.discard)

    def answered(self, reply: Reply) -> None:
        """A turn answered; whoever asked hears it, unless they have gone."""
        future = self._replies.pop(reply.command_id, None)
        if future is not None and not future.done():
            future.set_result(reply)

    async def _command(
        self, uid: int, pid: int, user: str, role: str, name: str, arguments: dict[str, Any]
    ) -> Reply:
        if name == "kill":
            self._status.kill(uid)
        if name == "resume" and arguments.get("clear_kill"):
            if reason := self._keeps_kill():
                return Reply(self._command_id, int(Outcome.REFUSED), None, reason)
            # The page before the gate: a gate that is free under a word that is set kills again.
            self._status.clear_kill()
        self._command_id += 1
        command_id = self._command_id
        said = {"name": name, "arguments": arguments, "user": user, "role": role}
        content = msgspec.json.encode(said).decode()
        self._schedule()
        while not self._live.push_operator(uid, pid, command_id, content):
            if user != DAEMON:
                return Reply(command_id, int(Outcome.REFUSED), None, "the core's inbox is full")
            await asyncio.sleep(FULL_RETRY_S)  # what the daemon itself commands is not given up
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._replies[command_id] = future
        try:
            return await asyncio.wait_for(future, ANSWER_SECONDS_MAX)
        except TimeoutError:
            self._replies.pop(command_id, None)
            reason = f"not answered within {ANSWER_SECONDS_MAX:g} s"
            return Reply(command_id, int(Outcome.REFUSED), None, reason)
