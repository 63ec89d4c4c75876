"""Files of any mode, size or state become RGB, or one clear error that names them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from creative_lab.vision.faces import main_faces
from creative_lab.vision.pictures import SUFFIXES, PictureError, open_picture, open_pictures
from creative_lab.vision.scoring import score_pictures

FOLDER = Path(skimage.data.__file__).parent
PHOTOGRAPHS = sorted(
    path for path in FOLDER.iterdir() if path.suffix.lower() in SUFFIXES and path.name != "multipage_rgb.tif"
)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def two_colours(mode: str = "RGB") -> Image.Image:
    """The left half red, the right half blue, 8 × 4."""
    image = Image.new("RGB", (8, 4), (200, 0, 0))
    image.paste((0, 0, 200), (4, 0, 8, 4))
    return image.convert(mode)


def test_the_photographs_that_scikit_image_carries_are_there() -> None:
    assert len(PHOTOGRAPHS) >= 25


def test_a_scientific_tiff_of_64_bit_numbers_is_a_clear_error() -> None:
    with pytest.raises(PictureError, match=r"multipage_rgb\.tif: a TIFF of a kind that is not read"):
        open_picture(FOLDER / "multipage_rgb.tif")


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.name)
def test_every_photograph_is_opened_as_rgb(path: Path) -> None:
    picture = open_picture(path)
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
    assert picture.flags.c_contiguous and min(picture.shape[:2]) > 0
    assert picture.min() < picture.max()


def test_every_photograph_is_captioned_scored_searched_and_segmented(models) -> None:
    photographs = [open_picture(path) for path in PHOTOGRAPHS]
    small = [photograph[:: max(1, photograph.shape[0] // 200), :: max(1, photograph.shape[1] // 200)]
             for photograph in photographs]  # fmt: skip
    odd = [np.zeros((1, 1, 3), np.uint8), np.full((3, 900, 3), 255, np.uint8), np.zeros((700, 2, 3), np.uint8)]
    seen = [np.ascontiguousarray(picture) for picture in small] + odd
    scored = score_pictures(models, seen, "a photograph")
    assert all(row.raw[role] is not None for row in scored for role in ("pickscore", "clipscore", "aesthetic"))
    assert all(row.raw["vqascore"] is not None for row in scored)
    assert all(isinstance(caption, str) for caption in models.captioner().caption(seen[-5:]))
    for picture, face in zip(seen, main_faces(models.faces(), seen), strict=True):
        assert face.embedding is not None and np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-4)
        assert models.garments().segment(picture).shape == picture.shape[:2]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "YCbCr", "I;16", "I", "F", "LAB", "HSV"])
def test_every_mode_is_read(mode: str) -> None:
    if mode in {"I;16", "I", "F"}:
        levels = np.linspace(0, 1, 32).reshape(4, 8)
        array = {"I;16": (levels * 65535).astype(np.uint16), "I": (levels * 65535).astype(np.int32),
                 "F": levels.astype(np.float32)}[mode]  # fmt: skip
        data = encoded(Image.fromarray(array), "TIFF")
        expected = np.rint(levels * 255)
        np.testing.assert_allclose(open_picture(data)[..., 0], expected, atol=1)
        return
    kind = {"CMYK": "TIFF", "YCbCr": "TIFF", "LAB": "TIFF", "HSV": "PNG"}.get(mode, "PNG")
    image = two_colours().convert("L").convert("LA") if mode == "LA" else two_colours()
    if mode == "LAB":
        from PIL import ImageCms

        lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        image = ImageCms.applyTransform(image, lab)
    elif mode not in {"RGB", "LA", "HSV"}:
        image = image.convert(mode)
    picture = open_picture(encoded(image, kind))
    assert picture.shape == (4, 8, 3)
    if mode in {"RGB", "RGBA", "P", "CMYK", "YCbCr", "LAB", "HSV"}:
        assert picture[0, 0, 0] > 150 > picture[0, 0, 2] and picture[0, 7, 2] > 150 > picture[0, 7, 0]


def test_a_sixteen_bit_png_keeps_its_greys() -> None:
    levels = (np.linspace(0, 1, 64).reshape(8, 8) * 65535).astype(np.uint16)
    picture = open_picture(encoded(Image.fromarray(levels)))
    assert picture[0, 0, 0] == 0 and picture[-1, -1, 0] == 255
    assert 120 < picture[4, 0, 0] < 136


@pytest.mark.parametrize("brightest", [1, 200, 255, 4000])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_dark_sixteen_bit_picture_stays_dark(brightest: int, kind: str) -> None:
    levels = np.array([[0, brightest], [0, brightest]], np.uint16)
    assert open_picture(encoded(Image.fromarray(levels), kind)).max() == round(brightest / 257)


def test_several_pictures_are_opened_together_in_their_order() -> None:
    sources = [encoded(Image.new("RGB", (4, 4), (value, 0, 0))) for value in range(0, 200, 10)]
    assert [picture[0, 0, 0] for picture in open_pictures(sources)] == list(range(0, 200, 10))
    assert open_pictures([]) == []
    with pytest.raises(PictureError, match="not a PNG"):
        open_pictures([*sources, b"no picture"])


def test_transparency_lies_on_white() -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.putpixel((0, 0), (10, 20, 30, 255))
    image.putpixel((1, 0), (0, 0, 0, 128))
    picture = open_picture(encoded(image))
    assert picture[0, 0].tolist() == [10, 20, 30] and picture[3, 3].tolist() == [255, 255, 255]
    assert 120 <= picture[0, 1, 0] <= 134


def test_a_transparent_colour_of_a_palette_lies_on_white() -> None:
    image = two_colours().convert("P")
    index = image.getpixel((0, 0))
    picture = open_picture(encoded(image, transparency=index))
    assert picture[0, 0].tolist() == [255, 255, 255] and picture[0, 7, 2] > 150


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_a_picture_taken_sideways_is_turned_upright(tag: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = tag
    image = two_colours()
    image.paste((0, 200, 0), (0, 0, 8, 1))  # no side is like another
    image = image.resize((64, 32), Image.Resampling.NEAREST)
    data = encoded(image, kind, exif=exif, quality=95)
    flat = np.asarray(image)
    upright = {
        1: flat, 2: flat[:, ::-1], 3: flat[::-1, ::-1], 4: flat[::-1], 5: flat.swapaxes(0, 1),
        6: np.rot90(flat, 3), 7: flat[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(flat, 1),
    }[tag]  # fmt: skip
    picture = open_picture(data)
    assert picture.shape == upright.shape
    assert np.abs(picture.astype(int) - upright.astype(int)).mean() < 12


def damaged_exif(value: bytes) -> bytes:
    """EXIF in big-endian order whose only tag holds its orientation as something that is no number."""
    return b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + value + b"\0\0\0\0"


@pytest.mark.parametrize(
    "entry",
    [
        b"\x01\x12\0\x02\0\0\0\x02ab\0\0",  # text
        b"\x01\x12\0\x05\0\0\0\x01\0\0\0\x1a",  # a fraction beyond the end
        b"\x01\x12\xff\xff\xff\xff\xff\xff\0\x06\0\0",  # of no kind
    ],
)
def test_exif_that_cannot_be_read_is_ignored(entry: bytes) -> None:
    for kind in ("JPEG", "WEBP"):
        data = encoded(two_colours(), kind, exif=damaged_exif(entry))
        assert open_picture(data).shape == (4, 8, 3)


def test_damage_behind_the_orientation_still_gives_the_picture(tmp_path: Path) -> None:
    # Writing this back, as Pillow's own turning does, fails: the tag for a date holds a fraction, another one nothing.
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "x" * 30
    data = encoded(two_colours(), "JPEG", exif=exif, quality=95)
    for place in range(data.index(b"Exif") + 14, data.index(b"xxx") + 4):
        for value in (0, 2, 5, 10, 255):
            changed = bytearray(data)
            changed[place] = value
            assert open_picture(bytes(changed), name="changed.jpg").size == 4 * 8 * 3, (place, value)


def test_of_an_animation_the_first_frame_is_read() -> None:
    red, blue = Image.new("RGB", (6, 6), (250, 0, 0)), Image.new("RGB", (6, 6), (0, 0, 250))
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(red, kind, save_all=True, append_images=[blue, red], duration=50)
        assert open_picture(data)[3, 3, 0] > 200


def swapped_primaries() -> bytes:
    """An ICC profile whose red is sRGB's green and the other way round."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "odd ".encode("utf-16-be"))
    return profile.replace(b"rXYZ", b"????", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"????", b"gXYZ", 1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_colours_of_another_profile_are_brought_to_srgb(kind: str) -> None:
    red = Image.new("RGB", (8, 8), (220, 10, 10))
    plain = open_picture(encoded(red, kind))[4, 4]
    assert plain[0] > 200 and plain[1] < 60
    found = open_picture(encoded(red, kind, icc_profile=swapped_primaries()))[4, 4]
    assert found[1] > 200 and found[0] < 60, "its red is our green"


def test_an_unreadable_colour_profile_is_ignored() -> None:
    data = encoded(Image.new("L", (4, 4), 128), icc_profile=b"no profile at all")
    assert open_picture(data)[0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_truncated_file_is_an_error_that_names_it(kind: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    path = tmp_path / f"half.{kind.lower()}"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(PictureError, match=r"half\."):
        open_picture(path)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(20_000, 20_000), (100_000, 100_000)])
def test_a_decompression_bomb_is_refused_before_it_unfolds(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match="pixels"):
        open_picture(png_header(*size), name="bomb.png")


def test_what_is_no_picture_is_an_error(tmp_path: Path) -> None:
    for name, data in {"empty.png": b"", "text.jpg": b"hello", "drawing.svg": b"<svg/>"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(PictureError, match=name):
            open_picture(tmp_path / name)
    with pytest.raises(PictureError, match=r"gone\.png: cannot be read"):
        open_picture(tmp_path / "gone.png")
    with pytest.raises(PictureError, match="neither 0–1"):
        open_picture(encoded(Image.fromarray(np.array([[-3.0, 2.0]], np.float32)), "TIFF"))
    with pytest.raises(PictureError, match="not numbers"):
        open_picture(encoded(Image.fromarray(np.array([[np.nan, 2.0]], np.float32)), "TIFF"))


@given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]), st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_byte_gives_a_picture_or_a_picture_error(kind: str, place: int, value: int) -> None:
    data = bytearray(encoded(two_colours(), kind))
    data[place % len(data)] = value
    try:
        picture = open_picture(bytes(data))
    except PictureError:
        return
    assert picture.dtype == np.uint8 and picture.shape[2] == 3
