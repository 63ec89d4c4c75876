"""Families that read prompts with CLIP: Stable Diffusion XL and 1.5, with ControlNet and IP-Adapter."""

from __future__ import annotations

from typing import Any

from creative_lab.imaging.errors import ImagingError
from creative_lab.imaging.parameters import Control, Parameters, Reference, first_given
from creative_lab.imaging.pipelines.base import Family
from creative_lab.imaging.prompt_weighting import ClipPromptEncoder, truncate_keeping_triggers


class ClipFamily(Family):
    """Weighted and long prompts through CLIP; may follow a reference picture."""

    def encode(self, parameters: Parameters) -> dict[str, Any]:
        prompt = parameters.prompt
        if parameters.weighting == "truncated":
            prompt, _ = self._truncated(parameters)
        return ClipPromptEncoder(self.pipeline).encode(
            prompt, parameters.negative_prompt, guided=self.guided(parameters), clip_skip=parameters.clip_skip
        )

    def notes(self, parameters: Parameters) -> list[str]:
        cut = self._truncated(parameters)[1] if parameters.weighting == "truncated" else None
        return [cut] if cut else []

    def _truncated(self, parameters: Parameters) -> tuple[str, str | None]:
        triggers = [lora.triggers for lora in parameters.loras]
        return truncate_keeping_triggers(parameters.prompt, triggers, self.pipeline.tokenizer)

    def attach(self) -> None:
        if self.located.ip_adapter:
            adapter, folder = self.located.ip_adapter
            self.pipeline.load_ip_adapter(
                str(folder),
                subfolder=adapter.subfolder,
                weight_name=adapter.weight_name,
                image_encoder_folder=adapter.image_encoder_folder,
                local_files_only=True,
            )
            self.pipeline.image_encoder.to(self.pipeline.unet.dtype)

    def adapter_arguments(
        self, _parameters: Parameters, control: Control | None, reference: Reference | None
    ) -> dict[str, Any]:
        if control:
            raise ImagingError(f"{self.preset.slug} is loaded without a ControlNet")
        return self.reference_arguments(reference)

    def reference_arguments(self, reference: Reference | None) -> dict[str, Any]:
        """Set the strength of the IP-Adapter and pass its picture."""
        if (reference is None) != (self.located.ip_adapter is None):
            raise ImagingError(f"{self.preset.slug}: give a reference picture exactly when an IP-Adapter is loaded")
        if reference is None or self.located.ip_adapter is None:
            return {}
        self.pipeline.set_ip_adapter_scale(first_given(reference.scale, self.located.ip_adapter[0].default_scale))
        return {"ip_adapter_image": reference.image.convert("RGB")}


class SdxlFamily(ClipFamily):
    """Stable Diffusion XL and its descendants: two text encoders with pooled states, size and crop ids."""

    over_class = "StableDiffusionXLImg2ImgPipeline"


class Sd15Family(ClipFamily):
    """Stable Diffusion 1.5 and its descendants."""

    over_class = "StableDiffusionImg2ImgPipeline"


class ControlledFamily(ClipFamily):
    """A CLIP family whose UNet follows a control picture."""

    def create_options(self) -> dict[str, Any]:
        import torch
        from diffusers import ControlNetModel

        assert self.located.controlnet is not None
        controlnet = ControlNetModel.from_pretrained(
            str(self.located.controlnet[1]),
            dtype=getattr(torch, self.dtype),
            use_safetensors=True,
            local_files_only=True,
        )
        return {"controlnet": controlnet}

    def adapter_arguments(
        self, parameters: Parameters, control: Control | None, reference: Reference | None
    ) -> dict[str, Any]:
        if control is None or self.located.controlnet is None:
            raise ImagingError(f"{self.preset.slug} is loaded with a ControlNet: give its control picture")
        defaults = self.located.controlnet[0]
        scale = first_given(control.scale, defaults.default_conditioning_scale)
        end = first_given(control.guidance_end, defaults.default_guidance_end)
        picture = control.image.convert("RGB").resize((parameters.width, parameters.height))
        # diffusers refuses an empty span of steps; a scale of 0 is the same picture.
        scale, end = (scale, end) if end > 0 else (0.0, 1.0)
        return self.reference_arguments(reference) | {
            "image": picture,
            "controlnet_conditioning_scale": float(scale),
            "control_guidance_end": float(end),
        }


class SdxlControlNetFamily(ControlledFamily):
    """SDXL that follows a control picture."""

    pipeline_class = "StableDiffusionXLControlNetPipeline"
    over_class = SdxlFamily.over_class


class Sd15ControlNetFamily(ControlledFamily):
    """SD 1.5 that follows a control picture."""

    pipeline_class = "StableDiffusionControlNetPipeline"
    over_class = Sd15Family.over_class
