"""The assets in Dagster: partitions, tables, metadata, blocking checks, approval, documents, a translator's file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import dagster as dg
import polars as pl
import pytest

from creative_lab import partitions
from creative_lab.adaptation import assets, checks, stored
from creative_lab.lake.io_manager import TableIOManager
from creative_lab.lake.tables import TableStore
from creative_lab.language.templates import TemplateStore
from creative_lab.review import approvals
from creative_lab.settings import Settings, get_settings
from creative_lab.state.db import session_scope
from creative_lab_tests.adaptation.small_world import SPOT, build

SPOT_ASSETS = [assets.origin_scripts, assets.concept_brief]
TARGET_ASSETS = [assets.cultural_brief, assets.adaptation, checks.adapted_script_checks, assets.script_deliverables]
TABLES = ["adapted_scripts", "gate_evaluations", "gate_findings", "adaptation_results"]


class Lab:
    """A lab with one spot in an instance of Dagster that lives in memory."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = TableStore(settings)
        self.instance = dg.DagsterInstance.ephemeral()
        self.instance.add_dynamic_partitions("spot", [SPOT])
        self.instance.add_dynamic_partitions("target", ["gb", "dach-de", "ice"])
        self.loaded: list[Any] = [*SPOT_ASSETS, *TARGET_ASSETS]

    def run(self, what: list[Any], key: Any, **config: Any) -> dg.ExecuteInProcessResult:
        """Materialize ``what`` for one partition; errors are in the result."""
        return dg.materialize(
            self.loaded,
            selection=dg.AssetSelection.assets(*[item for item in what if isinstance(item, dg.AssetsDefinition)])
            | dg.AssetSelection.checks(*[item for item in what if isinstance(item, dg.AssetChecksDefinition)]),
            instance=self.instance,
            partition_key=key,
            resources={"io_manager": TableIOManager()},
            run_config={"ops": {"adaptation": {"config": config}}} if config else None,
            raise_on_error=False,
        )

    def adapt(self, target: str, **config: Any) -> dg.ExecuteInProcessResult:
        """The whole graph for one target."""
        assert self.run(SPOT_ASSETS, SPOT).success
        return self.run(TARGET_ASSETS, self.key(target), **config)

    @staticmethod
    def key(target: str) -> dg.MultiPartitionKey:
        return dg.MultiPartitionKey({"spot": SPOT, "target": target})

    def table(self, name: str, target: str) -> pl.DataFrame:
        return self.store.read(name, [{"spot": SPOT, "target": target}])


@pytest.fixture
def lab_with_spot(migrated_lab: Settings) -> Lab:
    with session_scope(migrated_lab) as session:
        build(session)
    templates = TemplateStore(migrated_lab)
    from creative_lab.adaptation.nodes import SLUGS

    for slug in SLUGS.values():
        templates.save(slug, "{{ origin_json }} {{ draft_json }}", name=slug, category="adaptation")
    return Lab(migrated_lab)


@pytest.fixture
def reviewing(lab_with_spot: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("CREATIVE_LAB_REVIEW", "true")
    get_settings.cache_clear()
    lab_with_spot.settings = get_settings()
    yield lab_with_spot
    get_settings.cache_clear()


def verdicts(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {item.check_name: item.passed for item in result.get_asset_check_evaluations()}


def failure_of(result: dg.ExecuteInProcessResult, step: str) -> str:
    (event,) = [event for event in result.filter_events(lambda event: event.is_step_failure) if event.step_key == step]
    data = event.step_failure_data
    return str(data.user_failure_data.description if data.user_failure_data else data.error)


def ran(result: dg.ExecuteInProcessResult) -> set[str]:
    return {
        key.to_user_string()
        for event in result.get_asset_materialization_events()
        if (key := event.step_materialization_data.materialization.asset_key)
    }


@pytest.mark.slow
def test_a_green_adaptation_fills_its_tables_and_delivers_documents(lab_with_spot: Lab) -> None:
    result = lab_with_spot.adapt("gb")
    assert result.success
    assert ran(result) == {"cultural_brief", *TABLES, "script_deliverables"}
    assert verdicts(result) == dict.fromkeys([*checks.GATES, "approved"], True)
    script = lab_with_spot.table("adapted_scripts", "gb")
    assert script["status"].unique().to_list() == ["completed"]
    assert script["backend"].unique().to_list() == ["miniature"]
    assert lab_with_spot.table("adaptation_results", "gb")["content_hash"].item() == script["content_hash"][0]
    page = lab_with_spot.settings.reports_dir / "scripts" / SPOT / "gb.html"
    assert "Every morning begins" in page.read_text(encoding="utf-8")
    assert ElementTree.parse(page.with_suffix(".xlf")).getroot().get("trgLang") == "en-GB"
    (event,) = [
        event.step_materialization_data.materialization
        for event in result.get_asset_materialization_events()
        if event.step_materialization_data.materialization.asset_key == checks.SCRIPT
    ]
    shown = {name: value.value for name, value in event.metadata.items()}
    assert {"drafts", "revisions", "findings_major", "seconds", "cost_usd"} <= set(shown)
    assert str(shown["script"]).startswith("| shot | seen | heard |")


@pytest.mark.slow
def test_a_failed_adaptation_is_stored_and_its_red_check_stops_what_follows(lab_with_spot: Lab) -> None:
    result = lab_with_spot.adapt("dach-de")
    assert not result.success
    assert set(TABLES) <= ran(result)
    assert "script_deliverables" not in ran(result)
    assert verdicts(result)["format_gate"] is False
    row = lab_with_spot.table("adaptation_results", "dach-de").row(0, named=True)
    assert (row["status"], row["needs_person"]) == ("failed", True)
    assert "cannot translate from English (en-US) to German (de-DE)" in row["error_message"]
    assert lab_with_spot.table("adapted_scripts", "dach-de").height == 3
    alone = lab_with_spot.run([assets.script_deliverables], lab_with_spot.key("dach-de"))
    assert not alone.success
    assert "failed its gates" in failure_of(alone, "script_deliverables")


@pytest.mark.slow
def test_nothing_follows_a_script_until_a_person_approves_exactly_its_content(reviewing: Lab) -> None:
    first = reviewing.adapt("gb")
    assert not first.success
    assert verdicts(first)["approved"] is False
    assert "script_deliverables" not in ran(first)
    alone = reviewing.run([assets.script_deliverables], reviewing.key("gb"))
    assert "pending" in failure_of(alone, "script_deliverables")
    content_hash = reviewing.table("adaptation_results", "gb")["content_hash"].item()
    subject = stored.APPROVAL_KIND, stored.approval_key(SPOT, "gb")
    with session_scope(reviewing.settings) as session:
        approvals.record(session, *subject, "0" * 64, "approved", who="Ada")
    assert not reviewing.run([assets.script_deliverables], reviewing.key("gb")).success
    with session_scope(reviewing.settings) as session:
        approvals.record(session, *subject, content_hash, "approved", who="Ada")
    released = reviewing.run([checks.adapted_script_checks, assets.script_deliverables], reviewing.key("gb"))
    assert verdicts(released)["approved"] is True
    assert ran(released) == {"script_deliverables"}
    with session_scope(reviewing.settings) as session:
        approvals.record(session, *subject, content_hash, "rejected", who="Ada", note="Second thoughts.")
    withdrawn = reviewing.run([assets.script_deliverables], reviewing.key("gb"))
    assert "rejected" in failure_of(withdrawn, "script_deliverables")


@pytest.mark.slow
def test_a_target_without_a_language_fails_in_one_clear_line_and_writes_nothing(lab_with_spot: Lab) -> None:
    result = lab_with_spot.adapt("ice")
    assert not result.success
    assert failure_of(result, "cultural_brief").startswith("target 'ice' has no language")
    assert not lab_with_spot.store.exists("adapted_scripts", {"spot": SPOT, "target": "ice"})


@pytest.mark.slow
def test_a_draft_that_nobody_could_translate_goes_out_as_xliff_and_comes_back_through_all_gates(
    lab_with_spot: Lab,
) -> None:
    assert not lab_with_spot.adapt("dach-de").success
    document = lab_with_spot.settings.reports_dir / "translations" / SPOT / "dach-de.xlf"
    tree = ElementTree.parse(document)
    space = {"x": "urn:oasis:names:tc:xliff:document:2.0"}
    german = {
        "Every morning begins with one small decision.": "Jeder Morgen beginnt mit einer kleinen Entscheidung.",
        "Take the road that makes you smile today.": "Nimm heute die Straße, die dich zum Lächeln bringt.",
        "Drive happy.": "Fahr froh.",
    }
    for unit in tree.iterfind(".//x:unit", space):
        source, target = unit.find(".//x:source", space), unit.find(".//x:target", space)
        assert source is not None and source.text
        assert target is not None
        target.text = german[source.text]
    tree.write(document, encoding="utf-8", xml_declaration=True)
    result = lab_with_spot.adapt("dach-de", translation=str(document))
    row = lab_with_spot.table("adaptation_results", "dach-de").row(0, named=True)
    findings = lab_with_spot.table("gate_findings", "dach-de")["description"].to_list()
    assert (row["status"], row["error_message"], row["writer_model"]) == ("completed", None, "translation (XLIFF)"), (
        findings
    )
    assert result.success
    script = lab_with_spot.table("adapted_scripts", "dach-de")
    assert "Jeder Morgen beginnt" in script["audio_text"][0]
    assert lab_with_spot.table("gate_evaluations", "dach-de")["gate"].to_list() == list(checks.GATES)
    stale = lab_with_spot.adapt("dach-de", translation=str(document))
    assert "another draft" in failure_of(stale, "adaptation")
    assert lab_with_spot.table("adapted_scripts", "dach-de").equals(script)


@pytest.mark.slow
def test_the_same_content_has_the_same_data_version_and_other_content_another(lab_with_spot: Lab) -> None:
    def versions(result: dg.ExecuteInProcessResult) -> dict[str, str]:
        found = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
        return {item.asset_key.to_user_string(): (item.tags or {})["dagster/data_version"] for item in found}

    first, again = versions(lab_with_spot.adapt("gb")), versions(lab_with_spot.adapt("gb"))
    assert first == again
    other = versions(lab_with_spot.adapt("dach-de"))
    assert all(other[name] != first[name] for name in TABLES)


def test_assets_carry_what_the_ui_shows_and_the_checks_block_each_partition() -> None:
    for definition in (assets.origin_scripts, assets.concept_brief, assets.cultural_brief, assets.adaptation):
        for spec in definition.specs:
            assert spec.group_name == "adaptation"
            assert spec.owners == ["team:adaptation"]
            assert spec.kinds >= {"polars", "parquet"}
            assert spec.code_version
            assert spec.description
            assert spec.metadata["table"] == spec.key.to_user_string()
    assert assets.adaptation.partitions_def == partitions.spot_targets
    specs = list(checks.adapted_script_checks.check_specs)
    assert [spec.name for spec in specs] == ["format_gate", "culture_gate", "concept_gate", "brand_gate", "approved"]
    assert all(spec.blocking and spec.partitions_def == partitions.spot_targets for spec in specs)
