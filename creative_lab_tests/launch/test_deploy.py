"""The configurations under deploy/ are what Dagster and systemd accept, as far as one can tell without a cluster."""

from __future__ import annotations

import configparser
import importlib.util
import re
from pathlib import Path

import pytest
import yaml
from dagster import DagsterInstance
from dagster._config import process_config, resolve_to_config_type
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import class_from_code_pointer

from creative_lab.settings import REPOSITORY_ROOT, Settings

DEPLOY = REPOSITORY_ROOT / "deploy"
CONFIGURATIONS = [REPOSITORY_ROOT / "dagster.yaml", *sorted(DEPLOY.glob("*/dagster.yaml"))]


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.parent.name)
def test_dagster_accepts_the_configuration(path: Path, lab: Settings) -> None:
    reference = InstanceRef.from_dir(str(path.parent))
    storage = reference.storage_data
    assert storage is not None
    assert (storage.module_name, storage.class_name) == ("creative_lab.launch.storage", "LabStorage")
    instance = DagsterInstance.from_ref(reference)
    assert instance.run_monitoring_enabled
    assert not instance.telemetry_enabled
    assert instance.get_concurrency_config().run_queue_config is not None


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.parent.name)
def test_the_launcher_accepts_its_part(path: Path, lab: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = yaml.safe_load(path.read_text())["run_launcher"]
    if importlib.util.find_spec(launcher["module"].partition(".")[0]) is None:
        pytest.skip(f"{launcher['module']} is not installed; its part of {path.parent.name} is untested")
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    cls = class_from_code_pointer(launcher["module"], launcher["class"])
    result = process_config(resolve_to_config_type(cls.config_type()), launcher["config"])  # type: ignore[attr-defined]
    assert result.success, result.errors


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("h100-box/*.service")), ids=lambda path: path.stem)
def test_a_unit_starts_a_module_that_exists_on_this_machine_only(path: Path) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(path.read_text())
    command = unit["Service"]["ExecStart"].replace("\\\n", " ")
    module = re.search(r"python -m (\S+)", command)
    assert module is not None
    assert importlib.util.find_spec(module[1]) is not None
    for address in re.findall(r"-h (\S+)", command):
        assert address == "127.0.0.1"
    if path.stem == "daemon":
        assert unit["Service"]["KillMode"] == "process"
    for named in re.findall(r"/opt/creative-lab/(deploy/\S+)", path.read_text()):
        assert (REPOSITORY_ROOT / named).exists()


def test_the_compose_file_pins_its_image_and_opens_nothing_to_the_network() -> None:
    service = yaml.safe_load((DEPLOY / "postgres" / "compose.yaml").read_text())["services"]["postgres"]
    assert re.fullmatch(r"postgres:\d+\.\d+", service["image"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert "?" in service["environment"]["POSTGRES_PASSWORD"], "there is no default password"
