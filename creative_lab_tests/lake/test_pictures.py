"""The store of pictures."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from creative_lab.lake.pictures import THUMBNAIL, PictureStore
from creative_lab.settings import Settings


def _picture(width: int, height: int, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_kept_byte_for_byte_under_its_hash_with_a_small_thumbnail(settings: Settings, kind: str) -> None:
    store, data = PictureStore(settings), _picture(800, 450, kind)
    stored = store.put(data)
    assert store.read(stored.path) == data
    assert stored.sha256 == hashlib.sha256(data).hexdigest() and stored.sha256 in stored.path
    assert (stored.bytes, stored.width, stored.height) == (len(data), 800, 450)
    with Image.open(io.BytesIO(store.read(stored.thumbnail_path))) as small:
        assert small.format == "JPEG" and small.size == (THUMBNAIL, THUMBNAIL * 450 // 800)


def test_the_same_picture_is_stored_once(settings: Settings) -> None:
    store, data = PictureStore(settings), _picture(64, 64)
    first = store.put(data)
    assert store.put(data) == first
    assert len(store.files.list("objects")) == 2


@pytest.mark.parametrize("data", [b"", b"no picture", _picture(64, 64)[:100], b"GIF89a" + bytes(20)])
def test_what_is_no_picture_is_refused_and_leaves_nothing(settings: Settings, data: bytes) -> None:
    store = PictureStore(settings)
    with pytest.raises(ValueError, match="not a PNG, JPEG or WebP picture"):
        store.put(data)
    assert store.files.list("") == []


def test_a_picture_shown_inline_is_small_and_stands_on_white(settings: Settings) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (600, 300), (255, 0, 0, 0)).save(buffer, "PNG")
    store = PictureStore(settings)
    shown = store.inline(store.put(buffer.getvalue()).path, "a look", longest=120)
    assert shown.startswith("![a look](data:image/jpeg;base64,")
    data = base64.b64decode(shown.partition("base64,")[2].rstrip(")"))
    with Image.open(io.BytesIO(data)) as small:
        assert small.size == (120, 60)
        assert np.asarray(small).min() > 250
