"""The facts of a storyboard as JSON files, for programs and for the archive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from creative_lab.lake.fs import FileSystem
from creative_lab.storyboards.choosing import face_threshold, identity_threshold
from creative_lab.storyboards.record import StorySource
from creative_lab.storyboards.sheet.gathering import Sheet, SheetFrame

if TYPE_CHECKING:
    from creative_lab.lake.pictures import PictureStore
    from creative_lab.settings import Settings

_TOLD = (
    "description", "background", "elements", "shot", "camera", "subject_presence", "expected_faces", "dialogue",
    "shown_text", "start_seconds", "duration_seconds", "continuity", "transition", "mended", "warnings",
)  # fmt: skip
_GUIDED = (
    "lora", "lora_sha256", "lora_step", "lora_strength", "ip_adapter", "ip_adapter_scale", "reference_scene",
    "reference_sha256", "reference_path", "reference_crop", "controlnet", "controlnet_scale", "control_path",
    "redrawn_from", "redraw_prompt", "redraw_strength",
)  # fmt: skip
_SCORES = ("overall", "clip_text", "clip_text_calibrated", "clip_identity", "face_similarity")


def metadata(sheet: Sheet) -> dict[str, Any]:
    """Everything about how the storyboard was drawn, with every try of every frame."""
    record, frames = sheet.record, sheet.frames
    settings = record.settings
    first = next((frame.row for frame in frames if frame.row["model"]), None)
    source = record.source
    return {
        "storyboard": sheet.key,
        "title": record.title,
        "story": source.story if isinstance(source, StorySource) else None,
        "source": source.model_dump(mode="json"),
        "mode": record.method,
        "backend": sheet.backend,
        "character": source.character,
        "lora": next(
            (
                {"character": f.row["lora"], "sha256": f.row["lora_sha256"], "step": f.row["lora_step"]}
                for f in frames
                if f.row["lora"]
            ),
            None,
        ),
        "base_model": first["model"] if first else None,
        "base_model_sha256": first["model_sha256"] if first else None,
        "base_seed": settings.base_seed,
        "temperature": settings.temperature,
        "steps": first["steps"] if first else settings.steps,
        "cfg": first["guidance_scale"] if first else settings.guidance_scale,
        "sizes": sorted({f"{f.row['width']}x{f.row['height']}" for f in frames if f.drawn}),
        "thresholds": {
            "quality": settings.quality_threshold,
            "identity": _threshold(sheet),
            "face": face_threshold(record.method, settings.face_threshold, sheet.backend),
        },
        "settings": settings.model_dump(mode="json"),
        "frames": [_frame(frame) for frame in frames],
        "totals": {
            "frames": len(frames),
            "with_picture": sum(frame.drawn for frame in frames),
            "attempts": sum(frame.row["attempts"] for frame in frames),
            "candidates": sum(frame.row["candidates"] for frame in frames),
            "film_seconds": round(sheet.seconds, 3),
        },
        "timings": {"draw_seconds": round(sum(frame.row["seconds"] for frame in frames), 3)},
        "cost": {"usd": round(sum(frame.row["cost_usd"] for frame in frames), 6)},
    }


def scene_breakdown(sheet: Sheet) -> dict[str, Any]:
    """The scenes as they were told, and by whom."""
    source = sheet.record.source
    first = sheet.frames[0].scene if sheet.frames else {}
    return {
        "story": source.story if isinstance(source, StorySource) else None,
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "num_frames": len(sheet.frames),
        "max_frames_requested": sheet.record.settings.num_scenes if isinstance(source, StorySource) else None,
        "decided_by": first.get("model_id"),
        "reasoning": first.get("reasoning"),
        "scenes": [{"frame": f.number, **{name: f.scene[name] for name in _TOLD}} for f in sheet.frames],
    }


def report(sheet: Sheet) -> dict[str, Any]:
    """How alike the frames are, per frame and in sum; frames without a figure are counted, not dropped silently."""
    frames = sheet.frames
    scores = [f.row["clip_identity"] for f in frames if f.row["clip_identity"] is not None]
    return {
        "base_seed": sheet.record.settings.base_seed,
        "num_frames": len(frames),
        "method": sheet.record.method,
        "pipeline": next((f.row["model"] for f in frames if f.row["model"]), None),
        "features": sorted({part for f in frames for part in f.conditioning.split(", ")} - {"text alone"}),
        "average_consistency": _round(sum(scores) / len(scores)) if scores else None,
        "min_consistency": _round(min(scores)) if scores else None,
        "max_consistency": _round(max(scores)) if scores else None,
        "frames_without_consistency": [
            f.number for f in frames if f.number != sheet.anchor and f.row["clip_identity"] is None
        ],
        "threshold": _threshold(sheet),
        "frames": [
            {
                "frame_id": f.number,
                "prompt": f.row["prompt"],
                "consistency_score": _round(f.row["clip_identity"]),
                "seed": f.row["seed"],
                "attempts": f.row["attempts"],
                "anomaly_check": _chosen(f).get("anomalies"),
                "is_reference": f.row["is_reference"],
                "status": f.row["status"],
            }
            for f in frames
        ],
    }


def drawn_prompts(sheet: Sheet) -> list[dict[str, Any]]:
    """The prompts as they went into the picture model."""
    return [
        {
            "frame": f.number,
            "prompt": f.row["prompt"],
            "negative_prompt": f.row["negative_prompt"],
            "seed": f.row["seed"],
        }
        for f in sheet.frames
    ]


def as_json(value: Any) -> bytes:
    """Indented UTF-8 JSON that always comes out the same for the same value."""
    return (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode()


def _threshold(sheet: Sheet) -> float:
    return identity_threshold(sheet.record.settings.identity_threshold, sheet.backend)


def _frame(frame: SheetFrame) -> dict[str, Any]:
    row = frame.row
    return {
        "n": frame.number,
        "file": f"frames/{frame.file}" if frame.drawn else None,
        "status": row["status"],
        "reason": row["reason"],
        "fallback": row["fallback"],
        "notes": frame.notes,
        "description": row["description"],
        "prompt": row["prompt"],
        "negative_prompt": row["negative_prompt"],
        "seed": row["seed"],
        "sha256": row["sha256"],
        "attempts": [_try(item) for item in frame.tries],
        **{name: _round(row[name]) for name in _SCORES},
        "conditioning": {
            **{name: row[name] for name in _GUIDED},
            "pose": _pose(frame.number) if row["control_path"] else None,
        },
    }


def write_poses(settings: Settings, sheet: Sheet, pictures: PictureStore) -> None:
    """The pictures of the poses that guided the frames, as poses/frame_NNN.png; those of longer versions go."""
    files, folder = FileSystem(settings.reports_dir), f"storyboards/{sheet.key}"
    wanted = {
        f"{folder}/{_pose(frame.number)}": frame.row["control_path"]
        for frame in sheet.frames
        if frame.row["control_path"]
    }
    for file in files.list(f"{folder}/poses"):
        if file.name not in wanted:
            files.remove(file.name)
    for name, path in wanted.items():
        files.write_bytes(name, pictures.read(path))


def _pose(number: int) -> str:
    return f"poses/frame_{number:03d}.png"


def _try(item: Any) -> dict[str, Any]:
    return {
        "attempt": item["attempt"],
        "candidate": item["candidate"],
        "seed": item["seed"],
        "scores": {name: _round(item[name]) for name in ("overall", "clip_text", "clip_identity", "face_similarity")},
        "rank": item["rank"],
        "accepted": item["accepted"],
        "reason": item["reason"],
    }


def _chosen(frame: SheetFrame) -> dict[str, Any]:
    where = (frame.row["attempt"], frame.row["candidate"])
    found: Sequence[Any] = [item for item in frame.tries if (item["attempt"], item["candidate"]) == where]
    return dict(found[0]) if found else {}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
