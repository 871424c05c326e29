"""The parts of a request: each limit on both sides, and their combinations."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import InvalidRequest
from domain.generation.parts import (
    Control,
    ControlMode,
    Embedding,
    InpaintArea,
    Lora,
    MaskContent,
    Preprocessor,
    PromptSyntax,
    ResizeMode,
    SecondPass,
    SourceImage,
    Upscale,
)
from domain.generation.parts.rules import ModelRole
from domain.generation.request import GenerationRequest
from domain.limits import OneOf
from domain.pictures import MOST_PIXELS_DRAWN, MOST_PIXELS_SENT, PictureRef

ID = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4


def picture(**changes: Any) -> PictureRef:
    values: dict[str, Any] = {"id": ID, "media_type": "image/png", "size": 9, "width": 64}
    return PictureRef(**{**values, "height": 64, **changes})


PICTURE = picture()
MASK = picture(id=OTHER)
LARGEST_SENT = picture(width=4096, height=4096)
TOO_LARGE = picture(width=4097, height=4096)


def source(**changes: Any) -> SourceImage:
    return SourceImage(**{"init_image": PICTURE, **changes})


def masked(**changes: Any) -> SourceImage:
    return source(mask_image=MASK, **changes)


def lora(**changes: Any) -> Lora:
    return Lora(**{"model_id": ID, **changes})


def embedding(**changes: Any) -> Embedding:
    return Embedding(**{"model_id": ID, **changes})


def control(**changes: Any) -> Control:
    return Control(**{"model_id": ID, "image": PICTURE, **changes})


def canny(**changes: Any) -> Preprocessor:
    return Preprocessor(**{"name": "canny", **changes})


def upscale(**changes: Any) -> Upscale:
    return Upscale(**{"model_id": ID, **changes})


def request(**changes: Any) -> GenerationRequest:
    return GenerationRequest(**{"id": "r", "model_id": ID, "prompt": "a hill", **changes})


_TAKEN: list[tuple[Callable[..., Any], str, list[object]]] = [
    (picture, "media_type", ["image/png", "image/jpeg", "image/webp"]),
    (picture, "size", [1, 2**53 - 1]),
    (picture, "width", [1, MOST_PIXELS_DRAWN // 64]),
    (picture, "height", [1, MOST_PIXELS_DRAWN // 64]),
    (source, "init_image", [LARGEST_SENT]),
    (source, "mask_image", [None, LARGEST_SENT]),
    (source, "strength", [0, 0.0, 1.0, 1]),
    (source, "resize_mode", [*ResizeMode]),
    (source, "image_guidance_scale", [None, 1.0, 10.0]),
    (source, "noise_multiplier", [0, 1.0, 1.5]),
    (masked, "mask_blur", [0, 64]),
    (masked, "mask_content", [*MaskContent]),
    (masked, "inpaint_area", [*InpaintArea]),
    (masked, "inpaint_padding", [0, 256]),
    (lora, "scale", [-4.0, 4.0, 0]),
    (embedding, "token", [None, "x", "x" * 255, "two words"]),
    (control, "image", [LARGEST_SENT, picture(width=8, height=8)]),
    (control, "scale", [0.0, 2.0]),
    (control, "start", [0.0, 0.99]),
    (control, "end", [0.01, 1.0]),
    (control, "preprocessor", [None, canny(), Preprocessor(name="invert")]),
    (control, "resize_mode", [*ResizeMode]),
    (control, "mode", [*ControlMode]),
    (canny, "low", [0, 200]),
    (canny, "high", [100, 255]),
    (SecondPass, "scale", [1.0, 4.0]),
    (SecondPass, "strength", [0.0, 1.0]),
    (SecondPass, "num_inference_steps", [None, 1, 150]),
    (SecondPass, "upscaler", ["latent", "lanczos", ID]),
    (upscale, "scale", [None, 1.0, 8.0]),
    (request, "clip_skip", [1, 12]),
    (request, "vae_id", [None, ID]),
    (request, "prompt_syntax", [*PromptSyntax]),
    (request, "loras", [(), (lora(),) * 8]),
    (request, "embeddings", [(), tuple(embedding(token=f"t{n}") for n in range(16))]),
    (request, "controls", [(), (control(),) * 4]),
]
_REFUSED: list[tuple[Callable[..., Any], str, list[object]]] = [
    (picture, "id", ["", "g" * 64, ID[:-1], None, 7]),
    (picture, "media_type", ["image/gif", "", None]),
    (picture, "size", [0, 2**53, 1.0]),
    (picture, "width", [0, MOST_PIXELS_DRAWN // 64 + 1, True, "64"]),
    (picture, "height", [0, -1, None]),
    (source, "init_image", [None, ID, TOO_LARGE]),
    (source, "mask_image", [ID, TOO_LARGE]),
    (source, "strength", [-0.01, 1.01, None, "1", float("nan")]),
    (source, "resize_mode", ["fit", None]),
    (source, "image_guidance_scale", [0.99, 10.01]),
    (source, "noise_multiplier", [-0.01, 1.51, None]),
    (source, "mask_blur", [4]),  # there is no mask
    (source, "mask_content", ["original"]),
    (source, "inpaint_area", ["whole"]),
    (source, "inpaint_padding", [32]),
    (masked, "mask_blur", [-1, 65, 4.0]),
    (masked, "mask_content", ["latent", 1]),
    (masked, "inpaint_area", ["all"]),
    (masked, "inpaint_padding", [-1, 257]),
    (lora, "model_id", ["", None, "demo"]),
    (lora, "scale", [-4.01, 4.01, None, True]),
    (embedding, "model_id", ["x"]),
    (embedding, "token", ["", "x" * 256, "a\0b", 5]),
    (control, "model_id", ["x"]),
    (control, "image", [None, TOO_LARGE, picture(width=1, height=1), picture(height=7)]),
    (control, "scale", [-0.01, 2.01]),
    (control, "start", [-0.01, 1.01, 1.0]),
    (control, "end", [-0.01, 1.01]),
    (control, "preprocessor", ["canny"]),
    (control, "resize_mode", ["fit"]),
    (control, "mode", ["both", None]),
    (canny, "name", ["depth", None]),
    (canny, "low", [-1, 201, 256]),
    (canny, "high", [-1, 256]),
    (SecondPass, "scale", [0.99, 4.01, None]),
    (SecondPass, "strength", [-0.01, 1.01]),
    (SecondPass, "num_inference_steps", [0, 151]),
    (SecondPass, "upscaler", ["bicubic", "", None]),
    (upscale, "model_id", ["lanczos"]),
    (upscale, "scale", [0.99, 8.01]),
    (request, "clip_skip", [0, 13, None, 1.5]),
    (request, "vae_id", ["", "vae.pt"]),
    (request, "prompt_syntax", ["a1111", None]),
    (request, "loras", [(lora(),) * 9, [lora()], (ID,), None]),
    (request, "embeddings", [tuple(embedding(token=f"t{n}") for n in range(17))]),
    (request, "controls", [(control(),) * 5]),
    (request, "source", [PICTURE]),
    (request, "second_pass", [2.0]),
    (request, "upscale", [ID]),
]


def _each(rows: list[tuple[Callable[..., Any], str, list[object]]]) -> list[Any]:
    return [
        pytest.param(make, field, value, id=f"{make.__name__}-{field}-{number}")
        for make, field, values in rows
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(("make", "field", "value"), _each(_TAKEN))
def test_each_field_accepts_its_limits(make: Callable[..., Any], field: str, value: object) -> None:
    assert getattr(make(**{field: value}), field) == value


@pytest.mark.parametrize(("make", "field", "value"), _each(_REFUSED))
def test_each_field_refuses_values_beyond_its_limits(
    make: Callable[..., Any], field: str, value: object
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        make(**{field: value})
    assert [row.field for row in caught.value.problems] == [field]


def test_every_limit_is_tested_on_both_sides() -> None:
    parts = (SourceImage, Lora, Embedding, Preprocessor, Control, SecondPass, Upscale, PictureRef)
    names = {field.name for part in parts for field in dataclasses.fields(part)}
    assert names <= {field for _, field, _ in _REFUSED} | {"name"}
    assert names <= {field for _, field, _ in _TAKEN} | {"name", "id", "model_id"}


def test_a_picture_with_too_many_pixels_is_reported_with_the_limit() -> None:
    with pytest.raises(InvalidRequest, match=f"at most {MOST_PIXELS_SENT}"):
        source(init_image=TOO_LARGE)
    assert picture(width=8192, height=8192).pixels == MOST_PIXELS_DRAWN
    with pytest.raises(InvalidRequest, match=f"at most {MOST_PIXELS_DRAWN}"):
        picture(width=8193, height=8192)


def test_the_fields_of_a_mask_get_their_defaults_only_with_a_mask() -> None:
    assert (source().mask_blur, source().inpaint_area) == (None, None)
    found = masked()
    assert (found.mask_blur, found.mask_content) == (4, MaskContent.ORIGINAL)
    assert (found.inpaint_area, found.inpaint_padding) == (InpaintArea.WHOLE, 32)
    assert masked(mask_blur=4) == found
    with pytest.raises(InvalidRequest, match="needs a mask_image"):
        source(mask_blur=4)
    with pytest.raises(InvalidRequest) as caught:
        source(mask_blur=65, inpaint_padding=1)
    assert [row.field for row in caught.value.problems] == ["mask_blur", "inpaint_padding"]


def test_thresholds_belong_to_canny_only() -> None:
    assert (canny().low, canny().high) == (100, 200)
    with pytest.raises(InvalidRequest, match="of canny alone"):
        Preprocessor(name="invert", low=1)


def test_equal_numbers_and_names_make_equal_parts() -> None:
    assert lora(scale=1) == lora(scale=1.0, model_id=ID.upper())
    assert type(lora(scale=1).scale) is float
    assert source(strength=1, resize_mode="pad") == source(strength=1.0, resize_mode=ResizeMode.PAD)
    assert hash(control(scale=1)) == hash(control(scale=1.0))
    assert picture(id=ID.upper()) == PICTURE
    assert request(vae_id=ID.upper()).vae_id == ID
    assert isinstance(request(prompt_syntax="weighted").prompt_syntax, PromptSyntax)


def test_a_token_can_be_claimed_once() -> None:
    same = (embedding(token="cat"), embedding(token="dog"), embedding(model_id=OTHER, token="cat"))
    with pytest.raises(InvalidRequest) as caught:
        request(embeddings=same)
    assert [row.field for row in caught.value.problems] == ["embeddings[2].token"]


@pytest.mark.parametrize(("side", "scale"), [(512, 4.0), (1024, 2.0), (2048, 1.0)])
def test_a_second_pass_ends_at_2048_pixels_a_side(side: int, scale: float) -> None:
    for sides in ({"width": side}, {"height": side}):
        fits = request(**sides, second_pass=SecondPass(scale=scale))
        assert fits.second_pass is not None
        if scale < 4.0:
            with pytest.raises(InvalidRequest) as caught:
                request(**sides, second_pass=SecondPass(scale=scale + 0.01))
            assert [row.field for row in caught.value.problems] == ["second_pass.scale"]


def test_an_upscaled_picture_has_no_longer_sides_than_its_format() -> None:
    wide: Any = {"width": 2048, "height": 256, "upscale": upscale(scale=8)}
    for output_format in ("png", "jpeg"):
        assert request(**wide, output_format=output_format).upscale is not None
    with pytest.raises(InvalidRequest, match="a webp has at most 16383 on a side") as caught:
        request(**wide, output_format="webp")
    assert [row.field for row in caught.value.problems] == ["upscale.scale"]


def test_an_upscaled_picture_has_at_most_64_megapixels() -> None:
    assert request(width=1024, height=1024, upscale=upscale(scale=8)).upscale is not None
    with pytest.raises(InvalidRequest) as caught:
        request(width=1024, height=1032, upscale=upscale(scale=8))
    assert [row.field for row in caught.value.problems] == ["upscale.scale"]
    twice = {"second_pass": SecondPass(scale=2), "upscale": upscale(scale=4)}
    assert request(width=1024, height=1024, **twice).upscale is not None
    with pytest.raises(InvalidRequest):
        request(width=1024, height=1024, **{**twice, "upscale": upscale(scale=4.01)})


def test_invalid_parts_are_named_with_all_other_invalid_fields() -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(width=1, clip_skip=0, vae_id="x", second_pass=SecondPass())
    assert {row.field for row in caught.value.problems} == {"width", "clip_skip", "vae_id"}


def test_a_request_names_the_models_and_pictures_that_it_needs() -> None:
    assert [(use.role, use.model_id) for use in request().models] == [(ModelRole.CHECKPOINT, ID)]
    assert request().pictures == ()
    full = request(
        source=masked(),
        loras=(lora(), lora(model_id=OTHER)),
        embeddings=(embedding(),),
        controls=(control(image=LARGEST_SENT),),
        vae_id=OTHER,
        second_pass=SecondPass(upscaler=OTHER),
        upscale=upscale(),
    )
    assert [(use.role.value, use.field) for use in full.models] == [
        ("checkpoint", "model_id"),
        ("vae", "vae_id"),
        ("lora", "loras[0].model_id"),
        ("lora", "loras[1].model_id"),
        ("embedding", "embeddings[0].model_id"),
        ("controlnet", "controls[0].model_id"),
        ("upscaler", "second_pass.upscaler"),
        ("upscaler", "upscale.model_id"),
    ]
    assert full.models[3].model_id == OTHER
    assert full.pictures == (PICTURE, MASK, LARGEST_SENT)
    assert request(second_pass=SecondPass()).models == request().models


def test_only_parts_with_an_effect_count() -> None:
    assert request(clip_skip=1, prompt_syntax="plain").parts == ()
    assert request(clip_skip=2, loras=(lora(),)).parts == ("loras", "clip_skip")


def test_the_parameters_of_each_preprocessor_are_told() -> None:
    assert Preprocessor.LIMITS["name"] == OneOf(tuple(Preprocessor.PARAMETERS))
    for name, parameters in Preprocessor.PARAMETERS.items():
        made = Preprocessor(name=name)
        assert {each: getattr(made, each) for each in parameters} == dict(parameters)
        assert parameters.keys() <= Preprocessor.LIMITS.keys()
