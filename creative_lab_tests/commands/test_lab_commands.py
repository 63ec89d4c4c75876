"""The lab as a whole from the shell: doctor, generated pages, and how errors end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from creative_lab import cli
from creative_lab.commands.pages import commands_page, settings_page, tables_page, write_pages
from creative_lab.lake.schemas import registered_tables
from creative_lab.settings import REPOSITORY_ROOT, Settings, get_settings
from creative_lab_tests.commands.conftest import Call

CANARY = "canary-5f1d0c"
SECRETS = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]


def shell(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``creative-lab`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "creative_lab.cli", *arguments],
        cwd=REPOSITORY_ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def root_command() -> Any:
    """The group that holds all commands."""
    return typer.main.get_command(cli.app)


def test_doctor_says_what_would_serve_each_role_and_never_shows_a_key(
    migrated_lab: Settings, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [name for name in SECRETS if name != "postgres_url"]
    assert len(keys) >= 4
    for name in keys:
        monkeypatch.setenv(f"CREATIVE_LAB_{name.upper()}", f"{CANARY}-{name}")
    monkeypatch.setenv("CREATIVE_LAB_PROFILE", "hosted")
    monkeypatch.setenv("CREATIVE_LAB_LLM_API_BASE", f"http://user:{CANARY}@127.0.0.1:8000/v1?key={CANARY}")
    get_settings.cache_clear()
    said = call("doctor")
    assert said.code == 0, said.out + said.err
    assert CANARY not in said.out + said.err
    assert "http://127.0.0.1:8000/v1" in said.out
    (line,) = [line for line in said.out.splitlines() if "Keys" in line]
    for name in keys:
        assert name in line


def test_doctor_names_the_model_of_each_picture_role_or_how_to_get_it(
    migrated_lab: Settings, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREATIVE_LAB_PROFILE", "hosted")
    get_settings.cache_clear()
    lines = call("doctor").out.splitlines()
    for role, said in {
        "picture": "nano-banana",
        "control": "the profile hosted names no model for control",
        "caption": "gpt-4o-vision",
        "vqascore": "creative-lab models pull qwen2.5-vl-7b",
    }.items():
        assert said in next(line for line in lines if f"Role {role} " in line)


def test_doctor_fails_when_the_server_is_not_there_and_keeps_its_password(
    migrated_lab: Settings, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREATIVE_LAB_POSTGRES_URL", f"postgresql://lab:{CANARY}@127.0.0.1:9/nothing")
    get_settings.cache_clear()
    said = call("doctor")
    assert said.code == 1
    assert "BAD  Postgres" in said.out
    assert CANARY not in said.out + said.err
    assert "checks failed" in said.err
    trace = call("--verbose", "spot", "list")
    assert trace.code == 1
    assert CANARY not in trace.err


def test_the_generated_pages_name_every_command_setting_and_table(migrated_lab: Settings, tmp_path: Path) -> None:
    root = root_command()
    page = commands_page(root)
    for name, command in root.commands.items():
        for words in [[name, sub] for sub in getattr(command, "commands", {})] or [[name]]:
            assert (f"## `creative-lab {' '.join(words)}" in page) is not command.hidden, words
    assert "`--dry-run`" in page
    settings = settings_page()
    for name in Settings.model_fields:
        assert f"`CREATIVE_LAB_{name.upper()}`" in settings
    assert str(REPOSITORY_ROOT) not in settings
    tables = tables_page()
    for info in registered_tables():
        assert f"## {info.name}" in tables
        for column in info.column_comments:
            assert f"`{column}`" in tables
    written = write_pages(migrated_lab, root, tmp_path)
    assert sorted(path.name for path in written) == ["commands.md", "gate-quality.md", "settings.md", "tables.md"]
    assert "Not measured yet" in (tmp_path / "gate-quality.md").read_text()
    for path in written:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            cells = line.replace("\\|", "")
            assert not line.startswith("|") or cells.count("|") in {3, 4}, f"{path.name}:{number}: {line}"


def test_no_generated_page_holds_a_secret_of_this_lab(migrated_lab: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(f"CREATIVE_LAB_{name.upper()}", f"postgresql://u:{CANARY}@127.0.0.1/x")
    get_settings.cache_clear()
    assert CANARY not in settings_page() + commands_page(root_command())


def test_an_error_is_one_line_and_verbose_shows_its_trace(migrated_lab: Settings, call: Call, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text("{")
    short = call("spot", "import", file)
    assert short.code == 1
    assert "bad.json" in short.err
    assert len(short.err.splitlines()) == 1
    long = call("--verbose", "spot", "import", file)
    assert long.code == 1
    assert "Traceback" in long.err
    assert short.err in long.err
    assert "Traceback" not in call("spot", "import", file).err, "one call's option is not the next one's"


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["spot", "no-such"], ["sql", "--no-such"], ["up", "--port", "0"], ["import"], []]
)
def test_wrong_use_ends_with_2_and_says_what_is_wrong(call: Call, arguments: list[str]) -> None:
    said = call(*arguments)
    assert said.code == 2
    assert said.out + said.err
    assert "Traceback" not in said.err


def test_help_is_no_error_and_every_command_has_one(call: Call) -> None:
    for name in root_command().commands:
        said = call(name, "--help")
        assert said.code == 0
        assert "Usage: creative-lab" in said.out


def test_a_setting_that_makes_no_sense_is_named_without_its_value(lab: Settings) -> None:
    done = shell("doctor", CREATIVE_LAB_PROFILE=CANARY, CREATIVE_LAB_RUN_BUDGET_USD="-1")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert "CREATIVE_LAB_PROFILE: " in lines[0]
    assert "CREATIVE_LAB_RUN_BUDGET_USD: " in lines[1]
    assert CANARY not in done.stderr


@pytest.mark.slow
def test_exit_codes_reach_the_shell_and_a_reader_that_leaves_is_no_error(reference_lab: Settings) -> None:
    assert shell("target", "list").returncode == 0
    assert shell("insights", "nowhere").returncode == 1
    assert shell("target", "new", "BAD SLUG", "--name", "x").returncode == 2
    pipe = subprocess.run(
        f'"{sys.executable}" -m creative_lab.cli template show adaptation | head -c 1; exit ${{PIPESTATUS[0]}}',
        shell=True,
        executable="/bin/bash",
        cwd=REPOSITORY_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert pipe.returncode in {0, 141}
    assert pipe.stderr == ""
