"""Files that let a person look over the shoulder of a run: every text, score and choice of every scene.

They live below HOME/traces/storyboards while the run does and are removed at its end, also after a failure, unless the
record keeps them. The same facts stay for ever in the tables.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from creative_lab.lake.fs import FileSystem

if TYPE_CHECKING:
    from creative_lab.settings import Settings
    from creative_lab.storyboards.enhancement import Enhancement, Round


class Traces:
    """The trace files of one run of one storyboard; a context that cleans up after itself."""

    def __init__(self, settings: Settings, key: str, run_id: str, *, keep: bool) -> None:
        safe = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in run_id)[:80] or "run"
        self.folder = settings.home / "traces" / "storyboards" / key / safe
        self.keep = keep
        self._files = FileSystem(self.folder)

    def __enter__(self) -> Traces:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, scene: int, name: str, content: str | bytes) -> Path:
        """One file of a scene."""
        data = content.encode() if isinstance(content, str) else content
        self._files.write_bytes(f"scene_{scene}/{name}", data)
        return self.folder / f"scene_{scene}" / name

    def write_json(self, scene: int, name: str, value: Any) -> Path:
        """One JSON file of a scene."""
        return self.write(scene, name, json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")

    def round(self, scene: int, done: Round) -> None:
        """The two files of a round, numbered on through the rounds."""
        number = 2 * done.number - 1
        self.write(scene, f"{number:02d}_agent1_iteration_{done.number}.txt", done.prompt)
        told = {**done.judgement.model_dump(), "overall_computed": done.scores.overall}
        self.write_json(scene, f"{number + 1:02d}_agent2_iteration_{done.number}.json", told)

    def prompt(self, scene: int, made: Enhancement, *, final: str, negative: str, model: str) -> None:
        """The final prompt and the summary of how it came about."""
        self.write(scene, "final_enhanced_prompt.txt", final)
        rounds = [
            {"iteration": item.number, "scores": item.scores.columns(), "critique": item.judgement.critique,
             "improvements": item.judgement.improvements, "seconds": item.seconds, "prompt": item.prompt}
            for item in made.rounds
        ]  # fmt: skip
        summary = {
            "original": made.original, "final": final, "negative": negative, "model": model,
            "initial_scores": made.initial.columns(), "final_scores": made.scores.columns(),
            "stopped": made.stopped, "reason": made.reason, "kept_iteration": made.kept_round, "iterations": rounds,
            "seconds": made.seconds,
        }  # fmt: skip
        self.write_json(scene, "prompt_trace_summary.json", summary)

    def pictures(self, scene: int, drawn: Sequence[tuple[bytes, Mapping[str, Any]]], why: str) -> None:
        """Every variation of a scene with its scores beside it, and why the chosen one was chosen.

        Pictures are numbered in the order of their scores' rows: a picture and its scores have the same number.
        """
        for number, (data, _) in enumerate(drawn, start=1):
            self.write(scene, f"image_{number}.png", data)
        rows = [{"image": f"image_{number}.png", **row} for number, (_, row) in enumerate(drawn, start=1)]
        self.write_json(scene, "quality_scores.json", rows)
        self.write(scene, "selected_best.txt", why)
