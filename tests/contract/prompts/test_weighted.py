"""Weighted prompts, compared with a reference in float64."""

from typing import Any

import pytest

from domain.errors import GenerationFailed
from domain.generation.parts import PromptSyntax
from tests.contract.prompts.reference import exact_embeddings, ids_of

pytestmark = pytest.mark.torch

_CLOSE = 2e-5


@pytest.fixture(scope="module")
def pipeline() -> Any:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline
    from tests.contract.conftest import DEMO_MODEL

    return load_pipeline(DEMO_MODEL, find_device("cpu", "float32"))


def weighted(pipeline: Any, prompt: str, clip_skip: int = 1) -> Any:
    from adapters.diffusion.drawing.prompts.encoding import encode_prompts
    from adapters.diffusion.drawing.prompts.reading import Reading

    reading = Reading(PromptSyntax.WEIGHTED, clip_skip)
    return encode_prompts(pipeline, prompt, None, reading=reading)


def tokens(pipeline: Any, *parts: tuple[str, float]) -> list[tuple[int, float]]:
    return [(token, weight) for text, weight in parts for token in ids_of(pipeline.tokenizer, text)]


def check(pipeline: Any, prompt: str, *pieces: list[tuple[int, float]], clip_skip: int = 1) -> None:
    found = weighted(pipeline, prompt, clip_skip).prompt[0]
    exact = exact_embeddings(pipeline.text_encoder, pipeline.tokenizer, pieces, clip_skip=clip_skip)
    assert found.shape == exact.shape
    assert (found.double() - exact).abs().max() < _CLOSE * exact.abs().max()


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a red circle", [("a red circle", 1.0)]),
        ("a (red) circle", [("a ", 1.0), ("red", 1.1), (" circle", 1.0)]),
        ("a ((red)) [circle]", [("a ", 1.0), ("red", 1.21), (" ", 1.0), ("circle", 1 / 1.1)]),
        ("(a red:0.3) circle", [("a red", 0.3), (" circle", 1.0)]),
        ("a (red:0) circle", [("a ", 1.0), ("red", 0.0), (" circle", 1.0)]),
        ("a (red:-0.5) circle", [("a ", 1.0), ("red", -0.5), (" circle", 1.0)]),
        (r"a \(red\) circle", [("a (red) circle", 1.0)]),
        ("(a red circle:1000000)", [("a red circle", 1e6)]),
    ],
)
def test_weights_multiply_embeddings_and_keep_their_mean(
    pipeline: Any, prompt: str, parts: list[tuple[str, float]]
) -> None:
    check(pipeline, prompt, tokens(pipeline, *parts))


@pytest.mark.parametrize("clip_skip", [1, 2, 3])
def test_layers_are_left_off_and_the_final_norm_stays(pipeline: Any, clip_skip: int) -> None:
    check(
        pipeline,
        "a (red:1.4) circle",
        tokens(pipeline, ("a ", 1.0), ("red", 1.4), (" circle", 1.0)),
        clip_skip=clip_skip,
    )


@pytest.mark.parametrize("clip_skip", [2, 3])
def test_layers_are_left_off_for_plain_prompts_and_negative_ones_too(
    pipeline: Any, clip_skip: int
) -> None:
    from adapters.diffusion.drawing.prompts.encoding import encode_prompts
    from adapters.diffusion.drawing.prompts.reading import Reading

    reading = Reading(clip_skip=clip_skip)
    found = encode_prompts(pipeline, "a red circle", "trees", reading=reading)
    assert found.negative is not None
    for embeddings, text in ((found.prompt, "a red circle"), (found.negative, "trees")):
        exact = exact_embeddings(
            pipeline.text_encoder,
            pipeline.tokenizer,
            [tokens(pipeline, (text, 1.0))],
            clip_skip=clip_skip,
        )
        assert (embeddings[0].double() - exact).abs().max() < _CLOSE * exact.abs().max()


@pytest.mark.parametrize("clip_skip", [4, 12])
def test_more_layers_than_there_are_are_refused(pipeline: Any, clip_skip: int) -> None:
    with pytest.raises(GenerationFailed, match=f"clip_skip is {clip_skip}.* 3 layers"):
        weighted(pipeline, "a red circle", clip_skip)


def test_weights_that_leave_no_mean_are_refused(pipeline: Any) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.pieces import Piece
    from adapters.diffusion.drawing.prompts.text_encoder import TextEncoder

    encoder = TextEncoder(pipeline.tokenizer, pipeline.text_encoder, torch.device("cpu"), False)
    states = torch.ones(3, 4)
    with pytest.raises(GenerationFailed, match="cancel each other"):
        encoder._emphasised(states, Piece([5], [-2.0]))


def test_break_begins_a_new_piece(pipeline: Any) -> None:
    check(
        pipeline,
        "a (red:1.3) BREAK circle",
        tokens(pipeline, ("a ", 1.0), ("red", 1.3)),
        tokens(pipeline, ("circle", 1.0)),
    )


def test_break_at_the_beginning_leaves_an_empty_piece(pipeline: Any) -> None:
    check(pipeline, "BREAK red", [], tokens(pipeline, ("red", 1.0)))


def test_break_at_the_end_adds_no_piece(pipeline: Any) -> None:
    check(pipeline, "red BREAK", tokens(pipeline, ("red", 1.0)))


@pytest.mark.parametrize(("after", "moved"), [(1, True), (20, True), (21, False)])
def test_words_after_the_last_comma_move_to_the_next_piece(
    pipeline: Any, after: int, moved: bool
) -> None:
    """The web UI counts from the comma: with it, at most 20 tokens are at the end of the piece."""
    one = tokens(pipeline, ("red", 1.0))
    comma = tokens(pipeline, (",", 1.0))
    assert len(one) == len(comma) == 1
    tail = after - 1  # the tokens after the comma in the first piece
    prompt = " ".join(["red"] * (75 - after)) + "," + " red" * (tail + 2)
    head = one * (75 - after) + comma
    if moved:
        check(pipeline, prompt, head, one * (tail + 2))
    else:
        check(pipeline, prompt, head + one * tail, one * 2)


def test_a_long_plain_prompt_is_cut_anywhere(pipeline: Any) -> None:
    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    prompt = " ".join(["red"] * 70) + "," + " red" * 20
    found = encode_prompts(pipeline, prompt, None).prompt[0]
    whole = tokens(pipeline, (prompt, 1.0))
    exact = exact_embeddings(pipeline.text_encoder, pipeline.tokenizer, [whole[:75], whole[75:]])
    assert (found.double() - exact).abs().max() < _CLOSE * exact.abs().max()


def test_a_prompt_without_grammar_is_the_same_in_both_syntaxes(pipeline: Any) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    prompt = "a red circle, on a white background"
    plain = encode_prompts(pipeline, prompt, "trees")
    assert torch.equal(weighted(pipeline, prompt).prompt, plain.prompt)


def test_both_encoders_of_sdxl_are_weighted_and_the_pooled_output_is_not() -> None:
    import torch

    from adapters.diffusion.drawing.prompts.encoding import encode_prompts
    from adapters.diffusion.drawing.prompts.reading import Reading
    from tests.contract.drawing.tiny_sdxl import tiny_sdxl

    xl = tiny_sdxl()
    parts = tokens(xl, ("a ", 1.0), ("red", 1.5), (" circle", 1.0))
    found = weighted(xl, "a (red:1.5) circle")
    exact = torch.cat(
        [
            exact_embeddings(model, xl.tokenizer, [parts], is_of_xl=True)
            for model in (xl.text_encoder, xl.text_encoder_2)
        ],
        dim=-1,
    )
    assert (found.prompt[0].double() - exact).abs().max() < 1e-4 * exact.abs().max()
    plain = encode_prompts(xl, "a red circle", None)
    assert torch.equal(found.pooled, plain.pooled)
    # As in the web UI: SDXL always leaves off one layer, whatever `clip_skip` is.
    for clip_skip in (2, 12):
        skipped = encode_prompts(xl, "a red circle", None, reading=Reading(clip_skip=clip_skip))
        assert torch.equal(skipped.prompt, plain.prompt)


@pytest.mark.parametrize(
    ("clip_skip", "activation", "skips"),
    [(2, "gelu", True), (3, "gelu", False), (3, "quick_gelu", True)],
)
def test_the_text_encoder_of_stable_diffusion_2_always_leaves_off_one_layer(
    clip_skip: int, activation: str, skips: bool
) -> None:
    from types import SimpleNamespace

    import torch

    from adapters.diffusion.drawing.prompts.text_encoder import TextEncoder

    model = SimpleNamespace(config=SimpleNamespace(hidden_act=activation, num_hidden_layers=23))
    encoder = TextEncoder(None, model, torch.device("cpu"), False)
    assert encoder.skips(clip_skip) is skips
    assert (encoder._layer(clip_skip) is None) is (activation == "gelu")
