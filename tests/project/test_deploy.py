"""The deployment files: valid by their own schema, and of one mind with the configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from daemon.app.configuration import load
from daemon.app.settings import CoreSettings

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.mark.deep
def test_the_kubernetes_manifests_pass_the_schema() -> None:
    yaml = pytest.importorskip("yaml")
    validate = pytest.importorskip("kubernetes_validate")
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "pitwire.yaml").read_text()))
    assert [each["kind"] for each in documents] == ["Service", "StatefulSet"]
    for document in documents:
        validate.validate(document, "1.37", strict=True)


@pytest.mark.deep
def test_compose_mounts_what_the_daemon_needs() -> None:
    yaml = pytest.importorskip("yaml")
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for service in services.values():
        targets = {each.split(":")[1] for each in service["volumes"]}
        assert targets == {"/run/pitwire", "/var/lib/pitwire", "/etc/pitwire/pitwire.toml"}
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("compose.yaml", r"stop_grace_period: (\d+)s"),
        ("kubernetes/pitwire.yaml", r"terminationGracePeriodSeconds: (\d+)"),
    ],
)
def test_the_end_is_given_time_to_cancel(file: str, pattern: str) -> None:
    found = re.search(pattern, (DEPLOY / file).read_text())
    assert found is not None
    assert int(found[1]) > 2 * CoreSettings().shutdown_timeout_seconds


def test_the_deployed_configuration_only_pretends_to_trade() -> None:
    assert load(DEPLOY / "pitwire.toml").daemon.mode == "paper"


def test_the_image_runs_as_the_user_of_the_manifests() -> None:
    [uid] = re.findall(r"useradd --system --uid (\d+)", (DEPLOY / "Dockerfile").read_text())
    assert f"runAsUser: {uid}" in (DEPLOY / "kubernetes" / "pitwire.yaml").read_text()
