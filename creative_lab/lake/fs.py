"""The one file-system class that every write of the platform goes through.

A write lands under a temporary name in the same folder, is flushed and synced, renamed over the final name, and the
folder is synced: a reader sees the old file or the new one, never a part of either. On an object store (any fsspec URL,
such as ``s3://bucket/lake``) a file is uploaded to its final name only as a whole; when the store fails, the file waits
on the local disk and the result says ``degraded`` (see :mod:`creative_lab.lake.objects`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from creative_lab.lake.calls import SYSTEM_CALLS, SystemCalls

if TYPE_CHECKING:
    from creative_lab.lake.objects import ObjectStore
    from creative_lab.settings import Settings

PART_SUFFIX = ".part"
"""Suffix of unfinished files; readers never look at them."""

_BUFFER = 1 << 20


@dataclass(frozen=True)
class Stored:
    """What became of one write."""

    name: str
    """Name below the root, with forward slashes."""
    path: str
    """Absolute path or URL where the bytes are."""
    bytes: int
    sha256: str
    degraded: bool = False
    """Whether the bytes wait on the local disk because the object store failed."""
    reason: str | None = None
    """Why it is degraded."""


@dataclass(frozen=True)
class FileInfo:
    """One file of a listing."""

    name: str
    bytes: int
    version: str
    """Changes whenever the file is replaced (inode and time of change, or the store's ETag)."""


class FileSystem:
    """Files below one root: a local folder, or an object store with a local fallback folder.

    ``options`` are fsspec's options of the object store; ``fallback`` is where files wait while it fails (required
    there); ``calls`` are the operating-system calls, replaced only by tests.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        calls: SystemCalls = SYSTEM_CALLS,
        options: dict[str, Any] | None = None,
        fallback: Path | None = None,
    ) -> None:
        self.calls = calls
        self.remote: ObjectStore | None = None
        text = str(root)
        if "://" in text and not text.startswith("file://"):
            from creative_lab.lake.objects import ObjectStore

            if fallback is None:
                raise ValueError(f"{text}: a file system on an object store needs a local fallback folder")
            self.remote = ObjectStore(text.rstrip("/"), options or {}, FileSystem(fallback, calls=calls))
        self.root = Path(fallback) if self.remote and fallback else Path(text.removeprefix("file://"))

    @classmethod
    def of_lake(cls, settings: Settings) -> FileSystem:
        """The lake of an installation, with HOME/lake-fallback for the time when an object store fails."""
        return cls(settings.lake_root, fallback=settings.home / "lake-fallback")

    # --- names

    def path(self, name: str) -> Path:
        """Absolute local path of ``name`` (relative, with forward slashes), which may not leave the root."""
        path = (self.root / name).absolute()
        if ".." in Path(name).parts or "\0" in name or not path.is_relative_to(self.root.absolute()):
            raise ValueError(f"{name!r} leaves {self.root}")
        return path

    def url(self, name: str) -> str:
        """Absolute path, or URL on an object store, of ``name``."""
        local = self.path(name)
        return self.remote.url(name) if self.remote else str(local)

    # --- writing

    @contextlib.contextmanager
    def writer(self, name: str, *, publish: Callable[[Path, Path], None] | None = None) -> Iterator[Writing]:
        """A binary file that becomes ``name`` when the block ends without an error, and vanishes otherwise.

        Afterwards its attribute ``stored`` says what was written. ``publish`` replaces the rename of the finished
        part (first argument) to the final path (second), for callers that must do more in the same moment; it is
        not used on an object store. Raises OSError when the local disk fails; the old file is then untouched.
        """
        if self.remote:
            with self.remote.writer(name) as remote_file:
                yield remote_file
            return
        final = self.path(name)
        self._make_folder(final.parent)
        part = final.with_name(f".{final.name[:100]}.{uuid.uuid4().hex}{PART_SUFFIX}")
        file = None
        try:
            file = Writing(_Raw(self.calls, part))
            yield file
            file.flush()
            file.raw_file.sync()
            file.size, file.digest = file.raw_file.summary()
            file.close()
            (publish or self.calls.rename)(part, final)
            self.calls.fsync_folder(final.parent)
            file.stored = Stored(name, str(final), file.size, file.digest)
        except BaseException:
            if file is not None:
                file.discard()
            with contextlib.suppress(OSError):
                part.unlink()
            raise

    def write_bytes(self, name: str, data: bytes, *, publish: Callable[[Path, Path], None] | None = None) -> Stored:
        """Write ``data`` to ``name`` atomically."""
        with self.writer(name, publish=publish) as file:
            file.write(data)
        return cast(Stored, file.stored)

    def put(self, data: bytes, suffix: str) -> tuple[str, str]:
        """Store ``data`` under its content hash, once; returns (name below the root, SHA-256 in hex)."""
        digest = hashlib.sha256(data).hexdigest()
        name = f"objects/{digest[:2]}/{digest}{suffix}"
        if not self.exists(name):
            self.write_bytes(name, data)
        return name, digest

    def remove(self, name: str) -> None:
        """Remove ``name``; nothing happens when there is no such file."""
        if self.remote:
            self.remote.remove(name)
            return
        path = self.path(name)
        with contextlib.suppress(FileNotFoundError):
            self.calls.unlink(path)
            self.calls.fsync_folder(path.parent)

    def sweep(self, older_than_s: float = 86_400) -> list[str]:
        """Remove unfinished files whose last change is older; returns their names. For start-up, not for readers."""
        limit = time.time() - older_than_s
        removed = []
        for folder, _, names in os.walk(self.root):
            for entry in names:
                path = Path(folder, entry)
                with contextlib.suppress(FileNotFoundError):
                    if entry.endswith(PART_SUFFIX) and path.stat().st_mtime <= limit:
                        path.unlink()
                        removed.append(path.relative_to(self.root).as_posix())
        return sorted(removed)

    def drain(self) -> list[str]:
        """Move files that wait on the local disk to the object store; returns the names moved (see ObjectStore)."""
        return self.remote.drain() if self.remote else []

    # --- reading

    def open(self, name: str) -> BinaryIO:
        """An open binary file, which stays whole when ``name`` is replaced or removed meanwhile."""
        if self.remote:
            return io.BytesIO(self.remote.read(name))
        return self.path(name).open("rb")

    def read_bytes(self, name: str) -> bytes:
        """All bytes of ``name``; FileNotFoundError when it is missing."""
        with self.open(name) as file:
            return file.read()

    def exists(self, name: str) -> bool:
        """Whether there is a file ``name``."""
        return self.remote.exists(name) if self.remote else self.path(name).is_file()

    def list(self, folder: str = "", *, suffix: str = "") -> list[FileInfo]:
        """Finished files below ``folder`` whose names end in ``suffix``, by name; none when there is no folder."""
        if self.remote:
            found = self.remote.list(folder)
        else:
            found = list(_walk(self.path(folder), folder.strip("/")))
        finished = (file for file in found if not PurePosixPath(file.name).name.startswith("."))
        return sorted((file for file in finished if file.name.endswith(suffix)), key=lambda file: file.name)

    # --- agreement between processes of one machine

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the exclusive lock ``name`` among the processes and threads of this machine; ends with the process."""
        path = self.path(f".locks/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self, folder: Path) -> None:
        """Create ``folder`` durably: each new name is synced in its parent."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        if missing:
            self.calls.make_folder(missing[0])
            for new in missing:
                self.calls.fsync_folder(new.parent)


class _Raw(io.RawIOBase):
    """The unfinished file: counts and hashes what passes through."""

    def __init__(self, calls: SystemCalls, path: Path) -> None:
        super().__init__()
        self._calls = calls
        self._descriptor: int | None = calls.open(path)
        self._hash = hashlib.sha256()
        self._sequential = True
        self._seen = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        if self._descriptor is None:
            raise ValueError("the file is closed")
        return self._descriptor

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        taken = self._calls.write(self.fileno(), view)
        self._hash.update(view[:taken])
        self._seen += taken
        return taken

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        before = os.lseek(self.fileno(), 0, os.SEEK_CUR)
        position = os.lseek(self.fileno(), offset, whence)
        self._sequential = self._sequential and position == before
        return position

    def truncate(self, size: int | None = None) -> int:
        self._sequential = False
        size = os.lseek(self.fileno(), 0, os.SEEK_CUR) if size is None else size
        os.ftruncate(self.fileno(), size)
        return size

    def sync(self) -> None:
        self._calls.fsync(self.fileno())

    def summary(self) -> tuple[int, str]:
        """Size in bytes and SHA-256 of the whole file."""
        size = os.fstat(self.fileno()).st_size
        if not self._sequential or self._seen != size:  # some libraries write to the descriptor itself
            self._hash, position = hashlib.sha256(), 0
            while block := os.pread(self.fileno(), _BUFFER, position):
                self._hash.update(block)
                position += len(block)
        return size, self._hash.hexdigest()

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        super().close()
        if descriptor is not None:
            self._calls.close(descriptor)


class Writing(io.BufferedWriter):
    """A file being written; ``size`` and ``digest`` are set once it is complete, ``stored`` once it is published."""

    size: int = 0
    digest: str = ""
    stored: Stored | None = None

    def __init__(self, raw: _Raw) -> None:
        super().__init__(raw, _BUFFER)
        self.raw_file = raw

    def discard(self) -> None:
        """Close without writing what is still buffered."""
        with contextlib.suppress(OSError, ValueError):
            self.raw_file.close()
        with contextlib.suppress(OSError, ValueError):
            self.close()


def _walk(folder: Path, prefix: str) -> Iterator[FileInfo]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        name = f"{prefix}/{entry.name}" if prefix else entry.name
        if entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith("."):
                yield from _walk(Path(entry.path), name)
        elif not entry.name.endswith(PART_SUFFIX):
            try:
                state = entry.stat()
            except FileNotFoundError:
                continue
            yield FileInfo(name, state.st_size, f"{state.st_ino}-{state.st_mtime_ns}-{state.st_size}")
