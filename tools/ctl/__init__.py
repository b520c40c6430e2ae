"""`pitwire ctl`: what an operator asks of a running daemon."""

from tools.ctl.commands import register

__all__ = ["register"]
