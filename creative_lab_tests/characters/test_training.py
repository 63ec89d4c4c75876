"""The training loop: every setting has its effect, and a killed run goes on as if nothing had happened."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from creative_lab.characters import adapters
from creative_lab.characters.batches import BatchPlan
from creative_lab.characters.errors import CharacterError, TrainingStopped
from creative_lab.characters.recipe import STANDARD, TrainingRecipe
from creative_lab.characters.training import LoraTrainer, Trained, best_step
from creative_lab.characters.training_state import saved_factors, saved_steps
from creative_lab.lake.fs import FileSystem
from creative_lab_tests.characters.small import SMALL

NewPipeline = Callable[[], Any]

STOP_AFTER = 8
"""Step after which the process is killed; the last state before it is that of step 5."""


def train(new_pipeline: NewPipeline, data: Any, work: Path, recipe: TrainingRecipe, **options: Any) -> Trained:
    return LoraTrainer(new_pipeline(), data, recipe, FileSystem(work), **options).run()


def losses(trained: Trained) -> list[float]:
    return [row["loss"] for row in trained.metrics]


def test_a_target_of_steps_wins_over_epochs() -> None:
    recipe = STANDARD.changed({"max_steps": 450, "epochs": 1, "batch_size": 1})
    assert recipe.steps(70) == 450
    by_epochs = recipe.changed({"max_steps": None, "epochs": 3, "batch_size": 4})
    assert by_epochs.steps(70) == 54
    assert by_epochs.changed({"accumulation": 2}).steps(70) == 27


def test_a_wrong_setting_is_refused_by_name() -> None:
    with pytest.raises(CharacterError, match=r"rank: .*greater than or equal to 1"):
        STANDARD.changed({"rank": 0})
    with pytest.raises(CharacterError, match="ranck"):
        STANDARD.changed({"ranck": 8})


def test_the_learning_rate_warms_up_and_then_follows_its_schedule() -> None:
    recipe = STANDARD.changed({"warmup_steps": 10})
    assert [recipe.learning_factor(step, 110) for step in (1, 5, 10, 11, 110)] == [0.1, 0.5, 1.0, 1.0, 1.0]
    cosine = recipe.changed({"schedule": "cosine"})
    assert cosine.learning_factor(11, 110) == 1.0
    assert cosine.learning_factor(61, 110) == pytest.approx(0.5)
    assert 0 < cosine.learning_factor(110, 110) < 0.001
    linear = recipe.changed({"schedule": "linear"})
    assert linear.learning_factor(61, 110) == pytest.approx(0.5)


def test_every_picture_comes_once_in_an_epoch_and_batches_never_mix_sizes() -> None:
    buckets = [(16, 16)] * 8 + [(12, 20)] * 4
    plan = BatchPlan(buckets, 4, seed=1)
    assert plan.batches_per_epoch == 3
    first, second = ([plan.batch(number) for number in range(start, start + 3)] for start in (0, 3))
    assert [sorted(picture for batch in epoch for picture in batch) for epoch in (first, second)] == [[*range(12)]] * 2
    assert first != second
    assert all(len({buckets[picture] for picture in batch}) == 1 for batch in first + second)
    assert plan.batch(4) == second[1]


def test_training_on_a_few_pictures_lowers_the_loss_and_writes_checkpoints(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path
) -> None:
    recipe = SMALL.changed({"max_steps": 60, "dropout": 0.0, "checkpoint_every": 50})
    trained = train(new_pipeline, tiny_data, tmp_path / "trained", recipe)
    # The same pictures, noise and timesteps without learning: what is left is what was learnt.
    still = train(new_pipeline, tiny_data, tmp_path / "still", recipe.changed({"learning_rate": 1e-12}))
    assert losses(trained)[0] == losses(still)[0]
    assert sum(losses(trained)[-20:]) < 0.99 * sum(losses(still)[-20:])
    assert [row["step"] for row in trained.checkpoints] == [50, 60]
    assert saved_steps(FileSystem(tmp_path / "trained")) == [50, 60]
    assert set(trained.metrics[0]) >= {"step", "loss", "learning_rate", "epoch"}
    assert trained.metrics[-1]["epoch"] == pytest.approx(60 / 3)


def test_the_last_checkpoints_and_the_best_one_are_kept(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path
) -> None:
    identity = {0: 0.1, 2: 0.3, 4: 0.9, 6: 0.5, 8: 0.4, 10: 0.9, 12: 0.2}
    recipe = SMALL.changed({"checkpoint_every": 2, "keep_last": 2})
    trained = train(new_pipeline, tiny_data, tmp_path, recipe, on_checkpoint=lambda step: {"identity": identity[step]})
    assert saved_steps(FileSystem(tmp_path)) == [4, 10, 12]
    assert not (tmp_path / "checkpoint-4" / "optimizer.safetensors").exists()
    assert saved_factors(FileSystem(tmp_path), 4) is not None
    assert best_step(trained.checkpoints) == 4
    assert [row["identity"] for row in trained.checkpoints] == list(identity.values())


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"metrics_every": 5, "keep_last": 1}, True),
        ({"rank": 4}, False),
        ({"alpha": 8}, False),
        ({"dropout": 0.0}, False),
        ({"unet_targets": ["to_q"]}, False),
        ({"train_text_encoders": True}, False),
        ({"learning_rate": 1e-3}, False),
        ({"snr_gamma": 0.5}, False),
        ({"noise_offset": 0.0}, False),
        ({"warmup_steps": 0}, False),
        ({"schedule": "cosine"}, False),
        ({"max_grad_norm": 1e-3}, False),
        ({"precision": "bfloat16"}, False),
        ({"accumulation": 2}, False),
        ({"batch_size": 1}, False),
        ({"weight_decay": 0.9}, False),
        ({"beta1": 0.5}, False),
        ({"beta2": 0.5}, False),
        ({"epsilon": 1e-2}, False),
        ({"flip": True}, False),
        ({"seed": 7}, False),
        ({"gradient_checkpointing": True}, True),
    ],
    ids=lambda value: "-".join(value) or "nothing" if isinstance(value, dict) else "",
)
def test_every_setting_has_its_effect_and_the_others_none(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path, plain_weights: Any, changes: dict[str, Any], same: bool
) -> None:
    recipe = SMALL.changed({"max_steps": 6, **changes})
    trainer = LoraTrainer(new_pipeline(), tiny_data, recipe, FileSystem(tmp_path))
    trainer.run()
    assert _equal(adapters.factors(trainer.pipeline), plain_weights) is same


@pytest.fixture(scope="module")
def plain_weights(new_pipeline: NewPipeline, tiny_data: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    work = tmp_path_factory.mktemp("plain")
    trainer = LoraTrainer(new_pipeline(), tiny_data, SMALL.changed({"max_steps": 6}), FileSystem(work))
    trainer.run()
    return adapters.factors(trainer.pipeline)


def _equal(first: dict[str, Any], second: dict[str, Any]) -> bool:
    import torch

    if first.keys() != second.keys() or any(first[name].shape != second[name].shape for name in first):
        return False
    return all(torch.allclose(first[name], second[name], rtol=1e-4, atol=1e-6) for name in first)


def test_the_text_encoders_have_a_learning_rate_of_their_own(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path
) -> None:
    moved = {}
    for rate in (0.0, 5e-3):
        recipe = SMALL.changed(
            {"max_steps": 3, "train_text_encoders": True, "text_encoder_learning_rate": rate, "weight_decay": 0.0}
        )
        trainer = LoraTrainer(new_pipeline(), tiny_data, recipe, FileSystem(tmp_path / str(rate)))
        trained = trainer.run()
        assert trained.metrics[-1]["text_encoder_learning_rate"] == rate
        found = adapters.factors(trainer.pipeline)
        moved[rate] = {
            component: sum(
                float(value.abs().sum()) for name, value in found.items()
                if name.startswith(f"{component}.") and "lora_B" in name
            )
            for component in adapters.COMPONENTS
        }  # fmt: skip
    assert moved[0.0][adapters.FIRST] == moved[0.0][adapters.SECOND] == 0
    assert moved[0.0][adapters.UNET] > 0
    assert all(value > 0 for value in moved[5e-3].values())


def test_what_a_machine_lacks_is_replaced_with_a_note(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path
) -> None:
    recipe = SMALL.changed({"max_steps": 1, "optimizer": "adamw8bit", "precision": "float16"})
    trained = train(new_pipeline, tiny_data, tmp_path, recipe)
    assert len(trained.notes) == 2
    assert "float16 needs a CUDA card" in trained.notes[0]
    assert "8-bit Adam needs a CUDA card" in trained.notes[1]


@pytest.mark.parametrize(("fast", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_an_automatic_precision_is_what_the_machine_is_fast_in(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: bool,
    precision: str,
) -> None:  # fmt: skip
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": fast})
    automatic = SMALL.changed({"max_steps": 2, "precision": "auto"})
    assert automatic.on_device("cpu").precision == precision
    asked = train(new_pipeline, tiny_data, tmp_path / "asked", SMALL.changed({"max_steps": 2, "precision": precision}))
    found = train(new_pipeline, tiny_data, tmp_path / "found", automatic)
    assert losses(found) == losses(asked) and not found.notes


def test_losses_hardly_depend_on_how_attention_is_computed(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = losses(train(new_pipeline, tiny_data, tmp_path / "plain", SMALL))
    monkeypatch.setattr("creative_lab.characters.training.plain_attention", lambda unet: None)
    assert losses(train(new_pipeline, tiny_data, tmp_path / "fused", SMALL)) == pytest.approx(plain, rel=1e-4)


def test_pictures_whose_latents_are_not_numbers_are_skipped_and_said(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path
) -> None:
    import dataclasses

    import torch

    broken = dict(tiny_data.tensors)
    broken["mean"] = [torch.full_like(v, float("nan")) if n == 4 else v for n, v in enumerate(broken["mean"])]
    data = dataclasses.replace(tiny_data, tensors=broken, unusable=(4,))
    trained = train(new_pipeline, data, tmp_path, SMALL)
    skipped = [row for row in trained.metrics if row["skipped"]]
    assert len(skipped) == 4
    assert all(row["loss"] is None and "p4" in row["skipped"] for row in skipped)
    assert all(row["loss"] is not None for row in trained.metrics if row not in skipped)


def test_a_training_that_comes_to_no_number_stops_and_says_why(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path
) -> None:
    import torch

    pipeline = new_pipeline()
    with torch.no_grad():
        pipeline.unet.conv_out.weight.fill_(float("inf"))
    with pytest.raises(TrainingStopped, match=r"3 steps in a row changed nothing.*the loss of .* is not finite"):
        LoraTrainer(pipeline, tiny_data, SMALL.changed({"most_skipped": 3}), FileSystem(tmp_path)).run()


def test_a_model_that_predicts_velocity_is_trained_on_velocity(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path
) -> None:
    curves = []
    for prediction in ("epsilon", "v_prediction"):
        pipeline = new_pipeline()
        scheduler = type(pipeline.scheduler)
        pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config, prediction_type=prediction)
        work = FileSystem(tmp_path / prediction)
        curves.append(losses(LoraTrainer(pipeline, tiny_data, SMALL.changed({"max_steps": 2}), work).run()))
    assert curves[0] != curves[1]
    assert all(loss is not None and loss > 0 for curve in curves for loss in curve)


def test_running_out_of_memory_says_what_to_change(new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path) -> None:
    import torch

    def too_much(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    pipeline = new_pipeline()
    pipeline.unet.conv_in.register_forward_pre_hook(too_much)
    with pytest.raises(TrainingStopped, match="out of memory in step 1 with batch_size 2: halve it"):
        LoraTrainer(pipeline, tiny_data, SMALL, FileSystem(tmp_path)).run()


def test_a_target_that_the_model_lacks_is_refused(new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path) -> None:
    with pytest.raises(CharacterError, match="unet has no layer to_z to adapt"):
        train(new_pipeline, tiny_data, tmp_path, SMALL.changed({"unet_targets": ["to_q", "to_z"]}))


def test_a_run_that_was_killed_goes_on_with_the_losses_of_an_undisturbed_one(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path
) -> None:
    work, reached = tmp_path / "killed", tmp_path / "reached"
    pipeline = new_pipeline()

    def until_killed() -> None:
        def on_step(row: dict[str, Any]) -> None:
            if row["step"] == STOP_AFTER:
                reached.write_text(repr(row["loss"]))
                time.sleep(600)

        LoraTrainer(pipeline, tiny_data, SMALL, FileSystem(work), on_step=on_step).run()

    # A fork of this process: torch does not have to be imported again, and SIGKILL is as real.
    child = multiprocessing.get_context("fork").Process(target=until_killed)
    child.start()
    deadline = time.monotonic() + 240
    while not (reached.exists() and reached.read_text()):
        assert child.is_alive(), f"the training ended by itself with {child.exitcode}"
        assert time.monotonic() < deadline, "the training did not come to its step"
        time.sleep(0.02)
    child.kill()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    resumed = train(new_pipeline, tiny_data, work, SMALL)
    undisturbed = train(new_pipeline, tiny_data, tmp_path / "undisturbed", SMALL)
    assert resumed.resumed_from == 5 < STOP_AFTER
    assert losses(resumed) == losses(undisturbed)
    assert [row["step"] for row in resumed.metrics] == list(range(1, 13))
    assert losses(undisturbed)[STOP_AFTER - 1] == float(reached.read_text())


def test_a_damaged_state_is_passed_by_for_the_one_before(
    new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path
) -> None:
    whole = train(new_pipeline, tiny_data, tmp_path, SMALL)
    newest = tmp_path / "checkpoint-12" / "optimizer.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    again = train(new_pipeline, tiny_data, tmp_path, SMALL)
    assert again.resumed_from == 10
    assert losses(again) == losses(whole)


def test_a_finished_training_can_be_made_longer(new_pipeline: NewPipeline, tiny_data: Any, tmp_path: Path) -> None:
    longer = SMALL.changed({"max_steps": 16})
    assert SMALL.fingerprint("data") == longer.fingerprint("data") != SMALL.fingerprint("other data")
    assert SMALL.changed({"schedule": "cosine"}).fingerprint() != longer.changed({"schedule": "cosine"}).fingerprint()
    train(new_pipeline, tiny_data, tmp_path, SMALL)
    trained = train(new_pipeline, tiny_data, tmp_path, longer)
    assert trained.resumed_from == 12
    assert len(losses(trained)) == 16
