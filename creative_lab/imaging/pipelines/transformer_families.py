"""Families that read plain language with a language model and draw with a transformer: Flux, Qwen-Image, Z-Image."""

from __future__ import annotations

from typing import Any

from creative_lab.imaging.parameters import Parameters, first_given
from creative_lab.imaging.pipelines.base import Family
from creative_lab.imaging.prompt_weighting import plain_text


class TransformerFamily(Family):
    """Latents are grouped by two, weights are not understood and therefore taken out of the prompt."""

    size_multiple = 16

    def notes(self, parameters: Parameters) -> list[str]:
        text, notes = plain_text(parameters.prompt), []
        if text != parameters.prompt.strip():
            notes.append(f"weights and tags taken out of the prompt: {self.preset.slug} reads plain language")
        tokens, most = self.tokens(text), self.length(parameters)
        if tokens > most:
            notes.append(f"prompt cut: {self.preset.slug} reads {most} of its {tokens} tokens")
        return notes

    def tokens(self, text: str) -> int:
        """How many tokens of :meth:`length` a prompt takes."""
        return len(self.pipeline.tokenizer(text, verbose=False)["input_ids"])

    def length(self, parameters: Parameters) -> int:
        """Most tokens of the prompt."""
        return int(first_given(parameters.max_sequence_length, self.preset.token_window))


class FluxFamily(TransformerFamily):
    """FLUX.1: guidance is an input of the distilled model, so there is no negative prompt."""

    def guided(self, _parameters: Parameters) -> bool:
        return False

    def tokens(self, text: str) -> int:
        return len(self.pipeline.tokenizer_2(text, verbose=False)["input_ids"])

    def encode(self, parameters: Parameters) -> dict[str, Any]:
        import torch

        text = plain_text(parameters.prompt)
        with torch.inference_mode():
            states, pooled, _ = self.pipeline.encode_prompt(
                prompt=text, prompt_2=None, max_sequence_length=self.length(parameters)
            )
        return {"prompt_embeds": states, "pooled_prompt_embeds": pooled}

    def arguments(self, parameters: Parameters) -> dict[str, Any]:
        return {"guidance_scale": parameters.guidance_scale, "max_sequence_length": self.length(parameters)}


class QwenImageFamily(TransformerFamily):
    """Qwen-Image: true classifier-free guidance, which only runs with a negative prompt that is not empty."""

    def encode(self, parameters: Parameters) -> dict[str, Any]:
        import torch

        answer: dict[str, Any] = {}
        with torch.inference_mode():
            for name, text in (("", plain_text(parameters.prompt)), ("negative_", parameters.negative_prompt or " ")):
                if name and not self.guided(parameters):
                    continue
                states, mask = self.pipeline.encode_prompt(prompt=text, max_sequence_length=self.length(parameters))
                answer[f"{name}prompt_embeds"] = states
                answer[f"{name}prompt_embeds_mask"] = mask
        return answer

    def arguments(self, parameters: Parameters) -> dict[str, Any]:
        return {"true_cfg_scale": parameters.guidance_scale, "max_sequence_length": self.length(parameters)}


class ZImageFamily(TransformerFamily):
    """Z-Image (Turbo): distilled, drawn without guidance."""

    def guided(self, parameters: Parameters) -> bool:
        return parameters.guidance_scale > 0

    def tokens(self, text: str) -> int:
        # Here the words of the chat around the prompt count too.
        talk = [{"role": "user", "content": text}]
        asked = self.pipeline.tokenizer.apply_chat_template(
            talk, tokenize=False, add_generation_prompt=True, enable_thinking=True
        )
        return super().tokens(asked)

    def encode(self, parameters: Parameters) -> dict[str, Any]:
        import torch

        with torch.inference_mode():
            states, negative = self.pipeline.encode_prompt(
                prompt=plain_text(parameters.prompt),
                negative_prompt=parameters.negative_prompt,
                do_classifier_free_guidance=self.guided(parameters),
                max_sequence_length=self.length(parameters),
            )
        answer: dict[str, Any] = {"prompt_embeds": states}
        return answer | ({"negative_prompt_embeds": negative} if self.guided(parameters) else {})

    def arguments(self, parameters: Parameters) -> dict[str, Any]:
        return {"guidance_scale": parameters.guidance_scale, "max_sequence_length": self.length(parameters)}
