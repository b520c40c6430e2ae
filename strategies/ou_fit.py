"""Fitting an Ornstein-Uhlenbeck pair: `fit` is what `ou_pair` has computed in a worker process.

Maximum likelihood as in Leung and Li (2015), section 2.3 (full reference in `ou_levels`).
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from strategies.ou_levels import FitError, Levels, Process

Series = npt.NDArray[np.float64]
SAMPLES_MIN = 10
BETAS_MAX = 10_000


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to fit. Samples are `dt` time units apart; `r` is per unit, `c` in portfolio value.

    `betas` are the lowest and highest hedge ratio tried and how many. The stop-loss level is
    `stop_sigmas` stationary standard deviations below the mean.
    """

    first: list[float]
    second: list[float]
    dt: float
    r: float
    c: float
    betas: tuple[float, float, int] = (0.001, 1.0, 100)
    stop_sigmas: float = 4.0


class Fit(msgspec.Struct, frozen=True):
    """A fitted pair: buy the portfolio within the entry levels, sell it at exit or stop."""

    beta: float
    theta: float
    mu: float
    sigma: float
    half_life: float
    log_likelihood: float
    first: float
    second: float
    enter_above: float
    enter_below: float
    exit: float
    stop: float


def fit(payload: Mapping[str, Any]) -> dict[str, Any]:
    """`Fit` of a `Request`, as plain values. FitError or msgspec.ValidationError otherwise."""
    request = msgspec.convert(payload, Request)
    first, second = np.array(request.first), np.array(request.second)
    _check(request, first, second)
    low, high, count = request.betas
    beta = best_beta(first, second, request.dt, np.linspace(low, high, count))
    x = portfolio(first, second, beta)
    process = fit_process(x, request.dt)
    levels = Levels(process, request.r, request.c)
    stop = process.theta - request.stop_sigmas * process.sigma / math.sqrt(2.0 * process.mu)
    exit_level = levels.exit_with_stop(stop)
    above, below = levels.entry_with_stop(stop, exit_level)
    found = Fit(
        beta,
        *process,
        process.half_life,
        log_likelihood(x, process, request.dt),
        float(first[0]),
        float(second[0]),
        above,
        below,
        exit_level,
        stop,
    )
    return msgspec.structs.asdict(found)


def _check(request: Request, first: Series, second: Series) -> None:
    if len(first) != len(second) or len(first) < SAMPLES_MIN:
        raise FitError(
            f"expected two series of one length from {SAMPLES_MIN},"
            f" found {len(first)} and {len(second)} samples"
        )
    for series in (first, second):
        if not (np.isfinite(series).all() and (series > 0.0).all()):
            raise FitError("samples must be finite and above 0")
    if not 1 <= request.betas[2] <= BETAS_MAX:
        raise FitError(f"betas: expected 1 to {BETAS_MAX}, found {request.betas[2]}")
    if not (request.dt > 0.0 and request.r > 0.0 and request.c >= 0.0):
        raise FitError(
            f"expected dt > 0, r > 0, c >= 0, found {request.dt}, {request.r}, {request.c}"
        )
    if not request.stop_sigmas > 0.0:
        raise FitError(f"expected stop_sigmas > 0, found {request.stop_sigmas}")


def fit_process(x: Series, dt: float, residual_divisor: int | None = None) -> Process:
    """Maximum likelihood of samples `dt` apart: exact, by the equivalent AR(1) regression.

    X' = a + bX + e, so μ = -ln b / dt, θ = a / (1 - b), σ² = 2μ var(e) / (1 - b²); var(e) is
    divided by the number of transitions unless `residual_divisor` says otherwise. FitError
    unless 0 < b < 1 and var(e) > 0.
    """
    before, after = x[:-1], x[1:]
    centred = before - before.mean()
    spread = float(centred @ centred)
    if not spread > 0.0:
        raise FitError("the portfolio's value does not move")
    b = float(centred @ (after - after.mean())) / spread
    if not 0.0 < b < 1.0:
        raise FitError(f"no mean reversion: AR(1) coefficient {b:.6g} outside (0, 1)")
    a = float(after.mean()) - b * float(before.mean())
    residuals = after - a - b * before
    variance = float(residuals @ residuals) / (residual_divisor or len(after))
    if not variance > 0.0:
        raise FitError("the portfolio's value has no noise")
    mu = -math.log(b) / dt
    return Process(a / (1.0 - b), mu, math.sqrt(2.0 * mu * variance / (1.0 - b * b)))


def log_likelihood(x: Series, process: Process, dt: float) -> float:
    """Average log-likelihood of the transitions, with the conditional normal density."""
    decay = math.exp(-process.mu * dt)
    variance = process.sigma**2 * (1.0 - decay * decay) / (2.0 * process.mu)
    errors = x[1:] - x[:-1] * decay - process.theta * (1.0 - decay)
    mean_square = float(errors @ errors) / len(errors)
    return -0.5 * (math.log(2.0 * math.pi * variance) + mean_square / variance)


def portfolio(first: Series, second: Series, beta: float) -> Series:
    """One unit of money long in the first, `beta` short in the second, bought at sample 0."""
    value: Series = first / first[0] - beta * second / second[0]
    return value


def best_beta(first: Series, second: Series, dt: float, betas: Series) -> float:
    """The hedge ratio whose portfolio is likeliest to be an OU process (Leung and Li, 2.3).

    FitError where none of `betas` gives mean reversion. The first of equals wins.
    """
    best, likelihood = math.nan, -math.inf
    for beta in betas:
        x = portfolio(first, second, float(beta))
        try:
            found = log_likelihood(x, fit_process(x, dt), dt)
        except FitError:
            continue
        if found > likelihood:
            best, likelihood = float(beta), found
    if math.isnan(best):
        raise FitError(f"none of {len(betas)} hedge ratios gives mean reversion")
    return best
