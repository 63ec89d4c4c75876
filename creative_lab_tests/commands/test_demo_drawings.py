"""The demo's single pictures: drawn by the shipped model, scored, and listed best first."""

from __future__ import annotations

import re

import pytest

from creative_lab.commands import demo_drawings
from creative_lab.imaging.recipe import show
from creative_lab.settings import Settings


@pytest.mark.slow
def test_single_pictures_are_listed_with_their_scores_the_best_of_a_prompt_first(
    lab: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    demo_drawings.show(lab)
    said = capsys.readouterr().out
    rows = [[int(number) for number in re.findall(r"\d+", line[-70:])] for line in said.splitlines() if "  " in line]
    rows = [row for row in rows if len(row) == 6]
    assert len(rows) == len(demo_drawings.PROMPTS) * demo_drawings.VARIATIONS
    for first in range(0, len(rows), demo_drawings.VARIATIONS):
        overall = [row[1] for row in rows[first : first + demo_drawings.VARIATIONS]]
        assert overall == sorted(overall, reverse=True)
        assert {row[0] for row in rows[first : first + demo_drawings.VARIATIONS]} == {7, 8, 9}
    assert len({tuple(row[1:]) for row in rows}) > 6
    [(place, _)] = demo_drawings.places(lab)
    recipes = [show(path).recipe for path in sorted(place.glob("*.png"))]
    assert sorted({recipe.prompt for recipe in recipes if recipe}) == sorted(demo_drawings.PROMPTS)
    assert len(recipes) == len(rows)
