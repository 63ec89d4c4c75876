"""One picture cut into garments: classical work, its checks, and a model where they doubt."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from creative_lab.looks.segmentation.backdrop import Backdrop
from creative_lab.looks.segmentation.checks import Checked, check_agreement, check_garments, check_people
from creative_lab.looks.segmentation.garments import BODY, FoundGarment, expected_of, parse_garments
from creative_lab.looks.segmentation.people import People, find_people, people_of_mask

if TYPE_CHECKING:
    from creative_lab.settings import Settings


class Segmenter(Protocol):
    """A model that names the class of every pixel, such as SegFormer."""

    @property
    def slug(self) -> str:
        """Name of the model in the catalogue."""

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes by number."""

    def segment(self, picture: np.ndarray) -> np.ndarray:
        """Class numbers, uint8 (height, width)."""


@dataclass(frozen=True)
class CutPicture:
    """What was found in one picture."""

    people: People
    garments: tuple[FoundGarment, ...]
    method: str
    """classical, segformer, or repaired (people by the model, garments by the manifest)."""
    model: str | None
    checked: Checked
    duration_ms: float


def cut(
    pixels: np.ndarray,
    outfits: Sequence[Mapping[str, Any]] | None,
    *,
    segmenter: Segmenter | None = None,
    models: int = 3,
) -> CutPicture:
    """Find people and garments in a picture, uint8 RGB (height, width, 3).

    With a manifest's ``outfits`` the classical parser names the garments; without, the model has to. The model is also
    asked when a check doubts the classical people, and its answer is taken when it doubts less.
    """
    started = time.perf_counter()
    expected = expected_of(outfits) if outfits else []
    people = find_people(pixels, expected=models)
    checked = check_people(pixels, people, expected=models)
    method, model, labels = "classical", None, None
    if segmenter is not None and (checked.doubtful or not expected):
        labels = segmenter.segment(pixels)
        model = segmenter.slug
        other = _people_of_labels(labels, segmenter.classes, people.backdrop, models)
        judged = check_people(pixels, other, expected=models)
        agreed = check_agreement(people.mask, other.mask)
        # Nobody doubts what two methods say alike; otherwise the one with fewer doubts is kept and the doubt noted.
        if checked.doubtful and len(judged.failed) < len(checked.failed):
            people, checked, method = other, judged, "repaired"
        checked = checked.joined(agreed) if checked.doubtful else checked.joined(Checked(agreed.measures, ()))
    if expected:
        garments = parse_garments(pixels, people, expected)
    elif labels is not None and segmenter is not None:
        garments, method = named_by_model(labels, segmenter.classes, people), "segformer"
    else:
        garments = []
    checked = checked.joined(check_garments(people, garments, expected))
    return CutPicture(people, tuple(garments), method, model, checked, (time.perf_counter() - started) * 1000)


def _people_of_labels(labels: np.ndarray, classes: Sequence[str], backdrop: Backdrop, models: int) -> People:
    """People as a model sees them: everything that is not its background."""
    background = [number for number, name in enumerate(classes) if name.lower() == "background"]
    return people_of_mask(~np.isin(labels, background), backdrop, expected=models)


def named_by_model(labels: np.ndarray, classes: Sequence[str], people: People) -> list[FoundGarment]:
    """Garments by a model's labels inside the people's masks, without ids of a wardrobe."""
    from creative_lab.vision.garments import LEAST_SHARE, NOT_GARMENTS

    found = []
    for person in people.people:
        own = people.labels == person.index + 1
        for number in np.unique(labels[own]):
            name = str(classes[int(number)])
            if name.lower() in NOT_GARMENTS or name == BODY:
                continue
            mask = own & (labels == number)
            if mask.sum() < LEAST_SHARE * labels.size:
                continue
            found.append(FoundGarment(person.index, name, None, mask, None))
    return found


def open_segmenter(settings: Settings) -> tuple[Segmenter | None, str]:
    """The profile's garment model, or None and why there is none."""
    from creative_lab.vision.models import VisionModels

    models = VisionModels(settings)
    model: Any = models.garments()
    return model, "" if model is not None else models.missing("garments")
