"""`pitwire ctl watch`: the running daemon at a glance, redrawn; also what `make run` shows.

On a terminal a full-screen view (`tools.ctl.view`); without one a status line each interval, so
that a log or a pipe gets something to read; with `--json` a snapshot a line. A daemon that goes
away is waited for: restarts are worth watching.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.live import Live

from daemon.messages.replies import Outcome
from tools.ctl.client import Client, NoDaemonError
from tools.ctl.view import line_of, view
from tools.screen import screen


class Source:
    """Snapshots from a daemon that may come and go: a reason instead, while there is none."""

    def __init__(self, find: Callable[[], Path], absent: Callable[[str], str]) -> None:
        self._find, self._absent = find, absent
        self._client: Client | None = None

    def take(self) -> dict[str, Any] | str:
        """The newest snapshot as plain JSON, or why there is none."""
        try:
            if self._client is None:
                self._client = Client(self._find(), timeout_seconds=5)
            reply = self._client.ask("snapshot")
        except NoDaemonError as error:
            self.close()
            return self._absent(str(error))
        if reply.status != Outcome.DONE:
            return reply.error
        return dict(reply.result)

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()
        self._client = None


def watch(
    find: Callable[[], Path],
    interval_seconds: float,
    seconds: float | None = None,
    *,
    as_json: bool = False,
    absent: Callable[[str], str] = "waiting for the daemon: {}".format,
) -> int:
    """Show until interrupted or until the time is over; the exit code.

    `find` names the control socket, and is asked again while nobody answers there; `absent` says
    what a missing daemon means, from the reason why it does not answer. 1 where no daemon was seen
    at all.
    """
    source = Source(find, absent)
    try:
        if as_json:
            return _lines(source, interval_seconds, seconds, json.dumps)
        if sys.stdout.isatty():
            return _screen(source, interval_seconds, seconds)
        return _lines(source, interval_seconds, seconds, line_of)
    except KeyboardInterrupt:
        return 0
    finally:
        source.close()


def _ticks(interval_seconds: float, seconds: float | None) -> Iterator[None]:
    """Yields at once and then every interval, on the beat however long the work takes."""
    start = time.monotonic()
    beat = start
    while True:
        yield
        beat = max(beat + interval_seconds, time.monotonic())
        if seconds is not None and beat > start + seconds:
            return
        time.sleep(max(0.0, beat - time.monotonic()))


def _lines(source: Source, interval_seconds: float, seconds: float | None, form: Any) -> int:  # noqa: ANN401  json.dumps or line_of
    seen = False
    for _ in _ticks(interval_seconds, seconds):
        taken = source.take()
        seen = seen or not isinstance(taken, str)
        if form is json.dumps and isinstance(taken, str):
            taken = {"absent": taken}
        sys.stdout.write(f"{taken if isinstance(taken, str) else form(taken)}\n")
        sys.stdout.flush()
    return 0 if seen else 1


def _screen(source: Source, interval_seconds: float, seconds: float | None) -> int:
    seen = False
    with Live(console=screen(), screen=True, auto_refresh=False) as live:
        for _ in _ticks(interval_seconds, seconds):
            taken = source.take()
            seen = seen or not isinstance(taken, str)
            live.update(view(taken), refresh=True)
    return 0 if seen else 1
