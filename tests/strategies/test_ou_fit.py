"""Fitting and levels of an Ornstein-Uhlenbeck pair against published numbers."""

import asyncio
import csv
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy.integrate import quad

from daemon.io.workers import WorkerPool, WorkOutcome
from daemon.model import WorkerStatus
from strategies.ou_fit import (
    Series,
    best_beta,
    fit,
    fit_process,
    log_likelihood,
    portfolio,
)
from strategies.ou_levels import FitError, Levels, Process

SEED = int(os.environ.get("PITWIRE_TEST_SEED", "20261121"))
Data = Callable[[str], Path]


@pytest.fixture
def gold(test_data: Data) -> tuple[Series, Series]:
    """GLD and GDX, 75 daily closes from 2015-08-24."""
    with test_data("models/ou/gld_gdx_data.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([float(r["GLD"]) for r in rows]), np.array([float(r["GDX"]) for r in rows])


@pytest.fixture
def reference(test_data: Data) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(test_data("models/ou/leung_li.json").read_text())
    return found


def simulated(process: Process, dt: float, count: int, seed: int) -> Series:
    """A path by the exact transition density."""
    rng = np.random.default_rng(seed)
    decay = math.exp(-process.mu * dt)
    deviation = process.sigma * math.sqrt((1 - decay * decay) / (2 * process.mu))
    x = np.empty(count)
    x[0] = process.theta
    for i in range(1, count):
        x[i] = process.theta + (x[i - 1] - process.theta) * decay + deviation * rng.normal()
    return x


# ---------------------------------------------------------------------- the reference


def test_parameters_equal_the_reference(
    gold: tuple[Series, Series], reference: dict[str, Any]
) -> None:
    """The reference divides the residuals by the number of samples; ours is the exact MLE."""
    dt, exact = reference["dt"], reference["recomputed"]
    x = portfolio(*gold, reference["B"])
    process = fit_process(x, dt)
    assert process.theta == pytest.approx(exact["theta"], rel=1e-9)
    assert process.mu == pytest.approx(exact["mu"], rel=1e-9)
    assert process.sigma**2 == pytest.approx(exact["sigma_square_exact_mle"], rel=1e-9)
    theirs, printed = fit_process(x, dt, len(x)), reference["expected_repo"]
    assert round(theirs.theta, 5) == printed["theta"]
    assert round(theirs.sigma**2, 5) == printed["sigma_square"]
    # Their optimiser stops 1e-4 short of the maximum in μ: 6.306 for 6.3054.
    assert theirs.mu == pytest.approx(printed["mu"], rel=1.5e-4)
    assert theirs.half_life == pytest.approx(printed["half_life"], rel=1.5e-4)


def test_levels_equal_the_reference_to_every_printed_decimal(
    gold: tuple[Series, Series], reference: dict[str, Any]
) -> None:
    x = portfolio(*gold, reference["B"])
    levels = Levels(fit_process(x, reference["dt"], len(x)), reference["r"], reference["c"])
    stop, exact, printed = reference["L"], reference["recomputed"], reference["expected_repo"]
    exit_level = levels.exit()
    exit_stop = levels.exit_with_stop(stop)
    above, below = levels.entry_with_stop(stop, exit_stop)
    assert exit_level == pytest.approx(exact["b_star"], abs=1e-10)
    assert levels.entry(exit_level) == pytest.approx(exact["d_star"], abs=1e-10)
    assert exit_stop == pytest.approx(exact["b_star_sl"], abs=1e-10)
    assert (above, below) == pytest.approx((exact["a_sl"], exact["d_sl"]), abs=1e-10)
    tolerance = 1.5e-4  # their own: four decimals
    assert exit_level == pytest.approx(printed["b_star"], abs=tolerance)
    assert levels.entry(exit_level) == pytest.approx(printed["d_star"], abs=tolerance)
    # At 0.8 one sells at once: the value there is what that brings.
    assert exit_level < 0.8
    assert 0.8 - reference["c"] == pytest.approx(printed["V_0_8"], abs=tolerance)
    assert (above, below) == pytest.approx(printed["entry_interval_sl"], abs=tolerance)


def test_the_hedge_ratio_is_at_least_as_likely_as_the_reference_s(
    gold: tuple[Series, Series], reference: dict[str, Any]
) -> None:
    """Its B comes from an optimiser that stops early; ours is the maximum over the same grid."""
    dt, grid = reference["dt"], np.linspace(0.001, 1.0, 100)
    assert any(abs(beta - reference["B"]) < 1e-9 for beta in grid)

    def likelihood(beta: float) -> float:
        x = portfolio(*gold, beta)
        return log_likelihood(x, fit_process(x, dt), dt)

    beta = best_beta(*gold, dt, grid)
    assert beta == pytest.approx(reference["B"], abs=0.0102)  # a neighbour on the grid
    assert likelihood(beta) == max(likelihood(float(other)) for other in grid)


# ---------------------------------------------------------------------- the mathematics

PROCESS = Process(theta=0.3, mu=8.0, sigma=0.25)


@pytest.mark.parametrize("x", [0.0, 0.2, 0.3, 0.35, 0.55])
def test_f_and_g_are_the_paper_s_integrals(x: float) -> None:
    r, levels = 0.1, Levels(PROCESS, 0.1, 0.01)
    scale = math.sqrt(2 * PROCESS.mu) / PROCESS.sigma

    def integral(sign: float) -> float:
        z = sign * scale * (x - PROCESS.theta)
        nu = r / PROCESS.mu
        # u^(ν-1) is singular at 0: with u = w^(1/ν) the integrand is smooth there.
        low = quad(lambda w: math.exp(z * w ** (1 / nu) - w ** (2 / nu) / 2) / nu, 0, 1)[0]
        rest = quad(lambda u: u ** (nu - 1) * math.exp(z * u - u * u / 2), 1, 40)[0]
        return float(low + rest)

    assert levels.F(x) == pytest.approx(integral(1.0), rel=1e-7)
    assert levels.G(x) == pytest.approx(integral(-1.0), rel=1e-7)
    h = 1e-6
    assert levels.dF(x) == pytest.approx((levels.F(x + h) - levels.F(x - h)) / (2 * h), rel=1e-6)
    assert levels.dG(x) == pytest.approx((levels.G(x + h) - levels.G(x - h)) / (2 * h), rel=1e-6)


def test_the_exit_level_is_the_best_of_all_levels() -> None:
    """Selling at b is worth (b - c)·F(x)/F(b) today: b* maximises it."""
    levels = Levels(PROCESS, 0.1, 0.01)
    best = max(np.linspace(0.2, 0.8, 60_001), key=lambda b: (b - 0.01) / levels.F(float(b)))
    assert levels.exit() == pytest.approx(best, abs=2e-5)


def test_levels_are_in_their_order() -> None:
    levels = Levels(PROCESS, 0.1, 0.01)
    stop = 0.1
    exit_stop = levels.exit_with_stop(stop)
    above, below = levels.entry_with_stop(stop, exit_stop)
    assert stop < above < below < PROCESS.theta < exit_stop
    assert levels.entry(levels.exit()) < levels.exit()
    assert exit_stop <= levels.exit() + 1e-9


def test_a_known_process_is_recovered() -> None:
    print(f"PITWIRE_TEST_SEED={SEED}")
    x = simulated(PROCESS, 0.01, 20_000, SEED)
    found = fit_process(x, 0.01)
    # Asymptotic standard deviations: σ/(μ√T) of θ, √(2μ/T) of μ, σ/√(2n) of σ; T = 200.
    assert found.theta == pytest.approx(0.3, abs=4 * 0.25 / (8 * 200**0.5))
    assert found.mu == pytest.approx(8.0, abs=4 * (16 / 200) ** 0.5)
    assert found.sigma == pytest.approx(0.25, abs=4 * 0.25 / (40_000**0.5))
    assert found.half_life == pytest.approx(math.log(2) / found.mu)


def test_the_fit_is_the_maximum_of_the_likelihood() -> None:
    x = simulated(PROCESS, 0.01, 500, 3)
    found = fit_process(x, 0.01)
    best = log_likelihood(x, found, 0.01)
    for i in range(3):
        for factor in (0.99, 1.01):
            moved = Process(*(v * (factor if i == j else 1.0) for j, v in enumerate(found)))
            assert log_likelihood(x, moved, 0.01) < best


# ---------------------------------------------------------------------- as a worker


def request(**changes: object) -> dict[str, Any]:
    """A pair whose portfolio at β = 0.5 is close to an OU process."""
    rng = np.random.default_rng(11)
    second = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.002, 240)))
    spread = simulated(Process(0.5, 60.0, 0.02), 1 / 240, 240, 12)
    first = 100.0 * (spread + 0.5 * second / second[0])
    asked = {
        "first": first.tolist(),
        "second": second.tolist(),
        "dt": 1 / 240,
        "r": 0.05,
        "c": 0.0002,
    }
    return asked | changes


def test_the_worker_function_gives_ordered_levels_as_plain_json() -> None:
    found = msgspec.json.decode(msgspec.json.encode(fit(request())))
    assert found["beta"] == pytest.approx(0.5, abs=0.1)
    levels = [found[name] for name in ("stop", "enter_above", "enter_below", "theta", "exit")]
    assert levels == sorted(levels)
    assert found["first"] == request()["first"][0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"first": [1.0] * 5, "second": [1.0] * 5}, "from 10"),
        ({"first": [1.0] * 50}, "found 50 and 240"),
        ({"first": [2.0] * 240, "second": [3.0] * 240}, "none of 100 hedge ratios"),
        ({"first": list(range(1, 241)), "second": [3.0] * 240}, "none of 100 hedge ratios"),
        ({"first": [-1.0] * 240}, "above 0"),
        ({"dt": 0.0}, "dt > 0"),
        ({"betas": [0.1, 0.9, 0]}, "betas"),
        ({"stop_sigmas": 0.0}, "stop_sigmas"),
    ],
)
def test_a_pair_that_cannot_be_fitted_says_why(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(FitError, match=reason):
        fit(request(**changes))


@pytest.mark.parametrize("changes", [{"dt": "1"}, {"colour": 1}, {"first": ["a"] * 240}])
def test_a_malformed_request_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        fit(request(**changes))


async def test_a_worker_process_finds_the_same_digits() -> None:
    arrived: asyncio.Future[WorkOutcome] = asyncio.get_running_loop().create_future()
    pool = WorkerPool(["strategies.ou_fit:fit"], arrived.set_result)
    pool.start()
    try:
        pool.submit(1, 0, "strategies.ou_fit:fit", request())
        outcome = await asyncio.wait_for(arrived, 30)
    finally:
        await pool.stop()
    assert outcome.status is WorkerStatus.DONE
    assert msgspec.json.decode(outcome.result) == fit(request())
