"""Rounds of cancels, with a venue that is a few lines: when they are over, and what they ask."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from tools.watchdog.rounds import ANSWER_NS, GUARD_NS, ROUND_NS, Request, Rounds
from tools.watchdog.working import Working

FIRST = 0xF << 60
SECOND = 10**9


def order(number: int, *names: int) -> Working:
    known = (number, *names)
    return Working(number, known[-1], known, "broker", "ACME", "ACME", 1, Decimal(5))


class Venue:
    """Knows orders by name; what is `late` arrives when a round was answered."""

    def __init__(self, rounds: Rounds, *works: int, late: tuple[int, ...] = ()) -> None:
        self.rounds, self.works, self.late = rounds, set(works), list(late)
        self.ended: set[int] = set()
        self.mass_cancels = self.takes_status = True
        self.sent: list[Request] = []

    def answer(self, requests: list[Request]) -> None:
        for request in requests:
            self.sent.append(request)
            {"q": self._mass_cancel, "F": self._cancel, "H": self._status}[request.kind](request)
        if requests and self.late:
            self.works.add(self.late.pop())

    def _mass_cancel(self, request: Request) -> None:
        if not self.mass_cancels:
            return self.rounds.mass_canceled(request.cl_ord_id, 0, "not entitled")
        self.rounds.mass_canceled(request.cl_ord_id, len(self.works), "")
        self.ended |= self.works
        self.works.clear()
        return None

    def _cancel(self, request: Request) -> None:
        assert request.order is not None
        name = request.order.cl_ord_id
        if name in self.works:
            self.works.discard(name)
            self.ended.add(name)
            self.rounds.canceled_one(request.cl_ord_id)
        else:
            reason = "0" if name in self.ended else "1"
            self.rounds.cancel_rejected(request.cl_ord_id, "8", reason, "")

    def _status(self, request: Request) -> None:
        if not self.takes_status:
            return self.rounds.not_taken("H", "unsupported message type")
        name = request.cl_ord_id
        if name in self.works:
            self.rounds.told(name, "0", "", "")
        elif name in self.ended:
            self.rounds.told(name, "4", "", "")
        else:
            self.rounds.told(name, "8", "5", "unknown order")
        return None


def run(rounds: Rounds, venue: Venue, until_ns: int = 10 * SECOND) -> int:
    """When they were over, from the start."""
    for now in range(0, until_ns, 10_000_000):
        venue.answer(rounds.wants(now))
        if rounds.over:
            return now
    raise AssertionError(f"not over: {rounds.left} left, {rounds.refused}")


@pytest.mark.parametrize("mass_cancel", [True, False])
@pytest.mark.parametrize("takes_status", [True, False])
def test_everything_is_cancelled_and_nothing_is_asked_twice_in_a_round(
    mass_cancel: bool, takes_status: bool
) -> None:
    rounds = Rounds(FIRST, mass_cancel)
    rounds.expect([order(1), order(2), order(3)])
    venue = Venue(rounds, 1, 2)
    venue.takes_status = takes_status
    run(rounds, venue)
    assert venue.works == set()
    assert (rounds.left, rounds.canceled) == ([], 2)
    assert len({request.cl_ord_id for request in venue.sent if request.kind != "H"}) == len(
        [request for request in venue.sent if request.kind != "H"]
    )
    assert all(r.cl_ord_id > FIRST for r in venue.sent if r.kind in "qF")


def test_an_order_that_arrives_behind_the_first_round_is_cancelled_too() -> None:
    rounds = Rounds(FIRST, True)
    rounds.expect([order(1), order(2)])
    venue = Venue(rounds, 1, late=(2,))
    assert run(rounds, venue) >= 2 * ROUND_NS
    assert (venue.works, venue.ended, rounds.canceled) == (set(), {1, 2}, 2)


def test_a_refused_mass_cancel_is_followed_by_cancels_one_by_one() -> None:
    rounds = Rounds(FIRST, True)
    rounds.expect([order(1), order(2)])
    venue = Venue(rounds, 1, 2)
    venue.mass_cancels = False
    run(rounds, venue)
    assert (venue.works, rounds.refused) == (set(), "not entitled")
    assert [r.kind for r in venue.sent].count("q") == 1


def test_an_order_of_which_the_log_knows_an_older_name_is_found_by_the_venues_answer() -> None:
    rounds = Rounds(FIRST, False)
    rounds.expect([order(1, 7)._replace(cl_ord_id=1)])
    first = rounds.wants(0)
    assert [request.kind for request in first] == ["F", "H"]
    rounds.cancel_rejected(first[0].cl_ord_id, "8", "1", "unknown order")
    rounds.told(7, "0", "", "")  # the replace went through: its name is 7 now
    second = rounds.wants(ROUND_NS)
    assert second[0].order is not None
    assert (second[0].kind, second[0].order.cl_ord_id) == ("F", 7)


def test_a_venue_that_is_silent_is_asked_again_and_never_over() -> None:
    rounds = Rounds(FIRST, True)
    rounds.expect([order(1)])
    sent = [len(rounds.wants(now)) for now in range(0, 5 * ANSWER_NS, ANSWER_NS // 4)]
    assert [count for count in sent if count] == [2] * 5
    assert not rounds.over
    assert rounds.left == [1]


def test_a_refusal_to_tell_leaves_the_order_as_one_that_works() -> None:
    rounds = Rounds(FIRST, True)
    rounds.expect([order(1)])
    for now in range(0, 3 * SECOND, 10_000_000):
        for request in rounds.wants(now):
            if request.kind == "q":
                rounds.mass_canceled(request.cl_ord_id, 0, "")
            elif request.kind == "H":
                rounds.told(1, "8", "99", "not entitled")
            else:
                rounds.cancel_rejected(request.cl_ord_id, "8", "2", "not entitled")
    assert (rounds.over, rounds.left, rounds.refused) == (False, [1], "not entitled")


def test_it_stands_guard_when_all_is_gone_and_begins_again_with_what_the_log_says_then() -> None:
    rounds = Rounds(FIRST, True)
    rounds.expect([order(1)])
    venue = Venue(rounds, 1)
    over = run(rounds, venue)
    assert rounds.wants(over + ROUND_NS) == []
    assert [request.kind for request in rounds.wants(over + GUARD_NS)] == ["q"]
    rounds.expect([order(1), order(9)])
    assert not rounds.over
    venue.answer([])
    assert run(rounds, venue) >= 0


@pytest.mark.parametrize("seed", range(20))
def test_random_orders_are_gone_whatever_arrives_when(seed: int) -> None:
    dice = random.Random(seed)
    rounds = Rounds(FIRST, dice.random() < 0.7)
    numbers = range(1, dice.randrange(2, 40))
    rounds.expect([order(number) for number in numbers])
    resting = {number for number in numbers if dice.random() < 0.6}
    late = dice.sample(sorted(resting), min(len(resting), 1))
    venue = Venue(rounds, *(resting - set(late)), late=tuple(late))
    venue.mass_cancels, venue.takes_status = dice.random() < 0.8, dice.random() < 0.8
    run(rounds, venue)
    assert venue.works == set(), f"seed {seed}"
    assert (venue.ended, rounds.canceled) == (resting, len(resting))


@pytest.mark.parametrize("mass_cancel", [True, False])
def test_an_order_without_a_name_is_gone_when_mass_cancels_find_nothing(mass_cancel: bool) -> None:
    rounds = Rounds(FIRST, mass_cancel)
    venue = Venue(rounds, 77)
    nameless = order(5)._replace(cl_ord_id=0, names=())
    rounds.expect([nameless])
    if mass_cancel:
        run(rounds, venue)
        assert (rounds.left, rounds.canceled) == ([], 1)
    else:
        with pytest.raises(AssertionError, match=r"not over: \[5\] left"):
            run(rounds, venue)
    assert all(request.order is None for request in venue.sent)
