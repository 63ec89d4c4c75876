"""A training in a process of its own, which stops in the middle of a step and waits to be killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from creative_lab.characters.training import LoraTrainer
from creative_lab.lake.fs import FileSystem
from creative_lab_tests.characters import small

STOP_AFTER = 8


def main(place: str, work: str) -> None:
    """Train the small recipe on the pipeline at ``place`` with its state below ``work``."""

    def on_step(row: dict[str, Any]) -> None:
        if row["step"] == STOP_AFTER:
            (Path(work) / "reached").write_text(str(row["loss"]))
            time.sleep(600)

    pipeline = small.load(Path(place))
    data = small.training_data(pipeline)
    LoraTrainer(pipeline, data, small.SMALL, FileSystem(work), on_step=on_step).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
