"""The units: systemd itself finds nothing wrong, and they agree with the configuration."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daemon.app.configuration import load
from daemon.app.settings import CoreSettings

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "systemd").glob("*.service"))
INSTALLED = "/opt/pitwire/.venv/bin/pitwire"
EXPOSURE_MAX = 3.0  # of 10, as `systemd-analyze security` counts it

systemd_analyze = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(systemd_analyze is None, reason="no systemd-analyze here")


def unit(file: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys keep their case
    parser.read_string(file.read_text())
    return parser["Service"]


@needs_systemd
@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_systemd_verifies_the_unit(file: Path, tmp_path: Path) -> None:
    # The program is not installed on the host of the tests; everything else is as shipped.
    copies = [tmp_path / each.name for each in UNITS]
    for source, copy in zip(UNITS, copies, strict=True):
        copy.write_text(source.read_text().replace(INSTALLED, "/bin/true"))
    result = subprocess.run(
        [str(systemd_analyze), "verify", "--man=no", str(tmp_path / file.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_the_unit_is_hardened(file: Path) -> None:
    command = [str(systemd_analyze), "security", "--offline=true", "--json=short", str(file)]
    command.append(f"--threshold={EXPOSURE_MAX * 10:.0f}")
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_unit_leaves_time_to_cancel_and_a_checkpoint() -> None:
    service = unit(ROOT / "systemd" / "pitwire.service")
    assert service["Type"] == "notify"
    assert int(service["TimeoutStopSec"]) > 2 * CoreSettings().shutdown_timeout_seconds
    assert int(service["WatchdogSec"]) > 0
    # The kill word outlives a crash only if its page does.
    assert service["RuntimeDirectoryPreserve"] == "yes"


def test_the_watchdogs_unit_does_not_end_with_the_daemon() -> None:
    file = ROOT / "systemd" / "pitwire-watchdog.service"
    bound = re.findall(r"^(?:Requires|BindsTo|PartOf|Requisite)=", file.read_text(), re.MULTILINE)
    assert bound == []
    service = unit(file)
    assert service["Type"] == "notify"
    assert service["Restart"] == "always"
    assert int(service["WatchdogSec"]) > 0
    for key in ("RuntimeDirectory", "RuntimeDirectoryPreserve", "StateDirectory", "User"):
        assert service[key] == unit(ROOT / "systemd" / "pitwire.service")[key]


def test_the_deployed_configuration_uses_the_folders_that_the_units_make() -> None:
    configuration = load(ROOT / "deploy" / "pitwire.toml")
    assert configuration.daemon.runtime_dir == "/run/pitwire"
    assert configuration.log.folder == "/var/lib/pitwire/log"
    assert str(configuration.control_socket) == "/run/pitwire/control.sock"
