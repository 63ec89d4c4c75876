"""The lake on an object store: whole uploads, and an outbox on the local disk for the time when the store fails.

A file that could not be uploaded waits in the outbox under its own name, and readers of this machine see it there.
While it waits, newer versions of the same name join it in the outbox, so that an upload never overtakes a later one.
:meth:`ObjectStore.drain` uploads what waits; it compares SHA-256 first and so never puts the same bytes twice, not even
when it was killed between upload and removal.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from creative_lab.lake.fs import FileInfo, FileSystem, Stored, Writing

_OUTBOX = "outbox"
_TIMEOUTS = {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 2}}


class ObjectStore:
    """Files below ``url`` (``s3://bucket/prefix``) with ``local`` as the place of outbox and locks."""

    def __init__(self, url: str, options: dict[str, Any], local: FileSystem) -> None:
        self.base = url
        self.local = local
        self._options = options
        self._opened: Any = None

    def url(self, name: str) -> str:
        """Full URL of ``name``."""
        return f"{self.base}/{name}"

    @property
    def _store(self) -> Any:
        if self._opened is None:
            import fsspec

            options = dict(self._options)
            if self.base.startswith(("s3://", "s3a://")):
                options["config_kwargs"] = {**_TIMEOUTS, **options.get("config_kwargs", {})}
                # A listing must show what other machines wrote since the last one.
                options.setdefault("use_listings_cache", False)
            self._opened = fsspec.filesystem(self.base.split("://")[0], **options)
        return self._opened

    @contextlib.contextmanager
    def writer(self, name: str) -> Iterator[Writing]:
        """Collects a file in the outbox folder, then uploads it whole, or leaves it there when that fails."""
        self.local.path(name)
        outcome: list[str] = []

        def publish(part: Path, final: Path) -> None:
            reason = self._queue_behind(part, final)
            if reason is None:
                try:
                    self._upload(part, name, file.digest, file.size)
                    self.local.calls.unlink(part)
                    return
                except Exception as error:  # whatever the store's library raises when it fails
                    reason = f"{type(error).__name__}: {error}"[:300]
                with self.local.lock("outbox"):
                    self.local.calls.rename(part, final)
            outcome.append(reason)

        with self.local.writer(f"{_OUTBOX}/{name}", publish=publish) as file:
            yield file
        stored = cast("Stored", file.stored)
        if outcome:
            file.stored = replace(stored, name=name, degraded=True, reason=outcome[0])
        else:
            file.stored = replace(stored, name=name, path=self.url(name))

    def _queue_behind(self, part: Path, final: Path) -> str | None:
        """Replace an earlier version that still waits, and say so; None when none waits."""
        with self.local.lock("outbox"):
            if not final.exists():
                return None
            self.local.calls.rename(part, final)
            return "an earlier version of the file still waits in the outbox"

    def _upload(self, source: Path, name: str, digest: str, size: int) -> None:
        """One whole upload; multipart above 100 MB, which S3 also shows only when complete."""
        extra = {"Metadata": {"sha256": digest}} if self.base.startswith("s3") else {}
        if size < 100 << 20:
            self._store.pipe_file(self.url(name), source.read_bytes(), **extra)
        else:
            self._store.put_file(str(source), self.url(name), **extra)

    def _remote_digest(self, name: str) -> str | None:
        """SHA-256 of the stored file; None when there is none."""
        try:
            if self.base.startswith("s3"):
                known = self._store.metadata(self.url(name), refresh=True).get("sha256")
                if known:
                    return str(known)
            return hashlib.sha256(self._store.cat_file(self.url(name))).hexdigest()
        except FileNotFoundError:
            return None

    def drain(self) -> list[str]:
        """Upload every waiting file and remove it from the outbox; returns the names moved.

        A file that still fails stays; OSError names the first failure after the others were tried. Two processes may
        drain at once: one does the work while the other waits.
        """
        moved, failure = [], None
        with self.local.lock("drain"):
            for waiting in self.local.list(_OUTBOX):
                name = waiting.name.removeprefix(f"{_OUTBOX}/")
                path = self.local.path(waiting.name)
                try:
                    data_digest = hashlib.sha256(path.read_bytes()).hexdigest()
                    if self._remote_digest(name) != data_digest:
                        self._upload(path, name, data_digest, waiting.bytes)
                except FileNotFoundError:
                    continue
                except Exception as error:  # whatever the store's library raises when it fails
                    failure = failure or OSError(f"{self.url(name)}: {type(error).__name__}: {error}")
                    continue
                if self._remove_unchanged(waiting):
                    moved.append(name)
        if failure:
            raise failure
        return moved

    def _remove_unchanged(self, waiting: FileInfo) -> bool:
        """Remove a drained file from the outbox unless a newer version has joined it meanwhile."""
        path = self.local.path(waiting.name)
        with self.local.lock("outbox"):
            state = path.stat()
            if f"{state.st_ino}-{state.st_mtime_ns}-{state.st_size}" != waiting.version:
                return False
            self.local.calls.unlink(path)
            self.local.calls.fsync_folder(path.parent)
            return True

    def read(self, name: str) -> bytes:
        """All bytes of ``name``, from the outbox while it waits there; FileNotFoundError when it is nowhere."""
        with contextlib.suppress(FileNotFoundError):
            return self.local.read_bytes(f"{_OUTBOX}/{name}")
        return bytes(self._store.cat_file(self.url(name)))

    def exists(self, name: str) -> bool:
        """Whether ``name`` is in the store or waits in the outbox."""
        return self.local.exists(f"{_OUTBOX}/{name}") or bool(self._store.isfile(self.url(name)))

    def remove(self, name: str) -> None:
        """Remove ``name`` from both; an error of the store is raised, because the file would come back."""
        with self.local.lock("outbox"):
            self.local.remove(f"{_OUTBOX}/{name}")
        with contextlib.suppress(FileNotFoundError):
            self._store.rm_file(self.url(name))

    def list(self, folder: str) -> list[FileInfo]:
        """Files below ``folder`` in the store, overlaid with those that wait in the outbox."""
        from creative_lab.lake.fs import FileInfo

        prefix = self.url(folder.strip("/")).rstrip("/")
        root = self._store._strip_protocol(self.base)
        found = {}
        with contextlib.suppress(FileNotFoundError):
            for path, detail in self._store.find(prefix, detail=True).items():
                name = path.removeprefix(root).lstrip("/")
                version = str(detail.get("ETag") or detail.get("created") or detail.get("LastModified"))
                found[name] = FileInfo(name, int(detail.get("size") or 0), version)
        for waiting in self.local.list(f"{_OUTBOX}/{folder}".rstrip("/")):
            name = waiting.name.removeprefix(f"{_OUTBOX}/")
            found[name] = FileInfo(name, waiting.bytes, waiting.version)
        return list(found.values())
