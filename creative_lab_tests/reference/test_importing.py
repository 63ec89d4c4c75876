"""Import and export of reference data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from creative_lab.reference.exporting import export_directory
from creative_lab.reference.importing import import_directory
from creative_lab.reference.problems import ImportFailed
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import Base, Country, Language, Persona, PromptTemplate
from creative_lab_tests.reference import sample


def _counts(session: Session) -> dict[str, int]:
    tables = Base.metadata.sorted_tables
    return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def _versions(session: Session) -> list[tuple[Any, ...]]:
    """Every row with the transaction that last wrote it."""
    rows: list[tuple[Any, ...]] = []
    for table in Base.metadata.sorted_tables:
        key = next(iter(table.primary_key.columns)).name
        found = session.execute(
            text(f"SELECT '{table.name}', {key}::text, xmin::text FROM {table.fullname} ORDER BY 2")
        )
        rows += [tuple(row) for row in found]
    return rows


def _problems(settings: Settings, folder: Path) -> list[str]:
    with db.session_scope(settings) as session:
        before = _counts(session)
        with pytest.raises(ImportFailed) as caught:
            import_directory(session, folder)
    with db.session_scope(settings) as session:
        assert _counts(session) == before
    return str(caught.value).splitlines()


def test_a_second_import_changes_no_row(migrated_lab: Settings, tmp_path: Path) -> None:
    folder = sample.write(tmp_path / "data", sample.data())
    with db.session_scope(migrated_lab) as session:
        first = import_directory(session, folder)
    with db.session_scope(migrated_lab) as session:
        before = _versions(session)
        second = import_directory(session, folder)
    with db.session_scope(migrated_lab) as session:
        assert _versions(session) == before
    entries = sum(len(entries) for entries in sample.DATA.values())
    assert (first.created, first.updated, first.unchanged) == (entries, 0, 0)
    assert (second.created, second.updated, second.unchanged) == (0, 0, entries)
    assert str(second).endswith(f"0 created, 0 updated, {entries} unchanged")


def test_the_default_language_of_a_country_is_resolved_after_the_languages(
    migrated_lab: Settings, tmp_path: Path
) -> None:
    with db.session_scope(migrated_lab) as session:
        import_directory(session, sample.write(tmp_path / "data", sample.data()))
        defaults = {
            country.code: country.default_language.code if country.default_language else None
            for country in session.scalars(select(Country))
        }
    assert defaults == {"DE": "de-DE", "AT": "de-AT", "JP": "ja-JP", "NZ": None}


def test_exported_files_import_into_an_empty_database_and_export_to_the_same_bytes(
    migrated_lab: Settings, postgres_url: str, tmp_path: Path
) -> None:
    with db.session_scope(migrated_lab) as session:
        import_directory(session, sample.write(tmp_path / "data", sample.data()))
        first = export_directory(session, tmp_path / "first")
    other = Settings(postgres_url=postgres_url, home=tmp_path)
    db.upgrade(other)
    with db.session_scope(other) as session:
        import_directory(session, tmp_path / "first")
    with db.session_scope(other) as session:
        export_directory(session, tmp_path / "second")
    db.dispose(other)
    assert len(first) == len(sample.DATA)
    for path in first:
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name
        assert path.stat().st_size > 5, path.name


def test_an_export_says_what_was_imported(migrated_lab: Settings, tmp_path: Path) -> None:
    with db.session_scope(migrated_lab) as session:
        import_directory(session, sample.write(tmp_path / "data", sample.data()))
        export_directory(session, tmp_path / "out")
        report = import_directory(session, tmp_path / "out", dry_run=True)
    assert (report.created, report.updated) == (0, 0)
    text_of = (tmp_path / "out" / "languages.json").read_text(encoding="utf-8")
    assert text_of.index('"lab/three"') < text_of.index('"lab/two"')
    assert '"30–44"' in (tmp_path / "out" / "segments.json").read_text(encoding="utf-8")


def test_a_dry_run_writes_nothing_and_names_each_entry_and_field_that_would_change(
    migrated_lab: Settings, tmp_path: Path
) -> None:
    content = sample.data()
    folder = sample.write(tmp_path / "data", content)
    with db.session_scope(migrated_lab) as session:
        assert import_directory(session, folder, dry_run=True).created > 0
    with db.session_scope(migrated_lab) as session:
        assert sum(_counts(session).values()) == 0
        import_directory(session, folder)
    content["countries"][0]["name"] = "Deutschland"
    content["countries"][3]["default_language"] = "en-US"
    content["languages"][0]["alternative_models"] = ["lab/two", "lab/three"]
    content["regions"].append({"code": "NA", "name": "North America", "insights": [], "is_active": True})
    sample.write(folder, content)
    with db.session_scope(migrated_lab) as session:
        before = _versions(session)
        planned = import_directory(session, folder, dry_run=True)
    with db.session_scope(migrated_lab) as session:
        assert _versions(session) == before
        done = import_directory(session, folder)
    changes = {file.file: (file.created, file.updated) for file in planned.files if file.created or file.updated}
    assert changes == {
        "regions.json": (["NA"], {}),
        "countries.json": ([], {"DE": ["name"], "NZ": ["default_language"]}),
        "languages.json": ([], {"de-DE": ["alternative_models"]}),
    }
    assert planned.files == done.files
    assert "countries.json: DE would change: name" in str(planned)
    with db.session_scope(migrated_lab) as session:
        german = session.scalars(select(Language).where(Language.code == "de-DE")).one()
        assert [model.model_id for model in german.alternative_models] == ["lab/two", "lab/three"]


def test_one_file_alone_can_be_imported_onto_what_is_there(migrated_lab: Settings, tmp_path: Path) -> None:
    with db.session_scope(migrated_lab) as session:
        import_directory(session, sample.write(tmp_path / "all", sample.data()))
        person = {"name": "Max", "country_code": "DE", "language_code": "de-DE", "is_active": False}
        report = import_directory(session, sample.write(tmp_path / "one", {"personas": [person]}))
        assert (report.created, report.updated) == (1, 0)
        added = session.scalars(select(Persona).where(Persona.name == "Max")).one()
        assert added.country is not None and added.country.code == "DE"


def _set(file: str, index: int, **fields: Any) -> Callable[[dict[str, list[dict[str, Any]]]], None]:
    def damage(content: dict[str, list[dict[str, Any]]]) -> None:
        content[file][index].update(fields)

    return damage


def _drop(file: str, index: int, field: str) -> Callable[[dict[str, list[dict[str, Any]]]], None]:
    return lambda content: content[file][index].__delitem__(field)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            _set("languages", 1, primary_model="x"),
            "languages.json: entry 1 (de-AT), field primary_model: unknown model 'x'",
        ),
        (
            _set("languages", 0, alternative_models=["lab/two", "y"]),
            "languages.json: entry 0 (de-DE), field alternative_models.1: unknown model 'y'",
        ),
        (
            _set("countries", 3, default_language="fr-FR"),
            "countries.json: entry 3 (NZ), field default_language: unknown language 'fr-FR'",
        ),
        (
            _set("country_regions", 2, region_code="MARS"),
            "country_regions.json: entry 2 (DE / MARS), field region_code: unknown region 'MARS'",
        ),
        (
            _set("country_languages", 0, country_code="FR"),
            "country_languages.json: entry 0 (FR / de-DE), field country_code: unknown country 'FR'",
        ),
        (
            _set("persona_segments", 0, segment_value="none"),
            "persona_segments.json: entry 0 (Lena / BEHAVIORAL / shopping / none), field segment_value: "
            "unknown segment 'BEHAVIORAL / shopping / none'",
        ),
        (
            _set("targets", 0, persona="Nobody"),
            "targets.json: entry 0 (lena), field persona: unknown persona 'Nobody'",
        ),
        (
            _set("market_packs", 0, country="FR"),
            "market_packs.json: entry 0 (FR), field country: unknown country 'FR'",
        ),
        (_set("regions", 0, colour="red"), "regions.json: entry 0 (DACH), field colour: unknown field"),
        (_drop("regions", 1, "name"), "regions.json: entry 1 (EU), field name: is missing"),
        (_drop("languages", 1, "primary_model"), "languages.json: entry 1 (de-AT), field primary_model: is missing"),
        (
            _set("regions", 0, is_active="yes"),
            "regions.json: entry 0 (DACH), field is_active: input should be a valid boolean (got 'yes')",
        ),
        (
            _set("regions", 2, code="X" * 21),
            f"regions.json: entry 2 ({'X' * 21}), field code: string should have at most 20 characters "
            f"(got '{'X' * 21}')",
        ),
        (
            _set("countries", 0, insights=[{"heading": "H", "points": "not a list"}]),
            "countries.json: entry 0 (DE), field insights.0.points: input should be a valid array (got 'not a list')",
        ),
        (
            _set("segments", 0, insights=[{"points": []}]),
            "segments.json: entry 0 (DEMOGRAPHIC / age / 30–44), field insights.0.heading: is missing",
        ),
        (
            _set("segments", 1, value="streaming", vector="media"),
            "segments.json: entry 3 (BEHAVIORAL / media / streaming), field category: has the same key as entry 1",
        ),
        (
            _set("segments", 1, category="LUNAR"),
            "segments.json: entry 1 (LUNAR / shopping / bargain), field category: input should be 'DEMOGRAPHIC', "
            "'BEHAVIORAL' or 'PSYCHOGRAPHIC' (got 'LUNAR')",
        ),
        (
            _set("countries", 2, code="XQ"),
            "countries.json: entry 2 (XQ), field code: is no ISO 3166-1 alpha-2 country code (got 'XQ')",
        ),
        (
            _set("languages", 3, code="en-us"),
            "languages.json: entry 3 (en-us), field code: is written en-US in BCP-47 (got 'en-us')",
        ),
        (
            _set("targets", 2, language_code=None),
            "targets.json: entry 2 (japanese): needs at least one of persona, country_code and language_code",
        ),
        (
            _set("prompt_templates", 0, template="one\n{% if %}"),
            "prompt_templates.json: entry 0 (eval-brand), field template: line 2 of the template: "
            "Expected an expression, got 'end of statement block' (got 'one\\n{% if %}')",
        ),
        (
            _set("market_packs", 0, currency="XXY"),
            "market_packs.json: entry 0 (DE), field currency: is no ISO 4217 currency code (got 'XXY')",
        ),
        (
            _set("regions", 0, name="nul\x00"),
            "regions.json: entry 0 (DACH), field name: contains a NUL character",
        ),
    ],
)
def test_a_fault_is_named_by_file_entry_and_field_and_nothing_is_written(
    shared_lab: Settings, tmp_path: Path, damage: Callable[[dict[str, Any]], None], message: str
) -> None:
    content = sample.data()
    damage(content)
    assert message in _problems(shared_lab, sample.write(tmp_path / "data", content))


def test_all_faults_of_all_files_are_reported_together_without_echoes(shared_lab: Settings, tmp_path: Path) -> None:
    content = sample.data()
    content["llm_models"][0]["notes"] = 7
    content["regions"][0]["insights"] = {}
    content["targets"][1]["country_code"] = "FR"
    # Languages, countries and targets refer to the broken model and region: that is no fault of theirs.
    assert _problems(shared_lab, sample.write(tmp_path / "data", content)) == [
        "llm_models.json: entry 0 (lab/one), field notes: input should be a valid string (got 7)",
        "regions.json: entry 0 (DACH), field insights: input should be a valid array",
        "targets.json: entry 1 (de), field country_code: unknown country 'FR'",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[\n  {"code": "EU",\n   "name" "Europe"}]', "line 3, column 11: malformed JSON: Expecting ':' delimiter"),
        ('[{"code": "EU", "code": "NA"}]', "the key 'code' appears twice in one object"),
        ('{"code": "EU"}', "must hold a list of entries"),
        ('["EU"]', "entry 0: input should be an object (got 'EU')"),
        ('[{"code": "EU", "name": NaN}]', "NaN is not a JSON number"),
        ("[" * 200_000, "the JSON is nested too deeply"),
        (b'[{"code": "\xff"}]', "line 1: the file is not UTF-8 (byte 0xff)"),
        ('[{"code": "\\ud800"}]', "entry 0 (\ud800), field code: contains half of a surrogate pair"),
    ],
)
def test_a_file_that_is_no_proper_json_is_refused_with_the_place(
    shared_lab: Settings, tmp_path: Path, content: str | bytes, message: str
) -> None:
    (tmp_path / "regions.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert _problems(shared_lab, tmp_path)[0] == f"regions.json: {message}"


def test_a_folder_without_reference_data_is_refused_and_a_strange_file_is_only_warned_of(
    migrated_lab: Settings, tmp_path: Path
) -> None:
    (tmp_path / "reigons.json").write_text("[]")
    assert "holds no file of reference data" in _problems(migrated_lab, tmp_path)[0]
    assert "is no folder" in _problems(migrated_lab, tmp_path / "missing")[0]
    (tmp_path / "regions.json").write_text("[]")
    with db.session_scope(migrated_lab) as session:
        report = import_directory(session, tmp_path)
    assert report.warnings == ["reigons.json: ignored, no file of reference data has this name"]


def test_what_is_allowed_but_unlikely_is_warned_of(migrated_lab: Settings, tmp_path: Path) -> None:
    content = sample.data()
    content["country_languages"][0]["is_primary"] = False
    content["personas"][0]["language_code"] = "ja-JP"
    content["targets"][1]["region_code"] = "APAC"
    with db.session_scope(migrated_lab) as session:
        report = import_directory(session, sample.write(tmp_path / "data", content))
    assert report.warnings == [
        "country DE has 0 primary languages; normally it has one",
        "persona Lena: ja-JP is not a language of AT",
        "target de: DE is not in region APAC",
    ]


def test_a_failed_import_leaves_the_rest_of_the_callers_transaction_alone(
    migrated_lab: Settings, tmp_path: Path
) -> None:
    content = sample.data()
    content["targets"][0]["persona"] = "Nobody"
    folder = sample.write(tmp_path / "data", content)
    with db.session_scope(migrated_lab) as session:
        session.add(Persona(name="Made before"))
        with pytest.raises(ImportFailed):
            import_directory(session, folder)
    with db.session_scope(migrated_lab) as session:
        assert session.scalars(select(Persona.name)).all() == ["Made before"]


def test_a_template_file_with_new_text_adds_a_version_and_an_old_file_never_undoes_an_edit(
    migrated_lab: Settings, tmp_path: Path
) -> None:
    content = {"prompt_templates": sample.data()["prompt_templates"]}
    folder = sample.write(tmp_path / "data", content)
    with db.session_scope(migrated_lab) as session:
        import_directory(session, folder)
        first = session.scalars(select(PromptTemplate)).one()
        first.is_active = False
        session.flush()
        session.add(PromptTemplate(slug="eval-brand", version=3, name="n", category="evaluation", template="mine"))
    with db.session_scope(migrated_lab) as session:
        assert import_directory(session, folder).updated == 0
        active = session.scalars(select(PromptTemplate).where(PromptTemplate.is_active)).one()
        assert active.template == "mine"
    content["prompt_templates"][0]["template"] = "from a new file"
    with db.session_scope(migrated_lab) as session:
        report = import_directory(session, sample.write(folder, content))
        assert report.files[0].updated == {"eval-brand": ["version 4"]}
        assert import_directory(session, folder).updated == 0
    with db.session_scope(migrated_lab) as session:
        rows = session.scalars(select(PromptTemplate).order_by(PromptTemplate.version)).all()
        assert [(row.version, row.is_active) for row in rows] == [(2, False), (3, False), (4, True)]


def test_a_template_that_the_renderer_refuses_is_a_fault_like_any_other(shared_lab: Settings, tmp_path: Path) -> None:
    def check(template: str) -> None:
        raise ValueError(f"{len(template)} characters are too many")

    folder = sample.write(tmp_path / "data", {"prompt_templates": sample.data()["prompt_templates"]})
    with db.session_scope(shared_lab) as session:
        with pytest.raises(ImportFailed) as caught:
            import_directory(session, folder, check_template=check)
        assert session.scalar(select(func.count()).select_from(PromptTemplate)) == 0
    assert str(caught.value) == (
        "prompt_templates.json: entry 0 (eval-brand), field template: 43 characters are too many"
    )
