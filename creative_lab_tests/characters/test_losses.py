"""Noise, targets and weights against what diffusers computes and what the papers say."""

from __future__ import annotations

from typing import Any

import pytest

from creative_lab.characters.errors import CharacterError
from creative_lab.characters.losses import NoiseSchedule, sample_noise, weighted_error


def scheduler(prediction: str = "epsilon", **options: Any) -> Any:
    from diffusers import DDPMScheduler, EulerDiscreteScheduler

    made = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=prediction, **options
    )
    return made, DDPMScheduler.from_config(made.config)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_noisy_latents_and_targets_are_diffusers_own(prediction: str) -> None:
    import torch

    own, reference = scheduler(prediction)
    schedule = NoiseSchedule.of(own, "cpu")
    latents, noise = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8)
    timesteps = torch.tensor([0, 500, 999])
    assert torch.allclose(
        schedule.noisy(latents, noise, timesteps), reference.add_noise(latents, noise, timesteps), atol=1e-5
    )
    wanted = noise if prediction == "epsilon" else reference.get_velocity(latents, noise, timesteps)
    assert torch.allclose(schedule.target(latents, noise, timesteps), wanted, atol=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_min_snr_weights_are_those_of_diffusers_training_utilities(prediction: str) -> None:
    import torch
    from diffusers.training_utils import compute_snr

    own, reference = scheduler(prediction)
    schedule, timesteps = NoiseSchedule.of(own, "cpu"), torch.arange(0, 1000, 37)
    snr = compute_snr(reference, timesteps)
    below = snr if prediction == "epsilon" else snr + 1
    wanted = torch.minimum(snr, torch.tensor(5.0)) / below
    assert torch.allclose(schedule.weights(timesteps, 5.0), wanted, rtol=1e-4)
    assert torch.equal(schedule.weights(timesteps, None), torch.ones(len(timesteps)))


def test_a_schedule_that_ends_in_pure_noise_gives_finite_weights() -> None:
    import torch

    own, _ = scheduler("v_prediction", rescale_betas_zero_snr=True)
    weights = NoiseSchedule.of(own, "cpu").weights(torch.tensor([999, 500]), 5.0)
    assert torch.isfinite(weights).all()
    plain, _ = scheduler("epsilon", rescale_betas_zero_snr=True)
    assert torch.isfinite(NoiseSchedule.of(plain, "cpu").weights(torch.tensor([999, 500]), 5.0)).all()


def test_a_model_that_predicts_something_else_is_refused() -> None:
    own, _ = scheduler("sample")
    with pytest.raises(CharacterError, match="predicts sample"):
        NoiseSchedule.of(own, "cpu")


def test_offset_noise_moves_whole_channels_by_its_strength() -> None:
    import torch

    latents = torch.zeros(400, 2, 16, 16)
    plain = sample_noise(latents, 0.0, torch.Generator().manual_seed(1))
    moved = sample_noise(latents, 0.5, torch.Generator().manual_seed(1))
    difference = moved - plain
    assert torch.allclose(difference, difference.mean((2, 3), keepdim=True).expand_as(difference), atol=1e-5)
    assert float(difference[:, :, 0, 0].std()) == pytest.approx(0.5, abs=0.05)


def test_the_error_is_weighted_per_sample() -> None:
    import torch

    said, target = torch.zeros(2, 1, 2, 2), torch.stack([torch.ones(1, 2, 2), 3 * torch.ones(1, 2, 2)])
    assert float(weighted_error(said, target, torch.tensor([1.0, 0.5]))) == pytest.approx((1 + 4.5) / 2)
