"""Work through the command line: what is run, what is up to date, what it would take, and what the warehouse says."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys

import dagster as dg
import pytest

from creative_lab.commands.runs import Lab
from creative_lab.lake.sql_examples import EXAMPLES
from creative_lab.lake.tables import TableStore
from creative_lab.launch.instance import lab_instance
from creative_lab.settings import Settings
from creative_lab_tests.commands.conftest import Call
from creative_lab_tests.worked_lab import GREEN, SPOT, WAITING

pytestmark = pytest.mark.slow

DONE, OPEN = f"{SPOT}|{GREEN}", f"{SPOT}|{WAITING}"


def runs(settings: Settings) -> list[dg.DagsterRun]:
    with lab_instance(settings) as instance:
        return list(instance.get_runs())


def test_the_worked_lab_has_its_tables_and_the_waiting_script_says_why(worked: Settings, call: Call) -> None:
    store = TableStore(worked)
    assert store.read("adaptation_results", [{"spot": SPOT, "target": GREEN}])["status"].item() == "completed"
    waiting = store.read("adaptation_results", [{"spot": SPOT, "target": WAITING}]).row(0, named=True)
    assert waiting["status"] == "failed"
    assert "cannot translate" in waiting["error_message"]
    again = call("materialize", "group:adaptation", "--partition", OPEN)
    assert again.code == 1
    assert "cannot translate from English (en-US) to German (de-DE)" in again.out
    assert "1 of 2 runs failed" in again.err


def test_a_second_call_finds_all_up_to_date_and_runs_nothing(worked: Settings, call: Call) -> None:
    before = len(runs(worked))
    said = call("materialize", "group:adaptation", "--partition", DONE)
    assert said.code == 0, said.err
    assert said.out.count("up to date") == 2
    assert len(runs(worked)) == before


def test_force_redoes_one_output_with_all_that_its_computation_makes(worked: Settings, call: Call) -> None:
    before = {run.run_id for run in runs(worked)}
    said = call("materialize", "adaptation_results", "--force", "--partition", DONE)
    assert said.code == 0, said.out + said.err
    (made,) = [run for run in runs(worked) if run.run_id not in before]
    assert made.status is dg.DagsterRunStatus.SUCCESS
    assert made.tags["creative_lab/by"] == "command line"
    assert made.tags["dagster/partition"] == DONE
    names = {key.to_user_string() for key in made.asset_selection or set()}
    assert names == {"adapted_scripts", "gate_evaluations", "gate_findings", "adaptation_results"}
    with lab_instance(worked) as instance:
        (newest,) = instance.fetch_materializations(dg.AssetKey("adapted_scripts"), limit=1).records
    assert newest.run_id == made.run_id
    again = call("materialize", "group:adaptation", "--partition", DONE)
    assert again.out.count("up to date") == 2, "the same content makes nothing downstream stale"


def test_a_partition_key_with_a_star_stands_for_all_and_keeps_to_its_dimension(worked: Settings) -> None:
    with Lab(worked) as lab:
        jobs = lab.jobs("cultural_brief", [f"*|{GREEN}"])
        assert [job.partition for job in jobs] == [DONE]
        everything = [job.partition for job in lab.jobs("key:concept_brief or key:cultural_brief", [f"{SPOT}|*"])]
        assert everything[0] == SPOT
        assert {OPEN, DONE} <= set(everything[1:])
        assert len(everything) == len(set(everything))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nothing_of_this_name"], "names no asset; there are ablation_deltas, ablation_report, adaptation_results"),
        (["pipeline_events"], "names no asset; there are"),
        (["group:"], "selection 'group:'"),
        (["((("], "selection '((('"),
        (["concept_brief"], "has 1 partitions: give --partition 'small-change'"),
        (["concept_brief", "--partition", "nowhere"], "there is no partition 'nowhere'"),
        (["cultural_brief", "--partition", SPOT], f"there is no partition '{SPOT}'"),
        (["group:adaptation", "--partition", f"{SPOT}|nowhere"], "there is no partition"),
        ([], "Missing argument"),
    ],
)
@pytest.mark.parametrize("command", ["materialize", "plan"])
def test_a_selection_or_partition_that_is_not_there_is_wrong_use(
    worked: Settings, call: Call, command: str, arguments: list[str], reason: str
) -> None:
    said = call(command, *arguments)
    assert said.code == 2
    assert reason in said.err
    assert "Traceback" not in said.err


def test_a_plan_counts_what_materialize_would_run_and_runs_nothing(worked: Settings, call: Call) -> None:
    before = len(runs(worked))
    said = call("plan", "group:adaptation", "--partition", DONE, "--partition", f"{SPOT}|en-au")
    assert said.code == 0, said.err
    lines = {line.split()[0]: line.split() for line in said.out.splitlines() if line}
    assert lines["origin_scripts"][1:3] == ["0", "1"]
    assert lines["adaptation_results"][1:4] == ["1", "1", "embedded/drafter"]
    assert said.out.splitlines()[-1].startswith("1 runs (2 are up to date): about ")
    assert len(runs(worked)) == before
    assert not TableStore(worked).exists("adapted_scripts", {"spot": SPOT, "target": "en-au"})


def test_a_plan_names_the_model_that_a_hosted_lab_would_ask(
    worked: Settings, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creative_lab.settings import get_settings

    monkeypatch.setenv("CREATIVE_LAB_PROFILE", "hosted")
    monkeypatch.setenv("CREATIVE_LAB_HOSTED_MODEL", "openai/somebody")
    get_settings.cache_clear()
    try:
        said = call("plan", "cultural_brief", "--partition", DONE)
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
    assert said.code == 0, said.err
    assert "somebody" in said.out


def test_a_failed_step_is_told_with_its_cause_and_recorded(worked: Settings, call: Call) -> None:
    table = worked.home / "lake" / "tables" / "concept_brief"
    away = table.with_name("concept_brief.away")
    shutil.move(table, away)
    try:
        said = call("materialize", "cultural_brief", "--force", "--partition", DONE)
    finally:
        shutil.move(away, table)
    assert said.code == 1
    assert "concept_brief has no partition spot=small-change" in said.out
    assert "Traceback" not in said.out + said.err
    assert runs(worked)[0].status is dg.DagsterRunStatus.FAILURE


def test_answers_come_as_table_csv_and_json(worked: Settings, call: Call) -> None:
    query = "SELECT target, status FROM adaptation_results ORDER BY target"
    rows = [{"target": WAITING, "status": "failed"}, {"target": GREEN, "status": "completed"}]
    plain = call("sql", query)
    assert plain.code == 0, plain.err
    assert plain.out.splitlines()[-1] == "(2 rows)"
    assert list(csv.DictReader(io.StringIO(call("sql", query, "--csv").out))) == rows
    assert json.loads(call("sql", query, "--json").out) == rows
    assert "more were left out" in call("sql", query, "--max-rows", "1").out


@pytest.mark.parametrize("name", [item.name for item in EXAMPLES])
def test_every_named_question_has_an_answer(worked: Settings, call: Call, name: str) -> None:
    said = call("sql", "--example", name, "--json")
    assert said.code == 0, said.err
    json.loads(said.out)


def test_the_named_questions_are_listed_and_their_queries_shown_to_the_letter(worked: Settings, call: Call) -> None:
    listed = call("sql", "--examples")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()[1 : len(EXAMPLES) + 1]] == [e.name for e in EXAMPLES]
    assert call("sql", "--example", EXAMPLES[1].name, "--show").out == EXAMPLES[1].sql + "\n"


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["DROP VIEW adaptation_results"], 1, "Error:"),
        (["SELECT * FROM read_text('/etc/passwd')"], 1, "Error:"),
        (["SELECT nothing FROM adaptation_results"], 1, "nothing"),
        (["SELECT 1", "--csv", "--json"], 2, "choose one of --csv and --json"),
        (["--example", "no_such_question"], 2, "no example 'no_such_question'; there are "),
        ([], 2, "give a query"),
        (["SELECT 1", "--max-rows", "0"], 2, "--max-rows"),
    ],
)
def test_a_query_that_is_wrong_or_refused_says_so_with_its_exit_code(
    worked: Settings, call: Call, arguments: list[str], code: int, reason: str
) -> None:
    said = call("sql", *arguments)
    assert said.code == code
    assert reason in said.err
    assert said.out == ""
    assert "root:" not in said.err


@pytest.mark.slow
def test_a_command_in_the_background_can_still_be_ended_after_a_run(worked: Settings) -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from creative_lab.cli import main\n"
        "assert main(['materialize', 'key:regions', '--force']) == 0\n"
        "print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "True"
