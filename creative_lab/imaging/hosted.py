"""Pictures from models behind APIs: through litellm, or by polling a prediction as Replicate does."""

from __future__ import annotations

import base64
import datetime
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creative_lab.imaging import net
from creative_lab.imaging.errors import Cancelled, ImagingError, PassingError
from creative_lab.imaging.generation import Generation, IsCancelled, Picture, used_adapter
from creative_lab.imaging.parameters import PictureRequest, fit_size, picture_seeds
from creative_lab.imaging.prompt_weighting import plain_text
from creative_lab.imaging.recipe import MAX_PIXELS, Recipe

if TYPE_CHECKING:
    import httpx

    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.presets import HostedModel

MAX_BYTES = 50 << 20


@dataclass(frozen=True)
class Patience:
    """How long to wait: 3 attempts with 1 s doubling to 30 s between, a look every 2 s, an end after ten minutes."""

    attempts: int = 3
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    poll_s: float = 2.0
    limit_s: float = 600.0


class HostedStudio:
    """Draws with hosted models; the same answer as :class:`PictureStudio`.

    ``replicate_url`` and ``litellm_url`` may point to a gateway. ``sleep`` is replaced by tests.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        replicate_url: str = "https://api.replicate.com",
        litellm_url: str | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.catalogue = catalogue
        self.settings = catalogue.settings
        self.replicate_url = replicate_url.rstrip("/")
        self.litellm_url = litellm_url
        self.patience = patience or Patience()
        self._sleep = sleep
        self._policy = net.NetworkPolicy(offline=self.settings.offline, loopback=(self.replicate_url,))

    def generate(self, request: PictureRequest, *, cancelled: IsCancelled | None = None) -> Generation:
        """Draw all pictures of a request, one call each; what the model does not take is left out and noted.

        When a call fails, the pictures before it are kept, with a note: they are paid for. Raises when there are none:
        :class:`ImagingError` for a refusal (422 is never tried again), :class:`PassingError` when the attempts are used
        up. Raises :class:`Cancelled` between looks.
        """
        model = self.catalogue.hosted(request.model)
        if not model.is_active:
            raise ImagingError(f"the model {model.slug} is switched off in presets.json")
        prompt, notes = plain_text(request.prompt), []
        if not prompt:
            raise ImagingError("the prompt is empty")
        if request.loras or request.control:
            raise ImagingError(f"{model.slug} takes neither LoRAs nor control pictures")
        if request.reference and not model.supports_image_input:
            raise ImagingError(f"{model.slug} takes no reference picture")
        count = len(request.seeds) if request.seeds else request.count
        seeds: tuple[int | None, ...] = tuple(picture_seeds(request.seed, count, request.seeds))
        if not model.supports_seed:
            seeds = (None,) * count
            notes.append(f"{model.slug} takes no seed: its pictures cannot be drawn again")
        negative = request.negative_prompt
        if negative and not model.supports_negative_prompt:
            notes.append(f"negative prompt not used: {model.slug} has none")
            negative = None
        if model.cost_per_image_usd is None:
            notes.append(f"the price of {model.slug} is not known")
        width, height, size_note = _size(request, model)
        notes += [size_note] if size_note else []
        draw = self._replicate if model.provider == "replicate" else self._litellm
        started = time.perf_counter()
        pictures: list[Picture] = []
        for seed in seeds:
            if cancelled and cancelled():
                raise Cancelled(f"cancelled after {len(pictures)} of {count} pictures")
            try:
                data = draw(model, prompt, negative, seed, width, height, request, cancelled or (lambda: False))
                image = _decoded(data, model.slug)
            except Cancelled:
                raise
            except Exception as error:
                if not pictures:
                    raise
                reason = f"{type(error).__name__}: {str(error)[:300]}"
                notes.append(f"only {len(pictures)} of {count} pictures: the next call failed ({reason})")
                break
            recipe = Recipe(
                prompt=request.prompt,
                drawn_prompt=prompt,
                negative_prompt=request.negative_prompt,
                drawn_negative_prompt=negative,
                model=model.slug,
                width=image.width,
                height=image.height,
                seed=seed,
                reference=used_adapter(request.reference),
                backend=self.settings.profile,
                cost_usd=model.cost_per_image_usd,
                drawn_at=datetime.datetime.now(datetime.UTC),
            )
            pictures.append(Picture(image, seed, recipe))
        price = model.cost_per_image_usd
        return Generation(
            pictures=pictures,
            model=model.slug,
            model_sha256=None,
            backend=self.settings.profile,
            batches=[1] * len(pictures),
            notes=notes,
            wall_s=time.perf_counter() - started,
            cost_usd=None if price is None else price * len(pictures),
        )

    # --- Replicate

    def _replicate(
        self,
        model: HostedModel,
        prompt: str,
        negative: str | None,
        seed: int | None,
        width: int,
        height: int,
        request: PictureRequest,
        cancelled: IsCancelled,
    ) -> bytes:
        token = self.settings.replicate_api_token
        if token is None:
            raise ImagingError(f"{model.slug} needs a key: set CREATIVE_LAB_REPLICATE_API_TOKEN")
        inputs: dict[str, Any] = {"prompt": prompt, "aspect_ratio": _aspect(width, height), "output_format": "png"}
        if negative:
            inputs["negative_prompt"] = negative
        if seed is not None:
            inputs["seed"] = seed
        if request.reference:
            inputs["image_input"] = [_data_url(request.reference.image)]
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
        with net.client(self._policy, timeout_s=60) as http:
            url = f"{self.replicate_url}/v1/models/{model.model}/predictions"
            prediction = self._call(http, "POST", url, headers, {"input": inputs})
            deadline = time.monotonic() + self.patience.limit_s
            where = f"{self.replicate_url}/v1/predictions/{prediction.get('id')}"
            while prediction.get("status") not in {"succeeded", "failed", "canceled"}:
                if cancelled():
                    self._call(http, "POST", f"{where}/cancel", headers, None)
                    raise Cancelled(f"cancelled while {model.slug} was drawing")
                if time.monotonic() > deadline:
                    raise PassingError(f"{model.slug} did not finish within {self.patience.limit_s:.0f} s")
                self._sleep(self.patience.poll_s)
                prediction = self._call(http, "GET", where, headers, None)
        if prediction["status"] != "succeeded":
            raise ImagingError(f"{model.slug}: {prediction['status']}: {str(prediction.get('error'))[:300]}")
        output = prediction.get("output")
        address = output[0] if isinstance(output, list) and output else output
        if not isinstance(address, str):
            raise ImagingError(f"{model.slug} succeeded without a picture")
        return self._picture(address)

    def _call(
        self, http: httpx.Client, method: str, url: str, headers: dict[str, str], body: dict[str, Any] | None
    ) -> dict[str, Any]:
        import httpx

        def once() -> dict[str, Any]:
            try:
                answer = http.request(method, url, headers=headers, json=body)
            except httpx.HTTPError as error:
                raise PassingError(f"{type(error).__name__} from {httpx.URL(url).host}") from error
            if answer.status_code in {408, 429} or answer.status_code >= 500:
                raise PassingError(f"{httpx.URL(url).host} answered {answer.status_code}")
            if answer.status_code >= 400:
                raise ImagingError(f"{httpx.URL(url).host} refuses ({answer.status_code}): {answer.text[:300]}")
            found = answer.json()
            if not isinstance(found, dict):
                raise ImagingError(f"{httpx.URL(url).host} answered with something else than an object")
            return found

        return self._patiently(once)

    def _picture(self, address: str) -> bytes:
        import httpx

        def once() -> bytes:
            try:
                with net.client(self._policy) as http, http.stream("GET", address) as answer:
                    if answer.status_code >= 400:
                        raise PassingError(f"the picture's address answered {answer.status_code}")
                    data = b""
                    for chunk in answer.iter_bytes():
                        data += chunk
                        if len(data) > MAX_BYTES:
                            raise ImagingError(f"the picture has more than {MAX_BYTES} bytes")
                    return data
            except httpx.HTTPError as error:
                raise PassingError(f"the picture could not be fetched: {type(error).__name__}") from error

        return self._patiently(once)

    def _patiently(self, once: Callable[[], Any]) -> Any:
        pause = self.patience.first_pause_s
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return once()
            except PassingError as error:
                if attempt == self.patience.attempts:
                    raise PassingError(f"{error} ({attempt} attempts)") from error
                self._sleep(pause)
                pause = min(pause * 2, self.patience.longest_pause_s)
        raise AssertionError("unreachable")

    # --- litellm

    def _litellm(
        self,
        model: HostedModel,
        prompt: str,
        negative: str | None,
        seed: int | None,
        width: int,
        height: int,
        request: PictureRequest,
        cancelled: IsCancelled,  # noqa: ARG002 - one call, nothing to look at meanwhile
    ) -> bytes:
        from creative_lab.imaging.litellm_images import draw

        if request.reference:
            raise ImagingError(f"{model.slug}: reference pictures are only passed to Replicate-style models")
        extra: dict[str, Any] = ({"seed": seed} if seed is not None else {}) | (
            {"negative_prompt": negative} if negative else {}
        )
        answer = self._patiently(
            lambda: draw(
                model.model, prompt, f"{width}x{height}", self.settings, base_url=self.litellm_url, extra=extra
            )
        )
        return answer if isinstance(answer, bytes) else self._picture(answer)


def _size(request: PictureRequest, model: HostedModel) -> tuple[int, int, str | None]:
    wish = request.overrides
    width = 1024 if wish.width is None else wish.width
    height = 1024 if wish.height is None else wish.height
    if model.provider == "replicate":
        if wish.width is None and wish.height is None:
            return width, height, None
        return width, height, f"size {width}x{height} is sent as the aspect ratio {_aspect(width, height)}"
    if not model.sizes:
        return fit_size(width, height, 4096 * 4096, 8)
    offered = [tuple(map(int, size.split("x"))) for size in model.sizes]
    best = min(offered, key=lambda size: abs(size[0] / size[1] - width / height))
    note = None if best == (width, height) else f"size {width}x{height} became {best[0]}x{best[1]}, which the model has"
    return best[0], best[1], note


def _aspect(width: int, height: int) -> str:
    known = {"1:1": 1, "16:9": 16 / 9, "9:16": 9 / 16, "4:3": 4 / 3, "3:4": 3 / 4, "3:2": 3 / 2, "2:3": 2 / 3}
    return min(known, key=lambda name: abs(known[name] - width / height))


def _data_url(image: Any) -> str:
    out = io.BytesIO()
    image.convert("RGB").save(out, format="PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _decoded(data: bytes, slug: str) -> Any:
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
        if image.width * image.height > MAX_PIXELS:
            raise ImagingError(f"{slug} sent a picture of {image.width}x{image.height}")
        return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, ImagingError):
            raise
        raise ImagingError(f"{slug} sent something that is no PNG, JPEG or WebP ({error})") from error
