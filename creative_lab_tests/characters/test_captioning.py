"""Captions through a server that looks at pictures, and through a model of our own: every outcome and its cost."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from creative_lab.characters import work
from creative_lab.characters.captioning import PERSON, caption_pictures, plan_captions, summary
from creative_lab.characters.errors import CaptionerMissing, CharacterError
from creative_lab.characters.record import (
    Character,
    definition_versions,
    find_character,
    new_character,
    write_captions,
)
from creative_lab.lake.events import flush_events
from creative_lab.lake.tables import TableStore
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.vision.models import VisionModels
from creative_lab_tests.characters.vision_server import serve

GOOD = "abc_man waving in the park at dawn, close-up, soft light"


@pytest.fixture
def character(migrated_lab: Settings, tmp_path: Path) -> Character:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 255, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    with db.session_scope(migrated_lab) as session:
        return new_character(migrated_lab, session, "abc", folder=folder, trigger="abc_man").character


def with_server(settings: Settings, api_base: str) -> Settings:
    return settings.model_copy(
        update={"profile": "studio", "llm_api_base": api_base, "hosted_model": "eyes", "offline": True}
    )


def test_every_picture_is_sent_and_its_outcome_kept(migrated_lab: Settings, character: Character) -> None:
    waits: list[float] = []
    with serve(GOOD, '"A happy man waving in a red coat, in the park at dawn, close-up"', GOOD) as server:
        settings = with_server(migrated_lab, server.api_base)
        models = VisionModels(settings)
        assert plan_captions(settings, character, models) == ("eyes", 3, 0)
        assert server.requests == []
        outcomes = caption_pictures(settings, character, models, run_id="r1", sleep=waits.append)
        assert [outcome.judged.status for outcome in outcomes] == ["ready", "mended", "ready"]
        assert outcomes[1].judged.caption == "happy abc_man waving, in the park at dawn, close-up"
        assert [outcome.attempts for outcome in outcomes] == [1, 1, 1]
        assert waits == [0.5, 0.5]
        assert plan_captions(settings, character, models) == ("eyes", 0, 3)
        again = caption_pictures(settings, character, models, run_id="r2", sleep=waits.append)
        assert len(server.requests) == 3
    assert [outcome.judged for outcome in again] == [outcome.judged for outcome in outcomes]
    assert all(outcome.kept and outcome.attempts == 0 for outcome in again)
    assert (summary(again).skipped, summary(again).processed, summary(again).cost_usd) == (3, 0, 0.0)
    parts = server.requests[0]["messages"][0]["content"]
    sent = Image.open(io.BytesIO(base64.b64decode(parts[1]["image_url"]["url"].partition(",")[2])))
    assert sent.size == (48, 40)
    assert "Begin with the word abc_man" in parts[0]["text"]
    assert server.requests[0]["max_tokens"] == 150
    assert server.requests[0]["temperature"] == 0.7
    flush_events(settings)
    events = TableStore(settings).read("pipeline_events").filter(pl.col("stage") == "caption")
    assert events["character"].to_list() == ["abc"] * 3
    assert TableStore(settings).read("llm_calls").height == 3


def test_a_refusal_is_asked_about_again_and_never_kept_as_a_caption(
    migrated_lab: Settings, character: Character
) -> None:
    refusal = "I'm sorry, but I can't help with that."
    with serve(refusal, GOOD, GOOD, refusal) as server:
        settings = with_server(migrated_lab, server.api_base)
        outcomes = caption_pictures(settings, character, VisionModels(settings), run_id="r", sleep=lambda _: None)
        assert len(server.requests) == 6
    assert [(outcome.judged.status, outcome.attempts) for outcome in outcomes] == [
        ("ready", 2), ("ready", 1), ("refused", 3),
    ]  # fmt: skip
    counted = summary(outcomes)
    assert (counted.total, counted.processed, counted.failed) == (3, 2, 1)
    assert counted.errors[0].startswith("2: the captioner declined")


def test_a_busy_server_is_waited_for_and_a_dead_one_fails_one_picture_only(
    migrated_lab: Settings, character: Character
) -> None:
    waits: list[float] = []
    with serve(429, 429, GOOD, 500, 500, 500, GOOD) as server:
        settings = with_server(migrated_lab, server.api_base)
        outcomes = caption_pictures(settings, character, VisionModels(settings), run_id="r", sleep=waits.append)
        assert [outcome.judged.status for outcome in outcomes] == ["ready", "failed", "ready"]
        assert waits == [2.0, 4.0, 0.5, 2.0, 2.0, 0.5]
        # Only what failed is asked about in the next run.
        outcomes = caption_pictures(settings, character, VisionModels(settings), run_id="r2", sleep=waits.append)
        assert len(server.requests) == 8
    assert [outcome.kept for outcome in outcomes] == [True, False, True]


def test_without_a_model_there_is_one_clear_error_and_no_caption(migrated_lab: Settings, character: Character) -> None:
    bare = migrated_lab.model_copy(update={"profile": "studio"})
    with pytest.raises(CaptionerMissing, match=r"no captions for abc: .* is not on this machine"):
        caption_pictures(bare, character, VisionModels(bare), run_id="r")
    hosted = migrated_lab.model_copy(update={"profile": "hosted"})
    with pytest.raises(CaptionerMissing, match="needs a key: set CREATIVE_LAB_OPENAI_API_KEY"):
        caption_pictures(hosted, character, VisionModels(hosted), run_id="r")


class Fixed:
    """A captioner of our own that says prepared sentences."""

    slug = "fixed"

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def caption(self, pictures: Sequence[np.ndarray], *, prompt: str | None = None) -> list[str]:
        return list(self.texts[: len(pictures)])


class ModelsWith(VisionModels):
    """Vision models whose captioner is given."""

    def __init__(self, settings: Settings, captioner: Any) -> None:
        super().__init__(settings)
        self._given = captioner

    def missing(self, role: Any) -> str:
        return "" if role == "caption" else super().missing(role)

    def captioner(self) -> Any:
        return self._given


def test_a_local_model_s_captions_go_by_the_same_rules(migrated_lab: Settings, character: Character) -> None:
    models = ModelsWith(
        migrated_lab,
        Fixed("a calm person with red curly hair in a coat reading in the library at night, medium shot", GOOD, "."),
    )
    outcomes = caption_pictures(migrated_lab, character, models, run_id="r")
    assert outcomes[0].judged.caption == "calm abc_man reading in the library at night, medium shot"
    assert [outcome.judged.status for outcome in outcomes] == ["mended", "ready", "failed"]
    assert {outcome.captioner for outcome in outcomes} == {"fixed"}


def test_what_a_person_wrote_goes_before_the_model_even_when_it_is_asked_again(
    migrated_lab: Settings, character: Character
) -> None:
    models = ModelsWith(migrated_lab, Fixed(GOOD, GOOD, GOOD))
    caption_pictures(migrated_lab, character, models, run_id="r")
    own = "abc_man asleep under the kitchen table at noon, wide shot"
    with db.session_scope(migrated_lab) as session:
        with pytest.raises(CharacterError, match="no picture called '9'; there are: 0, 1, 2"):
            write_captions(session, "abc", {"1": own, "9": own})
        assert not find_character(session, "abc").captions, "all or nothing"
        before = definition_versions(session)
        changed = write_captions(session, "abc", {"1.png": own, "2": "a man in a red coat waving in the park at dawn"})
        assert definition_versions(session) != before
    for redo in (False, True):
        found = caption_pictures(migrated_lab, changed, models, run_id="r", redo=redo)
        assert [item.captioner for item in found] == ["fixed", PERSON, PERSON]
        assert found[1].judged.caption == own and found[1].judged.status == "ready"
        assert found[2].judged.caption == "abc_man waving in the park at dawn", "the same rules"
    with db.session_scope(migrated_lab) as session:
        cleared = write_captions(session, "abc", {"1": "", "2": " "})
    assert {item.captioner for item in caption_pictures(migrated_lab, cleared, models, run_id="r")} == {"fixed"}


def test_kept_replies_follow_a_new_trigger(migrated_lab: Settings, character: Character) -> None:
    models = ModelsWith(migrated_lab, Fixed(GOOD, GOOD, GOOD))
    caption_pictures(migrated_lab, character, models, run_id="r")
    renamed = character.model_copy(update={"trigger": "abc_zzz"})
    for item in caption_pictures(migrated_lab, renamed, models, run_id="r"):
        assert item.kept and item.judged.caption == GOOD.replace("abc_man", "abc_zzz")


def test_the_report_lists_what_was_mended_and_what_needs_a_person(migrated_lab: Settings, character: Character) -> None:
    with serve(GOOD, "a man in a red coat waving in the park at dawn, close-up", "I can't help with that.") as server:
        settings = with_server(migrated_lab, server.api_base)
        made = work.caption_rows(settings, "abc", run_id="r")
    text = made.report.read_text()
    assert "3 pictures: 2 captioned, 0 kept from before, 1 without a usable caption" in text
    assert text.index("## Needs a person (1)") < text.index("## Mended (1)") < text.index("## As the captioner")
    assert "the captioner declined" in text
    written = TableStore(settings).write(
        "captions", made.frame, partition={"character": "abc"}, run_id="r", backend="studio"
    )
    assert written[0].rows == 3
