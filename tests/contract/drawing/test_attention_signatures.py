"""Signatures of attention processors, which diffusers reads at each call."""

import inspect
from typing import Any

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from tests.contract.conftest import DEMO_MODEL

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("attention", ["sdpa", "chunked", "sliced"])
def test_a_loaded_pipeline_keeps_their_signatures(attention: str) -> None:
    from diffusers.models.attention_processor import Attention

    generator: Any = DiffusersImageGenerator(device="cpu", attention=attention)
    pipeline = generator._prepared()._pipelines.get(DEMO_MODEL)
    processors = {
        type(module.processor)
        for network in (pipeline.unet, pipeline.vae)
        for module in network.modules()
        if isinstance(module, Attention)
    }
    assert processors
    for processor in processors:
        call: Any = processor.__call__
        kept = call.__signature__
        del call.__signature__
        assert kept == inspect.signature(call)
        call.__signature__ = kept
