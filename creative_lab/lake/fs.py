"""The one file-system class that every write of the platform goes through.

A write lands under a temporary name in the same folder, is flushed and synced, renamed over the final name, and the
folder is synced: a reader sees the old file or the new one, never a part of either.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PART_SUFFIX = ".part"
"""Suffix of unfinished files; readers never look at them."""


class FileSystem:
    """Files below one local root folder, written atomically."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def path(self, name: str) -> Path:
        """Absolute path of ``name`` (relative, with forward slashes), which may not leave the root."""
        path = (self.root / name).absolute()
        if ".." in Path(name).parts or not path.is_relative_to(self.root.absolute()):
            raise ValueError(f"{name!r} leaves {self.root}")
        return path

    @contextlib.contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """A binary file that becomes ``name`` when the block ends without an error, and vanishes otherwise."""
        final = self.path(name)
        final.parent.mkdir(parents=True, exist_ok=True)
        part = final.with_name(f".{final.name}.{uuid.uuid4().hex}{PART_SUFFIX}")
        try:
            with part.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(final)
            self._sync_folder(final.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise

    def write_bytes(self, name: str, data: bytes) -> Path:
        """Write ``data`` to ``name`` atomically; returns the absolute path."""
        with self.writer(name) as file:
            file.write(data)
        return self.path(name)

    def _sync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
