"""Hosted models against servers on this machine: polling, retries, refusals, prices, and what they cannot do."""

from __future__ import annotations

import base64
import http.server
import io
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.errors import Cancelled, ImagingError, PassingError
from creative_lab.imaging.hosted import HostedStudio, Patience
from creative_lab.imaging.parameters import LoraUse, PictureRequest, Reference
from creative_lab.imaging.presets import Overrides
from creative_lab.imaging.recipe import picture_sha256
from creative_lab.settings import Settings


def png(shade: int = 10, size: tuple[int, int] = (32, 32)) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", size, (shade, 20, 30)).save(out, "PNG")
    return out.getvalue()


class Provider:
    """Predictions as Replicate gives them, and OpenAI's image endpoint."""

    def __init__(self) -> None:
        self.inputs: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str]] = []
        self.keys: set[str | None] = set()
        self.failures: list[int] = []
        self.refused_after: int | None = None
        self.polls = 2
        self.end = "succeeded"
        self.picture = png()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                if self._failed():
                    return
                if self.path.endswith("/images/generations"):
                    outer.inputs.append(body)
                    self._json({"created": 1, "data": [{"b64_json": base64.b64encode(outer.picture).decode()}]})
                elif self.path.endswith("/cancel"):
                    self._json({"id": "p", "status": "canceled"})
                else:
                    outer.inputs.append(body["input"])
                    outer.left = outer.polls
                    self._json({"id": "p", "status": "starting", "urls": {"get": "http://169.254.169.254/"}})

            def do_GET(self) -> None:
                if self._failed():
                    return
                if self.path == "/picture.png":
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(outer.picture)
                    return
                outer.left -= 1
                status = outer.end if outer.left <= 0 else "processing"
                self._json({"id": "p", "status": status, "error": "nsfw", "output": [f"{outer.url}/picture.png"]})

            def _failed(self) -> bool:
                outer.calls.append((self.command, self.path))
                if self.path != "/picture.png":
                    outer.keys.add(self.headers.get("Authorization"))
                starts = self.command == "POST" and outer.refused_after is not None
                if starts and len(outer.inputs) >= (outer.refused_after or 0):
                    outer.failures = [422]
                if not outer.failures:
                    return False
                self.send_response(outer.failures.pop(0))
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")
                return True

            def _json(self, value: Any) -> None:
                data = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.left = 0
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.http.shutdown()
    provider.http.server_close()


@pytest.fixture
def hosted(provider: Provider) -> tuple[HostedStudio, list[float]]:
    """A studio whose pauses are only counted."""
    settings = Settings(
        profile="hosted",
        offline=True,
        replicate_api_token=SecretStr("r8-secret"),
        openai_api_key=SecretStr("sk-secret"),
    )
    pauses: list[float] = []
    studio = HostedStudio(
        Catalogue.load(settings), replicate_url=provider.url, litellm_url=f"{provider.url}/v1", sleep=pauses.append
    )
    return studio, pauses


Hosted = tuple[HostedStudio, list[float]]


def test_pictures_are_polled_for_fetched_and_priced(provider: Provider, hosted: Hosted) -> None:
    studio, pauses = hosted
    wish = Overrides(width=1280, height=720)
    request = PictureRequest("flux-dev-hosted", "a (red:1.2) hat", "blue", count=3, seed=0, overrides=wish)
    generation = studio.generate(request)
    assert [one["seed"] for one in provider.inputs] == [0, 1, 2] == [drawn.seed for drawn in generation.pictures]
    assert all(one["prompt"] == "a red hat" and one["aspect_ratio"] == "16:9" for one in provider.inputs)
    assert all("negative_prompt" not in one for one in provider.inputs)
    assert generation.cost_usd == pytest.approx(0.012)
    assert generation.pictures[0].recipe.cost_usd == 0.004
    assert any("negative prompt not used" in note for note in generation.notes)
    assert pauses == [2.0] * 6
    assert provider.keys == {"Bearer r8-secret"}
    assert "r8-secret" not in generation.pictures[0].recipe.model_dump_json()


def test_when_a_later_call_fails_the_paid_pictures_are_kept_with_their_cost(provider: Provider, hosted: Hosted) -> None:
    studio, _ = hosted
    provider.polls, provider.refused_after = 1, 3
    generation = studio.generate(PictureRequest("flux-dev-hosted", "a hat", count=4, seed=0))
    assert [drawn.seed for drawn in generation.pictures] == [0, 1, 2] and generation.batches == [1, 1, 1]
    assert generation.cost_usd == pytest.approx(0.012)
    assert any("only 3 of 4 pictures" in note and "422" in note for note in generation.notes)
    provider.refused_after = 0
    with pytest.raises(ImagingError, match="422"):
        studio.generate(PictureRequest("flux-dev-hosted", "a hat", count=4, seed=0))


def test_the_aspect_ratio_that_is_sent_is_noted_where_a_size_was_asked_for(provider: Provider, hosted: Hosted) -> None:
    studio, _ = hosted
    provider.polls = 1
    wish = Overrides(width=1000, height=700)
    generation = studio.generate(PictureRequest("flux-dev-hosted", "a hat", overrides=wish))
    assert provider.inputs[0]["aspect_ratio"] == "3:2"
    assert "size 1000x700 is sent as the aspect ratio 3:2" in generation.notes
    assert not any("size" in note for note in studio.generate(PictureRequest("flux-dev-hosted", "a hat")).notes)


def test_models_without_a_seed_say_so_and_follow_a_picture(provider: Provider, hosted: Hosted) -> None:
    from PIL import Image

    studio, _ = hosted
    follow = Reference("nano-banana", Image.new("RGB", (8, 8)))
    generation = studio.generate(PictureRequest("nano-banana", "a hat", seed=5, count=2, reference=follow))
    assert [drawn.seed for drawn in generation.pictures] == [None, None]
    assert all("seed" not in one for one in provider.inputs)
    assert provider.inputs[0]["image_input"][0].startswith("data:image/png;base64,")
    used = generation.pictures[0].recipe.reference
    assert used and used.slug == "nano-banana" and used.image_sha256 == picture_sha256(follow.image)
    assert any("takes no seed" in note for note in generation.notes)
    with pytest.raises(ImagingError, match="takes no reference"):
        studio.generate(PictureRequest("imagen-4-ultra", "a hat", reference=follow))
    with pytest.raises(ImagingError, match="neither LoRAs"):
        studio.generate(PictureRequest("nano-banana", "a hat", loras=(LoraUse("x"),)))


def test_passing_failures_are_tried_three_times_with_growing_pauses(provider: Provider, hosted: Hosted) -> None:
    studio, pauses = hosted
    provider.polls, provider.failures = 1, [503, 429]
    assert studio.generate(PictureRequest("nano-banana", "a hat")).pictures
    assert pauses == [1.0, 2.0, 2.0]
    pauses.clear()
    provider.failures = [500] * 9
    with pytest.raises(PassingError, match="3 attempts"):
        studio.generate(PictureRequest("nano-banana", "a hat"))
    assert pauses == [1.0, 2.0] and len(provider.failures) == 6


def test_a_long_row_of_failures_waits_at_most_thirty_seconds_between(provider: Provider, hosted: Hosted) -> None:
    studio, pauses = hosted
    studio.patience = Patience(attempts=8)
    provider.failures = [500] * 8
    with pytest.raises(PassingError):
        studio.generate(PictureRequest("nano-banana", "a hat"))
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_refused_request_is_not_tried_again(provider: Provider, hosted: Hosted) -> None:
    studio, pauses = hosted
    for status in (422, 401):
        provider.failures = [status]
        provider.calls.clear()
        with pytest.raises(ImagingError, match=str(status)):
            studio.generate(PictureRequest("nano-banana", "a hat"))
        assert len(provider.calls) == 1 and pauses == []


def test_a_prediction_that_fails_or_never_ends_is_an_error(provider: Provider, hosted: Hosted) -> None:
    studio, _ = hosted
    provider.end = "failed"
    with pytest.raises(ImagingError, match="failed: nsfw"):
        studio.generate(PictureRequest("nano-banana", "a hat"))
    provider.end, studio.patience = "processing", Patience(limit_s=0.0)
    with pytest.raises(PassingError, match="did not finish"):
        studio.generate(PictureRequest("nano-banana", "a hat"))


def test_cancelling_tells_the_provider(provider: Provider, hosted: Hosted) -> None:
    studio, pauses = hosted
    provider.polls = 50
    with pytest.raises(Cancelled):
        studio.generate(PictureRequest("nano-banana", "a hat"), cancelled=lambda: len(pauses) >= 3)
    assert provider.calls[-1] == ("POST", "/v1/predictions/p/cancel")


@pytest.mark.parametrize("data", [b"", b"<svg/>", png()[:60]])
def test_what_is_no_picture_is_refused(provider: Provider, hosted: Hosted, data: bytes) -> None:
    provider.picture = data
    with pytest.raises(ImagingError, match="no PNG, JPEG or WebP"):
        hosted[0].generate(PictureRequest("nano-banana", "a hat"))


def test_without_a_key_nothing_is_asked(provider: Provider, hosted: Hosted) -> None:
    settings = hosted[0].settings.model_copy(update={"replicate_api_token": None, "openai_api_key": None})
    studio = HostedStudio(Catalogue.load(settings), replicate_url=provider.url, litellm_url=provider.url)
    with pytest.raises(ImagingError, match="CREATIVE_LAB_REPLICATE_API_TOKEN"):
        studio.generate(PictureRequest("nano-banana", "a hat"))
    assert provider.calls == []


@pytest.mark.slow
def test_litellm_draws_retries_and_refuses_by_the_same_rules(provider: Provider, hosted: Hosted) -> None:
    studio, pauses = hosted

    def draw() -> Any:
        return studio.generate(
            PictureRequest("gpt-image-1", "a hat", seed=3, overrides=Overrides(width=1280, height=720))
        )

    generation = draw()
    assert provider.inputs[0]["size"] == "1536x1024" and provider.inputs[0]["prompt"] == "a hat"
    assert generation.cost_usd is None
    for note in ("takes no seed", "price of gpt-image-1 is not known", "became 1536x1024"):
        assert any(note in said for said in generation.notes), note
    assert provider.keys == {"Bearer sk-secret"}
    provider.failures = [500]
    assert draw().pictures and pauses == [1.0]
    _refused(provider, draw)


def _refused(provider: Provider, draw: Callable[[], Any]) -> None:
    provider.failures = [422] * 9
    with pytest.raises(ImagingError):
        draw()
    assert len(provider.failures) == 8
