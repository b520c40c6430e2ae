"""`pitwire metrics`: a process beside the daemon that serves Prometheus.

It reads the event log and the shared pages, at its own pace; the daemon does not know of it.
"""

from tools.metrics.serving import register

__all__ = ["register"]
