"""LoRAs, embeddings, autoencoders and ControlNets in the parameters of a picture."""

import dataclasses
import random
import re
from typing import Any

import pytest

from domain.generation.parameters import parameters_text, parse_parameters
from domain.generation.parts import Control, ControlMode, Embedding, Lora, Preprocessor, ResizeMode
from domain.generation.request import GenerationRequest
from tests.fakes.model_source import model_record
from tests.unit.generation.test_parts import picture

STYLE = model_record(b"style", "models/loras/style.safetensors")
SAME_NAME = model_record(b"other", "models/more/style.safetensors")
ODD_NAME = model_record(b"odd", "models/a,b<c>.safetensors")
WORD = model_record(b"word", "models/bad-hands.pt")
VAE = model_record(b"vae", "models/vae/sharp, soft.safetensors")
EDGES = model_record(b"edges", "models/outlines.safetensors")
MODELS = {each.id: each for each in (STYLE, SAME_NAME, ODD_NAME, WORD, VAE, EDGES)}
REQUEST = GenerationRequest(id="r", model_id="ab" * 32, prompt="a hill", seed=7)


def text(**fields: Any) -> str:
    request = dataclasses.replace(REQUEST, **fields)
    return parameters_text(request, seed=7, sampler="Euler", models=MODELS)


def settings(**fields: Any) -> dict[str, str]:
    return parse_parameters(text(**fields))


def test_everything_beside_the_checkpoint_is_written_as_the_web_ui_writes_it() -> None:
    control = Control(
        model_id=EDGES.id,
        image=picture(),
        scale=0.9,
        end=0.75,
        preprocessor=Preprocessor(name="canny", low=50),
        mode=ControlMode.PROMPT,
    )
    written = text(
        negative_prompt="bad-hands",
        loras=(Lora(model_id=STYLE.id, scale=0.8), Lora(model_id=EDGES.id)),
        embeddings=(Embedding(model_id=WORD.id, token="bad-hands"),),
        vae_id=VAE.id,
        controls=(control,),
        prompt_syntax="weighted",
        clip_skip=2,
    )
    assert written == (
        "a hill <lora:style:0.8> <lora:outlines:1>\n"
        "Negative prompt: bad-hands\n"
        "Steps: 30, Sampler: Euler, CFG scale: 7.5, Seed: 7, Size: 512x512, "
        f'Model hash: ababababab, VAE hash: {VAE.id[:10]}, VAE: "sharp, soft.safetensors", '
        "Clip skip: 2, Emphasis: Original, "
        f'ControlNet 0: "Module: canny, Model: outlines [{EDGES.id[:8]}], Weight: 0.9, '
        "Resize Mode: Crop and Resize, Threshold A: 50, Threshold B: 200, Guidance Start: 0, "
        'Guidance End: 0.75, Control Mode: My prompt is more important", '
        f'TI hashes: "bad-hands: {WORD.id[:12]}", '
        f'Lora hashes: "style: {STYLE.id[:10]}, outlines: {EDGES.id[:10]}"'
    )


def test_a_request_without_them_is_written_as_before() -> None:
    assert text() == (
        "a hill\nSteps: 30, Sampler: Euler, CFG scale: 7.5, Seed: 7, Size: 512x512, "
        "Model hash: ababababab"
    )


def test_what_is_written_is_read_again() -> None:
    found = settings(
        loras=(Lora(model_id=STYLE.id, scale=-1.25),),
        embeddings=(Embedding(model_id=WORD.id, token="a word"),),
        vae_id=VAE.id,
        controls=tuple(
            Control(model_id=EDGES.id, image=picture(), preprocessor=each, resize_mode=mode)
            for each, mode in (
                (None, ResizeMode.PAD),
                (Preprocessor(name="invert"), ResizeMode.STRETCH),
            )
        ),
    )
    assert found["Prompt"] == "a hill <lora:style:-1.25>"
    assert found["Lora hashes"] == f"style: {STYLE.id[:10]}"
    assert found["TI hashes"] == f"a word: {WORD.id[:12]}"
    assert (found["VAE"], found["VAE hash"]) == (VAE.name, VAE.id[:10])
    assert found["ControlNet 0"].startswith("Module: none, Model: outlines [")
    assert "Resize Mode: Resize and Fill, Guidance Start: 0, " in found["ControlNet 0"]
    assert "Module: invert, " in found["ControlNet 1"]
    assert "Resize Mode: Just Resize, " in found["ControlNet 1"]


@pytest.mark.parametrize(
    ("loras", "names"),
    [
        ((STYLE, SAME_NAME), (STYLE.id[:10], SAME_NAME.id[:10])),
        ((STYLE, STYLE), ("style", "style")),
        ((ODD_NAME, STYLE), (ODD_NAME.id[:10], "style")),
    ],
)
def test_a_name_that_says_too_little_is_replaced_by_the_id(loras: Any, names: Any) -> None:
    found = settings(loras=tuple(Lora(model_id=each.id) for each in loras))
    assert re.findall("<lora:(.+?):1>", found["Prompt"]) == [*names]
    hashes = dict(pair.split(": ") for pair in found["Lora hashes"].split(", "))
    assert hashes.keys() == set(names)
    assert all(hashes[name] == each.id[:10] for name, each in zip(names, loras, strict=True))


def test_a_model_that_is_gone_is_named_by_its_id() -> None:
    found = settings(loras=(Lora(model_id="cd" * 32),), vae_id="ef" * 32)
    assert found["Prompt"] == "a hill <lora:cdcdcdcdcd:1>"
    assert (found["VAE hash"], "VAE" in found) == ("ef" * 5, False)


def test_each_scale_is_written_exactly() -> None:
    rng = random.Random(7)
    for _ in range(200):
        scale = rng.choice([rng.uniform(-4, 4), round(rng.uniform(-4, 4), 2), 1e-7, 0.1 + 0.2])
        tag = settings(loras=(Lora(model_id=STYLE.id, scale=scale),))["Prompt"]
        assert float(tag.rpartition(":")[2].removesuffix(">")) == scale
