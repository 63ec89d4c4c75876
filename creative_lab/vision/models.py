"""The models of a profile: each loaded when it is first asked for, remembered, and checked before it is trusted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from creative_lab.vision.catalogue import MeasuringCatalogue
from creative_lab.vision.types import Ask, Captioner
from creative_lab.weights.errors import ModelError, ModelNotHere
from creative_lab.weights.libraries import Device, device_named, quiet_transformers
from creative_lab.weights.measuring import HostedVision, MeasuringPreset, Role
from creative_lab.weights.places import checked, located

if TYPE_CHECKING:
    from types import TracebackType

    from creative_lab.settings import Settings
    from creative_lab.vision.aesthetic import AestheticHead
    from creative_lab.vision.clip import Clip
    from creative_lab.vision.faces import InsightFaces
    from creative_lab.vision.language import VisionLanguage
    from creative_lab.vision.reward import PreferenceReward
    from creative_lab.vision.segmentation import SegFormer

Model = TypeVar("Model")

SCORING_ROLES: tuple[Role, ...] = ("pickscore", "clipscore", "vqascore", "aesthetic", "hps")
"""Roles that give a picture a score."""


class VisionModels:
    """The measuring models of one profile, one per role; roles filled by the same weights share one loaded model.

    ``profile`` and ``device`` default to the settings'. ``ask`` reaches the hosted model that writes captions; a room
    that has a client for it passes one. A model that is not on this machine is ``None``, and :meth:`missing` says why;
    one whose files are not those of the catalogue raises :class:`creative_lab.weights.errors.UnsafeModel`.
    """

    def __init__(
        self,
        settings: Settings,
        profile: str | None = None,
        device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
        *,
        ask: Ask | None = None,
    ) -> None:
        self.settings = settings
        self.profile = profile or settings.profile
        self.catalogue = MeasuringCatalogue(settings)
        self._wanted = settings.device if device == "auto" else device
        self._device: Device | None = None
        self._ask = ask
        self._loaded: dict[str, Any] = {}
        self._digests: dict[str, str] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> VisionModels:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def device(self) -> Device:
        """Where the models run."""
        if self._device is None:
            self._device = device_named(self._wanted)
        return self._device

    def captioner(self) -> Captioner | None:
        """Writes captions: a local vision language model, or the hosted one when ``ask`` was given."""
        if self.missing("caption"):
            return None
        entry = self.catalogue.role("caption", self.profile)
        if isinstance(entry, HostedVision):
            assert self._ask is not None
            from creative_lab.vision.language import HostedCaptioner

            return HostedCaptioner(entry, self._ask)
        return cast(Captioner, self._local("caption"))

    def faces(self) -> InsightFaces | None:
        """Finds faces and embeds them."""
        return self._of("faces")

    def clip(self) -> Clip | None:
        """Compares pictures with texts."""
        return self._of("clip")

    def clip_identity(self) -> Clip | None:
        """Compares pictures with pictures."""
        return self._of("clip_identity")

    def garments(self) -> SegFormer | None:
        """Labels garments."""
        return self._of("garments")

    def vision_language(self) -> VisionLanguage | None:
        """Answers whether a picture shows a text."""
        return self._of("vqascore")

    def aesthetic(self) -> tuple[AestheticHead, Clip] | None:
        """The head, and the CLIP whose embeddings it rates."""
        head = self._of("aesthetic")
        if head is None:
            return None
        entry = self.catalogue.role("aesthetic", self.profile)
        assert isinstance(entry, MeasuringPreset) and entry.encoder is not None
        encoder: Clip = self._model(self.catalogue.entry(entry.encoder))
        if head.dimensions != encoder.model.config.projection_dim:
            raise ModelError(f"{head.slug} takes {head.dimensions} numbers, {encoder.slug} gives others")
        return head, encoder

    def scorers(self) -> dict[Role, Any]:
        """The loaded model of every scoring role that is filled; the others are in :meth:`missing`."""
        found: dict[Role, Any] = {}
        for role in SCORING_ROLES:
            model = self.aesthetic() if role == "aesthetic" else self._of(role)
            if model is not None:
                found[role] = model
        return found

    def model(self, role: Role) -> Any:
        """The loaded local model of ``role``, whatever its kind; None when it is missing."""
        return self._of(role)

    def missing(self, role: Role) -> str:
        """Why a role has no model, in one sentence; empty when it has one."""
        entry = self.catalogue.role(role, self.profile)
        if entry is None:
            return f"the profile {self.profile} names no model for {role}"
        if isinstance(entry, HostedVision):
            return "" if self._ask else f"{entry.label} is a hosted model, and nothing was given to ask it by"
        try:
            located(self.settings, entry)
            if entry.encoder is not None:
                located(self.settings, self.catalogue.entry(entry.encoder))
        except ModelNotHere as error:
            return str(error)
        return ""

    def slug(self, role: Role) -> str | None:
        """Slug of the model that fills ``role``; None where none is named."""
        entry = self.catalogue.role(role, self.profile)
        return None if entry is None else entry.slug

    def digest(self, slug: str) -> str:
        """One SHA-256 over the weights of a local model, for rows that say by what they were measured."""
        if slug not in self._digests:
            self._digests[slug] = checked(self.settings, self.catalogue.entry(slug)).digest
        return self._digests[slug]

    def close(self) -> None:
        """Forget all models and give their memory back."""
        import gc

        with self._lock:
            self._loaded.clear()
        gc.collect()
        if self._device == "cuda":
            import torch

            torch.cuda.empty_cache()

    def _of(self, role: Role) -> Any:
        return None if self.missing(role) else self._local(role)

    def _local(self, role: Role) -> Any:
        entry = self.catalogue.role(role, self.profile)
        assert isinstance(entry, MeasuringPreset)
        return self._model(entry)

    def _model(self, entry: MeasuringPreset) -> Any:
        with self._lock:
            if entry.slug not in self._loaded:
                self.digest(entry.slug)  # checks the files
                self._loaded[entry.slug] = _LOADERS[entry.kind](self, entry)
            return self._loaded[entry.slug]


def _load_clip(models: VisionModels, entry: MeasuringPreset) -> Clip:
    quiet_transformers()
    from creative_lab.vision.clip import Clip

    return Clip(located(models.settings, entry), slug=entry.slug, device=models.device, dtype=entry.dtype)


def _load_head(models: VisionModels, entry: MeasuringPreset) -> AestheticHead:
    from creative_lab.vision.aesthetic import AestheticHead

    return AestheticHead(located(models.settings, entry), slug=entry.slug)


def _load_language(models: VisionModels, entry: MeasuringPreset) -> VisionLanguage:
    quiet_transformers()
    from creative_lab.vision.language import VisionLanguage

    return VisionLanguage(located(models.settings, entry), preset=entry, device=models.device)


def _load_faces(models: VisionModels, entry: MeasuringPreset) -> InsightFaces:
    from creative_lab.vision.faces import InsightFaces

    return InsightFaces(
        located(models.settings, entry),
        slug=entry.slug,
        device=models.device,
        detection_size=entry.detection_size,
    )


def _load_segmenter(models: VisionModels, entry: MeasuringPreset) -> SegFormer:
    quiet_transformers()
    from creative_lab.vision.segmentation import SegFormer

    return SegFormer(located(models.settings, entry), slug=entry.slug, device=models.device, dtype=entry.dtype)


def _load_reward(models: VisionModels, entry: MeasuringPreset) -> PreferenceReward:
    quiet_transformers()
    from creative_lab.vision.reward import PreferenceReward

    return PreferenceReward(located(models.settings, entry), slug=entry.slug, device=models.device, dtype=entry.dtype)


_LOADERS: dict[str, Callable[[VisionModels, MeasuringPreset], Any]] = {
    "clip": _load_clip,
    "aesthetic-head": _load_head,
    "vision-language": _load_language,
    "face-pack": _load_faces,
    "segmenter": _load_segmenter,
    "reward": _load_reward,
}
