"""The demo's third chapter: a character learnt from its pictures, and a story told in every method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from creative_lab.commands.console import out, table
from creative_lab.commands.runs import Job, Lab

if TYPE_CHECKING:
    from pathlib import Path

    from creative_lab.settings import Settings

CHARACTER = "orla"
STORY = "kite-in-the-park"
SCRIPT = ("just-one", "en-gb")
DRAWN = ("baseline", "simple", "reference_guided")
"""Methods that need the picture model; the wireframe is drawn by rules."""
QUICK = {"num_scenes": 6, "num_variations": 2, "attempts": 2, "max_enhancement_iterations": 2}
"""Settings that keep the chapter within minutes on two cores."""

_MEASURED = ("face_consistency", "storyboard_consistency", "clip_alignment", "frame_anomalies")


def missing(settings: Settings) -> list[str]:
    """Why pictures cannot be drawn on this machine, one reason per missing model; empty when they can."""
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.vision.models import VisionModels

    catalogue = Catalogue.load(settings)
    reasons = []
    slug = catalogue.role("picture")
    if slug is not None and not catalogue.is_hosted(slug) and catalogue.state(catalogue.model(slug)) != "here":
        reasons.append(f"{slug} is {catalogue.state(catalogue.model(slug))}")
    models = VisionModels(settings)
    reasons += [reason for role in ("caption", "faces") if (reason := models.missing(role))]
    return reasons


def make_records(settings: Settings, *, drawn: bool) -> list[str]:
    """Define the character and the storyboards; returns the storyboards' keys."""
    import json

    from creative_lab.commands.characters import register_characters
    from creative_lab.commands.storyboards import save
    from creative_lab.storyboards.record import read_record

    sample = json.loads((settings.data_dir / "storyboards" / f"{STORY}.json").read_text(encoding="utf-8"))
    if drawn:
        _define_character(settings)
        register_characters(settings)
    spot, target = SCRIPT
    wanted: list[dict[str, Any]] = [
        {
            "key": f"{STORY}-{method.replace('_', '-')}", "title": sample["title"], "method": method,
            "source": {**sample["source"], "character": CHARACTER if drawn else None},
            "settings": {**sample.get("settings", {}), **QUICK},
        }
        for method in ("wireframe", *(DRAWN if drawn else ()))
    ]  # fmt: skip
    wanted.append(
        {
            "key": f"{spot}-{target}-wireframe", "title": f"{spot} for {target}", "method": "wireframe",
            "source": {"kind": "script", "spot": spot, "target": target}, "settings": QUICK,
        }
    )  # fmt: skip
    records = [read_record(record, where=f"storyboard {record['key']}") for record in wanted]
    save(settings, records, replace=True)
    return [record.key for record in records]


def _define_character(settings: Settings) -> None:
    from creative_lab.characters.record import new_character
    from creative_lab.state import db

    with db.session_scope(settings) as session:
        made = new_character(
            settings, session, CHARACTER, folder=settings.data_dir / "characters" / CHARACTER, trigger=None, name=None
        )
    out.print(f"Character: {made.character.name}, {len(made.character.pictures)} pictures.\n")


def jobs(lab: Lab, keys: list[str], *, drawn: bool) -> list[Job]:
    """Captions, LoRA, storyboards, and how far the character stays the same."""
    chosen = lab.jobs("group:characters", [CHARACTER]) if drawn else []
    chosen += lab.jobs("group:storyboards", keys)
    if drawn:
        selection = " or ".join(f'key:"{name}"' for name in _MEASURED)
        chosen += lab.jobs(selection, [key for key in keys if "wireframe" not in key])
        chosen += lab.jobs('key:"metric_validity"', [])
        chosen += lab.jobs('key:"user_study" or key:"study_scores"', [])
        chosen += lab.jobs('key:"ablation_report" or key:"ablation_deltas"', [])
    return chosen


def show(settings: Settings, keys: list[str]) -> None:
    """One line per storyboard: how good its frames are, and how much the same the character stays."""
    from creative_lab.lake.tables import TableStore

    store = TableStore(settings)
    rows = []
    for key in keys:
        partition = {"storyboard": key}
        if not store.exists("storyboard_frames", partition):
            continue
        frames = store.read("storyboard_frames", [partition])
        whole: dict[str, Any] = {}
        if store.exists("storyboard_consistency", partition):
            whole = store.read("storyboard_consistency", [partition]).row(0, named=True)
        overall = frames["overall"].drop_nulls()
        rows.append(
            (
                key,
                f"{frames['path'].is_not_null().sum()} of {frames.height}",
                _shown(sum(overall) / len(overall) if len(overall) else None, 0),
                _shown(whole.get("face_consistency"), 2),
                _shown(whole.get("recognised"), 2),
                _shown(whole.get("mean_difference"), 2),
            )
        )
    columns = ["storyboard", "frames", "quality", "same face", "recognised", "variety"]
    table("Storyboards", columns, rows, right=[1, 2, 3, 4, 5])
    out.print("")


def _shown(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def places(settings: Settings, keys: list[str]) -> list[tuple[Path, str]]:
    """What to look at: a storyboard's page, and the ablation's report."""
    pages = [settings.reports_dir / "storyboards" / key / "index.html" for key in keys]
    # The last of the drawn methods is the one to show; without models there are only wireframes.
    shown = next((page for page in pages if page.parent.name.endswith("reference-guided") and page.is_file()), pages[0])
    found = [
        (shown, "a storyboard, beside its PDF and animatic"),
        (settings.reports_dir / "ablation" / "index.html", "whether the character stays the same, method by method"),
    ]
    return [(path, words) for path, words in found if path.is_file()]
