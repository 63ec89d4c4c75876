"""Which storyboards an ablation may compare: the same scenes, settings, seeds and LoRA under every method.

What counts is what was drawn, not what a record asks for today: settings and seeds are read from the pictures of the
first try, before any retry nudged them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import polars as pl

from creative_lab.metrics.consistency import anchor_scene

ARMS = ("baseline", "simple", "reference_guided")
"""Methods of the ablation, from the least to the most."""


@dataclass(frozen=True)
class LeftOut:
    """A storyboard that was drawn under a method of the ablation and is not compared."""

    storyboard: str
    method: str
    reason: str


@dataclass(frozen=True)
class Compared:
    """Rows of ``storyboard_frames`` that may be compared, and the storyboards that may not.

    ``frames`` has a further column ``series``: equal for storyboards that differ by nothing but their method.
    """

    frames: pl.DataFrame
    left_out: list[LeftOut]


@dataclass(frozen=True)
class _Board:
    key: str
    method: str
    subject: tuple[str, ...]
    """Source, character and scenes, a given picture among them."""
    settings: str
    """Profile and settings that the methods share, in words."""
    seed: str
    lora: str

    @property
    def same(self) -> tuple[Any, ...]:
        """What must be equal under every method; the LoRA comes on top, which a baseline has not."""
        return (self.subject, self.settings, self.seed)


def compared(frames: pl.DataFrame, candidates: pl.DataFrame) -> Compared:
    """What of ``storyboard_frames`` can be compared, by what ``frame_candidates`` says about how it was drawn.

    Of several storyboards that are alike in everything, the one whose key comes first counts. Profiles and settings
    are never averaged together: the ones that most complete sets share count.
    """
    arms = frames.filter(pl.col("method").is_in(ARMS))
    out: dict[str, LeftOut] = {}
    boards: list[_Board] = []
    tried = candidates.filter(pl.col("attempt") == 0)
    drawn = {str(rows["storyboard"][0]): rows for rows in tried.partition_by("storyboard")}
    for rows in arms.sort("storyboard", "scene").partition_by("storyboard", maintain_order=True):
        key, method = str(rows["storyboard"][0]), str(rows["method"][0])
        if key in drawn:
            boards.append(_board(rows, drawn[key]))
        else:
            out[key] = LeftOut(key, method, "nothing of it was drawn")
    groups: dict[tuple[Any, ...], list[_Board]] = {}
    for board in boards:
        groups.setdefault(board.same, []).append(board)
    sets = []
    for group in groups.values():
        chosen = _complete(group)
        sets += [chosen] if chosen else []
        for board in group:
            if board not in chosen.values():
                out[board.key] = LeftOut(board.key, board.method, _why(board, group, chosen))
    shared = Counter(chosen[ARMS[0]].settings for chosen in sets)
    most = min(shared, key=lambda words: (-shared[words], words)) if shared else None
    series: dict[str, str] = {}
    for chosen in sets:
        for board in chosen.values():
            if board.settings == most:
                series[board.key] = "/".join((*board.subject, board.seed))
            else:
                out[board.key] = LeftOut(board.key, board.method, f"{board.settings}; most were drawn with {most}")
    names = pl.DataFrame(
        {"storyboard": list(series), "series": list(series.values())},
        schema={"storyboard": pl.String, "series": pl.String},
    )
    kept = arms.join(names, on="storyboard", how="inner").sort("storyboard", "scene")
    return Compared(kept, sorted(out.values(), key=lambda one: one.storyboard))


def stale(frames: pl.DataFrame, faces: pl.DataFrame) -> list[str]:
    """Storyboards of ``frames`` whose rows of ``face_consistency`` were measured on other pictures, or not at all.

    Rows from before the picture's hash was stored are judged by when they were written.
    """
    known = {str(rows["storyboard"][0]): rows for rows in faces.partition_by("storyboard")}
    return [
        str(rows["storyboard"][0])
        for rows in frames.partition_by("storyboard", maintain_order=True)
        if not _measured_on(rows, known.get(str(rows["storyboard"][0])))
    ]


def _measured_on(frames: pl.DataFrame, faces: pl.DataFrame | None) -> bool:
    if faces is None or set(faces["scene"]) != set(frames["scene"]):
        return False
    # Rows without an anchor are from when every frame was compared with the first.
    anchor, old = anchor_scene(frames.to_dicts()), faces["anchor_scene"].null_count() == faces.height
    if anchor is not None and anchor != (faces["scene"].min() if old else faces["anchor_scene"][0]):
        return False
    pictures = dict(zip(frames["scene"], frames["sha256"], strict=True))
    if faces["picture_sha256"].null_count() == faces.height and any(pictures.values()):
        return bool(faces["written_at"].min() >= frames["written_at"].max())  # type: ignore[operator]
    return dict(zip(faces["scene"], faces["picture_sha256"], strict=True)) == pictures


def _board(frames: pl.DataFrame, first: pl.DataFrame) -> _Board:
    """A storyboard as its frames and the candidates of its ``first`` tries tell."""
    base = first["seed"] - 1000 * (first["scene"] - 1) - first["candidate"]
    sizes = (f"{width}x{height}" for width, height in zip(first["width"], first["height"], strict=True))
    hashes = (value[:8] for (value,) in first.select("model_sha256").drop_nulls().iter_rows())
    variations = max(first.group_by("scene").len()["len"].to_list())
    settings = (
        f"profile {frames['backend'][0]}, {_each(first['model'])} {_each(hashes)}".rstrip()
        + f", {_each(first['steps'])} steps, guidance {_each(first['guidance_scale'])}, {_each(sizes)}"
        + f", {variations} variations"
    )
    worn = frames.drop_nulls("lora_sha256")
    lora = (f"{row['lora_sha256'][:8]} at {row['lora_strength']:g}" for row in worn.iter_rows(named=True))
    given = pl.when(pl.col("status") == "given").then(pl.col("sha256"))
    told = frames.select("scene", "description", "subject_presence", given=given).write_json()
    subject = (str(frames["source_key"][0]), str(frames["character"][0] or ""), sha256(told.encode()).hexdigest()[:12])
    key, method = str(frames["storyboard"][0]), str(frames["method"][0])
    return _Board(key, method, subject, settings, _each(base) or "none", _each(lora) or "none")


def _each(values: Iterable[Any]) -> str:
    """All different values, in order."""
    known = {value for value in values if value is not None}
    return " and ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in sorted(known))


def _complete(group: list[_Board]) -> Mapping[str, _Board]:
    """One storyboard per method, with one LoRA under both methods that wear one; empty when a method is missing."""
    for lora in dict.fromkeys(board.lora for board in group if board.method != ARMS[0]):
        found: dict[str, _Board] = {}
        for board in group:
            if board.method == ARMS[0] or board.lora == lora:
                found.setdefault(board.method, board)
        if len(found) == len(ARMS):
            return found
    return {}


def _why(board: _Board, group: list[_Board], chosen: Mapping[str, _Board]) -> str:
    if chosen:
        other = chosen[board.method]
        return f"{other.key} counts, drawn {'alike' if other.lora == board.lora else f'with LoRA {other.lora}'}"
    same = [other for other in group if ARMS[0] in (board.method, other.method) or other.lora == board.lora]
    missing = [arm.replace("_", "-") for arm in ARMS if arm not in {other.method for other in same}]
    lora = "" if board.lora == "none" else f", LoRA {board.lora}"
    told = f"{board.settings}, seed {board.seed}{lora}"
    return f"not drawn as {' or '.join(missing) or 'one set with one LoRA'} with the same scenes and {told}"
