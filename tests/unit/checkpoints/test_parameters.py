import pytest

from domain.checkpoints.families import FAMILIES
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.layouts import checkpoint_parts
from domain.checkpoints.parameters import parameters_of
from domain.models.record import ModelFamily

# Of the model cards, in millions: runwayml/stable-diffusion-v1-5 has a UNet of 860, a text encoder
# of 123 and a VAE of 84; stabilityai/stable-diffusion-xl-base-1.0 has 2567, 123 + 695 and 84.
PUBLISHED = {ModelFamily.SD_1: 1066, ModelFamily.SDXL: 3469}


def tensors(family: ModelFamily) -> dict[str, TensorFacts]:
    parts = checkpoint_parts(family)
    return {
        name: TensorFacts("float16", shape)
        for part in parts.values()
        for name, shape in part.items()
    }


@pytest.mark.parametrize(("family", "millions"), PUBLISHED.items())
def test_a_checkpoint_has_the_parameters_of_its_card(family: ModelFamily, millions: int) -> None:
    assert family in FAMILIES
    assert parameters_of(tensors(family)) / 1e6 == pytest.approx(millions, abs=2)


def test_what_training_adds_does_not_count() -> None:
    found = tensors(ModelFamily.SD_1)
    added = {"optimizer_states.0.exp_avg": TensorFacts("float32", (10**9,))}
    assert parameters_of({**found, **added}) == parameters_of(found)


def test_a_file_of_another_layout_counts_whole() -> None:
    facts = {"a": TensorFacts("float16", (2, 3)), "b": TensorFacts("float32", (4,))}
    assert parameters_of(facts) == 10
    assert parameters_of({}) == 0
