"""`pitwire run`: the daemon in the foreground, as systemd runs it."""

from __future__ import annotations

import argparse
from pathlib import Path

from daemon.app.configuration import Configuration, ConfigurationError
from daemon.app.market_settings import BinanceFeed
from tools.command import UsageError
from tools.config import load_configuration
from tools.durations import seconds
from tools.processes import ExchangeProcess


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "run",
        help="the daemon, in the foreground",
        description="Run the daemon until a signal, an operator's shutdown, or --for is over.",
        epilog=(
            "example: pitwire run -c config/demo.toml --for 30s --set session.broker.port=5001\n"
            "example: pitwire run -c config/binance-replay.toml CAPTURES"
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-c", "--config", required=True, metavar="FILE", help="configuration")
    parser.add_argument(
        "captures",
        nargs="?",
        type=Path,
        help="a folder of recorded markets: an exchange that serves them is started beside it",
    )
    parser.add_argument(
        "--exchange",
        type=Path,
        metavar="FILE",
        help="its configuration (default: exchange-replay.toml beside the daemon's)",
    )
    parser.add_argument("--for", dest="duration", type=seconds, metavar="TIME", help="30s, 5m, 1h")
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="change one value of the configuration",
    )
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """Exit code: 0 a clean end, 1 the log failed, 2 a configuration that cannot be used."""
    configuration = load_configuration(arguments.config, arguments.overrides)
    if arguments.captures is None:
        return _run(configuration, arguments)
    log = Path(configuration.log.folder)
    log.parent.mkdir(parents=True, exist_ok=True)
    exchange = ExchangeProcess(
        arguments.exchange or Path(arguments.config).parent / "exchange-replay.toml",
        log.parent / "exchange.err",
        {
            "capture.clients": sum(isinstance(feed, BinanceFeed) for feed in configuration.feed),
            "exchange.trades": log.parent / "trades.csv",
        },
        str(arguments.captures),
    )
    try:
        exchange.wait_ready()
        return _run(configuration, arguments)
    finally:
        exchange.stop()


def _run(configuration: Configuration, arguments: argparse.Namespace) -> int:
    from daemon.app.live import run  # the native core is loaded only when it is needed

    try:
        return run(configuration, arguments.duration)
    except (ConfigurationError, ValueError, OSError) as error:
        raise UsageError(f"{arguments.config}: {error}") from None
