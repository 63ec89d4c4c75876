"""Rows of ``storyboard_frames`` for scenes with and without a drawn picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from creative_lab.storyboards.ledger import SceneDone
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.scenes import Scene

TAKEN = (
    "lora", "lora_sha256", "lora_step", "lora_strength", "ip_adapter", "ip_adapter_scale", "reference_scene",
    "reference_sha256", "reference_path", "reference_crop", "controlnet", "controlnet_scale", "control_path",
    "redrawn_from", "redraw_prompt", "redraw_strength", "prompt", "negative_prompt", "model", "model_sha256", "steps",
    "guidance_scale",
)  # fmt: skip
"""Columns that a frame takes from its picture."""


def frame_base(record: StoryboardRecord, scene: Scene) -> dict[str, Any]:
    """What every row says, with or without a picture."""
    return {
        "storyboard": record.key,
        "scene": scene.scene,
        "title": record.title,
        "source_key": record.source_key,
        "method": record.method,
        "character": record.source.character,
        "description": scene.description,
        "expected_faces": scene.expected_faces,
        "subject_presence": scene.subject_presence,
        "start_seconds": scene.start_seconds,
        "duration_seconds": scene.duration_seconds,
    }


_BELOW = "; below the threshold of "


def with_threshold(frame: dict[str, Any], threshold: float) -> dict[str, Any]:
    """The row with ``below_threshold`` and its words in ``reason`` for a quality threshold (overall, 0–100).

    The scorers learnt colour pictures: what they say about line art is kept, and warns nobody.
    """
    below = frame["overall"] is not None and frame["overall"] < threshold and frame["method"] != "wireframe"
    reason = frame["reason"].split(_BELOW)[0] + (f"{_BELOW}{threshold:g}" if below else "")
    return {**frame, "reason": reason, "below_threshold": below}


def no_frame(record: StoryboardRecord, scene: Scene, status: str, reason: str) -> dict[str, Any]:
    """The row of a scene without a drawn picture."""
    return {
        **frame_base(record, scene),
        "status": status,
        "reason": reason,
        "fallback": None,
        "notes": [],
        **dict.fromkeys(("path", "thumbnail_path", "sha256", "width", "height", *TAKEN)),
        **dict.fromkeys(("seed", "attempt", "candidate", "overall", "clip_text", "clip_text_calibrated",
                         "clip_identity", "face_similarity", "faces_found")),
        "attempts": 0,
        "candidates": 0,
        "below_threshold": False,
        "is_reference": False,
        "seconds": 0.0,
        "cost_usd": 0.0,
    }  # fmt: skip


def failed(record: StoryboardRecord, scene: Scene, reason: str, seconds: float) -> SceneDone:
    """A scene that could not be drawn, with the reason."""
    frame = no_frame(record, scene, "failed", reason) | {"seconds": seconds, "fallback": "no picture"}
    return SceneDone(fingerprint="failed", frame=frame, candidates=[], scores=[])


def pixels_of(data: bytes) -> np.ndarray:
    """An encoded picture as RGB pixels."""
    from creative_lab.vision.pictures import open_picture

    return open_picture(data)


def png_of(image: Any) -> bytes:
    """A PIL picture as PNG."""
    import io

    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
