"""Rendering a day: every prompt that may be drawn gets a picture, a row and an event per try, and nothing stops it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import polars as pl

from creative_lab.lake.events import record_event, redact
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.pictures import PictureStore, StoredPicture
from creative_lab.lake.schemas import table_frame
from creative_lab.lake.tables import TableStore
from creative_lab.looks.days import merge_day, partition, read_day
from creative_lab.looks.rendering.renderers import Order, Rendered, Renderer, renderer_for
from creative_lab.looks.tables import LookManifests, LookPrompts, LookRenders

if TYPE_CHECKING:
    from creative_lab.settings import Settings

_LONGEST_REASON = 500


@dataclass(frozen=True)
class RenderReport:
    """What rendering a day came to."""

    rows: pl.DataFrame
    """All renderings of the day."""
    drawn: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    """Look to reason."""
    local: tuple[str, ...] = ()
    """Looks whose picture waits on the local disk for the store."""
    drained: int = 0
    """Files that waited there before and were moved to the store now."""
    cost_usd: float = 0.0
    seconds: float = 0.0


def render_seed(look_id: str, render_no: int) -> int:
    """Seed of a rendering: the same look and number always have the same one, a re-render has another."""
    digest = hashlib.sha256(f"render|{look_id}|{render_no}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 2


def versioned(address: str, stamp: int) -> str:
    """``address`` with ``v=stamp`` in its query (after & when there is one), so that no cache shows an old one."""
    parts = urlsplit(address)
    query = f"{parts.query}&v={stamp}" if parts.query else f"v={stamp}"
    return urlunsplit(parts._replace(query=query))


def render_day(
    settings: Settings,
    day: str,
    *,
    run_id: str,
    renderer: Renderer | None = None,
    only: Sequence[str] | None = None,
    again: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RenderReport:
    """Draw the looks of ``day`` whose prompt is ok and that have no picture yet; with ``again`` the others too.

    ``only`` names looks. Each finished look is stored at once, so that a killed run loses at most the one it was at.
    Looks that fail get a row and an event with the reason and the rest goes on.
    """
    started = time.perf_counter()
    store = TableStore(settings)
    drained = drain(settings, day, run_id=run_id)
    manifests = {row["look_id"]: row for row in read_day(store, LookManifests, day).iter_rows(named=True)}
    prompts = read_day(store, LookPrompts, day).filter(pl.col("status") == "ok").sort("look_id")
    there = read_day(store, LookRenders, day)
    have = set(there.filter(pl.col("status") == "ok")["look_id"])
    wanted = [
        row
        for row in prompts.iter_rows(named=True)
        if (only is None or row["look_id"] in only) and (again or row["look_id"] not in have)
    ]
    drawn, failed, local, cost = [], {}, [], 0.0
    if wanted:
        renderer = renderer or renderer_for(settings, _image_model(settings))
    for prompt in wanted:
        assert renderer is not None
        look_id = prompt["look_id"]
        number = int(there.filter(pl.col("look_id") == look_id)["render_no"].max() or 0) + 1  # type: ignore[arg-type]
        row = _render_one(settings, renderer, manifests.get(look_id), prompt, number, day, run_id=run_id, now=now)
        there = merge_day(
            settings, LookRenders, day, table_frame(LookRenders, [row]), run_id=run_id,
            keys=["look_id", "render_no"],
        )  # fmt: skip
        if row["status"] == "ok":
            drawn.append(look_id)
            cost += row["cost_usd"] or 0.0
            if row["location"] == "local":
                local.append(look_id)
        else:
            failed[look_id] = row["reason"]
    if not store.exists(LookRenders, partition(day)):
        there = merge_day(
            settings, LookRenders, day, table_frame(LookRenders, []), run_id=run_id, keys=["look_id", "render_no"]
        )
    seconds = time.perf_counter() - started
    return RenderReport(there, tuple(drawn), failed, tuple(local), drained, cost, seconds)


def _render_one(
    settings: Settings,
    renderer: Renderer,
    manifest: dict[str, Any] | None,
    prompt: dict[str, Any],
    number: int,
    day: str,
    *,
    run_id: str,
    now: Callable[[], datetime],
) -> dict[str, Any]:
    look_id = prompt["look_id"]
    started = time.perf_counter()
    row: dict[str, Any] = {
        "day": day,
        "look_id": look_id,
        "render_no": number,
        "prompt_id": prompt["prompt_id"],
        "model": renderer.model,
        "renderer": renderer.name,
        "seed": render_seed(look_id, number),
        "cost_usd": None,
    }
    rendered: Rendered | None = None
    stored: StoredPicture | None = None
    reason = None
    try:
        if manifest is None:
            raise ValueError("the look has a prompt but no manifest")
        rendered = renderer.render(_order(manifest, prompt, row["seed"]))
        pictures = PictureStore(settings)
        stored = pictures.put(rendered.data)
        if rendered.truth is not None:
            row["truth_path"] = pictures.files.put(rendered.truth, ".png")[0]
    except Exception as error:  # one look that cannot be drawn or stored must not stop the batch
        reason = redact(settings, f"{type(error).__name__}: {error}"[:_LONGEST_REASON])
    row["rendered_at"] = now()
    row["duration_ms"] = (time.perf_counter() - started) * 1000
    waiting = False
    if reason is None and rendered is not None and stored is not None:
        waiting = is_waiting(pictures.files, stored.path)
        stamp = int(row["rendered_at"].timestamp() * 1000)
        row |= vars(stored) | {
            "status": "ok",
            "address": versioned(_address(pictures.files, stored.path, waiting), stamp),
            "location": "local" if waiting else "store",
            "seed": rendered.seed,
            "recipe": rendered.recipe,
            "cost_usd": rendered.cost_usd,
        }
    else:
        row |= {"status": "failed", "reason": reason, "truth_path": None}
    record_event(
        settings,
        stage="render",
        status="ok" if reason is None else "fail",
        reason=reason,
        run_id=run_id,
        attempt=number,
        duration_ms=row["duration_ms"],
        model=renderer.model,
        cost_usd=row["cost_usd"],
        look_id=look_id,
        detail={"render_no": number, "day": day, "prompt_id": prompt["prompt_id"]}
        | ({"notes": list(rendered.notes)} if rendered and rendered.notes else {}),
    )
    if reason is None and stored is not None:
        _note_upload(settings, pictures.files, look_id, number, stored.path, waiting, run_id=run_id)
    return row


def _note_upload(
    settings: Settings, files: FileSystem, look_id: str, number: int, path: str, waiting: bool, *, run_id: str
) -> None:
    if files.remote is None:
        return
    record_event(
        settings,
        stage="s3_upload",
        status="fail" if waiting else "ok",
        reason="the object store failed: the picture waits on the local disk" if waiting else None,
        run_id=run_id,
        attempt=number,
        look_id=look_id,
        detail={"render_no": number, "path": path, "store": files.remote.base},
    )


def drain(settings: Settings, day: str | None = None, *, run_id: str) -> int:
    """Move pictures that wait on the local disk to the object store; returns how many files went.

    Renderings of ``day`` whose picture has arrived are marked so. A store that still fails is recorded, not raised.
    """
    files = FileSystem.of_lake(settings)
    if files.remote is None:
        return 0
    moved: list[str] = []
    try:
        moved = files.drain()
    except OSError as error:
        reason = redact(settings, str(error)[:_LONGEST_REASON])
        record_event(settings, stage="s3_upload", status="warn", reason=reason, run_id=run_id, detail={"drain": True})
    if day is None:
        return len(moved)
    there = read_day(TableStore(settings), LookRenders, day)
    arrived = [
        row
        for row in there.filter(pl.col("location") == "local").iter_rows(named=True)
        if not is_waiting(files, row["path"])
    ]
    if arrived:
        for row in arrived:
            stamp = int(row["rendered_at"].timestamp() * 1000)
            row |= {"location": "store", "address": versioned(_address(files, row["path"], False), stamp)}
            _note_upload(settings, files, row["look_id"], row["render_no"], row["path"], False, run_id=run_id)
        merge_day(
            settings, LookRenders, day, pl.DataFrame(arrived, schema=there.schema), run_id=run_id,
            keys=["look_id", "render_no"],
        )  # fmt: skip
    return len(moved)


def is_waiting(files: FileSystem, path: str) -> bool:
    """Whether a file of the lake is still on the local disk only."""
    return files.remote is not None and files.remote.local.exists(f"outbox/{path}")


def _address(files: FileSystem, path: str, waiting: bool) -> str:
    if waiting and files.remote is not None:
        return str(files.remote.local.path(f"outbox/{path}"))
    return files.url(path)


def _order(manifest: dict[str, Any], prompt: dict[str, Any], seed: int) -> Order:
    return Order(
        prompt["look_id"],
        tuple(json.loads(manifest["outfits"])),
        prompt["prompt"],
        prompt["avoid_suffix"] or "",
        tuple(prompt["negative_phrases"]),
        seed,
    )


def _image_model(settings: Settings) -> str | None:
    from creative_lab.state.db import session_scope
    from creative_lab.state.models import LookControl

    with session_scope(settings) as session:
        return LookControl.get_instance(session).image_model
