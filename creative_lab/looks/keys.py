"""Comparing which pictures were rendered with which were segmented, exactly, among millions.

A picture's key is composite: day, number of the look on that day, number of the render. The three are packed into the
bits that they need, so that the whole key is an address, and a byte per possible address says what was seen there. That
is linear in the number of pictures, while joins hash or sort. Where addresses would be too sparse, keys are sorted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.integer]

_CHUNK = 1 << 18
"""Keys handled at once: their address arrays stay in the processor's cache."""
_SPARSE = 16
"""Bytes of the map per picture up to which it is used."""
_SMALL = 1 << 20
_MASK, _RENDER = np.uint8(1), np.uint8(2)


@dataclass(frozen=True)
class Keys:
    """Keys of pictures as three columns of one length; values are not negative."""

    day: Numbers
    number: Numbers
    render_no: Numbers

    def __post_init__(self) -> None:
        if not len(self.day) == len(self.number) == len(self.render_no):
            raise ValueError("the columns of the keys have different lengths")

    def __len__(self) -> int:
        return len(self.day)

    @classmethod
    def none(cls) -> Keys:
        """No keys."""
        empty = np.empty(0, np.int64)
        return cls(empty, empty, empty)

    def tuples(self) -> list[tuple[int, int, int]]:
        """The keys as tuples (day, number, render_no)."""
        return list(zip(self.day.tolist(), self.number.tolist(), self.render_no.tolist(), strict=True))


@dataclass(frozen=True)
class Difference:
    """What does not fit between renders and masks; each a set in the order of the keys."""

    missing: Keys
    """Rendered, not segmented."""
    duplicates: Keys
    """Segmented more than once."""
    orphans: Keys
    """Segmented, not rendered."""

    @property
    def clean(self) -> bool:
        """Whether everything fits."""
        return not (len(self.missing) or len(self.duplicates) or len(self.orphans))


def compare(renders: Keys, masks: Keys) -> Difference:
    """Which keys are in ``renders`` only, more than once in ``masks``, and in ``masks`` only.

    Keys may come in any order and ``renders`` may repeat some. Time is linear in their number, memory one byte per
    possible key between the extremes (at most 16 per picture, else packed keys are sorted). Raises ValueError for
    negative values or keys that need more than 62 bits.
    """
    layout = _Layout.of(renders, masks)
    if layout.size <= max(_SMALL, _SPARSE * (len(renders) + len(masks))):
        missing, duplicates, orphans = _by_map(layout, renders, masks)
    else:
        missing, duplicates, orphans = _by_sorting(layout, renders, masks)
    return Difference(layout.unpack(missing), layout.unpack(duplicates), layout.unpack(orphans))


@dataclass(frozen=True)
class _Layout:
    """How a key becomes an address: day from the first one on, then bits of the number, then bits of the render."""

    first_day: int
    days: int
    number_bits: int
    render_bits: int

    @classmethod
    def of(cls, *several: Keys) -> _Layout:
        filled = [keys for keys in several if len(keys)]
        if not filled:
            return cls(0, 0, 1, 1)
        least = {name: min(int(getattr(keys, name).min()) for keys in filled) for name in ("number", "render_no")}
        if min(least.values()) < 0:
            raise ValueError(f"keys must not be negative; the least are {least}")
        first = min(int(keys.day.min()) for keys in filled)
        days = max(int(keys.day.max()) for keys in filled) - first + 1
        number_bits = max(int(keys.number.max()) for keys in filled).bit_length()
        render_bits = max(int(keys.render_no.max()) for keys in filled).bit_length()
        if days.bit_length() + number_bits + render_bits > 62:
            raise ValueError("keys of pictures must fit into 62 bits")
        return cls(first, days, number_bits, render_bits)

    @property
    def size(self) -> int:
        return self.days << (self.number_bits + self.render_bits)

    def addresses(self, keys: Keys) -> Iterator[npt.NDArray[np.int64]]:
        """Addresses of the keys, a chunk at a time; each chunk is overwritten by the next."""
        room = np.empty(min(_CHUNK, len(keys)), np.int64)
        for start in range(0, len(keys), _CHUNK):
            stop = min(start + _CHUNK, len(keys))
            chunk = room[: stop - start]
            np.subtract(keys.day[start:stop], self.first_day, out=chunk, casting="unsafe")
            chunk <<= self.number_bits
            np.bitwise_or(chunk, keys.number[start:stop], out=chunk)
            chunk <<= self.render_bits
            np.bitwise_or(chunk, keys.render_no[start:stop], out=chunk)
            yield chunk

    def unpack(self, addresses: npt.NDArray[np.int64]) -> Keys:
        return Keys(
            (addresses >> (self.number_bits + self.render_bits)) + self.first_day,
            (addresses >> self.render_bits) & ((1 << self.number_bits) - 1),
            addresses & ((1 << self.render_bits) - 1),
        )


def _by_map(layout: _Layout, renders: Keys, masks: Keys) -> tuple[npt.NDArray[np.int64], ...]:
    seen = np.zeros(layout.size, np.uint8)
    repeated: list[npt.NDArray[np.int64]] = []
    for chunk in layout.addresses(masks):
        before = seen[chunk]
        if before.any():
            repeated.append(chunk[before != 0])
        seen[chunk] = _MASK
        # Rows of a chunk that come in order differ; others are sorted to find two that are the same.
        if not (chunk[1:] > chunk[:-1]).all():
            ordered = np.sort(chunk)
            repeated.append(ordered[1:][ordered[1:] == ordered[:-1]])
    missing: list[npt.NDArray[np.int64]] = []
    for chunk in layout.addresses(renders):
        found = seen[chunk]
        absent = (found & _MASK) == 0
        if absent.any():
            missing.append(chunk[absent])
        found |= _RENDER
        seen[chunk] = found
    orphans = np.flatnonzero(seen == _MASK)
    return _set(missing), _set(repeated), orphans


def _by_sorting(layout: _Layout, renders: Keys, masks: Keys) -> tuple[npt.NDArray[np.int64], ...]:
    rendered = np.unique(_all(layout, renders))
    segmented = np.sort(_all(layout, masks))
    repeated = segmented[1:][segmented[1:] == segmented[:-1]]
    missing = np.setdiff1d(rendered, segmented, assume_unique=False)
    orphans = np.setdiff1d(segmented, rendered, assume_unique=False)
    return missing, np.unique(repeated), orphans


def _all(layout: _Layout, keys: Keys) -> npt.NDArray[np.int64]:
    chunks = [chunk.copy() for chunk in layout.addresses(keys)]
    return np.concatenate(chunks) if chunks else np.empty(0, np.int64)


def _set(parts: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)
