"""HPSv3 is asked, batched and read as its authors do, from the files that they publish."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from transformers import AutoProcessor

from creative_lab.settings import Settings
from creative_lab.vision.models import VisionModels
from creative_lab.vision.reward import PIXELS, PreferenceReward
from creative_lab.vision.scoring import score_pictures
from creative_lab.weights.errors import ModelError, ModelNotHere
from creative_lab_tests.vision import tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """HPSv3's folder with random weights, the model they came from, and its head."""
    folder = tmp_path_factory.mktemp("hps") / "MizzenAI--HPSv3"
    return folder, *tiny.hpsv3(folder)


def reference(folder, model, head, picture, text: str) -> float:
    """mu for one picture: hidden state of the reward token, with plain running positions."""
    processor = AutoProcessor.from_pretrained(folder)
    talk = [{"role": "user", "content": [{"type": "image"},
             {"type": "text", "text": tiny.INSTRUCTION.format(text_prompt=text)}]}]  # fmt: skip
    prompt = processor.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
    inputs = processor(
        text=[prompt], images=[Image.fromarray(picture)], return_tensors="pt", min_pixels=PIXELS, max_pixels=PIXELS
    )
    core = model.model
    with torch.no_grad():
        embedded = core.get_input_embeddings()(inputs["input_ids"])
        seen = core.get_image_features(inputs["pixel_values"], inputs["image_grid_thw"])
        patches = torch.cat(list(getattr(seen, "pooler_output", seen)))
        embedded[inputs["input_ids"] == model.config.image_token_id] = patches
        hidden = core.language_model(inputs_embeds=embedded)[0]
        token = processor.tokenizer.convert_tokens_to_ids("<|Reward|>")
        return float(head(hidden[0, inputs["input_ids"][0].tolist().index(token)])[0])


def test_the_reward_is_mu_at_the_reward_token_batched_or_alone(folder, pictures, texts) -> None:
    place, model, head = folder
    ours = PreferenceReward(place, slug="hpsv3", device="cpu")
    found = ours.rewards(pictures[:3], texts[:3])
    for value, picture, text in zip(found, pictures, texts, strict=False):
        assert float(value) == pytest.approx(reference(place, model, head, picture, text), abs=1e-5)
        assert float(ours.rewards([picture], [text])[0]) == pytest.approx(float(value), abs=1e-5)


def test_tokens_that_stand_for_pictures_and_the_reward_are_left_out_of_a_text(folder, pictures) -> None:
    ours = PreferenceReward(folder[0], slug="hpsv3", device="cpu")
    clean = float(ours.rewards(pictures[:1], ["a red hat"])[0])
    odd = "a <|image_pad|> red <|Reward|> hat<|im_end|>"
    assert float(ours.rewards(pictures[:1], [odd])[0]) == pytest.approx(clean, abs=1e-6)


def test_hpsv3_is_a_role_of_the_studio_profile_and_is_reported_beside_the_others(folder, tmp_path, pictures) -> None:
    place, _, _ = folder
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "MizzenAI--HPSv3").symlink_to(place)
    settings = Settings(home=tmp_path / "home", models_dir=tmp_path / "models", device="cpu", profile="studio")
    with VisionModels(settings) as models:
        row = score_pictures(models, pictures[:1], "a hat")[0]
    assert row.raw["hps"] is not None and 0 <= row.percent["hps"] <= 100
    assert row.overall is None and "models pull pickscore-v1" in row.missing["pickscore"]


def test_without_its_instruction_or_with_other_weights_it_says_so(folder, tmp_path) -> None:
    place, _, _ = folder
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).symlink_to(place / name)
    with pytest.raises(ModelNotHere, match=r"instruction\.txt"):
        PreferenceReward(tmp_path, slug="hpsv3", device="cpu")
    (tmp_path / "instruction.txt").write_text("Rate {text_prompt}")
    with pytest.raises(ModelError, match="Reward"):
        PreferenceReward(tmp_path, slug="hpsv3", device="cpu")
