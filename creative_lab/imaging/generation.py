"""Drawing pictures: all variations of a prompt in one forward pass, with one warm model, progress and cancelling."""

from __future__ import annotations

import datetime
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from creative_lab.imaging import devices, loras
from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.errors import Cancelled, ImagingError, OutOfMemory
from creative_lab.imaging.parameters import Control, Parameters, PictureRequest, Reference, resolve
from creative_lab.imaging.pipelines.base import Drawn, Family, Located, Start
from creative_lab.imaging.pipelines.factory import family_for, load
from creative_lab.imaging.recipe import Recipe, UsedAdapter, UsedLora, UsedRedraw, picture_sha256
from creative_lab.imaging.redrawing import blend_in, cut_out
from creative_lab.settings import Settings
from creative_lab.weights.files import verify

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """Where a generation is; steps count within the batch."""

    pictures_done: int
    pictures: int
    step: int
    steps: int


OnProgress = Callable[[Progress], None]
IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class Picture:
    """One drawn picture (PIL, RGB) and how it was made."""

    image: Any
    seed: int | None
    recipe: Recipe


@dataclass(frozen=True)
class Generation:
    """What one request gave and what it took."""

    pictures: list[Picture]
    model: str
    model_sha256: str | None
    backend: str
    scheduler: str | None = None
    batches: list[int] = field(default_factory=list)
    """Pictures per forward pass, in order."""
    notes: list[str] = field(default_factory=list)
    """What was decided otherwise than asked, for people."""
    wall_s: float = 0.0
    load_s: float = 0.0
    steps_per_s: float | None = None
    """Steps of the sampler per second, each for a whole batch."""
    peak_memory_bytes: int | None = None
    peak_memory_of: str | None = None
    cost_usd: float | None = None


class PictureStudio:
    """Draws with the models of the catalogue and keeps the last one loaded.

    One generation at a time; threads wait for each other. ``before_loading`` is called when a model is about to be
    loaded, so that language models can leave the memory first.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        catalogue: Catalogue | None = None,
        before_loading: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.catalogue = catalogue or Catalogue.load(settings)
        self._before_loading = before_loading
        self._warm: tuple[tuple[str | None, ...], Family] | None = None
        self._adapter_digests: dict[str, str] = {}
        self._lock = threading.Lock()

    def generate(
        self, request: PictureRequest, *, progress: OnProgress | None = None, cancelled: IsCancelled | None = None
    ) -> Generation:
        """Draw all pictures of a request.

        Raises :class:`ImagingError` for a request that cannot be drawn, :class:`Cancelled` within one step of
        ``cancelled()`` becoming true, :class:`OutOfMemory` when even one picture does not fit.
        """
        preset = self.catalogue.model(request.model)
        if request.redraw:
            # The part is drawn at the size that the model knows best, whatever the picture's own is.
            side = min(preset.default_width, preset.default_height)
            request = replace(request, overrides=request.overrides.model_copy(update={"width": side, "height": side}))
        with self._lock:
            worn = loras.resolve(request.loras, preset, self.catalogue)
            multiple = family_for(self._located(request)).size_multiple
            parameters = resolve(request, preset, multiple=multiple, loras=worn)  # before loading: bad input is cheap
            started = time.perf_counter()
            family = self._family(request)
            loaded = time.perf_counter()
            devices.reset_peak_memory(family.device)
            try:
                return self._draw(request, parameters, family, loaded - started, progress, cancelled)
            finally:
                devices.clear_cache()

    def evict(self) -> None:
        """Unload the warm model."""
        if self._warm:
            self._warm[1].unload()
            self._warm = None

    @property
    def warm_model(self) -> str | None:
        """Slug of the loaded model."""
        return self._warm[0][0] if self._warm else None

    # --- steps

    def _located(self, request: PictureRequest) -> Located:
        preset = self.catalogue.model(request.model)
        control = self.catalogue.controlnet(request.control.slug) if request.control else None
        adapter = self.catalogue.ip_adapter(request.reference.slug) if request.reference else None
        config = None
        if preset.single_file and preset.single_file_config:
            config = self.settings.models_root / preset.single_file_config.replace("/", "--")
        return Located(
            preset,
            self.catalogue.located(preset),
            (control, self.catalogue.located(control)) if control else None,
            (adapter, self.catalogue.located(adapter)) if adapter else None,
            config,
        )

    def _family(self, request: PictureRequest) -> Family:
        wanted = (
            request.model,
            request.control.slug if request.control else None,
            request.reference.slug if request.reference else None,
        )
        warm = self._warm
        if warm and (warm[0] == wanted or (request.redraw and warm[0][0::2] == wanted[0::2])):
            return warm[1]  # drawing over takes no ControlNet, loaded or not
        self.evict()
        if self._before_loading:
            self._before_loading()
        located = self._located(request)
        try:
            family = load(located, devices.choose_device(self.settings))
        except Exception as error:
            devices.clear_cache(collect=True)
            if not isinstance(error, ImagingError) and devices.is_out_of_memory(error):
                raise OutOfMemory(f"{request.model} does not fit into the memory of this machine: {error}") from error
            raise
        self._warm = (wanted, family)
        worn = [adapter for adapter in (located.controlnet, located.ip_adapter) if adapter]
        # Loading has hashed these files, and hashes are remembered.
        self._adapter_digests = {preset.slug: verify(place, preset.files).digest for preset, place in worn}
        return family

    def _draw(
        self,
        request: PictureRequest,
        parameters: Parameters,
        family: Family,
        load_s: float,
        progress: OnProgress | None,
        cancelled: IsCancelled | None,
    ) -> Generation:
        seeds = parameters.seeds
        notes = [*parameters.notes, *family.notes(parameters)]
        drawn: list[Any] = []
        batches: list[int] = []
        size = min(len(seeds), request.batch_size or len(seeds))
        steps_done, started = 0, time.perf_counter()

        def on_step(step: int, steps: int) -> None:
            nonlocal steps_done
            steps_done += 1
            if family.preset.enable_debug_logging:
                _log.debug("%s: step %d of %d, %d pictures done", request.model, step, steps, len(drawn))
            if progress:
                progress(Progress(len(drawn), len(seeds), step, steps))
            if cancelled and cancelled():
                raise Cancelled(f"cancelled at step {step} of {steps} after {len(drawn)} of {len(seeds)} pictures")

        with family.prepared(parameters) as scheduler:
            while len(drawn) < len(seeds):
                if cancelled and cancelled():
                    raise Cancelled(f"cancelled after {len(drawn)} of {len(seeds)} pictures")
                part = seeds[len(drawn) : len(drawn) + size]
                batch = self._batch(family, parameters, part, on_step, request)
                if batch is None:
                    devices.clear_cache(collect=True)
                    if len(part) == 1:
                        raise OutOfMemory(
                            f"{request.model} cannot draw even one picture of "
                            f"{parameters.width}x{parameters.height} on this machine"
                        )
                    size = max(1, len(part) // 2)
                    notes.append(f"out of memory with {len(part)} pictures at a time: {size} at a time from here on")
                    continue
                drawn += batch.images
                batches.append(len(part))
                if any(batch.blacked_out):
                    flagged = [str(seed) for seed, black in zip(part, batch.blacked_out, strict=True) if black]
                    notes.append(f"blacked out by the model's safety checker: seeds {', '.join(flagged)}")
        wall = time.perf_counter() - started
        memory, memory_of = devices.peak_memory(family.device)
        _log.info("%s drew %d pictures in %.2f s (batches %s)", request.model, len(drawn), wall, batches)
        digest = family.verified.digest if family.verified else None
        pictures = [
            Picture(image, seed, self._recipe(request, parameters, family, scheduler, seed, batch_seeds, digest, image))
            for image, seed, batch_seeds in zip(drawn, seeds, _batch_seeds(seeds, batches), strict=True)
        ]
        return Generation(
            pictures=pictures,
            model=request.model,
            model_sha256=digest,
            backend=self.settings.profile,
            scheduler=scheduler,
            batches=batches,
            notes=notes,
            wall_s=wall,
            load_s=load_s,
            steps_per_s=steps_done / wall if wall > 0 else None,
            peak_memory_bytes=memory,
            peak_memory_of=memory_of,
        )

    def _batch(
        self,
        family: Family,
        parameters: Parameters,
        seeds: tuple[int, ...],
        on_step: Callable[[int, int], None],
        request: PictureRequest,
    ) -> Drawn | None:
        """One forward pass; None when memory ran out (outside the handler, so that its traceback holds no tensors)."""
        try:
            part, start = request.redraw, None
            if part:
                start = Start(cut_out(part.image, part.square, parameters.width), part.strength)
            drawn = family.draw(
                parameters, seeds, on_step, control=request.control, reference=request.reference, start=start
            )
            if part:
                images = [blend_in(part.image, image, part.square, part.upscale) for image in drawn.images]
                drawn = Drawn(images, drawn.blacked_out)
            return drawn
        except Exception as error:
            if not devices.is_out_of_memory(error):
                raise
        return None

    def _recipe(
        self,
        request: PictureRequest,
        parameters: Parameters,
        family: Family,
        scheduler: str,
        seed: int,
        batch_seeds: tuple[int, ...],
        digest: str | None,
        image: Any,
    ) -> Recipe:
        return Recipe(
            prompt=request.prompt,
            drawn_prompt=parameters.prompt,
            negative_prompt=request.negative_prompt,
            drawn_negative_prompt=parameters.negative_prompt,
            model=request.model,
            model_sha256=digest,
            width=image.width,
            height=image.height,
            steps=parameters.steps,
            guidance_scale=parameters.guidance_scale,
            scheduler=scheduler,
            asked_scheduler=request.overrides.scheduler,
            seed=seed,
            batch_seeds=batch_seeds,
            clip_skip=parameters.clip_skip,
            asked_clip_skip=request.overrides.clip_skip,
            weighting=parameters.weighting,
            loras=tuple(
                UsedLora(**{name: getattr(x, name) for name in UsedLora.model_fields}) for x in parameters.loras
            ),
            control=used_adapter(request.control, self._adapter_digests),
            reference=used_adapter(request.reference, self._adapter_digests),
            redraw=_redraw(request, parameters.width),
            backend=self.settings.profile,
            device=family.device,
            dtype=family.dtype,
            drawn_at=datetime.datetime.now(datetime.UTC),
        )


def _batch_seeds(seeds: tuple[int, ...], batches: list[int]) -> list[tuple[int, ...]]:
    """For each picture the seeds of all pictures drawn in the same forward pass."""
    answer: list[tuple[int, ...]] = []
    for size in batches:
        answer += [seeds[len(answer) : len(answer) + size]] * size
    return answer


def _redraw(request: PictureRequest, drawn_side: int) -> UsedRedraw | None:
    part = request.redraw
    if part is None:
        return None
    left, top, side = part.square
    return UsedRedraw(
        image_sha256=picture_sha256(part.image), left=left, top=top, side=side, strength=part.strength,
        upscale=part.upscale, drawn_side=drawn_side,
    )  # fmt: skip


def used_adapter(used: Control | Reference | None, digests: Mapping[str, str] | None = None) -> UsedAdapter | None:
    """What a recipe says of a picture that was followed; ``digests`` are the hashes of local weights by slug."""
    if used is None:
        return None
    end = used.guidance_end if isinstance(used, Control) else None
    digest = (digests or {}).get(used.slug)
    return UsedAdapter(
        slug=used.slug, image_sha256=picture_sha256(used.image), scale=used.scale, guidance_end=end, sha256=digest
    )
