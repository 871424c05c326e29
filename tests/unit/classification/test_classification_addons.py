"""LoRAs, embeddings, ControlNets and VAEs."""

from collections.abc import Mapping

import pytest

from tests.unit.classification.classification_headers import DOWN, UNET, classified, facts

DOTTED = "down_blocks.0.attentions.0.transformer_blocks.0.attn2"


@pytest.mark.parametrize(
    ("kind", "family", "shapes"),
    [
        ("lora", "sd-1", {f"lora_unet_{DOWN}.lora_down.weight": (8, 768)}),
        ("lora", "sd-2", {f"lora_unet_{DOWN}.lora_down.weight": (8, 1024)}),
        ("lora", "sdxl", {f"lora_unet_{DOWN}.lora_down.weight": (8, 2048)}),
        ("lora", None, {"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": (9, 8)}),
        ("lora", "sdxl", {"lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha": ()}),
        ("lora", "sd-1", {f"unet.{DOTTED}.to_k.lora_A.weight": (4, 768)}),
        ("lora", "sd-1", {f"unet.{DOTTED}.to_k.lora.down.weight": (4, 768)}),
        ("lora", "sd-1", {f"unet.{DOTTED}.processor.to_k_lora.down.weight": (4, 768)}),
        ("lora", "sdxl", {f"base_model.model.{DOTTED}.to_k.lora_A.default.weight": (4, 2048)}),
        ("lora", "sd-1", {f"lora_unet_{DOWN}.hada_w1_b": (8, 768)}),
        ("lora", None, {"x.lokr_w1": (8, 8), "x.lokr_w2_a": (8, 4)}),
        ("lora", None, {"unet.mid_block.dora_scale": (1, 320)}),
        ("lora", "flux", {"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (16, 3072)}),
        ("lora", "flux", {"double_blocks.0.processor.qkv_lora1.down.weight": (16, 3072)}),
        (
            "lora",
            "flux",
            {"transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight": (4, 9)},
        ),
        ("lora", "sd-3", {"lora_unet_joint_blocks_0_x_block_attn_qkv.lora_up.weight": (9, 4)}),
        ("vae", None, {"first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3)}),
        ("vae", None, {"decoder.mid.attn_1.q.weight": (512, 512, 1, 1), "loss.logvar": ()}),
        ("vae", None, {"encoder.down_blocks.0.resnets.0.conv1.weight": (128, 128, 3, 3)}),
        ("embedding", "sd-1", {"emb_params": (4, 768)}),
        ("embedding", "sd-2", {"emb_params": (75, 1024)}),
        ("embedding", "sd-1", {"string_to_param.*": (2, 768), "string_to_token.*": ()}),
        ("embedding", "sdxl", {"clip_l": (2, 768), "clip_g": (2, 1280)}),
        ("embedding", "sd-1", {"<cat-toy>": (768,)}),
        ("embedding", "sd-2", {"<style>": (3, 1024)}),
        ("controlnet", None, {"control_model.input_hint_block.0.weight": (16, 3, 3, 3)}),
        (
            "controlnet",
            "sd-1",
            {
                "control_model.zero_convs.0.0.weight": (320, 320, 1, 1),
                "control_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
                f"{UNET}input_blocks.0.0.weight": (320, 4, 3, 3),
            },
        ),
        (
            "controlnet",
            "sdxl",
            {
                "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3),
                "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": (640, 2048),
            },
        ),
        ("controlnet", "flux", {"controlnet_blocks.0.weight": (9, 9), "double_blocks.0.x": (1,)}),
        ("unknown", None, {}),
        ("unknown", None, {"weight": (10, 10)}),
        ("unknown", None, {"text_model.encoder.layers.0.mlp.fc1.weight": (3072, 768)}),
        ("unknown", None, {"token_embedding": (49408, 768)}),
    ],
)
def test_files_that_are_not_checkpoints_are_classified(
    kind: str, family: str | None, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    answer = classified(facts(shapes))
    assert (answer.kind, answer.family, answer.loadable) == (kind, family, False)
    assert answer.reason


@pytest.mark.parametrize(
    ("metadata", "family"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        ({"ss_base_model_version": "sd_v1"}, "sd-1"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "sdxl"),
        ({"modelspec.architecture": "Flux.1-dev/lora"}, "flux"),
    ],
)
def test_the_family_of_a_lora_can_come_from_its_metadata(
    metadata: dict[str, str], family: str
) -> None:
    assert classified(facts({"a.lokr_w1": (4, 4)}), metadata).family == family
