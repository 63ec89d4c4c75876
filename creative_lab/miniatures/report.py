"""The table of bars in docs/miniatures.md, and the sheets beside it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.manifest import model_folder, read_manifest
from creative_lab.miniatures.registry import NAMES, trainer
from creative_lab.miniatures.work import read_card
from creative_lab.weights.errors import ModelNotHere

PAGE = "miniatures.md"
BEGIN, END = "<!-- bars: written by python -m creative_lab.miniatures report -->", "<!-- end of bars -->"


def table(root: Path) -> str:
    """What every model measured against its bar, as a Markdown table; a model that is not shipped says so."""
    lines = [
        "| model | measured on held-out truth | bar | | trained on | time | machine | seed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    shipped = read_manifest(root)
    for name in NAMES:
        maker = trainer(name, root)
        card = read_card(root / maker.folder).get(name)
        if card is None or maker.folder not in shipped:
            bars = ", ".join(f"{key} ≥ {bar}" for key, bar in maker.bars.items())
            lines.append(f"| {name} | not shipped yet | {bars} | – | | | | |")
            continue
        before = card.get("before", {"samples": 0, "minutes": 0})
        for key, bar in card["bars"].items():
            lines.append(
                f"| {name} | {key} {bar['measured']:.3f} ({card['held_out_samples']} samples) | ≥ {bar['bar']} "
                f"| {'met' if bar['met'] else '**missed**'} | {before['samples'] + card['samples']:,} samples "
                f"| {before['minutes'] + card['minutes']:.1f} min, "
                f"{card['samples_per_second']} samples/s | {card['machine']}, {card['threads']} thread "
                f"| {card['recipe']['seed']} |"
            )
    size = shipped_bytes(root) / 1e6
    return "\n".join([*lines, "", f"All shipped weights together: {size:.1f} MB."])


def shipped_bytes(root: Path) -> int:
    """Size of all files below the models' root; a link counts as what it is, a few bytes."""
    return sum(path.lstat().st_size for path in root.rglob("*") if path.is_file())


def write_report(root: Path, docs: Path) -> None:
    """Replace the table between the page's two marks. Raises ValueError when the page lacks them."""
    path = docs / PAGE
    text = path.read_text("utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{path} lacks the marks between which the table of bars goes")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    FileSystem(docs).write_bytes(PAGE, f"{before}{BEGIN}\n{table(root)}\n{END}{after}".encode())


def write_sheets(root: Path, docs: Path, names: Iterable[str] = ()) -> list[str]:
    """Draw the sheets ``names`` (default: all) below docs/pictures; returns the files written.

    A sheet of a model that is not shipped is left out.
    """
    from creative_lab.miniatures.judging_sheets import MODELS as JUDGING
    from creative_lab.miniatures.sheets import MODELS, WORLD, png

    files, written, chosen = FileSystem(docs), [], set(names)
    for name, draw in WORLD.items():
        if not chosen or name in chosen:
            written.append(files.write_bytes(f"pictures/world-{name}.png", png(draw())).name)
    for name, (folder, show) in (MODELS | JUDGING).items():
        if chosen and name not in chosen:
            continue
        try:
            pixels = show(model_folder(folder, root=root))
        except ModelNotHere:
            continue
        written.append(files.write_bytes(f"pictures/miniature-{name}.png", png(pixels)).name)
    return written
