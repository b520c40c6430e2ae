"""An exchange process for tests: started on free ports, stopped and checked at the end."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

AGENTS = """
[exchange]
trades = "{folder}/trades.csv"
reports = "{folder}/reports.csv"
seed = 7
[[fix.session]]
target_comp_id = "PITWIRE"
[[fix.session]]
target_comp_id = "OTHER"
[[fix.session]]
target_comp_id = "KILL"
cancels_for = ["PITWIRE"]
[[fix.session]]
target_comp_id = "KILL42"
begin_string = "FIX.4.2"
cancels_for = ["PITWIRE", "OTHER"]
[fix]
port = 0
[itch]
lines = [{{ port = {line} }}]
retransmission = {{ port = 0 }}
snapshot = {{ port = 0 }}
heartbeat_ms = 50
[agents]
actions_per_second = {rate}
[[instrument]]
symbol = "ACME"
price_increment = 0.0001
tick = 0.01
start_price = 100.00
fees = {{ maker_rate = -0.00002, taker_rate = 0.00003 }}
[[instrument]]
symbol = "BOLT"
tick = 0.01
start_price = 42.00
"""


class Running:
    """`with Running(config_path) as exchange:`; `exchange.ports` is its ready line."""

    def __init__(self, config: Path, *arguments: str) -> None:
        self._command = [
            sys.executable,
            "-c",
            "import sys; from tools.command import main;"
            "raise SystemExit(main(sys.argv[1:], {'exchange': 'tools.exchange'}))",
            "exchange",
            "-c",
            str(config),
            *arguments,
        ]
        self.ports: dict[str, Any] = {}

    def __enter__(self) -> Running:
        # A file: nobody reads a pipe while it runs, and a full one stops who writes.
        self._errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise AssertionError(f"the exchange did not start:\n{self._said()}")
        self.ports = json.loads(line)
        return self

    def stop(self) -> tuple[int, str]:
        """Exit code after SIGTERM, and what it logged."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self, seconds: float = 20) -> tuple[int, str]:
        """Exit code once it has ended by itself, and what it logged."""
        self.process.communicate(timeout=seconds)
        return self.process.returncode, self._said()

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._errors.close()


@contextlib.contextmanager
def quiet_exchange(folder: Path) -> Iterator[Running]:
    """One whose agents do next to nothing, and to whose feed nobody listens."""
    config = folder / "exchange.toml"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        config.write_text(AGENTS.format(folder=folder, line=line.getsockname()[1], rate=1))
        with Running(config) as running:
            yield running
