"""The two-agent loop: when it starts, when it stops, what it keeps, and what it never believes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from creative_lab.language.errors import ReplyError
from creative_lab.storyboards.enhancement import Judged, Written, enhance, without_contradictions
from creative_lab.storyboards.prompt_scores import WEIGHTS, Judgement, PromptScores, quick_score

POOR = "a nice picture"
GOOD = (
    "Medium shot of a happy woman carrying a red basket next to a brown horse, in the market in the evening, warm low "
    "light, 35 mm lens, framed in thirds, muted colours"
)


def scores(value: float) -> PromptScores:
    return PromptScores(**dict.fromkeys(WEIGHTS, value))


@dataclass
class Scripted:
    """Agents whose judge gives the scores of a list, one per round."""

    values: list[float]
    claimed: float | None = None
    asked: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)

    def write(self, text: str, wishes: tuple[str, ...], critique: str, round_number: int) -> Written:
        self.asked.append((text, wishes, critique))
        return Written(f"text {round_number}", "writer", 0.01)

    def judge(self, text: str) -> Judged:
        value = self.values[int(text.split()[1]) - 1]
        said = Judgement(
            critique=f"critique of {text}", scores=scores(value), overall=self.claimed, improvements=["more"]
        )
        return Judged(said, "judge", 0.02)

    def negative(self, text: str) -> Written:
        raise AssertionError(text)


def test_the_overall_score_is_computed_and_a_claimed_one_is_never_used() -> None:
    told = {"critique": "", "scores": {**dict.fromkeys(WEIGHTS, 40), "overall": 99}, "improvements": []}
    judgement = Judgement.model_validate(told)
    assert judgement.scores.overall == pytest.approx(40) and judgement.overall == 99
    made = enhance(POOR, Scripted([50, 51], claimed=100), most_rounds=4, target=85)
    assert made.stopped == "converged" and made.scores.overall == pytest.approx(51)


def test_the_weights_are_25_25_20_15_15() -> None:
    one = PromptScores(completeness=100, specificity=0, professionalism=0, cinematography=0, brand_alignment=0)
    assert one.overall == pytest.approx(25)
    mixed = PromptScores(completeness=80, specificity=60, professionalism=90, cinematography=70, brand_alignment=50)
    assert mixed.overall == pytest.approx(0.25 * 80 + 0.25 * 60 + 0.2 * 90 + 0.15 * 70 + 0.15 * 50)


def test_a_good_text_is_left_alone_only_when_every_dimension_is_good() -> None:
    agents = Scripted([90])
    left = enhance(GOOD, agents, most_rounds=4, target=85)
    assert left.stopped == "good enough" and left.text == GOOD and not left.enhanced and agents.asked == []
    uneven = PromptScores(
        completeness=100, specificity=100, professionalism=100, cinematography=100, brand_alignment=69
    )
    assert uneven.overall > 80 and not uneven.good_enough
    assert enhance(GOOD, Scripted([90]), most_rounds=4, target=85, quick=lambda _: uneven).stopped == "reached"
    assert PromptScores(**dict.fromkeys(WEIGHTS, 79.9)).good_enough is False


@pytest.mark.parametrize(
    ("values", "most", "stopped", "rounds"),
    [([85], 4, "reached", 1), ([50, 85], 4, "reached", 2), ([50, 51.9], 4, "converged", 2),
     ([50, 52, 54, 56], 4, "most rounds", 4), ([60, 40], 4, "converged", 2), ([10], 1, "most rounds", 1)],
)  # fmt: skip
def test_the_loop_stops_at_the_target_when_gains_shrink_or_after_the_most_rounds(
    values: list[float], most: int, stopped: str, rounds: int
) -> None:
    made = enhance(POOR, Scripted(values), most_rounds=most, target=85)
    assert (made.stopped, len(made.rounds)) == (stopped, rounds)
    assert made.cost_usd == pytest.approx(0.03 * rounds)


def test_the_best_round_is_kept_and_not_the_last() -> None:
    made = enhance(POOR, Scripted([70, 30]), most_rounds=4, target=85)
    assert made.text == "text 1" and made.kept_round == 1 and made.scores.overall == pytest.approx(70)


def test_critique_and_wishes_go_into_the_next_round() -> None:
    agents = Scripted([50, 60, 90])
    enhance(POOR, agents, most_rounds=4, target=85)
    assert agents.asked[0] == (POOR, (), "")
    assert agents.asked[1] == ("text 1", ("more",), "critique of text 1")


def test_a_failing_agent_leaves_the_original_text_and_says_why() -> None:
    class Broken(Scripted):
        def judge(self, text: str) -> Judged:
            if text == "text 1":
                return super().judge(text)
            raise ReplyError("not an object", "no_object")

    made = enhance(POOR, Broken([60]), most_rounds=4, target=85)
    assert made.stopped == "failed" and made.text == "text 1" and "not an object" in made.reason

    class Silent(Scripted):
        def write(self, *_: object) -> Written:
            raise TimeoutError("no answer")

    made = enhance(POOR, Silent([]), most_rounds=4, target=85)
    assert made.text == POOR and not made.enhanced and "no answer" in made.reason


def test_malformed_scores_are_an_error_and_not_a_score() -> None:
    for wrong in ({"completeness": 50}, dict.fromkeys(WEIGHTS, 101), dict.fromkeys(WEIGHTS, "good")):
        with pytest.raises(ValidationError):
            Judgement.model_validate({"critique": "", "scores": wrong})


def test_the_rule_based_score_rises_with_what_a_text_names() -> None:
    steps = [
        "a nice picture",
        "a woman",
        "a woman walking",
        "a woman walking in the market",
        "medium shot of a woman walking in the market",
        "medium shot of a woman walking in the market in the evening",
        GOOD,
    ]
    values = [quick_score(text).overall for text in steps]
    assert values == sorted(values) and len(set(values)) == len(values)


def test_the_negative_prompt_never_contradicts_the_positive_one() -> None:
    positive = "portrait of a laughing woman with text on a red shirt, high quality, shallow depth of field"
    negative = "text, watermark, low quality, laughing, depth of field, blurry, no watermark, red shirt, extra fingers"
    assert without_contradictions(negative, positive) == "watermark, low quality, blurry, extra fingers"


@given(st.lists(st.text(alphabet="abc ", min_size=1, max_size=12), max_size=60), st.text(alphabet="abc ", max_size=40))
def test_a_negative_prompt_has_at_most_a_hundred_words_each_phrase_once(phrases: list[str], positive: str) -> None:
    made = without_contradictions(", ".join(phrases * 3), positive)
    kept = [phrase for phrase in made.split(", ") if phrase]
    assert len(made.split()) <= 100 and len(kept) == len(set(kept))
    assert all(phrase not in f" {positive} ".split("  ") for phrase in kept)
