"""Textual inversions in prompts, compared with diffusers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.generation.parts import Embedding, PromptSyntax
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import demo_request, pixels
from tests.contract.drawing.generating import MODELS, generate
from tests.contract.prompts.embedding_files import a1111_pt, record, safetensors_file, vectors

pytestmark = pytest.mark.torch

_WIDTH = 128


@pytest.fixture(scope="module")
def pipeline() -> Any:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    return load_pipeline(DEMO_MODEL, find_device("cpu", "float32"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a1111_pt(tmp_path_factory.mktemp("embeddings") / "ink-wash.pt", vectors(3, _WIDTH))


@pytest.fixture(scope="module")
def taught(pipeline: Any, file: Path) -> Iterator[Any]:
    """A pipeline of diffusers that read the same file, with tokens and a table of its own."""
    import copy

    from diffusers import StableDiffusionPipeline

    parts = {name: part for name, part in pipeline.components.items() if part is not None}
    parts |= {
        "tokenizer": copy.deepcopy(pipeline.tokenizer),
        "text_encoder": copy.deepcopy(pipeline.text_encoder),
    }
    own = StableDiffusionPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    own.set_progress_bar_config(disable=True)
    own.load_textual_inversion(str(file), token="ink-wash")
    yield own


def _encoding(pipeline: Any, file: Path, prompt: str, negative: str | None, **fields: Any) -> Any:
    from adapters.diffusion.additions.embeddings.loading import load_textual_inversion
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.drawing.prompts.encoding import encode_prompts
    from adapters.diffusion.drawing.prompts.reading import Reading

    found = load_textual_inversion(record(file), find_device("cpu", "float32"))
    reading = Reading(inversions={"ink-wash": found}, **fields)
    return encode_prompts(pipeline, prompt, negative, reading=reading)


@pytest.mark.parametrize(
    ("prompt", "negative"),
    [
        ("ink-wash", None),
        ("a lake, ink-wash, at night", "trees"),
        ("a lake", "ink-wash"),
        ("ink-wash and ink-wash", "a ink-wash"),
    ],
)
def test_the_embeddings_equal_those_of_diffusers(
    pipeline: Any, taught: Any, file: Path, prompt: str, negative: str | None
) -> None:
    import torch

    ours = _encoding(pipeline, file, prompt, negative)
    theirs = taught.encode_prompt(prompt, "cpu", 1, True, negative)
    assert torch.equal(ours.prompt, theirs[0])
    assert torch.equal(ours.negative, theirs[1])


def test_both_syntaxes_take_embeddings(pipeline: Any, file: Path) -> None:
    import torch

    plain = _encoding(pipeline, file, "a lake, ink-wash", None)
    weighted = _encoding(pipeline, file, "a lake, ink-wash", None, syntax=PromptSyntax.WEIGHTED)
    assert torch.equal(plain.prompt, weighted.prompt)
    heavier = _encoding(
        pipeline, file, "a lake, (ink-wash:1.5)", None, syntax=PromptSyntax.WEIGHTED
    )
    mean = plain.prompt.mean()
    expected = plain.prompt.clone()
    comma = len(pipeline.tokenizer("a lake,", add_special_tokens=False).input_ids)
    expected[0, 1 + comma : 4 + comma] *= 1.5
    expected *= mean / expected.mean()
    assert torch.allclose(heavier.prompt, expected, atol=1e-5)


@pytest.mark.parametrize("prompt", ["ink-washes", "pink-wash", "ink-wash-like", "ink wash"])
def test_a_part_of_another_word_is_not_the_token(pipeline: Any, file: Path, prompt: str) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    found = _encoding(pipeline, file, prompt, None)
    assert torch.equal(found.prompt, encode_prompts(pipeline, prompt, None).prompt)


@pytest.mark.parametrize("syntax", list(PromptSyntax))
@pytest.mark.parametrize(("before", "pieces"), [(72, [75]), (73, [73, 3]), (75, [75, 3])])
def test_a_word_is_never_split(
    pipeline: Any, file: Path, syntax: PromptSyntax, before: int, pieces: list[int]
) -> None:
    import torch

    from adapters.diffusion.additions.embeddings.loading import load_textual_inversion
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.drawing.prompts.text_encoder import TextEncoder
    from domain.prompts import WordTable

    encoder = TextEncoder(pipeline.tokenizer, pipeline.text_encoder, torch.device("cpu"), False)
    found = encoder.pieces(
        "red " * before + "ink-wash",
        is_weighted=syntax is PromptSyntax.WEIGHTED,
        inversions={
            "ink-wash": load_textual_inversion(record(file), find_device("cpu", "float32"))
        },
        words=WordTable(["ink-wash"]),
    )
    assert [len(piece.ids) for piece in found] == pieces
    place = found[-1].vectors
    assert list(place) == list(range(pieces[-1] - 3, pieces[-1]))


def test_a_word_moves_with_what_follows_a_comma(pipeline: Any) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.pieces import Cutter

    cutter = Cutter(75, comma=9)
    cutter.add([1] * 69 + [9, 2], 1.0)
    rows = list(vectors(3, 4))
    cutter.add_vectors(rows, 1.2)
    cutter.add([3, 4], 1.0)
    first, second = cutter.pieces()
    assert first.ids == [1] * 69 + [9] and not first.vectors
    assert second.ids == [2, 0, 0, 0, 3, 4]
    assert second.weights == [1.0, 1.2, 1.2, 1.2, 1.0, 1.0]
    assert all(torch.equal(second.vectors[1 + n], row) for n, row in enumerate(rows))


def _picture(generator: Any, request: GenerationRequest) -> bytes:
    return generate(generator, DEMO_MODEL, [request]).images[0][0].data


@pytest.fixture(scope="module")
def listed(file: Path) -> ModelRecord:
    found = record(file)
    MODELS.put(found)
    return found


def test_a_picture_equals_that_of_diffusers(
    float32_generator: Any, pipeline: Any, taught: Any, listed: ModelRecord
) -> None:
    """The same file, seed and sampler. `taught` draws with the service's scheduler."""
    import numpy as np
    import torch

    from adapters.diffusion.sampling import new_scheduler

    request = demo_request(
        prompt="a lake, ink-wash",
        negative_prompt="red",
        embeddings=(Embedding(model_id=listed.id, token="ink-wash"),),
    )
    ours = pixels(_picture(float32_generator, request))
    taught.scheduler = new_scheduler(None, pipeline.scheduler.config, 4)
    with torch.no_grad():
        image = taught(
            request.prompt,
            negative_prompt="red",
            num_inference_steps=4,
            guidance_scale=7.5,
            width=256,
            height=256,
            generator=torch.Generator("cpu").manual_seed(3),
            output_type="np",
        ).images[0]
    assert np.abs(ours - (image * 255).round()).mean() <= 0.5
    plain = pixels(
        _picture(float32_generator, demo_request(prompt="a lake", negative_prompt="red"))
    )
    assert np.abs(ours - plain).mean() > 0.5


def test_an_embedding_belongs_to_its_request_alone(
    float32_generator: Any, listed: ModelRecord
) -> None:
    with_it = demo_request(
        prompt="a lake, ink-wash", embeddings=(Embedding(model_id=listed.id, token="ink-wash"),)
    )
    without = demo_request(prompt="a lake, ink-wash")
    drawn = [
        _picture(float32_generator, request) for request in (without, with_it, without, with_it)
    ]
    assert drawn[0] == drawn[2]
    assert drawn[1] == drawn[3]
    assert drawn[0] != drawn[1]


def test_the_stem_of_the_file_is_the_word_by_default(
    float32_generator: Any, listed: ModelRecord
) -> None:
    import numpy as np

    drawn = [
        pixels(
            _picture(
                float32_generator,
                demo_request(
                    prompt=prompt, embeddings=(Embedding(model_id=listed.id, token=token),)
                ),
            )
        )
        for prompt, token in (("a lake, ink-wash", None), ("a lake, x", "x"))
    ]
    assert np.array_equal(drawn[0], drawn[1])


def test_sdxl_reads_a_vector_of_each_file_with_its_own_encoder(tmp_path: Path) -> None:
    import torch

    from tests.contract.drawing.tiny_sdxl import WIDTH, tiny_sdxl

    xl = tiny_sdxl()
    rows = vectors(2, WIDTH), vectors(2, WIDTH, seed=1)
    path = safetensors_file(
        tmp_path / "ink-wash.safetensors", {"clip_l": rows[0], "clip_g": rows[1]}
    )
    found = _encoding(xl, path, "red ink-wash", None)
    tokenizer = xl.tokenizer
    red = tokenizer("red", add_special_tokens=False).input_ids
    ids = [tokenizer.bos_token_id, *red, 0, 0, tokenizer.eos_token_id]
    ids += [tokenizer.pad_token_id] * (77 - len(ids))
    states = []
    for model, own in zip((xl.text_encoder, xl.text_encoder_2), rows, strict=True):
        table = model.get_input_embeddings()
        table_rows = table.weight.data.clone()
        # The reference puts the vectors into the table itself, at tokens that nothing else uses.
        free = [5, 6]
        table.weight.data[free] = own
        taught = [*ids]
        taught[1 + len(red) : 3 + len(red)] = free
        with torch.no_grad():
            states.append(model(torch.tensor([taught]), output_hidden_states=True))
        table.weight.data = table_rows
    assert torch.equal(found.prompt, torch.cat([each.hidden_states[-2] for each in states], -1))
    assert torch.equal(found.pooled, states[1][0])
