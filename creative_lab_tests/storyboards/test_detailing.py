"""Small faces drawn anew: which ones, with which words, and that a worse face never replaces a better one."""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import draw_scene
from creative_lab.imaging.errors import ImagingError
from creative_lab.imaging.generation import Generation, Picture
from creative_lab.imaging.parameters import PictureRequest
from creative_lab.imaging.recipe import Recipe
from creative_lab.imaging.redrawing import blend_in
from creative_lab.lake.pictures import PictureStore
from creative_lab.lake.schemas import table_frame, table_info
from creative_lab.lake.tables import TableStore
from creative_lab.settings import Settings
from creative_lab.storyboards import detailing
from creative_lab.storyboards.choosing import Check
from creative_lab.storyboards.judging import Quality
from creative_lab.storyboards.prompts import DrawnPrompt
from creative_lab.vision.models import VisionModels
from creative_lab_tests.storyboards.conftest import _lab, give_lora, go, keep, with_tiny_models

LEAD, STRANGER = Identity.from_seed(81), Identity.from_seed(97)
SCENES = [
    {"description": "Mara smiles", "prompt": "medium close-up of Mara, in the park at noon", "shot": "MCU"},
    {
        "description": "Mara waves",
        "prompt": "medium wide shot of Mara waving next to a kite, in the park",
        "shot": "MWS",
    },
]


def drawn(identity: Identity, shot: str, seed: int, side: int = 128) -> Image.Image:
    scene = sample_scene(seed, identity=identity, people=1, shot=shot)
    return Image.fromarray(draw_scene(scene, side, side).pixels)


class WorldStudio:
    """Draws scene 1 with the lead and scene 2 with a stranger; what the parts of faces show is up to the test."""

    def __init__(self, parts: list[Identity] | ImagingError) -> None:
        self.parts, self.requests = parts, list[PictureRequest]()

    def generate(self, request: PictureRequest, *, cancelled: Any = None) -> Generation:
        self.requests.append(request)
        made = []
        for number, seed in enumerate(request.seeds or ()):
            if request.redraw:
                if isinstance(self.parts, ImagingError):
                    raise self.parts
                image = blend_in(
                    request.redraw.image, drawn(self.parts[number], "medium close-up", 3), request.redraw.square,
                    request.redraw.upscale,
                )  # fmt: skip
            else:
                near = request.prompt.startswith("medium close-up")
                image = drawn(LEAD if near else STRANGER, "medium close-up" if near else "medium wide shot", 3)
            recipe = Recipe(
                prompt=request.prompt, drawn_prompt=request.prompt, model=request.model, width=128, height=128,
                steps=2, guidance_scale=3.0, seed=seed, backend="miniature",
                drawn_at=datetime.datetime.now(datetime.UTC),
            )  # fmt: skip
            made.append(Picture(image, seed, recipe))
        return Generation(made, request.model, None, "miniature", batches=[len(made)])


@pytest.fixture
def seeing_lab(
    migrated_lab: Settings, tmp_path: Path, tiny_xl: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:  # fmt: skip
    """A lab with the shipped face pack, whose studio the test brings along."""
    settings = _lab(with_tiny_models(tmp_path, tiny_xl, vision=True), monkeypatch)
    give_lora(settings, tiny_xl / "mara.safetensors")
    return settings


def board(lab: Settings, studio: WorldStudio, method: str = "reference_guided", **changes: Any) -> Any:
    source = {"kind": "scenes", "scenes": SCENES, "character": "mara"}
    given = {"num_variations": 2, "attempts": 1, "enhancement": False} | changes
    key = "-".join([method.replace("_", "-"), *map(str, changes)]).replace("_", "-")
    keep(lab, key=key, method=method, source=source, settings=given)
    return go(lab, key, studio=studio)


def test_a_small_face_becomes_the_leads_and_the_row_says_so(seeing_lab: Settings) -> None:
    studio = WorldStudio([STRANGER, LEAD])
    made = board(seeing_lab, studio)
    first, second = made.frames()
    assert first["redrawn_from"] is None, "a face from nearby is left alone"
    assert second["face_similarity"] > 0.5 and "face drawn anew from nearby: likeness" in second["reason"]
    assert (second["attempt"], second["candidate"], second["attempts"]) == (1, 1, 1)
    assert second["seed"] == 42 + 1000 + 10 + 1, "its seed follows the rule of tries"
    assert second["redraw_prompt"] == "medium close-up of Mara waving, in the park"
    assert second["prompt"] == SCENES[1]["prompt"] and second["width"] == 384
    rows = made.tables["frame_candidates"].sort("scene", "attempt", "candidate").to_dicts()
    assert [row["attempt"] for row in rows] == [0, 0, 0, 0, 1, 1]
    assert {row["redrawn_from"] for row in rows[4:]} <= {row["sha256"] for row in rows[2:4]}
    part = next(request for request in studio.requests if request.redraw)
    assert part.control is None and part.reference is not None and part.loras
    ranks = made.tables["quality_scores"].filter(scene=2).sort("attempt", "candidate")["rank"].to_list()
    assert ranks[3] == 1 and sorted(ranks) == [1, 2, 3, 4]


def test_faces_that_are_less_alike_than_before_are_not_taken(seeing_lab: Settings) -> None:
    made = board(seeing_lab, WorldStudio([Identity.from_seed(5), Identity.from_seed(6)]))
    rows = made.tables["quality_scores"].filter(scene=2)
    old, new = (rows.filter(attempt=attempt)["face_similarity"].max() for attempt in (0, 1))
    assert new < old, "these strangers are still less like the lead"
    second = made.frames()[1]
    assert second["redrawn_from"] is None and second["attempt"] == 0 and second["face_similarity"] == old


def test_where_faces_guide_a_face_is_drawn_anew_until_it_is_like_enough(seeing_lab: Settings) -> None:
    def rounds(**changes: Any) -> int:
        rows = board(seeing_lab, WorldStudio([LEAD, LEAD]), **changes).tables["frame_candidates"]
        return int(rows.filter(scene=2)["attempt"].n_unique()) - 1

    assert rounds(face_threshold=0.3) == 1, "the first new face is like enough"
    assert rounds(face_threshold=0.999) == detailing.ROUNDS


def test_whoever_switches_it_off_or_cannot_do_it_keeps_the_picture(seeing_lab: Settings) -> None:
    studio = WorldStudio([LEAD, LEAD])
    off = board(seeing_lab, studio, redraw_faces=False).frames()[1]
    assert off["redrawn_from"] is None and not any(request.redraw for request in studio.requests)
    second = board(seeing_lab, WorldStudio(ImagingError("this model cannot")), base_seed=7).frames()[1]
    assert second["status"] == "chosen" and "left as it was: this model cannot" in second["fallback"]


def give_pictures(settings: Settings, identity: Identity) -> None:
    """Six training pictures of the character; the first is damaged and left out."""
    store, stored = PictureStore(settings), []
    for number in range(6):
        file = io.BytesIO()
        drawn(identity, "close-up", 40 + number).save(file, "PNG")
        stored.append(store.put(file.getvalue()))
    rows = [
        {
            "character": "mara", "picture": f"{number}.png", "path": one.path, "sha256": one.sha256, "mode": "RGB",
            "width": 128, "height": 128, "caption": "mara_woman", "used": number != 0, "left_out": None, "warnings": [],
            "base_model": "miniature-xl",
        }
        for number, one in enumerate(stored)
    ]  # fmt: skip
    rows[0]["path"] = "gone"
    schema = table_info("training_set").schema
    TableStore(settings).write(
        "training_set", table_frame(schema, rows), partition={"character": "mara"}, run_id="r", backend="miniature"
    )


def test_frame_1_is_guided_by_the_characters_own_picture_and_likeness_to_them_is_a_column(seeing_lab: Settings) -> None:
    give_pictures(seeing_lab, LEAD)
    studio = WorldStudio([STRANGER, LEAD])
    made = board(seeing_lab, studio)
    first, second = made.frames()
    assert studio.requests[0].reference is not None
    assert first["reference_scene"] is None and first["reference_crop"] == "the character's own picture, main face"
    assert second["reference_scene"] == 1 and second["reference_crop"] == "main face"
    near, far = (
        made.tables["quality_scores"].filter(scene=scene, attempt=0)["own_similarity"].max() for scene in (1, 2)
    )
    assert near > 0.6 > far


def test_a_first_frame_that_is_not_the_character_is_tried_again_and_the_most_alike_is_kept(
    seeing_lab: Settings,
) -> None:
    give_pictures(seeing_lab, STRANGER)
    first = board(seeing_lab, WorldStudio([LEAD, LEAD]), attempts=2).frames()[0]
    assert first["attempts"] == 2 and "own_similarity" in first["reason"] and "below" in first["reason"]
    mended = board(seeing_lab, WorldStudio([STRANGER, STRANGER]), attempts=2, base_seed=7).frames()[0]
    assert mended["redrawn_from"] is not None and mended["redraw_prompt"].startswith("close-up of")
    simple = board(seeing_lab, WorldStudio([STRANGER, STRANGER]), "simple", attempts=2).frames()[0]
    assert simple["attempts"] == 1 and simple["ip_adapter"] is None, "other methods are not guided by faces"


def test_every_coloured_method_draws_its_small_faces_anew(seeing_lab: Settings) -> None:
    for method in ("baseline", "simple"):
        studio = WorldStudio([LEAD, LEAD])
        made = board(seeing_lab, studio, method)
        frame = made.frames()[1]
        assert made.tables["frame_candidates"].filter(scene=2)["attempt"].n_unique() == 2, "once"
        part = next(request for request in studio.requests if request.redraw)
        assert part.reference is None and bool(part.loras) == (method == "simple")
        assert frame["redrawn_from"] is not None


def test_the_square_holds_head_and_shoulders_of_a_small_face_only(seeing_lab: Settings) -> None:
    with VisionModels(seeing_lab) as models:
        far = np.asarray(drawn(LEAD, "medium wide shot", 3, 384))
        part = detailing.face_part(models, far)
        assert part is not None and part.framing.shot == "medium close-up"
        left, top, side = part.square
        scene = sample_scene(3, identity=LEAD, people=1, shot="medium wide shot")
        box = draw_scene(scene, 384, 384).truth.people[0].landmarks.box
        assert left < box[0] and top < box[1] and box[2] < left + side and box[3] < top + side
        assert 0.3 < (box[3] - box[1]) / side < 0.8
        near = np.asarray(drawn(LEAD, "medium close-up", 3))
        assert detailing.face_part(models, near) is None
        head = detailing.face_part(models, near, unlike=True)
        assert head is not None and head.framing.shot == "close-up" and head.square[2] < 128
        assert detailing.face_part(models, np.asarray(drawn(LEAD, "close-up", 3)), unlike=True) is None
        assert detailing.face_part(models, np.full((64, 64, 3), 200, np.uint8), unlike=True) is None


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("medium wide shot of a, happy, walking with another person next to a dog and a kite, in the market at dawn",
         "medium close-up of a, happy, walking, in the market at dawn"),
        ("wide shot, low angle, of a calm person carrying something, in the park",
         "medium close-up of a calm person, in the park"),
        ("medium shot of b, happy, with another person, on the beach", "medium close-up of b, happy, on the beach"),
    ],
)  # fmt: skip
def test_the_worlds_models_are_told_of_the_person_and_the_place_alone(prompt: str, shown: str) -> None:
    made = DrawnPrompt(scene=1, enhanced_prompt=prompt, prompt=prompt, negative_prompt="", picture_model="miniature-xl")
    assert detailing.face_text(made, "medium close-up", world=True) == shown
    assert detailing.face_text(made, "close-up", world=True) == shown.replace("medium close-up", "close-up")
    assert detailing.face_text(made, "close-up", world=False) == prompt


def quality(overall: float | None, face: float | None = None, flaws: int = 0, accepted: bool = True) -> Quality:
    return Quality(1, 0, overall, accepted=accepted, face_similarity=face, check=Check(["no face"] * flaws))


def test_a_new_face_does_no_harm() -> None:
    old = quality(60, 0.3, accepted=False)
    assert detailing.better([quality(59, 0.5), quality(58, 0.6)], old, by_face=True) == 1
    assert detailing.better([quality(59, 0.5), quality(58, 0.6)], old, by_face=False) == 0
    assert detailing.better([quality(80, 0.3)], old, by_face=True) is None, "not more alike"
    assert detailing.better([quality(80, None)], old, by_face=True) is None, "the face is gone"
    assert detailing.better([quality(54, 0.9)], old, by_face=True) is None, "the picture suffers"
    assert detailing.better([quality(60, 0.9, flaws=1)], old, by_face=True) is None
    assert detailing.better([quality(60, 0.9, accepted=False)], quality(60, 0.8), by_face=True) is None
    assert detailing.better([quality(None, 0.9)], quality(None, None), by_face=True) == 0
    assert detailing.better([], old, by_face=True) is None
    first, other = quality(60), quality(60)
    first.own_similarity, other.own_similarity = 0.4, 0.5
    assert detailing.better([other], first, by_face=True) == 0
    assert detailing.better([first], other, by_face=True) is None, "frame 1 is compared with the character's pictures"
