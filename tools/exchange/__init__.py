"""`pitwire exchange`: the simulated venue in a process of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.command import UsageError
from tools.durations import seconds
from tools.exchange.configuration import load

EXAMPLE = """example:
  pitwire exchange -c config/exchange.toml --for 30s
  pitwire exchange -c config/exchange-replay.toml ../shared/data/crypto/binance_hftbacktest

prints one line of JSON with its ports when it is ready, of a capture also how far it is in percent
and its end; ends by SIGTERM or Ctrl-C with exit code 0.
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "exchange",
        help="the simulated exchange, a process of its own",
        description="A simulated exchange: FIX order entry, ITCH or Binance-style market data.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-c", "--config", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "captures", type=Path, nargs="?", help="folder of the captures, instead of capture.folder"
    )
    parser.add_argument(
        "--for", dest="seconds", type=seconds, metavar="TIME", help="stop after this time"
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="change one value of the configuration",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the exchange until it is told to stop."""
    # The event loop and the native core are only loaded by those who run them.
    from tools.exchange.process import serve

    config = load(arguments.config, arguments.overrides, arguments.captures)
    try:
        return serve(config, arguments.seconds)
    except (ValueError, OSError) as error:
        raise UsageError(f"{arguments.config}: {error}") from None
