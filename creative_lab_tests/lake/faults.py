"""Faults for tests: system calls of which the n-th fails, and a table to write."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import dataframely as dy

from creative_lab.lake.calls import SystemCalls
from creative_lab.lake.schemas import TableSchema, table

ERRORS = [errno.ENOSPC, errno.EIO, errno.EINTR]


@table("test_scripts", partition_by=("spot", "target"), group="tests", comment="Scripts of the 'tests'; not \"real\"")
class Scripts(TableSchema):
    """Rows for tests."""

    spot = dy.String(primary_key=True, metadata={"comment": "Spot's slug"})
    target = dy.String(primary_key=True)
    row = dy.Int64(primary_key=True, min=0, metadata={"comment": "Row number"})
    text = dy.String(nullable=True, regex="^[^#]*$", metadata={"comment": "What is said"})
    tone = dy.Enum(["warm", "cool"], nullable=True)
    tags = dy.List(dy.String(), nullable=True)


@table("test_totals", group="tests", comment="One number")
class Totals(TableSchema):
    """A table without partitions."""

    total = dy.Int64(nullable=False)


class FailingCalls(SystemCalls):
    """Fails the ``fail_at``-th call with an error; a failing write first takes half of the bytes."""

    def __init__(self, fail_at: int, error: int) -> None:
        self.fail_at = fail_at
        self.error = error
        self.count = 0

    def _step(self) -> bool:
        self.count += 1
        return self.count == self.fail_at

    def _fail(self) -> OSError:
        return OSError(self.error, os.strerror(self.error))

    @property
    def failed(self) -> bool:
        return self.count >= self.fail_at

    def make_folder(self, folder: Path) -> None:
        if self._step():
            raise self._fail()
        super().make_folder(folder)

    def open(self, path: Path) -> int:
        if self._step():
            raise self._fail()
        return super().open(path)

    def open_append(self, path: Path) -> int:
        if self._step():
            raise self._fail()
        return super().open_append(path)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if self._step():
            if self.error != errno.EINTR:  # an interrupted call that took bytes reports them instead
                super().write(descriptor, memoryview(data)[: len(data) // 2])
            raise self._fail()
        # Short writes are legal at any time.
        return super().write(descriptor, memoryview(data)[: max(1, len(data) // 2)])

    def fsync(self, descriptor: int) -> None:
        if self._step():
            raise self._fail()

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        if self._step():
            raise self._fail()

    def rename(self, source: Path, target: Path) -> None:
        if self._step():
            raise self._fail()
        super().rename(source, target)

    def link(self, source: Path, target: Path) -> None:
        if self._step():
            raise self._fail()
        super().link(source, target)

    def fsync_folder(self, folder: Path) -> None:
        if self._step():
            raise self._fail()

    def unlink(self, path: Path) -> None:
        if self._step():
            raise self._fail()
        super().unlink(path)
