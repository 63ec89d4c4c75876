"""What the vision-language miniature is told, and that it is loaded and asked as any other model of its kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_lab.illustrator.captions import captions
from creative_lab.illustrator.sample import sample_scene
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.captioned import ATTRIBUTES, PROP_NAMES, attribute_numbers
from creative_lab.miniatures.chat import PROMPT, TOKENS, make_tokenizer
from creative_lab.miniatures.chat_measures import LOOKS, LoadedChat, attribute_counts
from creative_lab.miniatures.questions import (
    ASKERS,
    FULL_PROMPTS,
    QUESTION,
    SCENE_PROMPTS,
    Truth,
    caption,
    figure_question,
    question,
    seen_numbers,
    truth,
)
from creative_lab.miniatures.reworded import WORDS, reworded, said
from creative_lab.miniatures.vision_language import VisionLanguageTrainer, pack
from creative_lab.settings import get_settings
from creative_lab.vision.catalogue import MeasuringCatalogue

SEEDS = st.integers(0, 20_000)


def _seen(seed: int) -> tuple[Truth, tuple[str, ...]]:
    scene = sample_scene(seed)
    props = np.array([name in {prop.name for prop in scene.props} for name in PROP_NAMES])
    return truth(attribute_numbers(scene), props)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_a_reworded_caption_differs_in_one_word_that_the_true_one_never_says(seed: int) -> None:
    text = captions(sample_scene(seed), count=1)[0]
    changed = reworded(text, np.random.default_rng(seed))
    assert changed is not None
    wrong, kind = changed
    before, after = said(text), said(wrong)
    assert len(before[kind]) == len(after[kind])
    different = [word for old, word in zip(before[kind], after[kind], strict=True) if old != word]
    assert len(different) == 1
    assert different[0] not in before[kind]
    assert {name: words for name, words in before.items() if name != kind} == {
        name: words for name, words in after.items() if name != kind
    }


def test_the_longest_name_is_the_one_that_was_said() -> None:
    assert said("extreme close-up of a person in a trench coat")["shot"] == ["extreme close-up"]
    assert said("a person in a trench coat")["garment"] == ["trench coat"]
    assert "prop" not in said("a person in a camel coat")


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_a_caption_without_looks_names_no_clothes_hair_or_face(seed: int) -> None:
    seen, things = _seen(seed)
    assert not set(LOOKS) & set(said(caption(seen, things, looks=False)))
    full = said(caption(seen, things, looks=True))
    assert full["setting"] == [seen["setting"]]
    assert full["shot"] == [seen["shot"]]
    assert ("hat" in full) == (seen["hat"] != "none")


def test_nobody_is_asked_for_what_cannot_be_seen() -> None:
    rng = np.random.default_rng(3)
    for seed in range(200):
        seen, things = _seen(seed)
        far = seen["shot"] in {"wide shot", "extreme wide shot"}
        assert ("expression" in seen) != far
        assert ("action" in seen) == (seen["shot"] not in {"extreme close-up", "close-up", "medium close-up"})
        kind = question(seen, things, rng)[2]
        assert kind in ASKERS
        assert not (far and kind in {"expression", "hair", "beard"})


def test_numbers_and_words_agree_about_what_can_be_seen() -> None:
    numbers = np.stack([attribute_numbers(sample_scene(seed)) for seed in range(120)])
    for row, seed in zip(seen_numbers(numbers), range(120), strict=True):
        seen, _ = _seen(seed)
        named = {name for name, number in zip(ATTRIBUTES, row, strict=True) if number >= 0}
        assert named == set(seen)


def test_questions_are_answered_yes_as_often_as_no_and_truly() -> None:
    rng = np.random.default_rng(5)
    answers = []
    for seed in range(600):
        seen, things = _seen(seed)
        text, answer, kind = question(seen, things, rng)
        answers.append(answer)
        if kind == "setting":
            assert (seen["setting"] in text) == (answer == "yes")
        if kind == "thing":
            assert any(thing in text for thing in things) == (answer == "yes")
        text, answer, _ = figure_question(seen, things, rng)
        true = {caption(seen, things, looks=looks) for looks in (False, True)}
        assert any(f'"{sentence}"' in text for sentence in true) == (answer == "yes")
    assert 0.44 < np.mean([answer == "yes" for answer in answers]) < 0.56


def test_every_kind_of_question_can_be_asked_for() -> None:
    rng = np.random.default_rng(6)
    asked = set()
    for seed in range(80):
        seen, things = _seen(seed)
        for kind in ASKERS:
            try:
                asked.add(question(seen, things, rng, kind=kind)[2])
            except ValueError as error:
                assert kind in str(error)
    assert asked == set(ASKERS)


def test_named_attributes_are_counted_word_by_word() -> None:
    wanted = "wide shot of a person running next to a dog, in the forest at night"
    assert attribute_counts(wanted, wanted) == (5, 5, 5)
    assert attribute_counts("wide shot of a person, in the park at night", wanted) == (2, 3, 5)
    assert attribute_counts("", wanted) == (0, 0, 5)


def test_the_vocabulary_gives_texts_back_and_knows_yes_by_one_word() -> None:
    tokenizer = make_tokenizer()
    text = "medium close-up, high angle, of a calm person in a t-shirt, in the living room at night"
    assert tokenizer.decode(tokenizer(text)["input_ids"]).strip() == text
    ids = {tuple(tokenizer(form)["input_ids"]) for form in ("yes", "Yes", " yes")}
    assert len(ids) == 1
    assert len(ids.pop()) == 1
    words = [word for options in WORDS.values() for word in options]
    assert max(len(tokenizer(word)["input_ids"]) for word in words) <= 6


@pytest.fixture(scope="module")
def random_chat(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.nn.Module, Path]:
    folder = tmp_path_factory.mktemp("vision-language")
    torch.manual_seed(2)
    trainer = VisionLanguageTrainer(folder.parent)
    network = trainer.network().eval()
    trainer.export(network, FileSystem(folder))
    return network, folder


def test_a_checkpoint_of_it_holds_no_tensor_twice(random_chat: tuple[torch.nn.Module, Path]) -> None:
    from safetensors.torch import save

    save(
        {name: value.contiguous() for name, value in random_chat[0].state_dict().items()}
    )  # raises when two names share memory


def test_transformers_loads_the_folder_and_answers(random_chat: tuple[torch.nn.Module, Path]) -> None:
    chat = LoadedChat(random_chat[1])
    pictures = [np.full((90, 160, 3), 200, np.uint8), np.zeros((128, 96, 3), np.uint8)]
    prompts = [FULL_PROMPTS[0], SCENE_PROMPTS[0]]
    answers = chat.answers(pictures, prompts, longest=3)
    assert len(answers) == 2
    yes = chat.yes(pictures, ["Is there a dog?", 'Does this figure show "a dog"? Please answer yes or no.'])
    assert ((yes > 0) & (yes < 1)).all()


def test_texts_side_by_side_are_read_as_if_each_stood_alone(random_chat: tuple[torch.nn.Module, Path]) -> None:
    network, folder = random_chat
    chat, tokenizer = LoadedChat(folder), make_tokenizer()
    picture = np.random.default_rng(1).integers(0, 255, (128, 128, 3), np.uint8)
    asked = ["Does it rain?", "Is there a dog in the park?"]
    inputs = chat._inputs([picture] * 2, asked)
    with torch.inference_mode():
        alone = chat.model(**inputs).logits[:, -1]
        rows = [[(tokenizer(PROMPT.format(text))["input_ids"], tokenizer("no")["input_ids"]) for text in asked]]
        tokens, positions, parts, after, _ = pack(rows, tokenizer.eos_token_id)
        parts = np.pad(parts, ((0, 0), (TOKENS, 0)), constant_values=-1)
        mine = parts[:, :, None] == parts[:, None, :]
        allowed = (mine | (parts == -1)[:, None, :]) & np.tri(parts.shape[1], dtype=bool)
        model = network["model"]  # type: ignore[index]
        features = model.vision_tower(inputs["pixel_values"][:1]).last_hidden_state
        seen = model.multi_modal_projector(features.flatten(2).permute(0, 2, 1))
        hidden = model.language_model(
            inputs_embeds=torch.cat([seen, model.language_model.embed_tokens(torch.from_numpy(tokens))], 1),
            attention_mask=torch.from_numpy(allowed[:, None]),
            position_ids=torch.from_numpy(np.concatenate([np.arange(TOKENS)[None], positions], 1)),
            use_cache=False,
        ).last_hidden_state[0, TOKENS:]
        answered = hidden[np.flatnonzero(after[0] >= 0)[::2]]
        together = answered @ model.language_model.embed_tokens.weight.T
    # The file holds half precision.
    assert torch.allclose(together, alone, atol=0.01)


def test_the_catalogue_asks_the_miniature_in_words_that_it_has_learnt() -> None:
    preset = MeasuringCatalogue(get_settings()).entry("miniature-vision-language")
    assert preset.caption_prompt in SCENE_PROMPTS and preset.question == QUESTION.replace("{}", "{text}")
