"""Every scorer equals its reference formula, written here as its paper or model card does, one picture at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizer,
    SegformerForSemanticSegmentation,
    SegformerImageProcessor,
)

from creative_lab.vision.language import VisionLanguage
from creative_lab.vision.models import VisionModels
from creative_lab.vision.scoring import score_pictures
from creative_lab_tests.vision import tiny

CLOSE = 1e-5


def features(output) -> torch.Tensor:
    return output if isinstance(output, torch.Tensor) else output.pooler_output


def reference_vectors(folder, picture: np.ndarray, text: str) -> tuple[torch.Tensor, torch.Tensor, float]:
    """What PickScore's model card does up to the embeddings."""
    model = CLIPModel.from_pretrained(folder, local_files_only=True).eval()
    pixels = CLIPImageProcessor.from_pretrained(folder)(images=Image.fromarray(picture), return_tensors="pt")
    tokens = CLIPTokenizer.from_pretrained(folder)(
        text, padding=True, truncation=True, max_length=77, return_tensors="pt"
    )
    with torch.no_grad():
        image = features(model.get_image_features(**pixels))
        image = image / torch.norm(image, dim=-1, keepdim=True)
        words = features(model.get_text_features(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask))
        words = words / torch.norm(words, dim=-1, keepdim=True)
    return image, words, float(model.logit_scale.exp())


@pytest.fixture(scope="module")
def scored(models: VisionModels, pictures, texts):
    return score_pictures(models, pictures, texts)


def raw(scored, role: str) -> list[float]:
    return [row.raw[role] for row in scored]


def test_pickscore_is_the_scaled_cosine_of_its_model_card(scored, random_models, pictures, texts) -> None:
    for value, picture, text in zip(raw(scored, "pickscore"), pictures, texts, strict=True):
        image, words, scale = reference_vectors(random_models / "preference", picture, text)
        # The scale is about 100, so that the cosines agree to 1e-5 when the scores agree to 1e-3.
        assert value == pytest.approx(scale * float((words @ image.T)[0, 0]), abs=CLOSE * scale)


def test_clipscore_is_two_and_a_half_times_the_positive_cosine(scored, random_models, pictures, texts) -> None:
    values = raw(scored, "clipscore")
    for value, picture, text in zip(values, pictures, texts, strict=True):
        image, words, _ = reference_vectors(random_models / "clip", picture, text)
        assert value == pytest.approx(2.5 * max(float((words @ image.T)[0, 0]), 0.0), abs=CLOSE)
    assert min(values) >= 0


def test_the_aesthetic_rating_is_the_laion_stack_of_layers(scored, random_models, pictures, texts) -> None:
    weights = load_file(random_models / "aesthetic" / "head.safetensors")
    linear = torch.nn.functional.linear
    for value, picture, text in zip(raw(scored, "aesthetic"), pictures, texts, strict=True):
        hidden, _, _ = reference_vectors(random_models / "preference", picture, text)
        for number in (0, 2, 4, 6, 7):
            hidden = linear(hidden, weights[f"layers.{number}.weight"], weights[f"layers.{number}.bias"])
        assert value == pytest.approx(float(hidden[0, 0]), abs=CLOSE)


def test_vqascore_is_the_probability_of_yes_after_its_question(scored, random_models, pictures, texts) -> None:
    folder = random_models / "vision-language"
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    yes = processor.tokenizer.encode("Yes")[0]
    for value, picture, text in zip(raw(scored, "vqascore"), pictures, texts, strict=True):
        question = f'Does this figure show "{text}"? Please answer yes or no.'
        talk = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]
        prompt = processor.apply_chat_template(talk, add_generation_prompt=True, tokenize=False)
        inputs = processor(text=[prompt], images=[Image.fromarray(picture)], return_tensors="pt")
        with torch.no_grad():
            made = model.generate(
                **inputs, max_new_tokens=1, do_sample=False, output_scores=True, return_dict_in_generate=True
            )
        assert value == pytest.approx(float(torch.softmax(made.scores[0], -1)[0, yes]), abs=CLOSE)


def test_the_vision_language_miniature_is_asked_as_it_was_trained(
    models: VisionModels, tmp_path, pictures, texts
) -> None:
    tiny.fast_vlm(tmp_path)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(tmp_path)
    ours = VisionLanguage(tmp_path, preset=models.catalogue.entry("miniature-vision-language"), device="cpu")
    yes = processor.tokenizer("yes")["input_ids"][0]
    assert ours.yes == yes, "the answer's first token, whatever its case"
    for value, picture, text in zip(ours.yes_probabilities(pictures, texts), pictures, texts, strict=True):
        question = f'Does this figure show "{text}"? Please answer yes or no.'
        talk = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]
        prompt = processor.apply_chat_template(talk, add_generation_prompt=True)
        inputs = processor(images=[picture], text=[prompt], return_tensors="pt")
        with torch.no_grad():
            logits = model(**inputs).logits[0, -1]
        assert float(value) == pytest.approx(float(logits.softmax(-1)[yes]), abs=CLOSE)
    assert len(ours.caption(pictures[:2])) == 2


def test_a_batch_gives_what_single_pictures_give(models: VisionModels, scored, pictures, texts) -> None:
    for row, (picture, text) in enumerate(zip(pictures, texts, strict=True)):
        alone = score_pictures(models, [picture], text)[0]
        for role, value in alone.raw.items():
            if value is not None:
                scale = 100 if role == "pickscore" else 1
                assert value == pytest.approx(scored[row].raw[role], abs=CLOSE * scale), role


def test_captions_are_what_the_model_generates_for_each_picture_alone(models, random_models, pictures) -> None:
    folder = random_models / "vision-language"
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    captions = models.captioner().caption(pictures[:2], prompt="Describe this picture.")
    for caption, picture in zip(captions, pictures, strict=False):
        talk = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Describe this picture."}]}]
        prompt = processor.apply_chat_template(talk, add_generation_prompt=True, tokenize=False)
        inputs = processor(text=[prompt], images=[Image.fromarray(picture)], return_tensors="pt")
        with torch.no_grad():
            tokens = model.generate(**inputs, max_new_tokens=150, do_sample=False)
        expected = processor.decode(tokens[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()
        assert caption == expected


def test_garment_labels_are_those_of_the_model_card(models: VisionModels, random_models, pictures) -> None:
    folder = random_models / "garments"
    model, processor = SegformerForSemanticSegmentation.from_pretrained(folder).eval(), SegformerImageProcessor()
    processor = SegformerImageProcessor.from_pretrained(folder)
    for picture in pictures:
        with torch.no_grad():
            logits = model(**processor(images=Image.fromarray(picture), return_tensors="pt")).logits
            large = torch.nn.functional.interpolate(
                logits, size=picture.shape[:2], mode="bilinear", align_corners=False
            )
        expected = large.argmax(1)[0].numpy()
        assert (models.garments().segment(picture) == expected).mean() > 0.999


def test_faces_are_those_of_insightfaces_own_analysis(models: VisionModels, random_models) -> None:
    from insightface.app import FaceAnalysis

    from creative_lab.illustrator.sample import sample_scene
    from creative_lab.illustrator.scene import draw_scene

    analysis = FaceAnalysis(name=str(random_models / "faces"), providers=["CPUExecutionProvider"])
    analysis.prepare(ctx_id=-1, det_size=(256, 256))
    scenes = [draw_scene(sample_scene(seed), 320, 240).pixels for seed in range(70_000_100, 70_000_106)]
    total = 0
    for found, picture in zip(models.faces().find(scenes), scenes, strict=True):
        theirs = sorted(analysis.get(np.ascontiguousarray(picture[..., ::-1])), key=lambda face: -face.det_score)
        assert len(found) == len(theirs)
        for ours, face in zip(found, theirs, strict=True):
            np.testing.assert_allclose(ours.box, face.bbox, atol=1e-3)
            np.testing.assert_allclose(ours.points, face.kps, atol=1e-3)
            np.testing.assert_allclose(ours.embedding, face.normed_embedding, atol=CLOSE)
            assert ours.score == pytest.approx(float(face.det_score))
        total += len(found)
    assert total >= 4
