"""A stock QuickFIX C++ acceptor as the venue of a load, and a stock initiator as our peer at it."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from tools.bench.native import BINARIES
from tools.processes import on_core, stop

ACCEPTOR: Final = BINARIES / "quickfix_acceptor"
INITIATOR: Final = BINARIES / "quickfix_initiator"
NOT_BUILT: Final = "not built: make bench (or build the target quickfix_acceptor)"
SECONDS_MAX: Final = 60.0
COLUMNS: Final = 3  # due, sent, answered


class QuickfixVenue:
    """A running acceptor; `ports` are as those of `pitwire exchange`."""

    def __init__(self, errors: Path) -> None:
        self.ports = {"fix": _free_port()}
        with errors.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603 - our binary
                [str(ACCEPTOR), str(self.ports["fix"])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
            )

    def __enter__(self) -> Self:
        self.wait_ready()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def wait_ready(self) -> None:
        """Block until it listens. RuntimeError where it ends instead."""
        assert self._process.stdout is not None  # noqa: S101 - asked for as a pipe
        if not self._process.stdout.readline():
            raise RuntimeError("the QuickFIX acceptor did not start")

    def stop(self) -> None:
        """End it."""
        stop(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def peer_times(orders: int, per_second: int, places: tuple[int, int]) -> npt.NDArray[np.int64]:
    """What a stock initiator saw at a stock acceptor, each on its core: a row for each order, when
    it was due, handed over and answered, in ns. ValueError where one was not answered."""
    mine, other = places
    with tempfile.TemporaryDirectory(prefix="pitwire-quickfix-") as name:
        path = Path(name) / "times"
        with on_core(other):
            started = QuickfixVenue(Path(name) / "acceptor.err")
        with started as venue, on_core(mine):
            words = [str(INITIATOR), str(venue.ports["fix"]), str(orders), str(per_second)]
            done = subprocess.run(  # noqa: S603 - our binary
                [*words, str(path)], capture_output=True, check=False, timeout=SECONDS_MAX
            )
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise ValueError(f"the QuickFIX initiator ended with {done.returncode}: {said}")
        times = np.fromfile(path, np.int64).reshape(-1, COLUMNS)
    missing = int((times[:, 2] == 0).sum())
    if missing:
        raise ValueError(f"{missing} orders of QuickFIX's were not answered")
    return times
