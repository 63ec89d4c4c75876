"""Pipelines of every family with random weights of a few thousand parameters, saved as the real ones are.

Nothing here knows how to draw; what is tested is everything around the weights: loading, rules, seeds, batches.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _bytes() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def clip_tokenizer() -> Any:
    """A CLIP tokenizer that knows single characters only, so that 80 letters already exceed its 77 places."""
    from transformers import CLIPTokenizer

    pieces = [*_bytes(), *(f"{piece}</w>" for piece in _bytes()), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[], model_max_length=77)


def clip_text(*, projection: bool, seed: int, width: int = 16) -> Any:
    """A CLIP text encoder."""
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(seed)
    config = CLIPTextConfig(
        vocab_size=514,
        hidden_size=width,
        intermediate_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=77,
        projection_dim=16,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config).eval()


def vae(latents: int = 4, **options: Any) -> Any:
    """An autoencoder that halves the sides."""
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(3)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        block_out_channels=(4, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        latent_channels=latents,
        norm_num_groups=2,
        sample_size=32,
        **options,
    ).eval()


def unet(*, sdxl: bool, context: int = 32) -> Any:
    """A UNet of two levels; with SDXL's added size and crop ids when ``sdxl``."""
    import torch
    from diffusers import UNet2DConditionModel

    torch.manual_seed(4)
    extra: dict[str, Any] = {}
    if sdxl:
        extra = {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 4,
            "projection_class_embeddings_input_dim": 16 + 6 * 4,
            "transformer_layers_per_block": (1, 1),
            "use_linear_projection": True,
        }
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=context if sdxl else 16,
        attention_head_dim=4,
        norm_num_groups=4,
        **extra,
    ).eval()


def sdxl(folder: Path, *, second_width: int = 16) -> None:
    """A StableDiffusionXLPipeline at ``folder``; its text encoders have width 16 and ``second_width``."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    StableDiffusionXLPipeline(
        vae=vae(),
        text_encoder=clip_text(projection=False, seed=1),
        text_encoder_2=clip_text(projection=True, seed=2, width=second_width),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        unet=unet(sdxl=True, context=16 + second_width),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading"
        ),
        add_watermarker=False,
    ).save_pretrained(folder, safe_serialization=True)


def sd15(folder: Path) -> None:
    """A StableDiffusionPipeline at ``folder``."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    StableDiffusionPipeline(
        vae=vae(),
        text_encoder=clip_text(projection=False, seed=1),
        tokenizer=clip_tokenizer(),
        unet=unet(sdxl=False),
        scheduler=DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder, safe_serialization=True)


def flux(folder: Path) -> None:
    """A FluxPipeline at ``folder``."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    torch.manual_seed(5)
    letters = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    letters += [(letter, -3.0) for letter in "abcdefghijklmnopqrstuvwxyz,.0123456789"]
    t5 = T5Config(vocab_size=160, d_model=16, d_kv=8, d_ff=16, num_layers=2, num_heads=2, decoder_start_token_id=0)
    FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=vae(4, shift_factor=0.06, scaling_factor=1.5, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip_text(projection=False, seed=1),
        tokenizer=clip_tokenizer(),
        text_encoder_2=T5EncoderModel(t5).eval(),
        tokenizer_2=T5Tokenizer(vocab=letters, model_max_length=512),
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            pooled_projection_dim=16,
            guidance_embeds=True,
            axes_dims_rope=(4, 4, 8),
        ).eval(),
    ).save_pretrained(folder, safe_serialization=True)


def _qwen_tokenizer() -> Any:
    from transformers import Qwen2Tokenizer

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocabulary = {piece: number for number, piece in enumerate([*_bytes(), *special])}
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[], model_max_length=4096, chat_template=CHAT_TEMPLATE)
    tokenizer.add_special_tokens({"additional_special_tokens": special[1:]})
    return tokenizer


def qwen_image(folder: Path) -> None:
    """A QwenImagePipeline at ``folder``."""
    import torch
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    torch.manual_seed(6)
    rope = {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6}
    width = {"hidden_size": 16, "intermediate_size": 16}
    config = Qwen2_5_VLConfig(
        text_config={
            **width,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "rope_scaling": rope,
            "vocab_size": 264,
        },
        vision_config={**width, "depth": 1, "num_heads": 2, "out_hidden_size": 16},
    )
    QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 2],
            num_res_blocks=1,
            temperal_downsample=[False],
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ).eval(),
        text_encoder=Qwen2_5_VLForConditionalGeneration(config).eval(),
        tokenizer=_qwen_tokenizer(),
        transformer=QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        ).eval(),
    ).save_pretrained(folder, safe_serialization=True)


def z_image(folder: Path) -> None:
    """A ZImagePipeline at ``folder``."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
    from transformers import Qwen3Config, Qwen3Model

    torch.manual_seed(7)
    config = Qwen3Config(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=264,
    )
    ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae(16, shift_factor=0.1, scaling_factor=0.36),
        text_encoder=Qwen3Model(config).eval(),
        tokenizer=_qwen_tokenizer(),
        transformer=ZImageTransformer2DModel(
            all_patch_size=(2,),
            all_f_patch_size=(1,),
            in_channels=16,
            dim=32,
            n_layers=1,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            qk_norm=True,
            cap_feat_dim=16,
            axes_dims=[8, 4, 4],
            axes_lens=[2048, 64, 64],
        ).eval(),
    ).save_pretrained(folder, safe_serialization=True)


BUILDERS: dict[str, Callable[[Path], None]] = {
    "sdxl": sdxl,
    "sd15": sd15,
    "flux1": flux,
    "qwen": qwen_image,
    "zimage": z_image,
}


def controlnet(folder: Path) -> None:
    """A ControlNet for the tiny SDXL, whose zero convolutions are not zero."""
    import torch
    from diffusers import ControlNetModel

    torch.manual_seed(8)
    net = ControlNetModel.from_unet(unet(sdxl=True), conditioning_embedding_out_channels=(4, 8))
    with torch.no_grad():
        for module in [*net.controlnet_down_blocks, net.controlnet_mid_block]:
            torch.nn.init.normal_(module.weight, std=1.0)
        torch.nn.init.normal_(net.controlnet_cond_embedding.conv_out.weight, std=1.0)
    net.save_pretrained(folder, safe_serialization=True)


def ip_adapter(folder: Path) -> None:
    """An IP-Adapter for the tiny SDXL: four image tokens (diffusers expects four), a pair of layers per attention."""
    import torch
    from safetensors.torch import save_file
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(9)
    encoder = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=32,
            patch_size=16,
            projection_dim=12,
        )
    )
    encoder.save_pretrained(folder / "image_encoder", safe_serialization=True)
    CLIPImageProcessor(size=32, crop_size=32).save_pretrained(folder / "image_encoder")
    tensors = {
        "image_proj.proj.weight": torch.randn(4 * 32, 12),
        "image_proj.proj.bias": torch.randn(4 * 32),
        "image_proj.norm.weight": torch.ones(32),
        "image_proj.norm.bias": torch.zeros(32),
    }
    number = 1
    for name, module in unet(sdxl=True).named_modules():
        if name.endswith("attn2"):
            for part in ("to_k_ip", "to_v_ip"):
                tensors[f"ip_adapter.{number}.{part}.weight"] = torch.randn(module.to_k.weight.shape[0], 32)
            number += 2
    save_file(tensors, folder / "ip_adapter.safetensors")


def lora(file: Path, *, width: int = 32, seed: int = 10, metadata: dict[str, str] | None = None) -> None:
    """A LoRA for the cross-attentions of the tiny SDXL (``width`` is that of the text states)."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    tensors = {}
    for name, module in unet(sdxl=True).named_modules():
        if name.endswith("attn2.to_k"):
            tensors[f"unet.{name}.lora_A.weight"] = torch.randn(2, width)
            tensors[f"unet.{name}.lora_B.weight"] = torch.randn(module.weight.shape[0], 2)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file, metadata=metadata or {"creative_lab.architecture": "sdxl"})
