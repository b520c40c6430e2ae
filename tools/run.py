"""`pitwire run`: the daemon in the foreground, as systemd runs it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Final

import structlog

from daemon.app.configuration import Configuration, ConfigurationError
from daemon.app.market_settings import BinanceFeed
from tools.command import UsageError
from tools.config import check_outside, load_configuration
from tools.demo_summary import summarise
from tools.durations import seconds
from tools.processes import ExchangeProcess

PERCENT_TOLD: Final = 10


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "run",
        help="the daemon, in the foreground",
        description=(
            "Run the daemon until a signal, an operator's shutdown, --for is over, or the last of "
            "CAPTURES was read. With CAPTURES the log is a new one, in a folder named by the time "
            "beside the configured one, and the last line printed is `log: FOLDER`."
        ),
        epilog=(
            "example: pitwire run -c config/demo.toml --for 30s --set session.broker.port=5001\n"
            "example: pitwire run -c config/binance-replay.toml CAPTURES --speed 10"
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
    parser.add_argument(
        "--speed",
        type=float,
        metavar="X",
        help="recorded seconds a second; 0: as fast as they are read (default: its configuration)",
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
    """Exit code: 0 a clean end; 1 the log failed, or orders had not ended; 2 it cannot start.

    70: a turn failed, and the daemon is to be started again.
    """
    configuration = load_configuration(arguments.config, arguments.overrides)
    check_outside(arguments.config, configuration)
    if arguments.captures is None:
        return _run(configuration, arguments)
    return _run_recorded(configuration, arguments)


def _run_recorded(configuration: Configuration, arguments: argparse.Namespace) -> int:
    """A day of its own, whose market begins and ends with it: an earlier log knows another one."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    folder = Path(configuration.log.folder).parent / stamp
    folder.mkdir(parents=True)
    configuration = load_configuration(
        arguments.config, [*arguments.overrides, f"log.folder={folder / 'log'}"]
    )
    # A day's kill is not the next day's.
    (Path(configuration.daemon.runtime_dir) / "status.page").unlink(missing_ok=True)
    settings: dict[str, object] = {
        "capture.clients": sum(isinstance(feed, BinanceFeed) for feed in configuration.feed),
        "exchange.trades": folder / "trades.csv",
    }
    if arguments.speed is not None:
        settings["capture.speed"] = arguments.speed
    exchange = ExchangeProcess(
        arguments.exchange or Path(arguments.config).parent / "exchange-replay.toml",
        folder / "exchange.err",
        settings,
        str(arguments.captures),
    )
    try:
        exchange.wait_ready()
        code = _run(configuration, arguments, RecordedMarket(exchange))
    finally:
        exchange.stop()
    sys.stdout.write(summarise(folder / "log", folder / "trades.csv"))
    sys.stdout.write(f"log: {folder / 'log'}\n")
    return code


class RecordedMarket:
    """`daemon.app.live.Market`: captures that an exchange beside us serves."""

    def __init__(self, exchange: ExchangeProcess) -> None:
        self._exchange = exchange
        self._percent = 0
        self.fd = exchange.fd

    def over(self) -> bool:
        """Whether every line was read, or the exchange is gone; says how far it is."""
        said = self._exchange.hear()
        for line in said:
            percent = line.get("percent", 0)
            if percent >= self._percent + PERCENT_TOLD:
                self._percent = percent - percent % PERCENT_TOLD
                structlog.get_logger("captures").info("replayed", percent=self._percent)
        return not said or any("ended" in line for line in said)


def _run(
    configuration: Configuration,
    arguments: argparse.Namespace,
    market: RecordedMarket | None = None,
) -> int:
    from daemon.app.live import run  # the native core is loaded only when it is needed

    try:
        return run(configuration, arguments.duration, market)
    except (ConfigurationError, ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"{arguments.config}: {error}") from None
