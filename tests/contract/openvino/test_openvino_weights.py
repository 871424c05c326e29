"""Weights of bfloat16, as OpenVINO gets them."""

import pytest

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e7])
def test_every_bfloat16_number_is_representable(scale: float) -> None:
    import torch

    from adapters.diffusion.openvino.conversion import Input, compile_network

    def layers() -> torch.nn.Sequential:
        torch.manual_seed(1)
        made = torch.nn.Sequential(
            torch.nn.Conv2d(4, 8, 3, padding=1, bias=False), torch.nn.Linear(16, 8, bias=False)
        )
        with torch.no_grad():
            made[0].weight.mul_(scale)
            made[1].weight.mul_(scale)
        return made.to(torch.bfloat16)

    sample = torch.randn(1, 4, 16, 16)
    network = compile_network(layers(), [Input(sample, (-1, 4, -1, 16))], threads=1)
    expected = layers().float()(sample)
    found = network(sample).float()
    assert (found - expected).abs().max() < 0.03 * expected.abs().max()
