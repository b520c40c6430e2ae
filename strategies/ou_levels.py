"""When to enter and leave an Ornstein-Uhlenbeck portfolio: the optimal stopping levels.

Leung and Li, "Optimal Mean Reversion Trading with Transaction Costs and Stop-Loss Exit",
International Journal of Theoretical and Applied Finance 18 (2015) 1550020. The model is
dX = μ(θ - X)dt + σdB; r is the discount rate and c the cost of entry and of exit.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, pbdv

Z_MAX = 30.0
"""Levels are sought within this many √(σ²/2μ) of θ: beyond, exp(z²/2) nears overflow."""


class FitError(ValueError):
    """The samples hold no mean reversion, or the levels do not exist; says which."""


class Process(NamedTuple):
    """An OU process: long-run mean θ, speed μ, volatility σ, in the time unit of `dt`."""

    theta: float
    mu: float
    sigma: float

    @property
    def half_life(self) -> float:
        """ln 2 / μ."""
        return math.log(2.0) / self.mu


class Levels:
    """The optimal stopping levels of one process.

    F(x) = ∫₀^∞ u^(r/μ-1) exp(√(2μ/σ²)(x-θ)u - u²/2) du and G(x), the same with θ - x, are the
    rising and falling solutions of LV = rV. By DLMF 12.5.1 they are Γ(ν) exp(z²/4) D₋ᵥ(∓z)
    with ν = r/μ and z = √(2μ/σ²)(x-θ), and their derivatives the same with ν + 1.
    """

    def __init__(self, process: Process, r: float, c: float) -> None:
        self.process, self.c = process, c
        self._nu = r / process.mu
        self._scale = math.sqrt(2.0 * process.mu) / process.sigma
        self.low = process.theta - Z_MAX / self._scale
        self.high = process.theta + Z_MAX / self._scale

    def F(self, x: float) -> float:  # noqa: N802  # the paper's name
        return self._cylinder(x, self._nu, 1.0)

    def dF(self, x: float) -> float:  # noqa: N802  # the paper's name
        return self._scale * self._cylinder(x, self._nu + 1.0, 1.0)

    def G(self, x: float) -> float:  # noqa: N802  # the paper's name
        return self._cylinder(x, self._nu, -1.0)

    def dG(self, x: float) -> float:  # noqa: N802  # the paper's name
        return -self._scale * self._cylinder(x, self._nu + 1.0, -1.0)

    def _cylinder(self, x: float, order: float, direction: float) -> float:
        z = self._scale * (x - self.process.theta)
        value, _ = pbdv(-order, -direction * z)
        return float(value) * math.exp(float(gammaln(order)) + z * z / 4.0)

    # ------------------------------------------------------------------ without stop-loss

    def exit(self) -> float:
        """b*: sell when the value reaches it. F(b) = (b - c)F'(b), theorem 4.2."""

        def equation(b: float) -> float:
            return self.F(b) - (b - self.c) * self.dF(b)

        return _root(equation, max(self.c, self.low), self.high, "exit level b*")

    def entry(self, b_star: float) -> float:
        """d*: buy when the value falls to it. G(d)(V'(d)-1) = G'(d)(V(d)-d-c), theorem 4.6."""
        k = (b_star - self.c) / self.F(b_star)
        return self._entry(lambda x: k * self.F(x), lambda x: k * self.dF(x), self.low, b_star)

    # ------------------------------------------------------------------ with stop-loss at L

    def exit_with_stop(self, stop: float) -> float:
        """b*_L, theorem 5.1: the exit level when the position is also sold at `stop`."""
        c, f_stop, g_stop = self.c, self.F(stop), self.G(stop)

        def equation(b: float) -> float:
            f, g = self.F(b), self.G(b)
            rising = ((stop - c) * g - (b - c) * g_stop) * self.dF(b)
            falling = ((b - c) * f_stop - (stop - c) * f) * self.dG(b)
            return rising + falling - (g * f_stop - g_stop * f)

        middle = max(self.process.theta, stop)
        return _root(equation, middle, self.high, "exit level with stop-loss")

    def entry_with_stop(self, stop: float, b_stop: float) -> tuple[float, float]:
        """(a*_L, d*_L), theorem 5.5: buy while the value is between them."""
        c, f_stop, g_stop = self.c, self.F(stop), self.G(stop)
        f, g = self.F(b_stop), self.G(b_stop)
        rising = ((b_stop - c) * g_stop - (stop - c) * g) / (f * g_stop - f_stop * g)
        falling = ((b_stop - c) * f_stop - (stop - c) * f) / (g * f_stop - g_stop * f)

        def value(x: float) -> float:
            return rising * self.F(x) + falling * self.G(x)

        def slope(x: float) -> float:
            return rising * self.dF(x) + falling * self.dG(x)

        def lower(x: float) -> float:
            return self.F(x) * (slope(x) - 1.0) - self.dF(x) * (value(x) - x - c)

        d = self._entry(value, slope, stop, b_stop)
        return _root(lower, stop, d, "lower entry level with stop-loss"), d

    def _entry(
        self,
        value: Callable[[float], float],
        slope: Callable[[float], float],
        low: float,
        high: float,
    ) -> float:
        def equation(x: float) -> float:
            return self.G(x) * (slope(x) - 1.0) - self.dG(x) * (value(x) - x - self.c)

        return _root(equation, low, high, "entry level d*")


def _root(f: Callable[[float], float], low: float, high: float, what: str) -> float:
    """The highest sign change of `f` on a grid over [low, high], refined. FitError: none."""
    grid = np.linspace(low, high, 401)
    upper, f_upper = float(grid[-1]), f(float(grid[-1]))
    for point in grid[-2::-1]:
        lower, f_lower = float(point), f(float(point))
        if f_lower * f_upper < 0.0:
            return float(brentq(f, lower, upper, xtol=1e-13, rtol=1e-14))
        upper, f_upper = lower, f_lower
    raise FitError(f"no {what} between {low:.6g} and {high:.6g}")
