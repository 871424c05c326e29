import time

import pytest

from domain.generation.picture_parameters import parameters_text, parse_parameters
from domain.generation.request import GenerationRequest

REQUEST = GenerationRequest(
    id="r1",
    model_id="ab" * 32,
    prompt="a red circle,\nbig",
    negative_prompt="blue",
    width=260,
    height=300,
    num_inference_steps=20,
    guidance_scale=7.0,
    seed=7,
)
WRITTEN = {
    **{"Prompt": "a red circle,\nbig", "Negative prompt": "blue", "Steps": "20"},
    **{"Sampler": "DPM++ 2M", "CFG scale": "7", "Seed": "8", "Size": "260x300"},
    **{"Size-1": "260", "Size-2": "300", "Model hash": "ababababab"},
}


def test_parameters_are_in_the_format_that_tools_read() -> None:
    assert parameters_text(REQUEST, seed=8, sampler="DPM++ 2M") == (
        "a red circle,\nbig\n"
        "Negative prompt: blue\n"
        "Steps: 20, Sampler: DPM++ 2M, CFG scale: 7, Seed: 8, Size: 260x300, "
        "Model hash: ababababab"
    )


def test_written_parameters_can_be_read() -> None:
    assert parse_parameters(parameters_text(REQUEST, seed=8, sampler="DPM++ 2M")) == WRITTEN


@pytest.mark.parametrize("text", ["", "  \n "])
def test_empty_text_has_no_parameters(text: str) -> None:
    assert parse_parameters(text) == {}


@pytest.mark.parametrize(
    "text, prompt, negative",
    [
        ("a lake", "a lake", ""),
        ("a lake\nSteps: 2, Seed: 3", "a lake\nSteps: 2, Seed: 3", ""),
        ("a\nNegative prompt: b\nc", "a", "b\nc"),
        ("a Negative prompt: b", "a Negative prompt: b", ""),
        ("a\n  Negative prompt: b\nSteps: 1, Seed: 2, Size: 8x8", "a", "b"),
        ("Negative prompt: b\nSteps: 1, Seed: 2, Size: 8x8", "", "b"),
        ("Steps: 1, Seed: 2, Size: 8x8", "", ""),
    ],
)
def test_prompts_are_separated_from_settings(text: str, prompt: str, negative: str) -> None:
    found = parse_parameters(text)
    assert (found["Prompt"], found["Negative prompt"]) == (prompt, negative)


def test_settings_of_other_tools_are_read() -> None:
    last = (
        r'Steps: 4, Lora hashes: "a: 1f, b: 2e", no setting, Note: "say \"hi\", twice", '
        'Schedule type: Karras, Open: "x, Hires upscale: 2'
    )
    found = parse_parameters(f"p\n{last}")
    assert found["Lora hashes"] == "a: 1f, b: 2e"
    assert found["Note"] == 'say "hi", twice'
    assert (found["Schedule type"], found["Hires upscale"]) == ("Karras", "2")
    assert found["Open"] == '"x'


@pytest.mark.parametrize("part", ["a", " ", ",", ":", '"', 'a:"', 'a:"\\",', "a: b,", "\\", "\n"])
def test_no_text_takes_long_to_parse(part: str) -> None:
    started = time.process_time()
    parse_parameters(part * (1_000_000 // len(part)))
    assert time.process_time() - started < 2


@pytest.mark.parametrize("length, settings", [(65_536, True), (65_537, False)])
def test_a_line_of_settings_is_limited(length: int, settings: bool) -> None:
    line = "Steps: 1, Seed: 2, Size: 8x8, Note: "
    found = parse_parameters("p\n" + line + "x" * (length - len(line)))
    assert ("Seed" in found) is settings
