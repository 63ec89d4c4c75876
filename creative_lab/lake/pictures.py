"""Pictures of the lake: files named by the hash of their content, each with a thumbnail and a row about it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dataframely as dy

from creative_lab.lake import columns
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.schemas import TableSchema

if TYPE_CHECKING:
    from creative_lab.settings import Settings

THUMBNAIL = 320
"""Longest side of a thumbnail in pixels."""

_LARGEST = 178_956_970
"""Pixels of the largest picture that is stored (Pillow's own limit against decompression bombs)."""


class PictureRow(TableSchema):
    """Columns of a row about a stored picture; tables with pictures inherit from it."""

    path = columns.text("Name of the picture's file below the lake")
    thumbnail_path = columns.text("Name of the thumbnail's file below the lake (JPEG)")
    sha256 = columns.text("SHA-256 of the picture's file")
    bytes = columns.count("Size of the picture's file")
    width = dy.Int64(nullable=False, min=1, metadata={"comment": "Width in pixels"})
    height = dy.Int64(nullable=False, min=1, metadata={"comment": "Height in pixels"})


@dataclass(frozen=True)
class StoredPicture:
    """Where a picture is and what it is; the fields are the columns of :class:`PictureRow`."""

    path: str
    thumbnail_path: str
    sha256: str
    bytes: int
    width: int
    height: int


class PictureStore:
    """Stores and reads the pictures of an installation; the same bytes are stored once."""

    def __init__(self, settings: Settings) -> None:
        self.files = FileSystem.of_lake(settings)

    def put(self, data: bytes) -> StoredPicture:
        """Store an encoded picture (PNG, JPEG or WebP) unchanged and its thumbnail.

        Raises ValueError for bytes that are no such picture; nothing is written then.
        """
        image, suffix = _opened(data)
        small = image.convert("RGB")
        small.thumbnail((THUMBNAIL, THUMBNAIL))
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=85)
        path, digest = self.files.put(data, suffix)
        thumbnail, _ = self.files.put(buffer.getvalue(), ".jpg")
        return StoredPicture(path, thumbnail, digest, len(data), image.width, image.height)

    def inline(self, path: str, words: str = "picture", *, longest: int = 240) -> str:
        """A stored picture in Markdown, with its pixels inside: a JPEG over white, ``longest`` pixels at most.

        For the metadata of assets, whose pages cannot reach files. Raises OSError when there is no such picture.
        """
        from PIL import Image

        with Image.open(io.BytesIO(self.read(path))) as image:
            small = image.convert("RGBA")
        paper = Image.new("RGBA", small.size, "white")
        small = Image.alpha_composite(paper, small).convert("RGB")
        small.thumbnail((longest, longest))
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=80)
        return f"![{words}](data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()})"

    def read(self, path: str) -> bytes:
        """The bytes of a stored picture or thumbnail. Raises OSError when there is none."""
        return self.files.read_bytes(path)


def _opened(data: bytes) -> tuple[Any, str]:
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
        if image.width * image.height > _LARGEST:
            raise ValueError(f"the picture has {image.width} × {image.height} pixels, more than {_LARGEST}")
        image.load()
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"not a PNG, JPEG or WebP picture: {error}") from error
    return image, {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}[str(image.format)]
