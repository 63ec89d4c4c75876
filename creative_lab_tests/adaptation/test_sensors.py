"""The sensors on a real instance: arrivals are registered once, approvals acted on once while they hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from creative_lab.adaptation import assets
from creative_lab.adaptation.sensors import approved_scripts, spot_arrivals
from creative_lab.adaptation.stored import APPROVAL_KIND, approval_key
from creative_lab.adaptation.tables import AdaptationResults
from creative_lab.lake.io_manager import TableIOManager
from creative_lab.lake.tables import TableStore
from creative_lab.review import approvals
from creative_lab.settings import Settings, get_settings
from creative_lab.state import db
from creative_lab.state.models import Language, Target
from creative_lab_tests.adaptation.small_world import SPOT, build

TARGET = "gb"
FIRST, SECOND = "1" * 64, "2" * 64


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    # One that can be opened again by its reference: the sensor's own framework does so to look partitions up.
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def world(migrated_lab: Settings) -> Settings:
    with db.session_scope(migrated_lab) as session:
        build(session)
    return migrated_lab


@pytest.fixture
def reviewing(world: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A lab that asks for approval, with a draft of FIRST."""
    monkeypatch.setenv("CREATIVE_LAB_REVIEW", "true")
    get_settings.cache_clear()
    draft(get_settings(), FIRST)
    yield get_settings()


def draft(settings: Settings, content_hash: str) -> None:
    """The adaptation ended with this content."""
    values: dict[str, object] = {}
    for name, column in AdaptationResults.columns().items():
        if name in {"run_id", "written_at", "backend"}:
            continue
        kind = column.dtype
        values[name] = 0 if kind.is_integer() else 0.0 if kind.is_float() else False if kind == pl.Boolean else "[]"
    values |= {"spot": SPOT, "target": TARGET, "status": "completed", "content_hash": content_hash}
    types = {name: AdaptationResults.columns()[name].dtype for name in values}
    TableStore(settings).write(
        AdaptationResults,
        pl.DataFrame([values], schema=types),
        partition={"spot": SPOT, "target": TARGET},
        run_id="run",
        backend="miniature",
    )


def decide(settings: Settings, decision: str, content_hash: str = FIRST) -> None:
    with db.session_scope(settings) as session:
        approvals.record(
            session,
            APPROVAL_KIND,
            approval_key(SPOT, TARGET),
            content_hash,
            decision,  # type: ignore[arg-type]
            who="Ada",
            note="because",
            at=datetime.now(UTC),
        )


class Ticks:
    """Ticks of ``approved_scripts`` as the daemon makes them: the cursor is kept, and a run key is used once."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None
        self.used: set[str] = set()
        instance.add_dynamic_partitions("spot", [SPOT])
        instance.add_dynamic_partitions("target", [TARGET])

    def tick(self) -> list[str]:
        """Partitions that runs are asked for."""
        repository = dg.Definitions(
            assets=dg.load_assets_from_modules([assets]),
            sensors=[approved_scripts],
            resources={"io_manager": TableIOManager()},
        ).get_repository_def()
        context = dg.build_sensor_context(
            instance=self.instance,
            instance_ref=self.instance.get_ref(),
            cursor=self.cursor,
            repository_def=repository,
        )
        data = approved_scripts.evaluate_tick(context)
        self.cursor = data.cursor
        asked = data.run_requests or []
        keys = [str(request.run_key) for request in asked]
        assert len(keys) == len(set(keys)), "one key twice in one tick leads to two runs"
        new = [request for request in asked if request.run_key not in self.used]
        self.used |= set(keys)
        return [str(request.partition_key) for request in new]


KEY = f"{SPOT}|{TARGET}"


def test_a_new_spot_and_active_targets_are_registered_once(world: Settings, instance: dg.DagsterInstance) -> None:
    def tick() -> dg.SensorResult | dg.SkipReason:
        found = spot_arrivals(dg.build_sensor_context(instance=instance))
        assert isinstance(found, dg.SensorResult | dg.SkipReason)
        return found

    with db.session_scope(world) as session:
        wanted = {target.code for target in session.query(Target) if target.is_active}
        assert session.query(Target).count() > len(wanted), "one is switched off"
    first = tick()
    assert isinstance(first, dg.SensorResult)
    added = {request.partitions_def_name: set(request.partition_keys) for request in first.dynamic_partitions_requests}
    assert added == {"spot": {SPOT}, "target": wanted}
    for name, keys in added.items():
        instance.add_dynamic_partitions(name, sorted(keys))
    quiet = tick()
    assert isinstance(quiet, dg.SkipReason)
    assert quiet.skip_message == f"all 1 spots and {len(wanted)} targets are registered"
    with db.session_scope(world) as session:
        session.add(Target(code="late", name="Late", language=session.query(Language).first()))
    late = tick()
    assert isinstance(late, dg.SensorResult)
    assert [list(request.partition_keys) for request in late.dynamic_partitions_requests] == [["late"]]


def test_a_lab_whose_database_has_no_tables_yet_is_no_error(lab: Settings, instance: dg.DagsterInstance) -> None:
    found = spot_arrivals(dg.build_sensor_context(instance=instance))
    assert isinstance(found, dg.SkipReason)
    assert found.skip_message == "all 0 spots and 0 targets are registered"


def test_an_approval_asks_for_the_documents_exactly_once(reviewing: Settings, instance: dg.DagsterInstance) -> None:
    ticks = Ticks(instance)
    assert ticks.tick() == []
    decide(reviewing, "approved")
    assert ticks.tick() == [KEY]
    assert ticks.tick() == []
    decide(reviewing, "approved")
    assert ticks.tick() == [], "the same content was delivered already"


def test_two_approvals_of_one_content_between_two_ticks_ask_once(
    reviewing: Settings, instance: dg.DagsterInstance
) -> None:
    decide(reviewing, "approved")
    decide(reviewing, "approved")
    assert Ticks(instance).tick() == [KEY]


def test_an_approval_of_an_earlier_draft_asks_for_nothing_and_the_new_draft_needs_its_own(
    reviewing: Settings, instance: dg.DagsterInstance
) -> None:
    ticks = Ticks(instance)
    decide(reviewing, "approved", FIRST)
    draft(reviewing, SECOND)
    assert ticks.tick() == []
    decide(reviewing, "approved", SECOND)
    assert ticks.tick() == [KEY]


@pytest.mark.parametrize("later", ["rejected", "changes_requested"])
def test_an_approval_that_was_withdrawn_asks_for_nothing_until_it_is_given_again(
    reviewing: Settings, instance: dg.DagsterInstance, later: str
) -> None:
    ticks = Ticks(instance)
    decide(reviewing, "approved")
    decide(reviewing, later)
    assert ticks.tick() == []
    decide(reviewing, "approved")
    assert ticks.tick() == [KEY]


def test_an_approval_of_something_that_was_never_adapted_or_of_another_kind_is_passed_over(
    reviewing: Settings, instance: dg.DagsterInstance
) -> None:
    ticks = Ticks(instance)
    with db.session_scope(reviewing) as session:
        approvals.record(session, APPROVAL_KIND, f"{SPOT}|ice", FIRST, "approved", who="Ada")
        approvals.record(session, "storyboard", KEY, FIRST, "approved", who="Ada")
        approvals.record(session, APPROVAL_KIND, "no key/at all", FIRST, "approved", who="Ada")
    assert ticks.tick() == []
    decide(reviewing, "approved")
    assert ticks.tick() == [KEY]


def test_an_approved_script_whose_partition_is_gone_does_not_stop_the_others(
    reviewing: Settings, instance: dg.DagsterInstance
) -> None:
    ticks = Ticks(instance)
    instance.delete_dynamic_partition("target", TARGET)
    decide(reviewing, "approved")
    assert ticks.tick() == []


def test_nothing_is_asked_for_where_approval_is_not(world: Settings, instance: dg.DagsterInstance) -> None:
    draft(world, FIRST)
    decide(world, "approved")
    found = approved_scripts(dg.build_sensor_context(instance=instance))
    assert isinstance(found, dg.SkipReason)
    assert "CREATIVE_LAB_REVIEW" in str(found.skip_message)
