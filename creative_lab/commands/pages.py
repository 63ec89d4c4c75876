"""The generated pages of docs/: commands, settings, tables, and the measured quality of the gates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from creative_lab.lake.fs import FileSystem
from creative_lab.settings import REPOSITORY_ROOT, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTE = "<!-- Written by `make docs`; edits here are lost. -->\n\n"


def write_pages(settings: Settings, root: Any, folder: Path | None = None) -> list[Path]:
    """Write all generated pages below ``folder`` (default: docs/); ``root`` is the root command."""
    files = FileSystem(folder or REPOSITORY_ROOT / "docs")
    pages = {
        "reference/commands.md": commands_page(root),
        "reference/settings.md": settings_page(),
        "reference/tables.md": tables_page(),
        "gate-quality.md": gate_quality_page(settings),
    }
    written = []
    for name, text in pages.items():
        files.write_bytes(name, (NOTE + text).encode())
        written.append(files.path(name))
    return written


def commands_page(root: Any) -> str:
    """Every command below the group ``root`` with its arguments and options."""
    lines = [
        "# Commands",
        "",
        "Exit codes: 0 done, 1 failed, 2 wrong use. `creative-lab --verbose …` shows the trace of an error.",
        "",
    ]
    for path, command in _walk(root, ()):
        words = " ".join(["creative-lab", *path])
        arguments = " ".join(
            _usage(parameter) for parameter in command.params if parameter.param_type_name == "argument"
        )
        lines += [f"## `{words}{' ' + arguments if arguments else ''}`", "", (command.help or "").strip(), ""]
        rows = [_option(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
        if rows := [row for row in rows if row]:
            lines += ["| argument or option | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in sorted(children.items()):
        if not child.hidden:
            yield from _walk(child, (*path, name))


def _usage(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name).upper()
    many = "…" if parameter.nargs == -1 else ""
    return f"{name}{many}" if parameter.required else f"[{name}{many}]"


def _option(parameter: Any) -> str:
    text = (getattr(parameter, "help", None) or "").replace("|", "\\|").replace("\n", " ")
    if parameter.param_type_name == "argument":
        return f"| `{parameter.name.upper()}` | {text} |" if text else ""
    if parameter.name == "help":
        return ""
    return f"| `{', '.join(parameter.opts)}` | {text} |"


def settings_page() -> str:
    """Every setting with its environment variable, default and meaning."""
    lines = [
        "# Settings",
        "",
        "Each is an environment variable. Keys and the Postgres URL are secrets: they print as stars, unstored.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "" if default is None else str(default)
        shown = shown.replace(str(REPOSITORY_ROOT), "REPOSITORY")
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `CREATIVE_LAB_{name.upper()}` | {f'`{shown}`' if shown else '–'} | {meaning} |")
    return "\n".join(lines) + "\n"


def tables_page() -> str:
    """Every table with its columns as the warehouse shows them."""
    import creative_lab.catalogue  # noqa: F401 - makes all tables known
    from creative_lab.lake.schemas import registered_tables

    lines = [
        "# Tables",
        "",
        "Views of `warehouse.duckdb`. Every row also carries `run_id`, `written_at` and `backend`.",
        "",
    ]
    for info in registered_tables():
        lines += [f"## {info.name}", "", info.comment + ("" if info.comment.endswith(".") else "."), ""]
        if info.partition_by:
            lines += [f"Partitioned by {', '.join(info.partition_by)}.", ""]
        lines += ["| column | type | meaning |", "|---|---|---|"]
        comments = info.column_comments
        for name, column in info.schema.columns().items():
            if name not in {"run_id", "written_at", "backend"}:
                lines.append(f"| `{name}` | {column.dtype} | {comments.get(name, '').replace('|', chr(92) + '|')} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def gate_quality_page(settings: Settings) -> str:
    """Precision and recall of the gates as last measured in this lab."""
    from creative_lab.lake.tables import TableStore
    from creative_lab.metrics.gate_quality import render_markdown
    from creative_lab.metrics.schemas import GateQuality

    store = TableStore(settings)
    head = (
        "# Gate quality\n\n"
        "How well the gates' exact checks find what they are for. The defects are of the kinds that the checks were "
        "written for, planted by a seed; a real writer's mistakes may be others, and taste is no class.\n\n"
    )
    if not store.exists(GateQuality):
        return head + "Not measured yet: run `make demo`, then `make docs`.\n"
    return head + render_markdown(store.scan(GateQuality).collect()) + "\n"
