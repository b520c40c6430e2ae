"""The phases of the daemon's life, numbered as the status page (core.SharedStatus) has them.

`stopped`: it ended in order and nothing of ours works at a venue. It stays in the page.
"""

from __future__ import annotations

from typing import Final

PHASES: Final = ("starting", "recovering", "reconciling", "ready", "stopping", "stopped")
