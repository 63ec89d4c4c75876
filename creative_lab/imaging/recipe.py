"""The recipe in every picture: how it was drawn, readable by other tools and by us, and drawn again from it.

A PNG carries two texts: ``parameters``, in the form that AUTOMATIC1111's web UI writes and most viewers read, and
``creative_lab``, a JSON object of an allow-list of fields. Nothing else about the machine or its settings is written.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from creative_lab.imaging.errors import ImagingError

if TYPE_CHECKING:
    from creative_lab.imaging.generation import PictureStudio
    from creative_lab.settings import Settings

KEY = "creative_lab"
MAX_TEXT = 1 << 20
"""Most bytes of one text in a PNG that readers accept (Pillow's limit)."""
MAX_PIXELS = 40_000_000
EMBEDDED = "embedded/"
"""Start of the names of what draws by rules instead of weights."""
Source = Literal["model", "procedure", "composite"]


class UsedLora(BaseModel):
    """A LoRA that was worn."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    slug: str
    strength: float
    sha256: str
    triggers: str = ""


class UsedAdapter(BaseModel):
    """A ControlNet or IP-Adapter, with the hash of the picture it followed; None scales are the preset's defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    slug: str
    image_sha256: str
    scale: float | None = None
    guidance_end: float | None = None
    sha256: str | None = Field(default=None, description="one hash of all its weights; None for hosted models")


class UsedRedraw(BaseModel):
    """A square (left, top, side in pixels) of an earlier picture that was drawn over, and that picture's hash."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    image_sha256: str
    left: float
    top: float
    side: float
    strength: float
    upscale: int = 1
    drawn_side: int | None = Field(default=None, description="pixels of the square's side as the model drew it")


class Recipe(BaseModel):
    """Everything that decides a picture; these fields and no others are written into files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    prompt: str
    drawn_prompt: str
    negative_prompt: str | None = None
    drawn_negative_prompt: str | None = None
    model: str
    model_sha256: str | None = None
    width: int = Field(description="of the picture, also where only a part of it was drawn")
    height: int
    steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    asked_scheduler: str | None = None
    seed: int | None = None
    batch_seeds: tuple[int, ...] = Field(default=(), description="seeds drawn in the same forward pass, in order")
    clip_skip: int | None = None
    asked_clip_skip: int | None = None
    weighting: Literal["chunked", "truncated"] = "chunked"
    loras: tuple[UsedLora, ...] = ()
    control: UsedAdapter | None = None
    reference: UsedAdapter | None = None
    redraw: UsedRedraw | None = None
    backend: str
    device: str | None = None
    dtype: str | None = None
    cost_usd: float | None = None
    drawn_at: datetime.datetime

    @property
    def source(self) -> Source:
        """How the picture came to be, in the words of Content Credentials."""
        if self.redraw is not None:
            return "composite"
        return "procedure" if self.model.startswith(EMBEDDED) else "model"

    def parameters_text(self) -> str:
        """The recipe as AUTOMATIC1111's web UI writes it."""
        lines = [self.drawn_prompt]
        if self.drawn_negative_prompt:
            lines.append(f"Negative prompt: {self.drawn_negative_prompt}")
        settings: dict[str, Any] = {
            "Steps": self.steps,
            "Sampler": self.scheduler,
            "CFG scale": None if self.guidance_scale is None else f"{self.guidance_scale:g}",
            "Seed": self.seed,
            "Size": f"{self.width}x{self.height}",
            "Model hash": self.model_sha256[:10] if self.model_sha256 else None,
            "Model": self.model,
            # A1111 counts layers from the end starting at one, diffusers counts skipped layers.
            "Clip skip": None if self.clip_skip is None else self.clip_skip + 1,
        }
        if self.loras:
            settings["Lora hashes"] = '"' + ", ".join(f"{lora.slug}: {lora.sha256[:12]}" for lora in self.loras) + '"'
        lines.append(", ".join(f"{name}: {value}" for name, value in settings.items() if value is not None))
        return "\n".join(lines)


@dataclass(frozen=True)
class Shown:
    """What a file says about itself; ``recipe`` is None for pictures of other tools."""

    recipe: Recipe | None
    parameters: str | None


def png_bytes(image: Any, recipe: Recipe, *, secrets: Sequence[str] = ()) -> bytes:
    """The picture as a PNG with its recipe. Any of ``secrets`` inside a text is replaced before it is written."""
    from PIL.PngImagePlugin import PngInfo

    texts = {"parameters": recipe.parameters_text(), KEY: recipe_json(recipe)}
    info = PngInfo()
    for name, text in texts.items():
        clean = _without(text, secrets)
        if len(clean.encode()) > MAX_TEXT:
            raise ImagingError(f"the recipe has {len(clean.encode())} bytes, more than {MAX_TEXT}")
        info.add_itxt(name, clean)
    out = io.BytesIO()
    image.convert("RGB").save(out, format="PNG", pnginfo=info, compress_level=1)
    return out.getvalue()


def recipe_json(recipe: Recipe, *, secrets: Sequence[str] = ()) -> str:
    """The recipe as JSON, always in the same order, with ``secrets`` inside texts replaced."""
    return _without(json.dumps(recipe.model_dump(mode="json"), ensure_ascii=False, sort_keys=True), secrets)


def finished_png(image: Any, recipe: Recipe, settings: Settings) -> bytes:
    """The picture as an installation keeps it: a PNG with its recipe, without any of the settings' secrets.

    With ``settings.content_credentials`` it is signed by the key of :func:`credentials.make_local_key` in HOME/keys.
    """
    data = png_bytes(image, recipe, secrets=secrets_of(settings))
    if settings.content_credentials:
        from creative_lab.imaging.credentials import make_local_key, sign

        data = sign(data, make_local_key(settings.home / "keys"), source=recipe.source)
    return data


def secrets_of(settings: Settings) -> list[str]:
    """Values of the secret settings."""
    from pydantic import SecretStr

    values = (getattr(settings, name) for name in type(settings).model_fields)
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr) and value.get_secret_value()]


def job_file_name(
    identifier: str, job: int, number: int = 0, *, combination: tuple[int, int, int] | None = None
) -> str:
    """File name of a job's picture: ``{identifier}-{job:05d}.{number:02d}.jpg``; number 0 for a single picture.

    Letters and digits of any script stay. With ``combination`` (prompt, model, LoRA) the identifier gives way to their
    numbers.
    """
    if combination:
        prompt, model, lora = combination
        return f"{job:05d}.{number:02d}-p{prompt:03d}-m{model:03d}-l{lora:03d}.jpg"
    words = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", identifier))
    # File systems count bytes; a letter that is cut in half goes.
    safe = words.encode()[:100].decode(errors="ignore").strip("-") or "picture"
    return f"{safe}-{job:05d}.{number:02d}.jpg"


def show(file: Path) -> Shown:
    """Read the recipe of a picture. Raises :class:`ImagingError` when the file is no picture or has no recipe."""
    texts = _texts(file)
    parameters = texts.get("parameters")
    text = texts.get(KEY)
    if text is None:
        if parameters is None:
            raise ImagingError(f"{file}: the picture carries no recipe")
        return Shown(None, parameters)
    try:
        return Shown(Recipe.model_validate_json(text), parameters)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "recipe"
        raise ImagingError(f"{file}: the recipe cannot be read: {where}: {first['msg']}") from error


@dataclass(frozen=True)
class Replayed:
    """A picture drawn again."""

    image: Any
    data: bytes
    """The new PNG, with the recipe of the old one."""
    same_pixels: bool
    notes: tuple[str, ...]


def replay(
    file: Path,
    studio: PictureStudio,
    *,
    control_image: Any | None = None,
    reference_image: Any | None = None,
    base_image: Any | None = None,
    lora_paths: Mapping[str, Path] | None = None,
) -> Replayed:
    """Draw the picture of a file again from its recipe, in the same batch, so that it comes out the same.

    Pictures that were followed or drawn over are not in the recipe: give them; their hashes are checked.
    ``lora_paths`` gives files of LoRAs that are not in the catalogue. Raises :class:`ImagingError` when something is
    missing or changed.
    """
    from PIL import Image

    from creative_lab.imaging.parameters import Control, LoraUse, PictureRequest, Redraw, Reference
    from creative_lab.imaging.presets import Overrides

    recipe = show(file).recipe
    if recipe is None or recipe.seed is None:
        raise ImagingError(f"{file}: only pictures drawn here, with a seed, can be drawn again")
    extra = {slug: str(path) for slug, path in (lora_paths or {}).items()}
    worn = [lora.slug for lora in recipe.loras]
    if strange := sorted(extra.keys() - set(worn)):
        raise ImagingError(f"{file}: was not drawn with the LoRA {strange[0]}, but with {', '.join(worn) or 'none'}")
    control, reference = None, None
    if recipe.control:
        image = _same_picture(file, "control", control_image, recipe.control)
        control = Control(recipe.control.slug, image, recipe.control.scale, recipe.control.guidance_end)
    if recipe.reference:
        image = _same_picture(file, "reference", reference_image, recipe.reference)
        reference = Reference(recipe.reference.slug, image, recipe.reference.scale)
    redraw = None
    if recipe.redraw:
        part = recipe.redraw
        image = _same_picture(file, "base", base_image, part)
        redraw = Redraw(image, (part.left, part.top, part.side), part.strength, part.upscale)
    overrides = {
        # Of a part that is drawn over, the model's own size decides.
        "width": None if redraw else recipe.width,
        "height": None if redraw else recipe.height,
        "steps": recipe.steps,
        "guidance_scale": recipe.guidance_scale,
        "scheduler": recipe.asked_scheduler,
        "clip_skip": recipe.asked_clip_skip,
    }
    generation = studio.generate(
        PictureRequest(
            model=recipe.model,
            prompt=recipe.prompt,
            negative_prompt=recipe.negative_prompt,
            seeds=recipe.batch_seeds or (recipe.seed,),
            overrides=Overrides.model_validate(overrides),
            loras=tuple(
                LoraUse(lora.slug, lora.strength, extra.get(lora.slug), lora.triggers) for lora in recipe.loras
            ),
            control=control,
            reference=reference,
            redraw=redraw,
            weighting=recipe.weighting,
        )
    )
    place = (recipe.batch_seeds or (recipe.seed,)).index(recipe.seed)
    again = generation.pictures[place]
    notes = list(generation.notes)
    now = again.recipe.model_copy(
        update={"drawn_at": recipe.drawn_at, "batch_seeds": recipe.batch_seeds} | _unsaid(recipe, again.recipe)
    )
    for name in Recipe.model_fields:
        before, after = getattr(recipe, name), getattr(now, name)
        if before != after:
            notes.append(f"{name} differs: {before!r} then, {after!r} now")
    with Image.open(file) as original:
        same = original.convert("RGB").tobytes() == again.image.convert("RGB").tobytes()
    return Replayed(again.image, png_bytes(again.image, now, secrets=secrets_of(studio.settings)), same, tuple(notes))


def _unsaid(before: Recipe, after: Recipe) -> dict[str, Any]:
    """Fields of ``after`` without what recipes said differently or not at all when ``before`` was written."""
    update: dict[str, Any] = {}
    for name in ("control", "reference"):
        old, new = getattr(before, name), getattr(after, name)
        if old and new and old.sha256 is None:
            update[name] = new.model_copy(update={"sha256": None})
    if before.redraw and after.redraw and before.redraw.drawn_side is None:
        # They gave the square's size for the picture's.
        update["redraw"] = after.redraw.model_copy(update={"drawn_side": None})
        update |= {"width": before.width, "height": before.height}
    return update


def picture_sha256(image: Any) -> str:
    """Hash of a picture's size and pixels."""
    rgb = image.convert("RGB")
    return hashlib.sha256(f"{rgb.width}x{rgb.height}".encode() + rgb.tobytes()).hexdigest()


def _same_picture(file: Path, what: str, image: Any | None, used: UsedAdapter | UsedRedraw) -> Any:
    if image is None:
        raise ImagingError(f"{file}: was drawn after a {what} picture ({used.image_sha256[:12]}…): give it too")
    if picture_sha256(image) != used.image_sha256:
        raise ImagingError(f"{file}: this is not the {what} picture it was drawn after")
    return image


def _texts(file: Path) -> dict[str, str]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImagingError(f"{file}: {image.width}x{image.height} is more than {MAX_PIXELS} pixels")
            image.load()  # texts may follow the pixels
            found = getattr(image, "text", None) or image.info
            return {str(name): str(text) for name, text in found.items() if isinstance(text, str)}
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, ImagingError):
            raise
        raise ImagingError(f"{file}: cannot be read as a picture ({error})") from error


def _without(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        for form in {secret, json.dumps(secret, ensure_ascii=False)[1:-1]}:
            text = text.replace(form, "[secret]")
    return text
