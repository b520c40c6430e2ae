"""`pitwire watchdog`: a process beside the daemon that cancels its orders when it hangs or dies.

It follows the event log and the status page, has FIX sessions of its own, and writes two words of
that page, the fence and the kill word, at an incident. The daemon does not wait for it.
"""

from tools.watchdog.command import register

__all__ = ["register"]
