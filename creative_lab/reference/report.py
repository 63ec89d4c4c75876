"""What an import did, or would do."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class FileReport:
    """One file: keys of new entries, keys and fields of changed ones, and how many stayed as they were."""

    file: str
    created: list[str] = field(default_factory=list)
    updated: dict[str, list[str]] = field(default_factory=dict)
    unchanged: int = 0


@dataclass
class ImportReport:
    """The outcome of one import."""

    dry_run: bool
    files: list[FileReport] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def created(self) -> int:
        """Number of new rows."""
        return sum(len(file.created) for file in self.files)

    @property
    def updated(self) -> int:
        """Number of changed rows."""
        return sum(len(file.updated) for file in self.files)

    @property
    def unchanged(self) -> int:
        """Number of entries that were already in the database as they are in the files."""
        return sum(file.unchanged for file in self.files)

    def __str__(self) -> str:
        verb = "would be " if self.dry_run else ""
        lines = [
            f"{file.file}: {len(file.created)} created, {len(file.updated)} updated, {file.unchanged} unchanged"
            for file in self.files
        ]
        if self.dry_run:
            for file in self.files:
                lines += [f"  {file.file}: {key} would be created" for key in file.created]
                lines += [f"  {file.file}: {key} would change: {', '.join(new)}" for key, new in file.updated.items()]
        lines += [f"warning: {warning}" for warning in self.warnings]
        lines.append(f"{self.created} {verb}created, {self.updated} {verb}updated, {self.unchanged} unchanged")
        return "\n".join(lines)
