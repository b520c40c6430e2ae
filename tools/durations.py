"""Times on the command line: `250ms`, `30s`, `5m`, `1h`, or plain seconds."""

from __future__ import annotations

import argparse
import re

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def seconds(text: str) -> float:
    """Seconds of a text; argparse's error where it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 250ms, 30s, 5m or 1h")
    return float(found[1]) * UNITS[found[2]]
