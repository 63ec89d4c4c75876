"""Schedulers by name: override for one generation, and restore."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from creative_lab.imaging.errors import ImagingError


def build(name: str, original: Any) -> Any:
    """A scheduler of diffusers (name without its suffix) with the noise schedule of the model's own.

    Raises :class:`ImagingError` when a flow-matching scheduler meets a model that predicts noise, or the other way.
    """
    import diffusers

    flow = "FlowMatch" in type(original).__name__
    if ("FlowMatch" in name) != flow:
        kind = "flow-matching" if flow else "noise-predicting"
        raise ImagingError(f"the scheduler {name} does not fit this {kind} model")
    return getattr(diffusers, f"{name}Scheduler").from_config(original.config)


@contextlib.contextmanager
def overridden(pipeline: Any, name: str | None, original: Any) -> Iterator[str]:
    """Draw with the scheduler ``name`` inside the block, with the pipeline's own again afterwards; gives its name."""
    before = pipeline.scheduler
    if name is not None and f"{name}Scheduler" != type(before).__name__:
        pipeline.scheduler = build(name, original)
    try:
        yield type(pipeline.scheduler).__name__.removesuffix("Scheduler")
    finally:
        pipeline.scheduler = before
