"""What the dispatcher promises of order, limits and failures."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from daemon.runtime.mailbox import Dispatcher, Mailbox, MailboxFullError, Overflow


class Word(msgspec.Struct, frozen=True, gc=False):
    """Something to say."""

    text: str


class Number(msgspec.Struct, frozen=True, gc=False):
    """Something to count."""

    value: int


class Recorder:
    """Keeps what it was told; `then` is done with each message."""

    def __init__(self, name: str, then: Callable[[object], None] | None = None) -> None:
        self.name = name
        self.heard: list[object] = []
        self._then = then

    def handle(self, message: object) -> None:
        self.heard.append(message)
        if self._then is not None:
            self._then(message)


Failures = list[tuple[str, Exception]]


def dispatcher() -> tuple[Dispatcher, Failures]:
    failures: Failures = []
    return Dispatcher(lambda mailbox, error: failures.append((mailbox.actor.name, error))), failures


def test_messages_are_handled_in_the_order_of_posting_whoever_they_are_for() -> None:
    order: list[object] = []
    ours, _ = dispatcher()
    words, numbers = Recorder("words", order.append), Recorder("numbers", order.append)
    ours.subscribe(Mailbox(words, 8, Overflow.HALT), Word)
    box = Mailbox(numbers, 8, Overflow.HALT)
    ours.subscribe(box, Number)
    posted = [Word("a"), Number(1), Word("b"), Number(2)]
    for message in posted[:3]:
        ours.post(message)
    ours.post_to(box, posted[3])
    ours.run()
    assert order == posted
    assert ours.peak == 4
    assert ours.waiting == 0


def test_a_message_posted_while_handling_waits_behind_what_was_there() -> None:
    ours, _ = dispatcher()
    echo = Recorder("echo", lambda m: ours.post(Number(1)) if isinstance(m, Word) else None)
    ours.subscribe(Mailbox(echo, 8, Overflow.HALT), Word, Number)
    ours.post(Word("a"))
    ours.post(Word("b"))
    ours.run()
    assert echo.heard == [Word("a"), Word("b"), Number(1), Number(1)]


def test_nobody_listens_and_everybody_listens() -> None:
    ours, failures = dispatcher()
    first, second = Recorder("first"), Recorder("second")
    for each in (first, second):
        ours.subscribe(Mailbox(each, 8, Overflow.HALT), Number)
    ours.post(Word("unheard"))
    ours.post(Number(7))
    ours.run()
    assert first.heard == second.heard == [Number(7)]
    assert failures == []


def _raise(_message: object) -> None:
    raise ValueError("broken")


@pytest.mark.parametrize("listeners", [1, 2])
def test_a_failure_is_told_and_the_others_and_the_next_message_go_on(listeners: int) -> None:
    ours, failures = dispatcher()
    ours.subscribe(Mailbox(Recorder("broken", _raise), 8, Overflow.FAIL), Word)
    whole = Recorder("whole")
    for _ in range(listeners - 1):
        ours.subscribe(Mailbox(whole, 8, Overflow.FAIL), Word)
    ours.post(Word("a"))
    ours.post(Word("b"))
    ours.run()
    assert [name for name, _ in failures] == ["broken", "broken"]
    assert whole.heard == [Word("a"), Word("b")][: 2 * (listeners - 1)]


def test_a_failure_behind_an_address_is_that_mailboxs() -> None:
    ours, failures = dispatcher()
    box = Mailbox(Recorder("broken", _raise), 8, Overflow.FAIL)
    ours.subscribe(box, Number)
    ours.post_to(box, Word("a"))
    ours.run()
    assert [(name, str(error)) for name, error in failures] == [("broken", "broken")]


@pytest.mark.parametrize(
    ("posted", "handled", "full"), [(3, 3, 0), (4, 4, 0), (5, 4, 1), (9, 4, 1)]
)
@pytest.mark.parametrize("addressed", [False, True])
def test_a_mailbox_holds_its_limit_and_tells_once_of_what_is_above(
    posted: int, handled: int, full: int, addressed: bool
) -> None:
    ours, failures = dispatcher()
    slow = Recorder("slow")
    box = Mailbox(slow, 4, Overflow.FAIL)
    ours.subscribe(box, Number)
    for value in range(posted):
        if addressed:
            ours.post_to(box, Number(value))
        else:
            ours.post(Number(value))
    ours.run()
    assert slow.heard == [Number(value) for value in range(handled)]
    assert [(name, type(error)) for name, error in failures] == [("slow", MailboxFullError)] * full


def post_ten(ours: Dispatcher) -> None:
    for number in range(10):
        ours.post(Number(number))


def test_a_flood_from_a_handler_drops_only_the_flooded_mailboxs_messages() -> None:
    ours, failures = dispatcher()
    flood = Recorder("flood", lambda _: post_ten(ours))
    counter, witness = Recorder("counter"), Recorder("witness")
    ours.subscribe(Mailbox(flood, 64, Overflow.HALT), Word)
    ours.subscribe(Mailbox(counter, 4, Overflow.FAIL), Number)
    box = Mailbox(witness, 64, Overflow.HALT)
    ours.subscribe(box, bytes)
    ours.post(Word("go"))
    ours.post_to(box, Word("kept"))
    ours.run()
    assert counter.heard == [Number(n) for n in range(4)]
    assert witness.heard == [Word("kept")]
    assert [name for name, _ in failures] == ["counter"]
    ((_, error),) = failures
    assert str(error) == "mailbox of counter full: 4 messages waiting, policy fail"


def test_many_that_wait_for_several_are_not_counted_at_every_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More wait than one mailbox may hold and none is full: as when all orders are lost."""
    counted = 0
    shed = Dispatcher._shed

    def counting(self: Dispatcher) -> tuple[int, int]:
        nonlocal counted
        counted += 1
        return shed(self)

    monkeypatch.setattr(Dispatcher, "_shed", counting)
    ours, failures = dispatcher()
    recorders = [Recorder(str(number)) for number in range(4)]
    boxes = [Mailbox(recorder, 1_000, Overflow.HALT) for recorder in recorders]
    for box in boxes:
        ours.subscribe(box, Word)
    for _ in range(900):
        for box in boxes:
            ours.post_to(box, Number(1))
    ours.run()
    assert [len(recorder.heard) for recorder in recorders] == [900] * 4
    assert failures == []
    assert ours.peak == 3_600
    assert 0 < counted < 20


@pytest.mark.parametrize("flood", [99, 100, 101, 150])
def test_a_flood_among_many_that_wait_is_found_at_the_limit(flood: int) -> None:
    """Whoever else waits, and however the handlers spread what they post."""
    ours, failures = dispatcher()
    flooded = Recorder("flooded")
    box = Mailbox(flooded, 100, Overflow.FAIL)
    posted = 0

    def post_one(_message: object) -> None:
        nonlocal posted
        if posted < flood:
            posted += 1
            ours.post_to(box, Word(str(posted)))

    busy = Recorder("busy", post_one)
    ours.subscribe(Mailbox(busy, 1_000, Overflow.HALT), Number)
    ours.subscribe(box, Word)
    for number in range(500):
        ours.post(Number(number))
    ours.run()
    assert len(busy.heard) == 500
    assert len(flooded.heard) == min(flood, 100)
    assert (len(failures) > 0) is (flood > 100)
