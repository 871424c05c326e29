"""Previews in situations where they are impossible."""

from typing import Any

import pytest

pytestmark = pytest.mark.torch


def look(pipeline: Any, previews: Any) -> bytes | None:
    import torch

    latents = torch.randn(1, 4, 16, 16, generator=torch.manual_seed(1))
    found: bytes | None = previews.jpeg(pipeline, latents, 0)
    return found


@pytest.fixture
def pipeline() -> Any:
    from tests.contract.openvino.test_openvino import small_pipeline

    return small_pipeline(4)


def test_offloaded_networks_stay_where_they_are(pipeline: Any) -> None:
    from adapters.diffusion.drawing.previews import Previews

    assert look(pipeline, Previews())
    pipeline._all_hooks = [object()]
    pipeline.vae.decode = None  # is not called
    assert look(pipeline, Previews()) is None


def test_a_decoder_that_overflows_is_tried_again_later(pipeline: Any) -> None:
    import torch

    from adapters.diffusion.drawing.previews import Previews

    previews = Previews()
    weight = pipeline.vae.decoder.conv_in.weight
    sound = weight.data.clone()
    weight.data.fill_(float("nan"))
    assert look(pipeline, previews) is None
    weight.data.copy_(sound)
    assert look(pipeline, previews)
    assert torch.isfinite(weight).all()
