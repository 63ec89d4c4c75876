"""Fast reading of tables with many partitions: compacted copies beside the partitions' own files.

Opening ten thousand small Parquet files takes seconds, and DuckDB fails when a file it reads is replaced under the same
name. So queries never touch the partitions' files. Per table there is one *snapshot* with the rows of all partitions
and, when some of them were written since, one file with the rows of those. A query reads the snapshot without the
changed partitions, and the changed rows. Both files are never altered, only replaced under new names. Nothing here is
the truth: all of it can be deleted and made again.

Files that a newer state no longer uses are kept for :data:`GRACE_S`, so a query that began earlier finds them.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from creative_lab.lake.checking import stored_types
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.schemas import TableInfo, partition_label
from creative_lab.lake.tables import DATA_FILE, TableStore, partition_of, scan_stored

GRACE_S = 3600.0
"""How long files outlive the state that used them, in seconds; longer than any query may run."""

ID_COLUMN = "partition_id_"
"""Column of a snapshot that numbers the partitions, so that changed ones can be left out."""

MOST_CHANGED = 200
"""Changed partitions beyond which a new snapshot is made."""

SMALL_BYTES = 16 << 20
"""Tables up to this size get a new snapshot whenever anything changed."""

_ROW_GROUP = 122_880  # DuckDB's own row-group size: one unit of its parallel reading


@dataclass(frozen=True)
class TableState:
    """What a query has to read to see one table."""

    snapshot: str
    """Absolute path of the snapshot."""
    excluded: tuple[int, ...]
    """Partition numbers whose rows in the snapshot are out of date."""
    changed: str | None
    """Absolute path of the file that holds the changed partitions; None when they have no rows."""


class Snapshots:
    """Makes and finds the compacted copies below ``folder``, a local one (on the lake's disk if the lake is local)."""

    def __init__(
        self,
        store: TableStore,
        folder: Path,
        *,
        grace_s: float = GRACE_S,
        most_changed: int = MOST_CHANGED,
        small_bytes: int = SMALL_BYTES,
    ) -> None:
        self.store = store
        self.files = FileSystem(folder, calls=store.files.calls)
        self.grace_s = grace_s
        self.most_changed = most_changed
        self.small_bytes = small_bytes

    def refresh(self, info: TableInfo) -> TableState:
        """Bring the copies up to date with the partitions' files and say what to read.

        Safe beside writers and other refreshes; what is written meanwhile is seen by the next refresh.
        """
        with self.files.lock(info.name):
            index = self._load(info)
            found = {
                partition_label(info, keys): file
                for file in self.store.files.list(f"tables/{info.name}", suffix=f"/{DATA_FILE}")
                if (keys := partition_of(info, file.name)) is not None
            }
            versions = {label: file.version for label, file in found.items()}
            if index and index["versions"] == versions and index["shape"] == _shape(info):
                return self._state(info, index)
            known = index["compacted"] if index and index["shape"] == _shape(info) else None
            changed = [label for label, version in versions.items() if known is None or known.get(label) != version]
            small = sum(file.bytes for file in found.values()) <= self.small_bytes
            if index is None or known is None or small or len(changed) > self.most_changed or not info.partition_by:
                new = self._compact(info, index if known is not None else None, found, changed)
            else:
                new = self._gather(info, index, found, changed)
            self._retire(info, index, new)
            self.files.write_bytes(f"{info.name}/index.json", json.dumps(new).encode())
            return self._state(info, new)

    def last(self, info: TableInfo) -> TableState:
        """The state of the last refresh that worked, or an empty one: for a table that cannot be read now."""
        with self.files.lock(info.name):
            index = self._load(info)
            if index is None or index["shape"] != _shape(info):
                index = self._compact(info, None, {}, [])
                index["shape"] += " (not read)"  # the next refresh starts anew
                index["retired"] = {}
            return self._state(info, index)

    # --- the index: which files make up the present state

    def _load(self, info: TableInfo) -> dict | None:
        try:
            index = json.loads(self.files.read_bytes(f"{info.name}/index.json"))
        except (FileNotFoundError, ValueError):
            return None
        used = [index["snapshot"], *([index["changed"]] if index["changed"] else [])]
        # Anybody may delete the copies; then they are made again.
        return index if all(self.files.exists(f"{info.name}/{name}") for name in used) else None

    def _state(self, info: TableInfo, index: dict) -> TableState:
        stale = {label for label in index["ids"] if index["versions"].get(label) != index["compacted"].get(label)}
        return TableState(
            snapshot=str(self.files.path(f"{info.name}/{index['snapshot']}")),
            excluded=tuple(sorted(index["ids"][label] for label in stale)),
            changed=str(self.files.path(f"{info.name}/{index['changed']}")) if index["changed"] else None,
        )

    # --- making copies

    def _compact(self, info: TableInfo, old: dict | None, found: dict, changed: Sequence[str]) -> dict:
        """A new snapshot from the old one's unchanged rows and the changed partitions' files."""
        frame, versions = self._read(info, found, changed if old else list(found))
        frames = [frame]
        if old:
            versions |= {label: found[label].version for label in found if label not in set(changed)}
        if old:
            kept = pl.read_parquet(self.files.path(f"{info.name}/{old['snapshot']}").read_bytes()).drop(ID_COLUMN)
            gone = pl.DataFrame(
                {"label_": [label for label in old["ids"] if label not in versions or label in changed]}
            )
            labels = kept.select(_label(info)).to_series()
            frames.insert(0, kept.filter(~labels.is_in(gone.get_column("label_").cast(pl.String).to_list())))
        rows = pl.concat(frames)
        ids = {label: number for number, label in enumerate(sorted(versions))}
        numbered = rows.with_columns(
            _label(info).replace_strict(ids, default=None, return_dtype=pl.Int32).alias(ID_COLUMN)
        )
        if numbered.get_column(ID_COLUMN).null_count():
            wrong = numbered.filter(pl.col(ID_COLUMN).is_null()).select(_label(info)).to_series()[0]
            raise ValueError(f"table {info.name}: rows of partition {wrong} lie in another partition's folder")
        name = f"snapshot-{uuid.uuid4().hex}.parquet"
        self._write(f"{info.name}/{name}", numbered.sort(ID_COLUMN, maintain_order=True))
        return {
            "shape": _shape(info),
            "snapshot": name,
            "ids": ids,
            "compacted": versions,
            "versions": versions,
            "changed": None,
        }

    def _gather(self, info: TableInfo, old: dict, found: dict, changed: Sequence[str]) -> dict:
        """The old snapshot with one file that holds the changed partitions."""
        frame, read = self._read(info, found, changed)
        versions = {label: file.version for label, file in found.items() if label in read or label not in set(changed)}
        name = None
        if frame.height:
            name = f"changed-{uuid.uuid4().hex}.parquet"
            self._write(f"{info.name}/{name}", frame)
        return {**old, "versions": versions, "changed": name}

    def _read(self, info: TableInfo, found: dict, labels: Sequence[str]) -> tuple[pl.DataFrame, dict[str, str]]:
        """Rows of these partitions in stored form, and the version of each file read.

        A file replaced since it was listed has newer rows; its listed version makes the next refresh look again.
        """
        sources, versions = [], {}
        for label in labels:
            try:
                sources.append(self.store.files.read_bytes(found[label].name))
            except FileNotFoundError:  # removed since it was listed
                continue
            versions[label] = found[label].version
        frame = scan_stored(info, sources).collect() if sources else pl.DataFrame(schema=stored_types(info))
        return frame, versions

    def _write(self, name: str, frame: pl.DataFrame) -> None:
        buffer = io.BytesIO()
        frame.write_parquet(buffer, row_group_size=_ROW_GROUP)
        self.files.write_bytes(name, buffer.getvalue())

    def _retire(self, info: TableInfo, old: dict | None, new: dict) -> None:
        """Note which files went out of use now, and remove those whose time is over."""
        now = time.time()
        used = {"index.json", new["snapshot"], new["changed"]}
        before = old.get("retired", {}) if old else {}
        new["retired"] = {}
        for file in self.files.list(info.name):
            name = file.name.removeprefix(f"{info.name}/")
            if name in used:
                continue
            since = before.get(name, now)
            if now - since > self.grace_s:
                self.files.remove(file.name)
            else:
                new["retired"][name] = since


def _label(info: TableInfo) -> pl.Expr:
    """The partition label of each row."""
    if not info.partition_by:
        return pl.lit("all")
    parts = [pl.format(f"{column}={{}}", pl.col(column)) for column in info.partition_by]
    return pl.concat_str(parts, separator=",")


def _shape(info: TableInfo) -> str:
    """Changes when columns, types or partitioning do, which asks for a new snapshot."""
    text = repr((list(stored_types(info).items()), info.partition_by))
    return hashlib.sha256(text.encode()).hexdigest()
