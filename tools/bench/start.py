"""P18: from exec to READY, with an empty log, and after a kill with ten million records in it.

READY is the daemon's own word to its service manager, which it gives when the venue has answered.
The exchange is the real one, and the feed goes on while the daemon is killed and starts again, so
that the log ends wherever it was.
"""

from __future__ import annotations

import random
import time
from typing import Final

import msgspec

from tools.bench.load_run import NOT_BUILT, SENDER, Load, RunError
from tools.bench.rows import Row, row_of_runs
from tools.bench.site import POLL_SECONDS, Site, site

RUNS: Final = 5
KILLS: Final = 5
SEED: Final = 18
RECORDS: Final = 10_000_000
RATE: Final = 100_000  # messages a second, one a datagram
GROW_SECONDS: Final = 20  # of a stream; others follow while the log is too small
STREAMS_MAX: Final = 30
KILL_SECONDS_MAX: Final = 20


def _load(seconds: int) -> Load:
    return Load(
        rate=RATE,
        seconds=seconds,
        toggle_every=500,
        trader="Follower",
        wait="park",
        checkpoints=True,
    )


def empty_seconds() -> list[float]:
    """Of daemons whose log begins with them."""
    taken = []
    for _ in range(RUNS):
        with site(_load(1)) as place:
            taken.append(place.seconds_to_ready())
            place.stop()
    return taken


def killed_seconds(kills: int) -> list[float]:
    """Of daemons that were killed at moments that are drawn, their log grown before."""
    moments = random.Random(SEED)  # noqa: S311 - moments, no secrets
    with site(_load(GROW_SECONDS)) as place:
        place.seconds_to_ready()
        _grow(place)
        taken = []
        for _ in range(kills):
            with place.fed():
                time.sleep(moments.uniform(0, KILL_SECONDS_MAX))
                place.kill()
                taken.append(place.seconds_to_ready())
        place.stop()
    return taken


def _grow(place: Site) -> None:
    wanted = place.records + RECORDS  # the first of a process has a number far above 1
    for _ in range(STREAMS_MAX):
        with place.fed() as sender:
            while sender.poll() is None and place.records < wanted:
                time.sleep(POLL_SECONDS)
        if place.records >= wanted:
            return
    left = wanted - place.records
    raise RunError(f"{left} records are missing in the log after {STREAMS_MAX} streams")


def rows(kills: int = KILLS) -> list[Row]:
    """Two rows; the daemon is killed so many times."""
    empty = Row(id="P18", name="exec to READY, empty log", unit="s", goal=1.2)
    name = f"exec to READY after kill -9, {RECORDS / 1e6:g} M records, worst of {kills}"
    killed = Row(id="P18", name=name, unit="s", goal=3)
    if not SENDER.exists():
        return [msgspec.structs.replace(each, skipped=NOT_BUILT) for each in (empty, killed)]
    try:
        empty = row_of_runs(empty, empty_seconds())
        killed = row_of_runs(killed, killed_seconds(kills))
    except RunError as error:
        made = (empty, killed)
        return [x if x.value else msgspec.structs.replace(x, skipped=str(error)) for x in made]
    return [empty, msgspec.structs.replace(killed, value=killed.max)]
