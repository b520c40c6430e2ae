"""QuickFIX/J's processes as tests hold them."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tools import quickfixj

END_SECONDS = 20


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Venue:
    """`with Venue(folder) as venue:`, a QuickFIX/J acceptor with a record of its own."""

    def __init__(self, folder: Path, *tls: Path) -> None:
        self.port = free_port()
        self.trades = folder / "venue.csv"
        self.log = folder / "venue.err"
        with self.log.open("wb") as log:
            words = (self.port, self.trades, folder / "venue.store", *tls)
            self._process = quickfixj.start("Venue", *words, log=log)

    def __enter__(self) -> Self:
        assert self.hear() == "ready", self.log.read_text()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.say("quit")
        try:
            self._process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def say(self, command: str) -> None:
        """One of the commands of Venue.java."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """Its next line: ready, logon, logout, orders N."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def hear_of(self, word: str) -> str:
        """Its next line that begins so."""
        while True:
            line = self.hear()
            assert line, self.log.read_text()[-2000:]
            if line.startswith(word):
                return line

    def orders(self) -> int:
        """How many it got."""
        self.say("count")
        return int(self.hear_of("orders").split()[1])
