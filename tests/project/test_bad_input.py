"""What is wrong is one line that names it, with exit code 2; nothing that is there is touched."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tools.command import main

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "log" / "golden"
DEMO = ROOT / "config" / "demo.toml"
EXCHANGE = ROOT / "config" / "exchange.toml"


@pytest.fixture(autouse=True)
def operating_log_of_its_own() -> Iterator[None]:
    """A daemon that was refused has configured it, for a stream that ends with the test."""
    yield
    structlog.reset_defaults()


def refused(capsys: pytest.CaptureFixture[str], *words: object, code: int = 2) -> str:
    """The one line that says what is wrong."""
    assert main([str(word) for word in words]) == code
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if line.startswith("pitwire")]
    assert "Traceback" not in shown.err
    (line,) = lines or shown.out.splitlines()
    return line


def started(folder: Path, *settings: str) -> tuple[str, ...]:
    """`pitwire run` of the demo in this folder, with these settings changed."""
    both = [f"daemon.runtime_dir={folder}/run", f"log.folder={folder}/log", *settings]
    return ("run", "-c", str(DEMO), "--for", "1s", *(w for s in both for w in ("--set", s)))


FILES = {
    "x = [": "Invalid value",
    "[demon]\nname = 'x'": "demon: unknown key",
    "[daemon]\nname = 3": "daemon.name",
}


@pytest.mark.parametrize("text", FILES)
@pytest.mark.parametrize("words", [("run", "-c"), ("config", "check"), ("metrics", "-c")])
def test_a_file_that_is_wrong(
    text: str, words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my.toml"
    file.write_text(text)
    line = refused(capsys, *words, file)
    assert line.startswith(f"pitwire: {file}: ")
    assert FILES[text] in line


SETTINGS = {
    "core.wait=fast": "core.wait: Invalid enum value 'fast'",
    "session.broker.port=99999": "session[0].port: Expected `int` <= 65535",
    f"daemon.runtime_dir=/tmp/{'x' * 120}": "daemon.runtime_dir: longer than 80 bytes",
    "daemon.runtime_dir=/proc/none": "daemon.runtime_dir: /proc/none: ",
    "log.folder=/proc/none": "log.folder: /proc/none: ",
    f"log.folder={DEMO}": f"log.folder: {DEMO}: File exists",
    "strategy.maker.class=nowhere:X": "strategy[0].class: nowhere: no Python source",
    "strategy.maker.parameters.gamma=x": "strategy[0].parameters: gamma: Expected `float`",
    'worker.functions=["strategies.ou_fit:refit"]': "worker.functions: strategies.ou_fit: has no",
    "session.broker.password=file:/none": "session[0].password: file:/none: No such file",
    "session.broker.tls.ca_file=/none.pem": "session[0].tls.ca_file: there is no file /none.pem",
    "feed.itch.lines.0.host=300.1.1.1": "'300.1.1.1' is not a numeric IPv4 address",
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_value_that_is_wrong(
    setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, *started(tmp_path, setting))
    assert line.startswith(f"pitwire: {DEMO}: ")
    assert SETTINGS[setting] in line


def test_a_port_that_somebody_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        setting = f"feed.itch.lines.0.port={taken.getsockname()[1]}"
        line = refused(capsys, *started(tmp_path, setting))
    assert "lines[0]: bind: Address already in use" in line
    with socket.create_server(("127.0.0.1", 0)) as listener:
        setting = f"fix.port={listener.getsockname()[1]}"
        line = refused(capsys, "exchange", "-c", EXCHANGE, "--for", "1s", "--set", setting)
    assert line.startswith(f"pitwire: {EXCHANGE}: ")
    assert "Address already in use" in line


def test_a_folder_that_another_process_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    holding = (
        "import sys; from pathlib import Path; from daemon.io.process import claim;"
        "claim(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert refused(capsys, *started(tmp_path)).endswith("another daemon runs here")
        holder.communicate()
    assert not list((tmp_path / "log").iterdir())


def damaged(folder: Path) -> Path:
    """A log with a byte changed in the middle of its first segment."""
    log = folder / "log"
    shutil.copytree(next(each.parent for each in GOLDEN.rglob("*.seg")), log)
    segment = log / "00000000.seg"
    content = bytearray(segment.read_bytes())
    content[8] ^= 0xFF  # in its header
    segment.write_bytes(content)
    return log


@pytest.mark.parametrize(
    "words", [("replay",), ("log", "stat"), ("log", "cat"), ("log", "latency"), ("log", "verify")]
)
def test_a_log_that_is_damaged_is_named_with_the_place(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = damaged(tmp_path)
    assert main([*words, str(log)]) == 1
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert f"{log}/00000000.seg, offset 0: " in text
    assert "Traceback" not in text


def test_a_daemon_does_not_start_on_a_log_that_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = damaged(tmp_path)
    before = (log / "00000000.seg").read_bytes()
    line = refused(capsys, *started(tmp_path))
    assert f"{log}/00000000.seg, offset 0: " in line
    assert (log / "00000000.seg").read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [("replay",), ("log", "stat"), ("log", "cat"), ("log", "verify"), ("risk", "explain")],
)
def test_a_folder_that_is_no_log(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["1"] if words[0] == "risk" else []
    line = refused(capsys, *words, tmp_path, *more)
    assert line == f"pitwire: {tmp_path}: no event log here (expected a folder with *.seg files)"
