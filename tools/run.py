"""`pitwire run`: the daemon in the foreground, as systemd runs it."""

from __future__ import annotations

import argparse

from tools.command import UsageError
from tools.config import load_configuration
from tools.durations import seconds


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "run",
        help="the daemon, in the foreground",
        description="Run the daemon until a signal, an operator's shutdown, or --for is over.",
        epilog="example: pitwire run -c config/demo.toml --for 30s --set session.broker.port=5001",
    )
    parser.add_argument("-c", "--config", required=True, metavar="FILE", help="configuration")
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
    from daemon.app.live import run  # the native core is loaded only when it is needed

    try:
        return run(configuration, arguments.duration)
    except (ValueError, OSError) as error:
        raise UsageError(f"{arguments.config}: {error}") from None
