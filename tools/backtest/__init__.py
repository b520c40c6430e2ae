"""`pitwire backtest`: the daemon's core over recorded markets, and what came of it."""

from tools.backtest.run import Outcome, run_backtest

__all__ = ["Outcome", "run_backtest"]
