"""The command line of `pitwire ctl`: words to a command of the protocol, its reply to the screen.

Exit code 0 where the daemon did it, 1 where it refused or nobody answers, 2 for what is no command.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon.messages.commands import COMMANDS
from daemon.messages.replies import Outcome
from tools.command import UsageError
from tools.ctl.client import Client, NoDaemonError, Reply, default_socket, kill

EXAMPLES = """\
examples:
  pitwire ctl status
  pitwire ctl orders --strategy maker --json
  pitwire ctl limits set strategy:maker position_max 2000
  pitwire ctl strategies params maker gamma=0.2
  pitwire ctl halt --reason "odd prints"
  pitwire ctl sessions numbers broker --next-target 1 --reason "the venue began anew"
  pitwire ctl kill
  pitwire ctl watch
"""
Adder = Callable[[argparse.ArgumentParser], None]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "ctl",
        help="see and steer a running daemon",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_connection(parser, first=True)
    words = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_reading(words)
    _add_grouped(words)
    _add_changing(words)
    watch = words.add_parser("watch", help="a live view; without a terminal a line a second")
    _add_connection(watch)
    watch.add_argument("--interval", type=float, default=1.0, help="seconds (default 1)")
    watch.add_argument("--for", dest="seconds", type=float, help="end after so many seconds")
    watch.set_defaults(run=_watch)


def _add_connection(parser: argparse.ArgumentParser, first: bool = False) -> None:
    # Said before the command or after it: only the first has defaults, or the second resets them.
    absent: Any = None if first else argparse.SUPPRESS
    parser.add_argument("-s", "--socket", type=Path, default=absent, help="the control socket")
    parser.add_argument("-c", "--config", type=Path, default=absent, help="whose socket to use")
    parser.add_argument(
        "--timeout", type=float, default=10.0 if first else absent, help="seconds (default 10)"
    )
    parser.add_argument(
        "--json", action="store_true", default=False if first else absent, help="for machines"
    )


# ------------------------------------------------------------------ the words


def _add(words: Any, word: str, command: str, *adders: Adder) -> None:  # noqa: ANN401  argparse's
    parser = words.add_parser(word, help=COMMANDS[command].help)
    _add_connection(parser)
    before = {action.dest for action in parser._actions}
    for add in adders:
        add(parser)
    fields = {action.dest for action in parser._actions} - before
    parser.set_defaults(run=_run, command=command, fields=sorted(fields))


def _option(name: str, **options: Any) -> Adder:  # noqa: ANN401  argparse's own
    return lambda parser: _discard(parser.add_argument(name, **options))


def _discard(_: object) -> None:
    return None


STRATEGY = _option("--strategy", help="by name")
SYMBOL = _option("--symbol", help="an instrument")
REASON = _option("--reason", help="goes into the log")
LIMIT = _option("--limit", type=int, help="rows at most")


def _add_reading(words: Any) -> None:  # noqa: ANN401  argparse's own
    for word in ("status", "market", "feeds", "risk", "latency", "snapshot", "reconciliation"):
        _add(words, word, word)
    finished = _option("--finished", action="store_true", default=None, help="ended ones too")
    _add(words, "orders", "orders", STRATEGY, SYMBOL, LIMIT, finished)
    _add(words, "order", "order", _option("cl_ord_id", help="any ClOrdID it had, in hex"))
    _add(words, "fills", "fills", LIMIT)
    _add(words, "positions", "positions", STRATEGY, SYMBOL)


def _add_grouped(words: Any) -> None:  # noqa: ANN401  argparse's own
    name = _option("strategy", help="its name")
    strategies = _group(words, "strategies")
    _add(strategies, "start", "strategies.start", name, REASON)
    _add(strategies, "stop", "strategies.stop", name, REASON)
    values = _option("values", nargs="+", type=_assignment, metavar="KEY=VALUE")
    _add(strategies, "params", "strategies.params", name, values)
    session = _option("session", help="its name")
    sessions = _group(words, "sessions")
    _add(sessions, "show", "sessions.show", session)
    for action in ("logon", "logout", "renew", "hold", "release"):
        _add(sessions, action, f"sessions.{action}", session, REASON)
    ours = _option("--next-sender", type=int, metavar="NUMBER", help="MsgSeqNum of our next")
    theirs = _option("--next-target", type=int, metavar="NUMBER", help="of the venue's next")
    why = _option("--reason", required=True, help="goes into the log")
    _add(sessions, "numbers", "sessions.numbers", session, ours, theirs, why)
    limits = words.add_parser("limits", help="limits of the gate").add_subparsers(
        metavar="ACTION", required=True
    )
    _add(limits, "show", "limits.show")
    scope = _option("scope", help="firm, strategy:NAME or instrument:SYMBOL")
    limit = _option("name", help="as `limits show` has it")
    _add(limits, "set", "limits.set", scope, limit, _option("value", help="a decimal"))


def _group(words: Any, word: str) -> Any:  # noqa: ANN401  argparse's own
    """A word that lists when it stands alone, and has actions."""
    # `ctl session NAME…` as well as `ctl sessions`.
    parser = words.add_parser(word, aliases=[word.removesuffix("s")], help=COMMANDS[word].help)
    _add_connection(parser)
    parser.set_defaults(run=_run, command=word, fields=[])
    return parser.add_subparsers(metavar="ACTION")


def _add_changing(words: Any) -> None:  # noqa: ANN401  argparse's own
    reducing = _option("--reducing", action="store_true", default=None, help="may still reduce")
    stay = _option("--no-cancel", dest="cancel", action="store_false", default=None)
    clear = _option("--clear-kill", action="store_true", default=None, help="also after a kill")
    accept = _option("--accept", type=int, metavar="REPORT", help="take the venue's word")
    level = _option("level", choices=["debug", "info", "warning", "error"])
    _add(words, "halt", "halt", STRATEGY, reducing, stay, REASON)
    _add(words, "resume", "resume", STRATEGY, clear, REASON)
    _add(words, "cancel-all", "cancel-all", STRATEGY, SYMBOL, REASON)
    _add(words, "flatten", "flatten", STRATEGY, SYMBOL, REASON)
    _add(words, "reconcile", "reconcile", _option("--session", help="by name"), accept, REASON)
    _add(words, "log-level", "log-level", level)
    _add(words, "shutdown", "shutdown", REASON)
    _add(words, "kill", "kill")
    words.choices["kill"].set_defaults(run=_kill)


def _assignment(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text}: is no KEY=VALUE")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


# ------------------------------------------------------------------ running


def socket_path(arguments: argparse.Namespace) -> Path:
    """The control socket that these arguments mean."""
    if arguments.socket is not None:
        return Path(arguments.socket)
    if arguments.config is not None:
        from tools.config import load_configuration

        return load_configuration(arguments.config).control_socket
    return default_socket()


def _fail(text: str) -> int:
    sys.stderr.write(f"pitwire ctl: {text}\n")
    return 1


def _run(arguments: argparse.Namespace) -> int:
    given = {name: getattr(arguments, name) for name in arguments.fields}
    if "values" in given:
        given["values"] = dict(given["values"])
    values = {name: value for name, value in given.items() if value is not None}
    try:
        with Client(socket_path(arguments), arguments.timeout) as client:
            reply = client.ask(arguments.command, values)
    except NoDaemonError as error:
        return _fail(str(error))
    return _show(arguments, reply)


def _show(arguments: argparse.Namespace, reply: Reply) -> int:
    if reply.status == Outcome.BAD_COMMAND:
        raise UsageError(reply.error)
    if reply.status != Outcome.DONE:
        return _fail(reply.error)
    if arguments.json:
        sys.stdout.write(json.dumps(reply.result) + "\n")
    else:
        from tools.ctl.tables import show

        show(arguments.command, reply.result)
    return 0


def _kill(arguments: argparse.Namespace) -> int:
    path = socket_path(arguments)
    try:
        reply = kill(path.with_name("kill.sock"))
    except NoDaemonError as error:
        # The control socket is on the loop that a strategy may block; still better than nothing.
        sys.stderr.write(f"pitwire ctl: {error}; asking the control socket\n")
        return _run(arguments)
    text = json.dumps(reply) if arguments.json else "killed: no order leaves; see `ctl status`"
    sys.stdout.write(text + "\n")
    return 0


def _watch(arguments: argparse.Namespace) -> int:
    from tools.ctl.watch import watch

    if arguments.interval <= 0:
        raise UsageError(f"--interval {arguments.interval:g}: must be above 0 seconds")

    def find() -> Path:
        return socket_path(arguments)

    return watch(find, arguments.interval, arguments.seconds, as_json=arguments.json)
