import dataclasses
import time
from typing import Any

import pytest

from domain.generation.parameters import parameters_text, parse_parameters
from domain.generation.parts import (
    InpaintArea,
    MaskContent,
    ResizeMode,
    SecondPass,
    SourceImage,
    Upscale,
)
from domain.generation.request import GenerationRequest
from domain.models.record import ModelKind
from tests.fakes.model_source import model_record
from tests.unit.generation.test_parts import picture

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


INIT, MASK = picture(id="1" * 64), picture(id="2" * 64)
UPSCALER = dataclasses.replace(
    model_record(b"up", 'models/4x "Sharp", a: b.safetensors'), kind=ModelKind.UPSCALER, scale=4
)


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        (
            {"source": SourceImage(init_image=INIT)},
            {"Denoising strength": "0.75", "Init image hash": "1111111111"},
        ),
        (
            {"source": SourceImage(init_image=INIT, strength=0.5, resize_mode=ResizeMode.PAD)},
            {
                "Denoising strength": "0.5",
                "Resize mode": "Resize and fill",
                "Init image hash": "1111111111",
            },
        ),
        (
            {"source": SourceImage(init_image=INIT, mask_image=MASK, image_guidance_scale=1.5)},
            {
                "Image CFG scale": "1.5",
                "Denoising strength": "0.75",
                "Mask blur": "4",
                "Mask hash": "2222222222",
                "Init image hash": "1111111111",
            },
        ),
        (
            {
                "source": SourceImage(
                    init_image=INIT,
                    mask_image=MASK,
                    mask_blur=0,
                    mask_content=MaskContent.NOISE,
                    inpaint_area=InpaintArea.MASKED,
                    inpaint_padding=8,
                )
            },
            {
                "Denoising strength": "0.75",
                "Masked content": "latent noise",
                "Inpaint area": "Only masked",
                "Masked area padding": "8",
                "Mask hash": "2222222222",
                "Init image hash": "1111111111",
            },
        ),
        (
            {"second_pass": SecondPass()},
            {"Denoising strength": "0.7", "Hires upscale": "2", "Hires upscaler": "Latent"},
        ),
        (
            {"second_pass": SecondPass(num_inference_steps=9, upscaler=UPSCALER.id, scale=1.5)},
            {
                "Denoising strength": "0.7",
                "Hires upscale": "1.5",
                "Hires steps": "9",
                "Hires upscaler": '4x "Sharp", a: b',
            },
        ),
        (
            {"source": SourceImage(init_image=INIT), "second_pass": SecondPass(strength=0.3)},
            {
                "Denoising strength": "0.75",
                "Init image hash": "1111111111",
                "Hires upscale": "2",
                "Hires upscaler": "Latent",
                "Hires denoising strength": "0.3",
            },
        ),
        (
            {"upscale": Upscale(model_id=UPSCALER.id)},
            {"Postprocess upscale by": "4", "Postprocess upscaler": '4x "Sharp", a: b'},
        ),
        (
            {"upscale": Upscale(model_id="3" * 64, scale=2.5)},
            {"Postprocess upscale by": "2.5", "Postprocess upscaler": "3333333333"},
        ),
    ],
)
def test_parts_are_written_as_that_web_ui_does(
    changes: dict[str, Any], written: dict[str, str]
) -> None:
    request = dataclasses.replace(REQUEST, **changes)
    text = parameters_text(request, seed=8, sampler="DPM++ 2M", models={UPSCALER.id: UPSCALER})
    assert parse_parameters(text) == WRITTEN | written
