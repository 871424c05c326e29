"""Whether a ControlNet or a VAE fits a checkpoint, told by names and shapes alone."""

from collections.abc import Mapping

import pytest

from domain.checkpoints.additions import controlnet, vae
from domain.checkpoints.additions.autoencoder_layout import autoencoder_layout
from domain.checkpoints.additions.controlnet_layout import controlnet_layout
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.layouts import checkpoint_parts
from domain.models.record import ModelFamily

Tensors = Mapping[str, TensorFacts]
Shape = tuple[int, ...]

FAMILIES = (ModelFamily.SD_1, ModelFamily.SD_2, ModelFamily.SDXL)
VARIANTS = {
    ModelFamily.SD_1: (ModelFamily.SD_1_INPAINT, ModelFamily.SD_1_PIX2PIX),
    ModelFamily.SD_2: (ModelFamily.SD_2_V, ModelFamily.SD_2_INPAINT),
    ModelFamily.SDXL: (ModelFamily.SDXL_INPAINT,),
}
HINT = ((16, 3), (16, 16), (32, 16), (32, 32), (96, 32), (96, 96), (256, 96))


def checkpoint(family: ModelFamily) -> Tensors:
    """Return the tensors of a published checkpoint."""
    return {
        name: TensorFacts("float16", shape)
        for part in checkpoint_parts(family).values()
        for name, shape in part.items()
    }


def control_of(family: ModelFamily, prefix: str = "control_model.") -> dict[str, TensorFacts]:
    """Return the tensors of a ControlNet as its authors write them: lllyasviel/ControlNet."""
    unet = "model.diffusion_model."
    shapes: dict[str, Shape] = {
        name.removeprefix(unet): facts.shape
        for name, facts in checkpoint(family).items()
        if name.startswith(unet)
        and "output_blocks" not in name
        and not name.startswith(unet + "out.")
    }
    numbers = {int(name.split(".")[1]) for name in shapes if name.startswith("input_blocks.")}
    widths = [_width(shapes, number) for number in sorted(numbers)]
    for number, width in enumerate(widths):
        shapes |= {f"zero_convs.{number}.0.weight": (width, width, 1, 1)}
        shapes |= {f"zero_convs.{number}.0.bias": (width,)}
    shapes |= {"middle_block_out.0.weight": (widths[-1], widths[-1], 1, 1)}
    shapes |= {"middle_block_out.0.bias": (widths[-1],)}
    for number, (after, before) in enumerate((*HINT, (widths[0], 256))):
        shapes[f"input_hint_block.{2 * number}.weight"] = (after, before, 3, 3)
        shapes[f"input_hint_block.{2 * number}.bias"] = (after,)
    return {prefix + name: TensorFacts("float32", shape) for name, shape in shapes.items()}


def _width(shapes: Mapping[str, Shape], number: int) -> int:
    """Return the channels of the output of an input block."""
    for part in ("0.out_layers.3.weight", "0.op.weight", "0.weight"):
        if (shape := shapes.get(f"input_blocks.{number}.{part}")) is not None:
            return shape[0]
    raise AssertionError(number)


def vae_of(family: ModelFamily, prefix: str = "") -> dict[str, TensorFacts]:
    """Return the tensors of a published autoencoder."""
    own = "first_stage_model."
    return {
        prefix + name.removeprefix(own): facts
        for name, facts in checkpoint(family).items()
        if name.startswith(own)
    }


@pytest.mark.parametrize("prefix", ["control_model.", ""])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_controlnet_fits_its_family_and_the_variants(family: ModelFamily, prefix: str) -> None:
    addon = control_of(family, prefix)
    for variant in (family, *VARIANTS[family]):
        assert controlnet.fit(addon, checkpoint(variant)).problem is None


@pytest.mark.parametrize("family", FAMILIES)
def test_a_controlnet_does_not_fit_other_families(family: ModelFamily) -> None:
    for other in FAMILIES:
        problem = controlnet.fit(control_of(family), checkpoint(other)).problem
        assert (problem is None) == (other is family)


def test_the_reason_names_both_numbers() -> None:
    problem = controlnet.fit(control_of(ModelFamily.SD_1), checkpoint(ModelFamily.SD_2)).problem
    assert problem == ("it reads prompts of 768 numbers a token, and the checkpoint's have 1024")
    problem = controlnet.fit(control_of(ModelFamily.SDXL), checkpoint(ModelFamily.SD_1)).problem
    assert problem is not None
    assert "320, 640, 1280 channels" in problem
    assert "320, 640, 1280, 1280" in problem


def test_a_checkpoint_without_a_unet_takes_no_controlnet() -> None:
    transformer = {"transformer/x_embedder.weight": TensorFacts("float16", (64, 64))}
    found = controlnet.fit(control_of(ModelFamily.SD_1), transformer)
    assert found.problem == "the checkpoint has no UNet that a ControlNet can act on"


@pytest.mark.parametrize(
    "name, shape, reason",
    [
        ("control_model.zero_convs.3.0.bias", None, "it lacks controlnet_down_blocks.3.bias"),
        ("control_model.extra.weight", (3,), "extra.weight"),
        ("other.weight", (3,), "other.weight"),
        ("control_model.time_embed.0.bias", (7,), "has the shape (7,)"),
        ("control_model.input_blocks.99999999999.0.op.weight", (3,), ""),
        ("control_model.zero_convs.123456789.0.weight", (3,), "controlnet_down_blocks.123456789"),
    ],
)
def test_a_file_that_is_not_a_whole_controlnet_says_why(
    name: str, shape: Shape | None, reason: str
) -> None:
    tensors = control_of(ModelFamily.SD_1)
    if shape is None:
        del tensors[name]
    else:
        tensors[name] = TensorFacts("float32", shape)
    with pytest.raises(UnusableAddition) as caught:
        controlnet_layout(tensors)
    assert reason in caught.value.reason
    assert controlnet.fit(tensors, checkpoint(ModelFamily.SD_1)).problem == caught.value.reason


@pytest.mark.parametrize(
    "names, reason",
    [
        (["body.0.in_conv.weight", "body.0.block1.weight", "conv_in.weight"], "T2I-Adapter"),
        (["adapter.body.0.resnets.0.block1.weight", "adapter.conv_in.weight"], "T2I-Adapter"),
        (["lllite_unet_down_blocks_1.conditioning1.0.weight"], "ControlNet-LLLite"),
        (["controlnet_blocks.0.weight", "transformer_blocks.0.attn.to_q.weight"], "transformer"),
        (["control_add_embedding.linear_1.weight"], "ControlNet-Union"),
        (["zero_convs.0.0.weight", "input_blocks.0.0.up", "lora_controlnet"], "Control-LoRA"),
        (["a.weight"], "one whole ControlNet"),
        ([], "one whole ControlNet"),
    ],
)
def test_networks_of_other_kinds_are_named(names: list[str], reason: str) -> None:
    with pytest.raises(UnusableAddition, match=reason):
        controlnet_layout({name: TensorFacts("float32", (8, 8)) for name in names})


@pytest.mark.parametrize("prefix", ["", "first_stage_model.", "vae."])
@pytest.mark.parametrize("family", FAMILIES)
def test_an_autoencoder_fits_every_checkpoint_of_stable_diffusion(
    family: ModelFamily, prefix: str
) -> None:
    facts = autoencoder_layout(vae_of(family, prefix)).facts
    assert (facts.widths, facts.layers, facts.channels) == ((128, 256, 512, 512), 2, 4)
    for other in FAMILIES:
        assert vae.fit(vae_of(family, prefix), checkpoint(other)).problem is None


def test_a_checkpoint_with_a_transformer_keeps_its_own_autoencoder() -> None:
    folder = {"transformer/x.weight": TensorFacts("float16", (4, 4))}
    folder |= {f"vae/{name}": facts for name, facts in vae_of(ModelFamily.SD_1).items()}
    problem = vae.fit(vae_of(ModelFamily.SD_1), folder).problem
    assert problem is not None
    assert "others keep their own VAE" in problem


def test_latents_of_other_channels_do_not_fit() -> None:
    tensors = vae_of(ModelFamily.SD_1)
    tensors |= {
        "decoder.conv_in.weight": TensorFacts("float16", (512, 16, 3, 3)),
        "encoder.conv_out.weight": TensorFacts("float16", (32, 512, 3, 3)),
        "encoder.conv_out.bias": TensorFacts("float16", (32,)),
    }
    for name in [name for name in tensors if "quant_conv" in name]:
        del tensors[name]
    problem = vae.fit(tensors, checkpoint(ModelFamily.SDXL)).problem
    assert problem == "its latents have 16 channels, and those of the checkpoint 4"


@pytest.mark.parametrize(
    "name, shape, reason",
    [
        ("decoder.conv_in.weight", None, "needs an encoder and a decoder"),
        ("quant_conv.bias", None, "it lacks quant_conv.bias"),
        ("decoder.up.0.block.2.conv1.weight", None, "it lacks decoder.up_blocks.3.resnets.2.conv1.weight"),
        ("encoder.extra.weight", (3,), "no autoencoder of its kind has (encoder.extra.weight)"),
        ("decoder.conv_out.bias", (4,), "has the shape (4,)"),
        ("encoder.down.99999.block.0.conv1.weight", (4,), "parts where 1 to 8 are right"),
    ],
)
def test_a_file_that_is_not_a_whole_autoencoder_says_why(
    name: str, shape: Shape | None, reason: str
) -> None:
    tensors = vae_of(ModelFamily.SD_1)
    if shape is None:
        del tensors[name]
    else:
        tensors[name] = TensorFacts("float32", shape)
    with pytest.raises(UnusableAddition) as caught:
        autoencoder_layout(tensors)
    assert reason in caught.value.reason


def test_a_tiny_autoencoder_is_named() -> None:
    tensors = {
        f"decoder.{number}.weight": TensorFacts("float32", (64, 64, 3, 3)) for number in range(9)
    }
    with pytest.raises(UnusableAddition, match="TAESD"):
        autoencoder_layout(tensors)


@pytest.mark.parametrize(
    "text, is_bgr",
    [
        ("{}", False),
        ('{"controlnet_conditioning_channel_order": "rgb"}', False),
        ('{"controlnet_conditioning_channel_order": "bgr"}', True),
    ],
)
def test_the_configuration_says_the_order_of_the_channels(text: str, is_bgr: bool) -> None:
    found = controlnet_layout(control_of(ModelFamily.SD_1), {"config.json": text})
    assert found.is_bgr is is_bgr


@pytest.mark.parametrize(
    "text, reason",
    [
        ('{"global_pool_conditions": true}', "global_pool_conditions"),
        ('{"controlnet_conditioning_channel_order": "grb"}', "'grb'"),
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        ("[" * 50_000, "not JSON"),
    ],
)
def test_a_configuration_that_nothing_draws_with_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnusableAddition, match=reason):
        controlnet_layout(control_of(ModelFamily.SD_1), {"config.json": text})
