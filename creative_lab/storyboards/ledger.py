"""What is done of a storyboard, scene by scene, so that a run that was stopped goes on and a changed one redoes little.

One file per scene below HOME/work/storyboards, written in one step when the scene is finished. A scene counts as done
when its fingerprint is the one of now and all its pictures are still in the lake.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from creative_lab.lake.fs import FileSystem

if TYPE_CHECKING:
    from creative_lab.settings import Settings

CANCEL, RUN = "cancel", "run"


class SceneDone(BaseModel):
    """A finished scene: its rows of the three tables, without run and time."""

    model_config = ConfigDict(extra="forbid")

    fingerprint: str
    frame: dict[str, Any]
    candidates: list[dict[str, Any]]
    scores: list[dict[str, Any]]


class Ledger:
    """The finished scenes of one storyboard."""

    def __init__(self, settings: Settings, key: str) -> None:
        self._files = FileSystem(settings.home / "work" / "storyboards" / key)
        self._lake = FileSystem.of_lake(settings)

    def find(self, scene: int, fingerprint: str) -> SceneDone | None:
        """The finished scene, if it was drawn from exactly this and its pictures are there."""
        try:
            done = SceneDone.model_validate_json(self._files.read_bytes(_name(scene)))
        except (FileNotFoundError, ValidationError):
            return None
        if done.fingerprint != fingerprint:
            return None
        paths = [done.frame["path"], *(row["path"] for row in done.candidates)]
        return done if all(path and self._lake.exists(path) for path in paths) else None

    def keep(self, scene: int, done: SceneDone) -> None:
        """Remember a finished scene."""
        self._files.write_bytes(_name(scene), json.dumps(done.model_dump(), ensure_ascii=False, default=str).encode())

    def forget_after(self, scenes: int) -> None:
        """Forget scenes beyond the last: the storyboard became shorter."""
        for file in self._files.list(suffix=".json"):
            number = file.name.removeprefix("scene_").removesuffix(".json")
            if number.isdigit() and int(number) > scenes:
                self._files.remove(file.name)

    # --- cancelling from outside

    def ask_to_stop(self) -> None:
        """Ask the run that draws this storyboard to stop; it does so between steps and keeps finished scenes."""
        self._files.write_bytes(CANCEL, b"")

    @property
    def stop_asked(self) -> bool:
        """Whether somebody asked."""
        return self._files.exists(CANCEL)

    def start(self, run_id: str) -> None:
        """A step of a run begins; with the first step of another run, what was asked of the one before is over."""
        try:
            known = self._files.read_bytes(RUN).decode()
        except FileNotFoundError:
            known = ""
        if known != run_id:
            self._files.remove(CANCEL)
            self._files.write_bytes(RUN, run_id.encode())


def _name(scene: int) -> str:
    return f"scene_{scene:03d}.json"
