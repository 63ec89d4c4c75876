"""Pages for people: which captions were mended or wait for somebody, and how a training went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creative_lab.characters.captioning import CaptionedPicture, CaptionSummary
    from creative_lab.characters.lora_training import Learnt
    from creative_lab.characters.record import Character


def caption_report(character: Character, outcomes: Sequence[CaptionedPicture], counted: CaptionSummary) -> str:
    """The captions of a character as Markdown: what needs a person first, then what was mended, then the rest."""
    cost = "unknown" if counted.cost_usd is None else f"{counted.cost_usd:.4f} USD"
    lines = [
        f"# Captions of {character.name}",
        "",
        f"{counted.total} pictures: {counted.processed} captioned, {counted.skipped} kept from before, "
        f"{counted.failed} without a usable caption. Cost: {cost}. Trigger: `{character.trigger}`.",
    ]
    groups = (
        ("Needs a person", lambda o: not o.judged.usable),
        ("Mended", lambda o: o.judged.status == "mended"),
        ("As the captioner said them", lambda o: o.judged.status == "ready"),
    )
    for title, belongs in groups:
        own = [outcome for outcome in outcomes if belongs(outcome)]
        if not own:
            continue
        lines += ["", f"## {title} ({len(own)})", "", "| picture | caption | what | was |", "|---|---|---|---|"]
        for outcome in own:
            judged = outcome.judged
            what = "; ".join([*judged.problems, *judged.mended])
            raw = outcome.raw if outcome.raw and outcome.raw != judged.caption else ""
            cells = (outcome.picture.name, judged.caption or "", what, raw or "")
            lines.append("| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def training_summary(character: Character, learnt: Learnt) -> str:
    """How a training went, as plain text."""
    weights = learnt.weights
    rate = weights["steps_per_second"]
    lines = [
        f"LoRA of {character.name} ({character.key}), trigger {weights['trigger']}",
        f"base model        {weights['base_model']} ({weights['prediction_type']})",
        f"pictures          {weights['pictures']}",
        f"steps             {weights['steps']}, {weights['skipped_steps']} of them skipped",
        f"time of the steps {weights['seconds']:.1f} s" + (f", {rate:.2f} steps per second" if rate else ""),
        f"rank, alpha       {weights['rank']}, {weights['alpha']:g}",
        f"chosen            step {weights['chosen_step']}: {weights['chosen_because']}",
        f"file              {weights['path']}",
        f"kohya's format    {weights['kohya_path']}",
        "",
        "step   loss      identity  least   faces",
    ]
    for row in learnt.checkpoints:
        loss = "" if row["loss"] is None else f"{row['loss']:.4f}"
        identity, least = ("" if row[name] is None else f"{row[name]:.3f}" for name in ("identity", "identity_min"))
        faces = "" if row["faces_found"] is None else f"{row['faces_found']}/{row['pictures']}"
        mark = "  chosen" if row["chosen"] else ""
        lines.append(f"{row['step']:<6} {loss:<9} {identity:<9} {least:<7} {faces}{mark}".rstrip())
    lines += ["", *(f"note: {note}" for note in learnt.notes)]
    return "\n".join(lines).rstrip() + "\n"
