"""A made-up file of ITCH 5.0, and a configuration of one stock on such a feed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

from daemon.app.configuration import Configuration, parse

MIDNIGHT: Final = 1_723_176_000_000_000_000  # of 2024-08-09 in New York
NINE_THIRTY_NS: Final = 34_200_000_000_000

CONFIGURATION: Final = """
[daemon]
name = "itch"
[log]
folder = "{folder}/unused"
segment_size_bytes = 4194304
low_disk_bytes = 0
[[venue]]
name = "v"
[[feed]]
name = "itch"
kind = "itch_moldudp64"
venue = "v"
lines = [{{ port = 1 }}]
[[session]]
name = "paper"
kind = "simulated"
venue = "v"
[[instrument]]
symbol = "ACME"
venue = "v"
feed = "itch"
session = "paper"
price_increment = 0.01
money_scale = 4
[[strategy]]
name = "maker"
class = "strategies.market_maker:MarketMaker"
instruments = ["ACME"]
parameters = {{ symbol = "ACME", qty = 100, max_position = 1000 }}
"""


def configuration(folder: Path) -> Configuration:
    """One strategy that quotes."""
    return parse(CONFIGURATION.format(folder=folder), "itch.toml")


def write(path: Path, orders: int, seed: int = 5) -> int:
    """A file that trades one stock; returns how many messages it has."""
    print(f"{path.name}: seed {seed}")
    chance = random.Random(seed)
    messages = [_directory(), _message("H", 0, b"ACME    T    T", 25)]
    for reference in range(1, orders + 1):
        of_day = NINE_THIRTY_NS + reference * 10_000_000
        buys = reference % 2 == 0
        price = 1_000_000 + (-1 if buys else 1) * 100 * chance.randint(1, 20)
        body = reference.to_bytes(8, "big") + (b"B" if buys else b"S")
        body += (100 * chance.randint(1, 9)).to_bytes(4, "big") + b"ACME    "
        messages.append(_message("A", of_day, body + price.to_bytes(4, "big"), 36))
        if reference > 40:
            gone = reference - 40
            executed = gone.to_bytes(8, "big") + (50).to_bytes(4, "big") + bytes(8)
            messages.append(_message("E", of_day, executed, 31))
            messages.append(_message("D", of_day, gone.to_bytes(8, "big"), 19))
    path.write_bytes(b"".join(len(each).to_bytes(2, "big") + each for each in messages))
    return len(messages)


def _directory() -> bytes:
    body = b"ACME    QN" + (100).to_bytes(4, "big") + b"NCZ PNN1N" + bytes(4) + b"N"
    return _message("R", 0, body, 39)


def _message(kind: str, of_day: int, body: bytes, size: int) -> bytes:
    locate = (1).to_bytes(2, "big")
    message = kind.encode() + locate + bytes(2) + (of_day or NINE_THIRTY_NS).to_bytes(6, "big")
    assert len(message + body) == size, (kind, len(message + body))
    return message + body
