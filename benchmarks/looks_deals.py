"""What a deal costs, and whether it costs more the longer the past is.

    python -m benchmarks.looks_deals

The shipped wardrobe, with pasts of 100, 1,000 and 10,000 looks that take turns; every round deals the same seeds. Times
are processor time of this process, so that a busy machine does not blur them.
"""

from __future__ import annotations

import time
from datetime import date, timedelta

from sqlalchemy.orm import Session

from benchmarks.results import write_section
from creative_lab.looks.history import History, PastOutfit, outfit_items
from creative_lab.looks.importing import bootstrap_looks
from creative_lab.looks.selection import Deal, SelectionEngine
from creative_lab.looks.wardrobe import Wardrobe, load_wardrobe
from creative_lab.settings import get_settings
from creative_lab.state import db

PASTS = (100, 1_000, 10_000)
DEALS = 500
ROUNDS = 7
LOOKS_A_DAY = 100
TODAY = date(2026, 10, 4)


def main() -> None:
    """Measure and write the section."""
    wardrobe = shipped()
    looks = past(wardrobe, max(PASTS))
    least = dict.fromkeys(PASTS, float("inf"))
    built = dict.fromkeys(PASTS, 0.0)
    for number in range(ROUNDS + 1):
        for size in PASTS:
            start = time.process_time()
            engine = SelectionEngine(wardrobe, history(wardrobe, looks[-size:]))
            built[size] = time.process_time() - start
            start = time.process_time()
            for seed in range(DEALS):
                engine.deal(seed)
            if number:
                least[size] = min(least[size], time.process_time() - start)
    rows = "\n".join(
        f"| {size:,} | {DEALS / least[size]:,.0f} | {least[size] / DEALS * 1e6:.0f} "
        f"| {least[size] / least[PASTS[0]]:.2f} | {built[size] * 1000:.0f} |"
        for size in PASTS
    )
    write_section(
        "Dealing looks: cost of a deal as the past grows",
        f"`python -m benchmarks.looks_deals`: {len(wardrobe.garments)} garments, {DEALS} deals in each of {ROUNDS} "
        "turns, best turn, processor time of one core. A past is counted once per batch.\n\n"
        "| looks of history | deals per second | µs per deal | against the shortest past | counting the past, ms |\n"
        f"|---:|---:|---:|---:|---:|\n{rows}",
    )


def shipped() -> Wardrobe:
    """The shipped wardrobe, read through a database and not left in it."""
    settings = get_settings()
    db.upgrade(settings)
    with Session(db.engine(settings)) as session:
        bootstrap_looks(session, settings)
        wardrobe = load_wardrobe(session)
        session.rollback()
    return wardrobe


def history(wardrobe: Wardrobe, looks: list[tuple[date, list[PastOutfit]]]) -> History:
    """A history that has counted ``looks``."""
    control = wardrobe.control
    made = History(TODAY, dedup_window=control.dedup_window, share_window=control.share_window)
    for day, outfits in looks:
        made.add(day, outfits)
    return made


def past(wardrobe: Wardrobe, size: int) -> list[tuple[date, list[PastOutfit]]]:
    """``size`` looks that were really dealt, spread over the days before today."""
    looks: list[tuple[date, list[PastOutfit]]] = []
    first = TODAY - timedelta(days=size // LOOKS_A_DAY + 1)
    engine = SelectionEngine(wardrobe, history(wardrobe, []))
    for number in range(size):
        deal = engine.deal(1_000_000 + number)
        if not deal.exhausted:
            looks.append((first + timedelta(days=number // LOOKS_A_DAY), _outfits(deal)))
    return looks


def _outfits(deal: Deal) -> list[PastOutfit]:
    assert deal.designer is not None
    assert deal.colourway is not None
    return [
        PastOutfit(one.hash, outfit_items(deal.designer.key, deal.colourway.key, one.template.key, one.garments))
        for one in deal.outfits
    ]


if __name__ == "__main__":
    main()
