"""A day through Dagster: dealt, written, checked, with events; by the offline writer and by a model over HTTP."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dagster as dg
import polars as pl
import pytest

from creative_lab.lake.events import flush_events
from creative_lab.lake.io_manager import TableIOManager
from creative_lab.lake.tables import TableStore
from creative_lab.looks import assets
from creative_lab.looks.checks import look_prompt_checks
from creative_lab.looks.days import merge_day
from creative_lab.looks.importing import bootstrap_looks
from creative_lab.looks.manifests import deal_day
from creative_lab.looks.prompt_ids import PromptId
from creative_lab.looks.prompts import write_day
from creative_lab.looks.tables import LearnedIntel, LookPrompts, TargetDials
from creative_lab.settings import Settings, get_settings
from creative_lab.state import db
from creative_lab.state.models import LookControl, WardrobeGarment

DAY = "2026-05-04"


@pytest.fixture
def looks_lab(reference_lab: Settings) -> Settings:
    with db.session_scope(reference_lab) as session:
        bootstrap_looks(session, reference_lab)
        LookControl.get_instance(session).looks_per_day = 4
    return reference_lab


def run(day: str, **config: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [assets.look_manifests, assets.look_prompts, look_prompt_checks],
        partition_key=day,
        resources={"io_manager": TableIOManager()},
        instance=dg.DagsterInstance.ephemeral(),
        run_config={"ops": {name: {"config": given} for name, given in config.items()}},
        raise_on_error=False,
    )


def rows(settings: Settings, table: str, day: str = DAY) -> pl.DataFrame:
    return TableStore(settings).read(table, [{"day": day}])


def events(settings: Settings) -> pl.DataFrame:
    flush_events(settings)
    return TableStore(settings).scan("pipeline_events").collect()


def test_a_day_is_dealt_once_numbered_on_and_written_with_an_event_for_every_stage(looks_lab: Settings) -> None:
    result = run(DAY)
    assert result.success
    checks = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
    assert checks == {"scene_lock": True, "brand_guard": True}
    manifests, prompts = rows(looks_lab, "look_manifests"), rows(looks_lab, "look_prompts")
    assert manifests["prompt_id"].to_list() == [f"P-000{number}-20260504" for number in (1, 2, 3, 4)]
    assert prompts["look_id"].to_list() == manifests["look_id"].to_list()
    assert set(prompts["status"].cast(pl.String)) == {"ok"}
    assert set(prompts["model"]) == {"embedded/stylist"}
    assert prompts["scene_hash"].n_unique() == 1
    log = events(looks_lab)
    for stage in ("select", "compose", "validate", "negative"):
        of_stage = log.filter(pl.col("stage") == stage)
        assert set(of_stage["look_id"]) == set(manifests["look_id"]), stage
    assert log.filter(pl.col("stage") == "select").height == 4

    # Again: nothing is missing. Then a second batch, whose numbers go on and whose outfits are new.
    before = rows(looks_lab, "look_manifests")
    assert run(DAY).success
    assert rows(looks_lab, "look_manifests").equals(before)
    assert run(DAY, look_manifests={"extra": 3}).success
    after = rows(looks_lab, "look_manifests")
    assert after["prompt_id"].to_list()[4:] == [f"P-000{number}-20260504" for number in (5, 6, 7)]
    assert after["batch_id"].n_unique() == 2
    assert after.head(4).equals(before)
    hashes = [value for found in after["outfit_hashes"].to_list() for value in found]
    assert len(set(hashes)) == len(hashes)
    assert rows(looks_lab, "look_prompts").height == 7
    assert events(looks_lab).filter(pl.col("stage") == "select").height == 7

    # A crash after the file and before the numbers were kept: the next batch respects what the file knows.
    from creative_lab.state.models import LookPromptId

    with db.session_scope(looks_lab) as session:
        session.query(LookPromptId).filter(LookPromptId.number > 4).delete()
    more = deal_day(looks_lab, date(2026, 5, 4), run_id="later", extra=1)
    assert more.new_look_ids == ("2026-05-04-0008",)
    assert deal_day(looks_lab, date(2026, 5, 4), run_id="later", extra=1).new_look_ids == ()

    # Somebody edits a stored prompt: the checks turn red and name it, and nothing after them would run.
    stored = rows(looks_lab, "look_prompts").head(1)
    spoilt = stored.with_columns(prompt=pl.col("prompt").str.replace("white seamless backdrop", "luxury set"))
    merge_day(looks_lab, LookPrompts, DAY, spoilt, run_id="x", keys=["look_id"])
    red = {one.check_name: one for one in run(DAY).get_asset_check_evaluations()}
    assert not red["scene_lock"].passed
    assert "SCENE DRIFT" in str(red["scene_lock"].description)
    assert "forbidden_vocab:luxury" in str(red["brand_guard"].description)


def _deal(name: str, rounds: int) -> None:
    settings = get_settings()
    for number in range(rounds):
        deal_day(settings, date.fromisoformat(DAY), run_id=f"{name}{number}", extra=4)
    db.dispose(settings)


def test_batches_dealt_by_two_processes_at_once_lose_no_row_share_no_number_and_repeat_no_outfit(
    looks_lab: Settings,
) -> None:
    db.dispose(looks_lab)
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_deal, args=(name, 3)) for name in ("a", "b")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0, 0]
    dealt = rows(looks_lab, "look_manifests")
    assert [PromptId.parse(text).number for text in dealt["prompt_id"]] == list(range(1, 25))
    assert dealt["batch_id"].n_unique() == 6
    hashes = [value for found in dealt["outfit_hashes"].to_list() for value in found]
    assert len(set(hashes)) == len(hashes) == 72


def test_what_is_learned_on_a_day_acts_on_the_next_and_not_on_that_day(looks_lab: Settings) -> None:
    skirt = "semaphore-skirt"
    learned = {
        "kind": "kill_phrase", "scope_kind": "all", "scope_key": None, "text": "visible price tags", "status": "active",
        "support": 3, "mean_score": 1.5, "first_seen": DAY, "last_used": None, "reason": "three low grades",
        "intel_id": "k1",
    }  # fmt: skip
    dial = {
        "item_kind": "garment", "item_key": skirt, "target_pct": 100.0, "previous_pct": 4.0, "locked": False,
        "realised_pct": None, "reason": "test",
    }  # fmt: skip
    merge_day(looks_lab, LearnedIntel, DAY, pl.DataFrame([learned]), run_id="r", keys=["day", "intel_id"])
    merge_day(looks_lab, TargetDials, DAY, pl.DataFrame([dial]), run_id="r", keys=["day", "item_key"])
    for number, (day, acts) in enumerate(((DAY, False), ("2026-05-05", True), ("2026-05-03", False))):
        local = date.fromisoformat(day)
        dealt = deal_day(looks_lab, local, run_id=f"r{number}").rows
        written = write_day(looks_lab, local, run_id=f"r{number}")
        said = any("visible price tags" in suffix for suffix in written["avoid_suffix"])
        worn = sum(skirt in keys for keys in dealt["garment_ids"].to_list())
        assert said is acts
        assert (worn >= 3) is acts


def test_an_empty_wardrobe_and_an_impossible_one_say_so(looks_lab: Settings) -> None:
    with db.session_scope(looks_lab) as session:
        for garment in session.query(WardrobeGarment):
            garment.is_active = garment.category in {"coat", "boots"}
    result = run(DAY)
    assert result.success
    dealt = rows(looks_lab, "look_manifests")
    assert set(dealt["status"].cast(pl.String)) == {"exhausted"}
    assert dealt["prompt_id"].null_count() == 4
    failed = events(looks_lab).filter((pl.col("stage") == "select") & (pl.col("status").cast(pl.String) == "fail"))
    assert failed.height == 4
    assert failed["reason"].str.starts_with("dedup_exhausted").all()
    assert rows(looks_lab, "look_prompts").is_empty()
    with db.session_scope(looks_lab) as session:
        for garment in session.query(WardrobeGarment):
            garment.is_active = False
    failure = run("2026-05-05").failure_data_for_node("look_manifests")
    assert failure is not None
    assert "the wardrobe has no active garments: run creative-lab looks import" in str(failure.error)


class _Model(BaseHTTPRequestHandler):
    """A chat model that answers from the manifest in its prompt, with chatter around its JSON."""

    protocol_version = "HTTP/1.1"
    status = 200
    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        user = body["messages"][1]["content"]
        manifest, _ = json.JSONDecoder().raw_decode(user[user.index("{") :])
        lines = []
        for model in manifest["models"]:
            pieces = [model["hero"], *model["slots"]]
            words = ", ".join(f"the {piece['name']} in {piece['colour']}, luxury cloth" for piece in pieces)
            lines.append(
                {"index": model["index"], "garment_line": words, "garments": [piece["name"] for piece in pieces]}
            )
        short = 120 - sum(len(line["garment_line"].split()) for line in lines)
        lines[0]["garment_line"] += ", plain to the hem" * max(0, short // 4)
        text = "Here you are:\n```json\n" + json.dumps({"models": lines, "exclusions": ["hats"]}) + "\n```\nEnjoy {it}!"
        reply = {
            "id": "1", "object": "chat.completion", "created": 1, "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 900, "completion_tokens": 300, "total_tokens": 1200},
        }  # fmt: skip
        data = json.dumps(reply if self.status == 200 else {"error": {"message": "bad key"}}).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def serving() -> Iterator[tuple[str, type[_Model]]]:
    handler = type("Model", (_Model,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_a_hosted_model_writes_the_lines_and_a_failed_call_leaves_the_look_for_the_next_run(
    looks_lab: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2026, 5, 4)
    with db.session_scope(looks_lab) as session:
        control = LookControl.get_instance(session)
        control.prompt_model, control.looks_per_day = "loopback/gemini-2.5-flash", 2
    with serving() as (address, model):
        monkeypatch.setenv("CREATIVE_LAB_PROFILE", "hosted")
        monkeypatch.setenv("CREATIVE_LAB_LLM_API_BASE", address)
        get_settings.cache_clear()
        settings = get_settings()
        deal_day(settings, day, run_id="r1")
        model.status = 401
        with pytest.raises(Exception, match=r"401|bad key"):
            write_day(settings, day, run_id="r1")
        assert rows(settings, "look_prompts").is_empty()
        model.status = 200
        written = write_day(settings, day, run_id="r2")
    assert set(written["status"].cast(pl.String)) == {"ok"}, written["reasons"].to_list()
    assert set(written["provider"]) == {"openai-compatible"}
    assert set(written["backend"].cast(pl.String)) == {"hosted"}
    assert all("luxury>craft" in found for found in written["substitutions"].to_list())
    assert not any("luxury" in prompt for prompt in written["prompt"])
    asked = [one for one in model.asked if one["messages"][0]["role"] == "system"]
    system = asked[-1]["messages"][0]["content"]
    assert system.index("## 1. Base rules") == 0
    assert "You write the garment lines" in system
    failed = events(settings).filter((pl.col("stage") == "compose") & (pl.col("status").cast(pl.String) == "fail"))
    assert failed.height == 2
    assert PromptId.parse(written["prompt_id"][0]).day == day
    monkeypatch.delenv("CREATIVE_LAB_PROFILE")
    get_settings.cache_clear()
