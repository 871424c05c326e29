"""Layers that OpenVINO multiplies in 8-bit integers."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from tests.contract.drawing.drawing import demo_request
from tests.contract.hostile.instructions import skip_without_int8
from tests.contract.openvino.test_openvino import draw, small_pipeline

pytestmark = pytest.mark.torch

CHANNELS, SIDE = 96, 16
APART = 0.03
"""Share of an output's largest number: the error that eight bits may cause in a layer."""


@pytest.fixture(scope="module", autouse=True)
def _instructions() -> None:
    skip_without_int8()


def resnet(**options: Any) -> Any:
    """A block of two convolutions, as a function of its sample."""
    import torch
    from diffusers.models.resnet import ResnetBlock2D

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.block = ResnetBlock2D(
                in_channels=CHANNELS, temb_channels=None, groups=8, **options
            )

        def forward(self, sample: Any) -> Any:
            return self.block(sample, None)

    return Block().eval()


def transformer() -> Any:
    """Self-attention and a feed-forward layer, as a function of their sample."""
    import torch
    from diffusers.models.transformers.transformer_2d import Transformer2DModel

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.block = Transformer2DModel(
                num_attention_heads=2,
                attention_head_dim=CHANNELS // 2,
                in_channels=CHANNELS,
                norm_num_groups=8,
                use_linear_projection=True,
            )

        def forward(self, sample: Any) -> Any:
            return self.block(sample, return_dict=False)[0]

    return Block().eval()


def resampler(kind: str) -> Any:
    import torch
    from diffusers.models.downsampling import Downsample2D
    from diffusers.models.upsampling import Upsample2D

    torch.manual_seed(1)
    made = {"down": Downsample2D, "up": Upsample2D}[kind](CHANNELS, use_conv=True)
    return torch.nn.Sequential(made).eval()


def of_gelu() -> Any:
    """A block whose convolutions get inputs that SiLU did not produce."""
    return resnet(non_linearity="gelu")


NETWORKS: dict[str, tuple[Callable[[], Any], str, int]] = {
    "resnet": (partial(resnet, non_linearity="silu"), "Convolution", 2),
    "gelu": (of_gelu, "Convolution", 2),
    "down": (partial(resampler, "down"), "Convolution", 1),
    "up": (partial(resampler, "up"), "Convolution", 1),
    # To and from the transformer, four for attention, two for the feed-forward part.
    "transformer": (transformer, "FullyConnectedCompressed", 8),
}


def apply(network: Any, sample: Any) -> Any:
    import torch

    with torch.no_grad():
        return network(sample)


def compiled(network: Any) -> Any:
    import torch

    from adapters.diffusion.openvino.conversion import Input, compile_network
    from adapters.diffusion.openvino.int8 import quantize

    quantize(network)
    example = torch.randn(1, CHANNELS, SIDE, SIDE)
    return compile_network(network, [Input(example, (-1, CHANNELS, -1, -1))], threads=1)


def in_integers(network: Any) -> Counter[str]:
    """Return the operations that OpenVINO computed this way in its last run."""
    return Counter(
        each.node_type
        for each in network._request.get_profiling_info()
        if each.exec_type.endswith("I8") or each.node_type == "FullyConnectedCompressed"
    )


def samples(scale: float = 1.0) -> Any:
    import torch

    return scale * torch.randn(2, CHANNELS, SIDE, SIDE, generator=torch.manual_seed(2))


def branch(output: Any, sample: Any) -> Any:
    """Return what a network adds to its sample, at the places where it adds it."""
    return output - sample if output.shape == sample.shape else output


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e2])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_layer_in_integers_is_close_to_float32(name: str, scale: float, precision: str) -> None:
    import torch

    make, kind, count = NETWORKS[name]
    sample = samples(scale)
    expected = branch(apply(make(), sample), sample)
    network = compiled(make().to(getattr(torch, precision)))
    found = branch(network(sample).float(), sample)
    assert in_integers(network)[kind] == count
    # The sum of a sample and a branch is rounded to bfloat16 as a whole.
    rounded = 2.0**-8 * float(sample.abs().max()) if precision == "bfloat16" else 0
    assert float((found - expected).abs().max()) < APART * float(expected.abs().max()) + rounded


def test_the_inputs_of_linear_layers_are_integers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters.diffusion.openvino import conversion as openvino_conversion

    found = compiled(transformer())(samples())
    monkeypatch.setattr(openvino_conversion, "_INT8_GROUP", 0)  # none are quantised
    weights_alone = compiled(transformer())(samples())
    assert float((found - weights_alone).abs().max()) > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_a_sample_is_the_same_alone_and_beside_a_larger_one(name: str) -> None:
    import torch

    network = compiled(NETWORKS[name][0]())
    first, second = samples()[:1], 100 * samples()[1:]
    together = network(torch.cat([first, second]))
    assert torch.equal(together[:1], network(first))
    assert torch.equal(together[1:], network(second))


@pytest.mark.parametrize("name", NETWORKS)
def test_zeros_give_finite_results(name: str) -> None:
    import torch

    network = compiled(NETWORKS[name][0]())
    assert torch.isfinite(network(torch.zeros_like(samples()))).all()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("part", ["norm1.weight", "conv1.weight", "conv2.bias"])
def test_nan_weights_are_named(part: str, number: float) -> None:
    network = resnet()
    network.get_parameter(f"block.{part}").data.flatten()[3] = number
    with pytest.raises(ValueError, match=rf"{part} holds NaN or infinity"):
        compiled(network)


def test_small_layers_and_those_at_the_latents_keep_their_precision() -> None:
    import torch

    from adapters.diffusion.openvino.int8 import quantize

    unet = small_pipeline(4).unet
    quantize(unet)
    kept = {
        name.rpartition(".")[2]
        for name, module in unet.named_modules()
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)
    }
    assert kept == {
        "conv_in", "conv_out", "linear_1", "linear_2", "time_emb_proj", "conv_shortcut",
        "proj_in", "proj_out",
    }  # fmt: skip


def test_weights_take_one_byte_each_and_a_repeated_picture_is_the_same() -> None:
    from adapters.diffusion.openvino.networks import OpenVinoUnet
    from tests.contract.conftest import DEMO_MODEL

    generator = DiffusersImageGenerator(device="cpu", quantization="int8")
    first = draw(generator, demo_request(num_images=2, seed=4))
    assert draw(generator, demo_request(seed=5)) == first[1:]
    engine: Any = generator._prepared()
    unet = engine._pipelines.get(DEMO_MODEL).unet
    assert isinstance(unet, OpenVinoUnet)
    plain: Any = DiffusersImageGenerator(device="cpu", dtype="float32", backend="openvino")
    floats = plain._prepared()._pipelines.get(DEMO_MODEL).unet
    assert unet.weight_bytes < 0.45 * floats.weight_bytes
    assert generator.plan is not None
    assert (generator.plan.backend, generator.plan.quantization) == ("openvino", "int8")
