"""Which requests are drawn in one batch: all fields part them but a named few."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from domain.generation.batch_key import OF_EACH_PICTURE
from domain.generation.fields import FIELDS
from domain.generation.output_formats import OutputFormat
from domain.generation.parts import Lora, PromptSyntax, SecondPass, SourceImage, Upscale
from domain.generation.request import GenerationRequest
from domain.samplers import Scheduler
from tests.unit.generation.test_parts import ID, PICTURE, control, embedding, masked

ONE = GenerationRequest(id="r", model_id=ID, prompt="a hill", seed=1)
_OTHER: dict[str, Any] = {
    "id": "s",
    "model_id": "f" * 64,
    "prompt": "a lake",
    "negative_prompt": "trees",
    "num_inference_steps": 29,
    "guidance_scale": 7.0,
    "width": 504,
    "height": 520,
    "seed": 2,
    "num_images": 2,
    "scheduler": Scheduler.DDIM,
    "output_format": OutputFormat.WEBP,
    "quality": 5,
    "source": SourceImage(init_image=PICTURE),
    "loras": (Lora(model_id=ID),),
    "embeddings": (embedding(),),
    "controls": (control(),),
    "vae_id": ID,
    "second_pass": SecondPass(),
    "upscale": Upscale(model_id=ID),
    "prompt_syntax": PromptSyntax.WEIGHTED,
    "clip_skip": 2,
}


def _another(name: str) -> Any:
    """A value that is not the default of a field which was added to the table."""
    limit, default = FIELDS[name].limit, getattr(ONE, name)
    values: tuple[Any, ...] = getattr(limit, "words", ())
    if not values:
        values = (getattr(limit, "minimum"), getattr(limit, "maximum"))  # noqa: B009
    return next(value for value in values if value != default)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(GenerationRequest)])
def test_a_field_parts_batches_unless_each_picture_has_its_own(name: str) -> None:
    changes: dict[str, Any] = {name: _OTHER[name] if name in _OTHER else _another(name)}
    if name == "quality":
        changes["output_format"] = OutputFormat.WEBP
    other = dataclasses.replace(ONE, **changes)
    assert (other.batch_key == ONE.batch_key) == (name in OF_EACH_PICTURE)
    assert hash(other.batch_key) == hash(dataclasses.replace(other, id="t").batch_key)


def test_what_each_picture_has_of_its_own_are_fields() -> None:
    assert {field.name for field in dataclasses.fields(GenerationRequest)} >= OF_EACH_PICTURE


def test_a_field_that_is_added_parts_batches() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Newer(GenerationRequest):
        tiling: bool = False

    plain = Newer(id="r", model_id=ID, prompt="a hill")
    tiled = Newer(id="s", model_id=ID, prompt="a lake", tiling=True)
    assert plain.batch_key == Newer(id="s", model_id=ID, prompt="a lake").batch_key
    assert plain.batch_key != tiled.batch_key


def test_two_pictures_to_start_from_are_two_batches() -> None:
    one = dataclasses.replace(ONE, source=SourceImage(init_image=PICTURE))
    assert one.batch_key != dataclasses.replace(ONE, source=masked()).batch_key


@pytest.mark.parametrize(("width", "same"), [(505, True), (512, True), (513, False)])
def test_sides_that_draw_the_same_share_a_batch(width: int, same: bool) -> None:
    one, other = (dataclasses.replace(ONE, width=each) for each in (511, width))
    assert (one.batch_key == other.batch_key) is same
