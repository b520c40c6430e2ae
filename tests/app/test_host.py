"""What the daemon asks of its host, and says of what it got."""

from __future__ import annotations

import os
import threading
from typing import Any

import msgspec
import pytest

from daemon.app.host import HostError, check_kernel_bypass, settle_on_host, thread_map
from daemon.app.settings import CoreSettings


def settings(**given: Any) -> CoreSettings:  # noqa: ANN401  any setting
    return msgspec.convert(given, CoreSettings)


def test_the_map_has_every_thread_with_its_cores_and_policy() -> None:
    allowed = os.sched_getaffinity(0)
    go_on, placed = threading.Event(), threading.Event()

    def run() -> None:
        os.sched_setaffinity(0, {max(allowed)})
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        placed.set()
        go_on.wait(20)

    thread = threading.Thread(target=run)
    thread.start()
    assert placed.wait(20)
    first, *others = thread_map()
    assert first.name == "core"
    assert (str(max(allowed)), "batch", 0) in {(t.cores, t.policy, t.priority) for t in others}
    assert len(others) + 1 == len(os.listdir("/proc/self/task"))  # noqa: PTH208  as it is there
    go_on.set()
    thread.join()


@pytest.mark.parametrize(
    ("cores", "text"), [({0}, "0"), ({0, 1, 2, 3, 8}, "0-3,8"), ({1, 3, 4}, "1,3-4")]
)
def test_cores_are_said_as_taskset_takes_them(
    monkeypatch: pytest.MonkeyPatch, cores: set[int], text: str
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: cores)
    assert thread_map()[0].cores == text


def test_a_core_that_is_not_there_is_refused_with_the_key() -> None:
    with pytest.raises(HostError, match=r"core\.pin_core: core 4095: "):
        settle_on_host(settings(pin_core=4095))


def test_kernel_bypass_is_refused_where_its_library_is_not_loaded() -> None:
    check_kernel_bypass(settings())
    check_kernel_bypass(settings(wait="spin", kernel_bypass="libc.so"))
    with pytest.raises(HostError, match=r"core\.kernel_bypass: libonload is not loaded"):
        check_kernel_bypass(settings(wait="spin", kernel_bypass="libonload"))


def test_kernel_bypass_is_refused_where_nobody_else_would_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("daemon.app.host.is_real_time", lambda: True)
    with pytest.raises(HostError, match=r"core\.kernel_bypass: never sleeps"):
        check_kernel_bypass(settings(wait="spin", kernel_bypass="libc.so"))
