"""What a LoRA learns from: noise of a timestep, the target that the model should say, and the weighted error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from creative_lab.characters.errors import CharacterError

PREDICTIONS = ("epsilon", "v_prediction")


@dataclass(frozen=True)
class NoiseSchedule:
    """Cumulative products of alpha over the timesteps (float32, on the device) and what the model predicts."""

    alphas: Any
    prediction: str

    @classmethod
    def of(cls, scheduler: Any, device: str) -> NoiseSchedule:
        """The schedule that a pipeline's model was trained with. Raises :class:`CharacterError` for an unknown kind."""
        from diffusers import DDPMScheduler

        made = DDPMScheduler.from_config(scheduler.config)
        prediction = str(made.config["prediction_type"])
        if prediction not in PREDICTIONS:
            raise CharacterError(f"the model predicts {prediction}; LoRAs are trained for {' and '.join(PREDICTIONS)}")
        return cls(made.alphas_cumprod.float().to(device), prediction)

    def noisy(self, latents: Any, noise: Any, timesteps: Any) -> Any:
        """``latents`` (batch, channels, height, width) with as much noise as ``timesteps`` (batch,) say."""
        signal, spread = self._scales(timesteps)
        return signal * latents + spread * noise

    def target(self, latents: Any, noise: Any, timesteps: Any) -> Any:
        """What the model should say: the noise, or the velocity (Salimans and Ho 2022)."""
        if self.prediction == "epsilon":
            return noise
        signal, spread = self._scales(timesteps)
        return signal * noise - spread * latents

    def weights(self, timesteps: Any, gamma: float | None) -> Any:
        """Min-SNR weights (batch,) of the error (Hang et al. 2023): min(SNR, gamma) / SNR, or / (SNR + 1) for v."""
        import torch

        if gamma is None:
            return torch.ones(len(timesteps), device=timesteps.device)
        alphas = self.alphas[timesteps]
        snr = alphas / (1 - alphas)
        # A schedule that ends in pure noise has an SNR of 0, where the limit of min(SNR, gamma) / SNR is 1.
        below = (snr if self.prediction == "epsilon" else snr + 1).clamp_min(1e-12)
        weight = snr.clamp(max=gamma) / below
        return torch.where(snr > 0, weight, torch.ones_like(weight)) if self.prediction == "epsilon" else weight

    def _scales(self, timesteps: Any) -> tuple[Any, Any]:
        alphas = self.alphas[timesteps].view(-1, 1, 1, 1)
        return alphas.sqrt(), (1 - alphas).sqrt()


def sample_noise(latents: Any, offset: float, generator: Any) -> Any:
    """Normal noise shaped like ``latents``, plus ``offset`` times noise that is equal over a channel of a picture."""
    import torch

    noise = torch.randn(latents.shape, generator=generator, device=latents.device)
    if offset:
        flat = torch.randn((*latents.shape[:2], 1, 1), generator=generator, device=latents.device)
        noise = noise + offset * flat
    return noise


def weighted_error(said: Any, target: Any, weights: Any) -> Any:
    """Mean over the batch of each sample's mean squared error times its weight, in float32."""
    error = (said.float() - target.float()).pow(2).flatten(1).mean(1)
    return (error * weights).mean()
