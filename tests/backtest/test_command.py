"""`pitwire backtest` as it is typed: what it writes, what it prints, and what it refuses."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.backtest import market
from tests.days.day import ROOT
from tools.command import main
from tools.processes import command


def backtest(words: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("backtest", *(str(each) for each in words)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def written(folder: Path, *replaced: tuple[str, str]) -> Path:
    """The made-up configuration as a file."""
    text = market.CONFIGURATION.format(folder=folder)
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    path = folder / "made-up.toml"
    path.write_text(text)
    return path


def test_a_run_leaves_log_metrics_and_page_and_says_where(tmp_path: Path) -> None:
    markets = market.write_all(tmp_path / "captures", 100)
    log = tmp_path / "log"
    done = backtest(["-c", written(tmp_path), tmp_path / "captures", "--log", log])
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-3:] == [
        f"metrics: {log / 'backtest.json'}",
        f"page: {log / 'backtest.html'}",
        f"log: {log}",
    ]
    assert "100 % of the captures read" in lines
    metrics = msgspec.json.decode((log / "backtest.json").read_bytes())
    assert metrics["messages"] == sum(each.messages for each in markets.values())
    assert metrics["wall_clock"]["messages_per_second"] > 0
    assert (log / "backtest.html").read_text().startswith("<!DOCTYPE html>")
    (maker,) = [each for each in lines if each.split()[:2] == ["maker", "AAA"]]
    (row,) = [each for each in metrics["rows"] if each["strategy"] == "maker"]
    assert maker.split()[2] == str(row["orders"])
    replayed = subprocess.run(
        command("replay", str(log)), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_json_is_all_of_standard_output_where_it_is_asked_for(tmp_path: Path) -> None:
    market.write_all(tmp_path, 30)
    log = tmp_path / "log"
    done = backtest(["-c", written(tmp_path), tmp_path, "--log", log, "--json"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.encode() == (log / "backtest.json").read_bytes()


def test_what_a_fix_session_needs_to_connect_is_not_asked_for(tmp_path: Path) -> None:
    market.write_all(tmp_path, 5)
    secret = 'port = 1\npassword = "file:/nowhere/password"'
    path = written(tmp_path, ("port = 1", secret))
    done = backtest(["-c", path, tmp_path, "--log", tmp_path / "log"])
    assert done.returncode == 0, done.stderr


def test_a_strategy_that_fails_is_named_and_is_exit_code_1(tmp_path: Path) -> None:
    market.write_all(tmp_path, 30)
    (tmp_path / "raising.py").write_text(
        "from daemon.strategy import Parameters, State, Strategy\n"
        "class Raising(Strategy[Parameters, State]):\n"
        "    def on_start(self):\n"
        "        raise ZeroDivisionError('on purpose')\n"
    )
    text = written(tmp_path).read_text()
    head, _, tail = text.partition("[[strategy]]")
    own = '[[strategy]]\nname = "raising"\nclass = "raising:Raising"\ninstruments = ["AAA"]\n'
    (tmp_path / "made-up.toml").write_text(head + own + "[risk]" + tail.split("[risk]", 1)[1])
    done = subprocess.run(
        command("backtest", "-c", "made-up.toml", ".", "--log", "log"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "raising: ZeroDivisionError: on purpose" in done.stdout


REFUSED = {
    "a capture that is not there": (
        ["none.capture"],
        (),
        "none.capture: no such file or folder",
    ),
    "no capture at all": (
        [],
        (('captures = ["*.capture"]', ""),),
        "made-up.toml: backtest.captures: missing, and no CAPTURES were given",
    ),
    "a name that is not in the folder": (
        ["{folder}/captures"],
        (('captures = ["*.capture"]', 'captures = ["*.gz"]'),),
        "made-up.toml: backtest.captures: there is no {folder}/captures/*.gz",
    ),
    "a symbol of no instrument": (
        ["{folder}/captures"],
        (('feed_symbol = "INVUSD"', 'feed_symbol = "OTHER"'),),
        "captures/inv.capture: holds INVUSD (spot), which is of no instrument of ",
    ),
    "a traded instrument without capture": (
        ["{folder}/captures/aaa.capture"],
        (),
        "made-up.toml: strategy[1].instruments[0]: BBB has no capture of BBBUSDT (spot)",
    ),
    "a file that is no capture": (
        ["{folder}/text"],
        (),
        "text: neither Binance's messages nor an ITCH 5.0 file",
    ),
    "lines without times": (
        ["{folder}/untimed"],
        (),
        "untimed: lines without a receive time before the JSON",
    ),
    "a damaged archive": (
        ["{folder}/damaged.gz"],
        (),
        "damaged.gz: ",
    ),
    "a key that does not exist": (
        ["{folder}/captures"],
        (("worker_delay_ms = 50", "worker_dealy_ms = 50"),),
        "made-up.toml: backtest.worker_dealy_ms: unknown key",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_run_is_refused_with_file_and_key(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, replaced, said = REFUSED[case]
    market.write_all(tmp_path / "captures", 5)
    (tmp_path / "text").write_text("neither this\n")
    lines = (tmp_path / "captures/aaa.capture").read_text().splitlines()
    (tmp_path / "untimed").write_text("\n".join(each.split(" ", 1)[1] for each in lines))
    (tmp_path / "damaged.gz").write_bytes(b"\x1f\x8b\x08\x00" + b"not deflated" * 10)
    given = [each.format(folder=tmp_path) for each in words]
    log = tmp_path / "log"
    path = written(tmp_path, *replaced)
    capsys.readouterr()
    assert main(["backtest", "-c", str(path), *given, "--log", str(log)]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("pitwire: ")
    assert errors.count("\n") == 1
    assert said.format(folder=tmp_path) in errors
    assert not log.exists()


def test_a_log_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    market.write_all(tmp_path, 5)
    words: list[str | Path] = ["-c", written(tmp_path), tmp_path, "--log", tmp_path / "log"]
    assert backtest(words).returncode == 0
    before = sorted((each.name, each.stat().st_mtime_ns) for each in (tmp_path / "log").iterdir())
    again = backtest(words)
    assert again.returncode == 2
    assert "log: holds a log already" in again.stderr
    after = sorted((each.name, each.stat().st_mtime_ns) for each in (tmp_path / "log").iterdir())
    assert after == before
