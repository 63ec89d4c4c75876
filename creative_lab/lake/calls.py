"""The operating-system calls behind a write, in one place so that tests can make any one of them fail."""

from __future__ import annotations

import os
from pathlib import Path


class SystemCalls:
    """Every call that creates, fills, names or removes a file of the lake."""

    def make_folder(self, folder: Path) -> None:
        """Create ``folder`` and its parents."""
        folder.mkdir(parents=True, exist_ok=True)

    def open(self, path: Path) -> int:
        """Descriptor of a new, empty file; an existing one is an error."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)

    def open_append(self, path: Path) -> int:
        """Descriptor whose writes go to the end of the file, which is created when missing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o666)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write a part of ``data``; returns how many bytes were taken."""
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        """Wait until the file's bytes are on the disk."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Put ``source`` in the place of ``target`` in one step."""
        source.replace(target)

    def link(self, source: Path, target: Path) -> None:
        """Give the file ``source`` the second name ``target``."""
        target.hardlink_to(source)

    def fsync_folder(self, folder: Path) -> None:
        """Wait until the names in ``folder`` are on the disk."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        path.unlink()


SYSTEM_CALLS = SystemCalls()
"""The real calls."""
