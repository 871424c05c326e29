"""Self-attention over chunks of the queries, against diffusers' own."""

import pytest

pytestmark = pytest.mark.torch

CHANNELS, HEADS = 24, 3


@pytest.mark.parametrize("tokens", [255, 256, 1000, 4096, 5000])
def test_chunks_give_the_same_result_as_the_whole(tokens: int) -> None:
    import torch
    from diffusers.models.attention_processor import Attention

    from adapters.diffusion.attention.chunked import attend_in_chunks

    torch.manual_seed(tokens)
    attention = Attention(CHANNELS, heads=HEADS, dim_head=CHANNELS // HEADS).eval()
    states = torch.randn(2, tokens, CHANNELS)
    with torch.inference_mode():
        whole = attention(states)
        attend_in_chunks(attention)
        assert (attention(states) - whole).abs().max() < 1e-5 * whole.abs().max()


@pytest.mark.parametrize("common", [0.0, 20.0])
def test_large_scores_in_bfloat16_differ_by_rounding_only(common: float) -> None:
    import torch

    from adapters.diffusion.attention.chunked import _attended

    torch.manual_seed(1)
    shape = (1, 1, 4096, 40)
    query = (8 * torch.randn(shape)).bfloat16()
    key = (torch.randn(shape) + common * torch.randn(40)).bfloat16()
    value = torch.randn(shape).bfloat16()
    expected = torch.nn.functional.scaled_dot_product_attention(
        query.float(), key.float(), value.float()
    )
    found = _attended(query * 40**-0.5, key, value).float()
    assert (found - expected[:, 0]).abs().mean() < 0.03 * expected.abs().mean()


def test_one_picture_attends_the_same_alone_and_in_a_batch() -> None:
    import torch
    from diffusers.models.attention_processor import Attention

    from adapters.diffusion.attention.chunked import attend_in_chunks

    attention = Attention(CHANNELS, heads=HEADS, dim_head=CHANNELS // HEADS).eval()
    attend_in_chunks(attention)
    states = torch.randn(3, 1024, CHANNELS)
    with torch.inference_mode():
        together = attention(states)
        for number, alone in enumerate(states.split(1)):
            assert torch.allclose(attention(alone)[0], together[number], atol=1e-6)


def test_text_and_masks_use_the_usual_attention() -> None:
    import torch
    from diffusers.models.attention_processor import Attention

    from adapters.diffusion.attention.chunked import ChunkedSelfAttention

    attention = Attention(CHANNELS, heads=HEADS, dim_head=CHANNELS // HEADS).eval()
    states, text = torch.randn(1, 300, CHANNELS), torch.randn(1, 7, CHANNELS)
    mask = torch.zeros(1, 1, 300).index_fill_(2, torch.arange(150, 300), -10000.0)
    with torch.inference_mode():
        before = [attention(states, text), attention(states, attention_mask=mask)]
        attention.set_processor(ChunkedSelfAttention())
        after = [attention(states, text), attention(states, attention_mask=mask)]
    assert all(map(torch.equal, before, after))


def test_only_self_attention_is_chunked() -> None:
    from adapters.diffusion.attention.chunked import ChunkedSelfAttention
    from adapters.diffusion.devices.device import planned_device
    from adapters.diffusion.loading.loader import load_pipeline
    from domain.execution_plan import PlanOverrides
    from tests.contract.conftest import DEMO_MODEL

    plan = PlanOverrides(device="cpu", dtype="float32", attention="chunked")
    unet = load_pipeline(DEMO_MODEL, planned_device(plan)).unet
    of_chunks = {
        name.split(".")[-2]
        for name, processor in unet.attn_processors.items()
        if isinstance(processor, ChunkedSelfAttention)
    }
    assert of_chunks == {"attn1"}
