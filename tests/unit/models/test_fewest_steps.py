import dataclasses

import pytest

from domain.generation.parts import SecondPass
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily, ModelRecord
from domain.services.request_checks import unsuited

MODEL = ModelRecord("ab" * 32, "a.safetensors", 1, "a.safetensors", ".safetensors")


def wrong_fields(
    family: ModelFamily, steps: int, *, second_pass: SecondPass | None = None
) -> list[str]:
    model = dataclasses.replace(MODEL, family=family)
    request = GenerationRequest(
        id="a",
        model_id=model.id,
        prompt="x",
        num_inference_steps=steps,
        second_pass=second_pass,
    )
    return [each.field for each in unsuited(model, request)]


@pytest.mark.parametrize("family", ModelFamily)
def test_only_a_schedule_that_is_stretched_needs_two_steps(family: ModelFamily) -> None:
    needs_two = family is ModelFamily.QWEN_IMAGE
    assert ("num_inference_steps" in wrong_fields(family, 1)) == needs_two
    assert "num_inference_steps" not in wrong_fields(family, 2)


@pytest.mark.parametrize(("steps", "is_wrong"), [(1, True), (2, False), (None, False)])
def test_the_steps_of_a_second_pass_are_checked_too(steps: int | None, is_wrong: bool) -> None:
    second = SecondPass(num_inference_steps=steps, upscaler="lanczos")
    found = wrong_fields(ModelFamily.QWEN_IMAGE, 4, second_pass=second)
    assert ("second_pass.num_inference_steps" in found) == is_wrong
