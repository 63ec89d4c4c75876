"""Drawing a storyboard: scene after scene, tries, scores, the choice, and what later scenes take over from it.

One failed scene neither ends the run nor moves another one: rows say per scene what happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from creative_lab.storyboards import choosing, detailing, drawing
from creative_lab.storyboards.cinematographer import world_scene
from creative_lab.storyboards.drawing import CharacterLora, Drawn, Guidance, GuidingFace, Roles, Studio
from creative_lab.storyboards.frame_rows import (
    TAKEN,
    failed,
    frame_base,
    no_frame,
    pixels_of,
    png_of,
    with_threshold,
)
from creative_lab.storyboards.judging import Anchor, Judge, Quality
from creative_lab.storyboards.lasting import drawn_from, fallbacks_and_notes
from creative_lab.storyboards.ledger import Ledger, SceneDone
from creative_lab.storyboards.line_art import LineArtStudio
from creative_lab.storyboards.prompts import DrawnPrompt
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.references import face_crop
from creative_lab.storyboards.scenes import Scene
from creative_lab.storyboards.traces import Traces

if TYPE_CHECKING:
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.lake.pictures import PictureStore
    from creative_lab.settings import Settings

CODE_VERSION = 6
"""Part of every fingerprint: raise it when the same input should be drawn anew."""


@dataclass
class Easel:
    """Everything that drawing needs: who draws, who judges, where pictures go."""

    settings: Settings
    catalogue: Catalogue
    roles: Roles
    studio: Studio
    judge: Judge
    pictures: PictureStore
    ledger: Ledger
    traces: Traces
    lora: CharacterLora | None = None
    identity: dict[str, Any] | None = None
    own_picture: np.ndarray | None = None
    """A picture of the character (RGB), whose face guides frame 1 where faces guide."""
    own_pictures: Sequence[str] = ()
    """Names below the lake of the character's pictures that frames are compared with."""
    cancelled: Callable[[], bool] = lambda: False
    say: Callable[[str], None] = lambda _: None
    on_scene: Callable[[dict[str, Any]], None] = lambda _: None


@dataclass
class Board:
    """Rows of a drawn storyboard, by table."""

    frames: list[dict[str, Any]] = field(default_factory=list)
    candidates: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    redone: list[int] = field(default_factory=list)
    """Scenes that were drawn in this run."""
    kept: list[int] = field(default_factory=list)
    """Scenes that an earlier run had drawn from the same."""

    @property
    def complete(self) -> bool:
        """Whether every scene has its frame."""
        return all(row["status"] not in ("failed", "cancelled") for row in self.frames)


@dataclass
class _Tried:
    """One picture with everything about it, while its scene is worked on."""

    drawn: Drawn
    pixels: np.ndarray
    quality: Quality
    stored: dict[str, Any]
    data: bytes


def draw_storyboard(
    record: StoryboardRecord, scenes: Sequence[Scene], prompts: Mapping[int, DrawnPrompt], easel: Easel
) -> Board:
    """Draw every scene in order and return the rows. Only what no scene can survive raises: a missing model."""
    board, walk = Board(), _Walk(record, easel)
    easel.ledger.forget_after(len(scenes))
    for scene in scenes:
        if easel.cancelled() or easel.ledger.stop_asked:
            walk.stopped = True
        if walk.stopped:
            board.frames.append(no_frame(record, scene, "cancelled", "the run was stopped before this scene"))
            continue
        done = walk.scene(scene, prompts.get(scene.scene))
        board.frames.append(done.frame)
        board.candidates += done.candidates
        board.scores += done.scores
        easel.on_scene(done.frame)
        (board.kept if walk.reused else board.redone).append(scene.scene)
    return board


class _Walk:
    """The way through the scenes, and what each takes over from those before."""

    def __init__(self, record: StoryboardRecord, easel: Easel) -> None:
        self.record = record
        self.easel = easel
        self.stopped = False
        self.reused = False
        self.anchor: Anchor | None = None
        self.anchor_sha: str | None = None
        self.face: GuidingFace | None = None
        self.face_sha: str | None = None
        self.basis = drawn_from(
            record, easel.catalogue, easel.roles, judges=easel.judge.models, own_pictures=easel.own_pictures
        )
        own = easel.own_picture
        if own is not None and record.method == "reference_guided" and not easel.roles.hosted:
            from creative_lab.imaging.recipe import picture_sha256

            crop = face_crop(easel.judge.models, own)
            self.face = GuidingFace(crop.image, f"the character's own picture, {crop.how}", None)
            self.face_sha = picture_sha256(crop.image)

    def scene(self, scene: Scene, prompt: DrawnPrompt | None) -> SceneDone:
        began = time.perf_counter()
        self.reused = False
        if scene.scene == 1 and self.record.reference is not None:
            return self._given(scene)
        if prompt is None:
            return failed(self.record, scene, "there is no prompt for this scene", time.perf_counter() - began)
        mark = self._fingerprint(scene, prompt)
        known = self.easel.ledger.find(scene.scene, mark)
        if known is not None:
            self.reused = True
            self.easel.say(f"scene {scene.scene}: as it was")
            # The picture stays; words, timing and threshold are those of now.
            frame = known.frame | frame_base(self.record, scene)
            known = known.model_copy(update={"frame": with_threshold(frame, self.record.settings.quality_threshold)})
            self._take_over(scene, known.frame)
            return known
        done = self._draw(scene, prompt, mark, began)
        if done.frame["status"] in ("chosen", "fallback"):
            self.easel.ledger.keep(scene.scene, done)
            self._take_over(scene, done.frame)
        self.easel.say(f"scene {scene.scene}: {done.frame['status']}, {done.frame['reason']}")
        return done

    # --- one scene

    def _draw(self, scene: Scene, prompt: DrawnPrompt, mark: str, began: float) -> SceneDone:
        from creative_lab.imaging.errors import Cancelled, ImagingError, ModelNotHere, PassingError, UnsafeModel

        tried: list[_Tried] = []
        notes: list[str] = []
        plain: str | None = None
        replaced: list[str] = []
        try:
            attempts = self._tries(scene, prompt, tried, notes, replaced)
        except Cancelled:
            self.stopped = True
            if not tried:
                frame = no_frame(self.record, scene, "cancelled", "the run was stopped while this scene was drawn")
                return SceneDone(fingerprint=mark, frame=frame, candidates=[], scores=[])
            attempts = tried[-1].drawn.attempt + 1
            notes.append("stopped during a further try")
        except (ModelNotHere, UnsafeModel):
            raise  # no scene could be drawn: say it once
        except (ImagingError, PassingError, RuntimeError, OSError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            try:
                attempts = self._plain_try(scene, prompt, tried)
            except (ImagingError, PassingError, RuntimeError, OSError, ValueError) as second:
                if not tried:
                    return failed(self.record, scene, f"{reason}; again with the plain prompt: {second}",
                                   time.perf_counter() - began)  # fmt: skip
                attempts = tried[-1].drawn.attempt + 1
            plain = f"after an error the plain prompt was drawn, one picture: {reason}"
        order = self._rank(tried)
        why = self._new_faces(scene, prompt, tried, order, replaced) if plain is None else None
        status = "chosen" if plain is None else "fallback"
        said = ([plain] if plain else []) + replaced, notes
        return self._chosen(scene, tried, order, attempts, status, said, why, mark, began)

    def _new_faces(
        self, scene: Scene, prompt: DrawnPrompt, tried: list[_Tried], order: list[int], replaced: list[str]
    ) -> str | None:
        """Draw a small face anew; where faces guide up to three times, until it is good enough.

        Returns why the picture with the new face was taken, or None when none was. New pictures join ``tried`` and
        ``order``: first where one is better, else last. A failure goes to ``replaced``: the scene has its picture.
        """
        from creative_lab.imaging.errors import Cancelled, ImagingError, PassingError

        method, old = self.record.method, tried[order[0]]
        if not self.record.settings.redraw_faces or method == "wireframe" or self.easel.roles.hosted:
            return None
        guided = method == "reference_guided"
        for number in range(detailing.ROUNDS if guided else 1):
            best = tried[order[0]]
            if self.stopped or not scene.expected_faces or (number and best.quality.accepted):
                break
            try:
                fresh = self._new_face(scene, prompt, tried, best, unlike=guided and not best.quality.accepted)
            except Cancelled:
                self.stopped = True
                break
            except (ImagingError, PassingError, RuntimeError, OSError, ValueError) as error:
                replaced.append(f"the small face was left as it was: {error}")
                break
            if not fresh:
                break
            places = list(range(len(tried), len(tried) + len(fresh)))
            tried += fresh
            winner = detailing.better([item.quality for item in fresh], best.quality, by_face=guided)
            first = [] if winner is None else [places.pop(winner)]
            order[:] = [*first, *order, *places]
        taken = tried[order[0]]
        return None if taken is old else detailing.said_of(old.quality, taken.quality)

    def _new_face(
        self, scene: Scene, prompt: DrawnPrompt, tried: Sequence[_Tried], best: _Tried, *, unlike: bool
    ) -> list[_Tried]:
        """Pictures like ``best`` with its main face drawn anew; none where it needs no new one."""
        part = detailing.face_part(self.easel.judge.models, best.pixels, unlike=unlike)
        if part is None:
            return []
        drawn = detailing.redraw_face(
            self.easel.studio, self.record, scene, prompt, self._guidance(scene, prompt), best.drawn,
            best.stored["sha256"], part, roles=self.easel.roles,
            attempt=max(item.drawn.attempt for item in tried) + 1,
            cancelled=lambda: self.easel.cancelled() or self.easel.ledger.stop_asked,
        )  # fmt: skip
        return self._scored(scene, prompt, drawn)

    def _tries(
        self, scene: Scene, prompt: DrawnPrompt, tried: list[_Tried], notes: list[str], replaced: list[str]
    ) -> int:
        """Draw until something passes or the tries are used up; returns how many there were.

        What was done instead of what was asked goes to ``replaced``, anything else worth saying to ``notes``.
        """
        from creative_lab.imaging.errors import OutOfMemory

        settings = self.record.settings
        guidance = self._guidance(scene, prompt)
        scale = settings.guidance_scale
        for attempt in range(settings.attempts):
            try:
                drawn = self._draw_try(scene, prompt, guidance, attempt, scale)
            except OutOfMemory as error:
                if guidance.reference is None and guidance.control is None:
                    raise
                # Without adapters the same model needs half the memory.
                guidance = self._without_adapters(guidance)
                replaced.append(f"out of memory: drawn in the simple way ({error})")
                drawn = self._draw_try(scene, prompt, guidance, attempt, scale)
            fresh = self._scored(scene, prompt, drawn)
            tried += fresh
            if any(item.quality.accepted for item in fresh) or attempt == settings.attempts - 1:
                return attempt + 1
            best = fresh[self._rank(fresh)[0]]
            used = best.drawn.columns["guidance_scale"]
            if used is not None and best.quality.check is not None:
                scale, why = choosing.nudged(float(used), best.quality.check.anomalies)
                if why:
                    notes.append(f"try {attempt + 2}: {why}")
        return settings.attempts

    def _draw_try(
        self, scene: Scene, prompt: DrawnPrompt, guidance: Guidance, attempt: int, scale: float | None
    ) -> list[Drawn]:
        return drawing.draw_try(
            self._studio(scene),
            self.record,
            scene,
            prompt,
            guidance,
            roles=self.easel.roles,
            attempt=attempt,
            guidance_scale=scale,
            size=self._size(scene),
            cancelled=lambda: self.easel.cancelled() or self.easel.ledger.stop_asked,
        )

    def _plain_try(self, scene: Scene, prompt: DrawnPrompt, tried: list[_Tried]) -> int:
        """One picture of the plain prompt without guidance, after an error."""
        attempt = tried[-1].drawn.attempt + 1 if tried else 0
        plain = Guidance(columns=drawing.no_conditioning(), notes=("plain prompt after an error",))
        drawn = drawing.draw_try(
            self._studio(scene), self.record, scene, prompt, plain, roles=self.easel.roles, attempt=attempt,
            guidance_scale=self.record.settings.guidance_scale, size=self._size(scene), variations=1,
            text=prompt.enhanced_prompt,
        )  # fmt: skip
        tried += self._scored(scene, prompt, drawn)
        return attempt + 1

    def _studio(self, scene: Scene) -> Studio:
        if self.record.method == "wireframe" and self.easel.roles.world:
            return LineArtStudio(
                world_scene(scene), who=scene.character or scene.source_key, identity=self.easel.identity
            )
        return self.easel.studio

    def _size(self, scene: Scene) -> tuple[int | None, int | None]:
        """Width and height: the record's, else 1280 × 720 for scripts, else the model's own."""
        settings = self.record.settings
        if settings.width is not None or settings.height is not None or self.easel.roles.world:
            return settings.width, settings.height
        return (1280, 720) if scene.source == "script" else (None, None)

    def _guidance(self, scene: Scene, prompt: DrawnPrompt) -> Guidance:
        width, height = self._size(scene)
        if not self.easel.roles.hosted:
            preset = self.easel.catalogue.model(self.easel.roles.picture)
            width = preset.default_width if width is None else width
            height = preset.default_height if height is None else height
        made = drawing.guidance_of(
            self.record,
            scene,
            prompt,
            catalogue=self.easel.catalogue,
            roles=self.easel.roles,
            lora=self.easel.lora,
            face=self.face,
            size=(width or 1024, height or 1024),
        )
        if made.control_image is not None:
            made.columns["control_path"] = self.easel.pictures.put(png_of(made.control_image)).path
        if self.face is not None and made.columns["reference_sha256"] is not None:
            made.columns["reference_path"] = self.easel.pictures.put(png_of(self.face.image)).path
        return made

    def _without_adapters(self, guidance: Guidance) -> Guidance:
        worn = ("lora", "lora_sha256", "lora_step", "lora_strength")
        columns = drawing.no_conditioning() | {name: guidance.columns[name] for name in worn}
        return Guidance(guidance.loras, None, None, columns, (*guidance.notes, "no face and no pose: out of memory"))

    def _scored(self, scene: Scene, prompt: DrawnPrompt, drawn: list[Drawn]) -> list[_Tried]:
        from creative_lab.imaging.recipe import finished_png, recipe_json, secrets_of

        pixels = [np.ascontiguousarray(np.asarray(item.image.convert("RGB"))) for item in drawn]
        settings, profile = self.record.settings, self.easel.catalogue.settings.profile
        qualities = self.easel.judge.judge(
            pixels,
            [(item.attempt, item.candidate) for item in drawn],
            scene,
            prompt.enhanced_prompt,
            anchor=self.anchor if scene.scene > 1 else None,
            threshold=choosing.identity_threshold(settings.identity_threshold, profile),
            face_threshold=choosing.face_threshold(self.record.method, settings.face_threshold, profile),
        )
        tried = []
        for item, picture, quality in zip(drawn, pixels, qualities, strict=True):
            data = finished_png(item.image, item.recipe, self.easel.settings)
            stored = vars(self.easel.pictures.put(data))
            wireframe = f"_wf-{scene.shot or 'none'}" if self.record.method == "wireframe" else ""
            number = item.attempt * self.record.settings.num_variations + item.candidate + 1
            stored |= {
                "recipe": recipe_json(item.recipe, secrets=secrets_of(self.easel.settings)),
                "identifier": f"{scene.identifier}{wireframe}_img-{number:02d}",
            }
            tried.append(_Tried(item, picture, quality, stored, data))
        return tried

    def _rank(self, tried: Sequence[_Tried]) -> list[int]:
        return choosing.rank([item.quality for item in tried], by_face=self.record.method == "reference_guided")

    def _chosen(
        self,
        scene: Scene,
        tried: list[_Tried],
        order: list[int],
        attempts: int,
        status: str,
        said: tuple[list[str], list[str]],
        new_face: str | None,
        mark: str,
        began: float,
    ) -> SceneDone:
        for place, index in enumerate(order, start=1):
            tried[index].quality.rank = place
        best = tried[order[0]]
        quality = best.quality
        why = [f"rank 1 of {len(tried)}", *([new_face] if new_face else []), quality.reason]
        why.append("no scorer answered: ranked without scores" if quality.overall is None
                   else f"overall {quality.overall:.1f}")  # fmt: skip
        if not quality.accepted:
            why.append(f"none of {attempts} tries passed: the best is kept")
        fallback, notes = fallbacks_and_notes(*said, best.drawn.columns["notes"])
        columns = best.drawn.columns
        frame = {
            **frame_base(self.record, scene),
            "status": status,
            "reason": "; ".join(why),
            "fallback": fallback,
            "notes": notes,
            **{name: best.stored[name] for name in ("path", "thumbnail_path", "sha256", "width", "height")},
            **{name: columns[name] for name in TAKEN},
            "seed": best.drawn.seed,
            "attempt": best.drawn.attempt,
            "candidate": best.drawn.candidate,
            "attempts": attempts,
            "candidates": len(tried),
            "overall": quality.overall,
            "clip_text": quality.columns["clip_text"],
            "clip_text_calibrated": quality.columns["clip_text_calibrated"],
            "clip_identity": quality.clip_identity,
            "face_similarity": quality.face_similarity,
            "faces_found": quality.columns["faces_found"],
            "is_reference": self._becomes_reference(scene),
            "seconds": time.perf_counter() - began,
            "cost_usd": sum(item.drawn.columns["cost_usd"] or 0.0 for item in tried),
        }
        frame = with_threshold(frame, self.record.settings.quality_threshold)
        key = {"storyboard": self.record.key, "scene": scene.scene}
        candidates = [
            {**key, "attempt": item.drawn.attempt, "candidate": item.drawn.candidate, "seed": item.drawn.seed,
             "seed_rule": item.drawn.seed_rule, "fingerprint": mark, **item.stored, **item.drawn.columns}
            for item in tried
        ]  # fmt: skip
        scores = [{**key, **item.quality.row()} for item in tried]
        self.easel.traces.pictures(
            scene.scene, [(item.data, row) for item, row in zip(tried, scores, strict=True)], frame["reason"]
        )
        return SceneDone(fingerprint=mark, frame=frame, candidates=candidates, scores=scores)

    def _given(self, scene: Scene) -> SceneDone:
        """The user's picture as scene 1: the same bytes, nothing drawn."""
        assert self.record.reference is not None
        store = self.easel.pictures
        stored = vars(store.put(store.read(self.record.reference.path)))
        frame = {
            **no_frame(self.record, scene, "given", "the picture that was given, unchanged"),
            **{name: stored[name] for name in ("path", "thumbnail_path", "sha256", "width", "height")},
            "is_reference": True,
        }
        self._take_over(scene, frame)
        return SceneDone(fingerprint=self.record.reference.sha256, frame=frame, candidates=[], scores=[])

    # --- what later scenes take over

    def _becomes_reference(self, scene: Scene) -> bool:
        """Whether later scenes are drawn or judged after this one: the first with the subject, or each where asked."""
        return scene.with_subject and (self.anchor is None or self.record.settings.reference_from == "previous")

    def _take_over(self, scene: Scene, frame: dict[str, Any]) -> None:
        """Remember the chosen frame for the scenes after it; a scene without the subject hands nothing on."""
        if not self._becomes_reference(scene):
            return
        first = self.anchor is None
        pixels = pixels_of(self.easel.pictures.read(frame["path"]))
        if first:
            self.anchor, self.anchor_sha = self.easel.judge.anchor(pixels), frame["sha256"]
        if self.record.method == "reference_guided":
            if self.easel.roles.hosted:
                from PIL import Image

                self.face = GuidingFace(Image.fromarray(pixels), "whole picture", scene.scene)
            else:
                crop = face_crop(self.easel.judge.models, pixels)
                self.face = GuidingFace(crop.image, crop.how, scene.scene)
            self.face_sha = frame["sha256"]

    def _fingerprint(self, scene: Scene, prompt: DrawnPrompt) -> str:
        easel = self.easel
        shown = scene.model_dump(include={"scene", "description", "shot", "subject_presence", "expected_faces"})
        wanted = prompt.model_dump(include={"prompt", "enhanced_prompt", "negative_prompt", "action"})
        lora = easel.lora.sha256 if easel.lora else None
        return drawing.fingerprint(
            CODE_VERSION, self.record.method, shown, wanted, self.basis, lora, self.face_sha, self.anchor_sha
        )
