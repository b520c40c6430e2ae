"""Waiting: uvloop and the native descriptors, each seen by the other."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
import uvloop

from daemon import core

MODES = [core.WaitMode.PARK, core.WaitMode.SPIN, core.WaitMode.SPIN_THEN_PARK]
SECOND = 1_000_000_000


@pytest.mark.parametrize("mode", MODES)
def test_waiting_lets_other_threads_run_and_ends_by_their_push(mode: core.WaitMode) -> None:
    inbox, waiter = core.Inbox(4096), core.Waiter()
    waiter.add(inbox)
    producer = threading.Thread(target=inbox.push, args=(1, 2, 3, b"from another thread"))
    producer.start()
    assert waiter.wait(mode, 20 * SECOND, 20 * SECOND) == core.WAIT_NATIVE
    producer.join()
    assert inbox.poll(8) == [(1, 2, 3, b"from another thread")]


@pytest.mark.parametrize("mode", MODES)
def test_the_loops_work_ends_the_wait(mode: core.WaitMode) -> None:
    async def scenario() -> int:
        loop = asyncio.get_running_loop()
        waiter = core.Waiter()
        await asyncio.to_thread(int)  # the loop has polled once: its own descriptors are watched
        waiter.watch_loop(loop._get_backend_id())  # type: ignore[attr-defined]  # uvloop's own
        called = asyncio.Event()
        threading.Thread(target=loop.call_soon_threadsafe, args=(called.set,)).start()
        woken = waiter.wait(mode, 20 * SECOND, 20 * SECOND)
        await called.wait()
        return int(woken)

    assert uvloop.run(scenario()) == core.WAIT_LOOP


def test_the_loop_wakes_for_a_push_while_it_sleeps() -> None:
    async def scenario() -> list[tuple[int, int, int, bytes]]:
        loop = asyncio.get_running_loop()
        inbox, waiter = core.Inbox(4096), core.Waiter()
        waiter.add(inbox)
        woken = asyncio.Event()
        loop.add_reader(waiter.epoll_fd, woken.set)
        assert waiter.arm()
        threading.Thread(target=inbox.push, args=(0, 0, 7, b"x")).start()
        await asyncio.wait_for(woken.wait(), 20)
        waiter.disarm()
        loop.remove_reader(waiter.epoll_fd)
        return inbox.poll(8)

    assert uvloop.run(scenario()) == [(0, 0, 7, b"x")]


def test_a_full_inbox_refuses_and_counts() -> None:
    inbox = core.Inbox(4096)
    assert not inbox.push(0, 0, 0, bytes(inbox.message_bytes_max + 1))
    while inbox.push(0, 0, 0, bytes(100)):
        pass
    assert inbox.refused == 2
    assert len(inbox.poll(1000)) * 100 <= inbox.peak_bytes <= inbox.capacity_bytes


def test_counters_and_histograms_are_read_by_path(runtime_dir: Path) -> None:
    path = str(runtime_dir / "counters")
    counters = core.SharedCounters(path)
    orders, latency = counters.counter("orders"), counters.histogram("tick_to_order_ns")
    orders.add(3)
    for value in range(1, 1001):
        latency.record(value)
    reader = core.SharedCountersReader(path)
    assert reader.counters() == [("orders", 3)]
    [(name, seen)] = reader.histograms()
    assert (name, seen.count, seen.percentile(50), seen.max) == (
        "tick_to_order_ns",
        1000,
        500,
        1000,
    )
    assert core.Histogram.deserialise(seen.serialise()).serialise() == seen.serialise()
    with pytest.raises(ValueError, match="bytes are not whole"):
        core.Histogram.deserialise(b"short")


def test_the_clock_keeps_its_floor_and_to_the_host() -> None:
    clock = core.TscClock()
    assert abs(clock.now() - core.host_now()) < SECOND
    floor = core.host_now() + SECOND * 3600
    assert core.TscClock(floor).now() == floor


def test_tuning_says_what_was_refused() -> None:
    refused = core.pin_thread([4096])
    assert not refused
    assert "4096" in refused.reason
    assert core.pin_thread(core.allowed_cores())
    assert core.thread_count() == len(core.thread_names()) >= 1
