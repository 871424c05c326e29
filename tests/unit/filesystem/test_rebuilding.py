import dataclasses
import json
from typing import Any

import pytest

from adapters.filesystem.classification.files import Classification
from adapters.filesystem.scanning.rebuilding import rebuilt
from domain.models.card import ModelCard
from domain.models.components import Component, ComponentType, Need
from domain.models.record import ModelFamily, ModelInput, ModelKind
from domain.sizes import Size

FULL = Classification(
    ModelKind.DIFFUSION_MODEL,
    ModelFamily.FLUX,
    "bfloat16",
    loadable=False,
    reason="it needs a text encoder",
    card=ModelCard("Cats.", ("a cat",), ("cat", "cats")),
    native_size=Size(1024, 768),
    scale=4,
    pipeline_inputs=(ModelInput.TEXT,),
    trigger_words=("ünïcode, with a comma",),
    component=Component(
        ComponentType.TRANSFORMER,
        64,
        (Need("text_encoder", ComponentType.CLIP, 768), Need("vae", ComponentType.VAE_KL)),
        "FluxPipeline",
    ),
)
PLAIN: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(FULL)))

WRONG: dict[str, list[Any]] = {
    "kind": ["nothing", None, 1],
    "family": ["sd-9", 1],
    "loadable": [1, "yes", None],
    "scale": ["4", 4.0, True],
    "card": [[], "x", {"unknown": 1}],
    "trigger_words": ["a", [1], {}],
    "native_size": [{"width": 1}, [1, 2]],
    "a field of another version": [1],
}


def test_every_field_comes_back() -> None:
    assert rebuilt(Classification, PLAIN) == FULL


def test_a_missing_field_has_its_default() -> None:
    plain = {name: value for name, value in PLAIN.items() if name != "scale"}
    assert rebuilt(Classification, plain).scale is None


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in WRONG.items() for value in values],
)
def test_another_value_is_refused(field: str, value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        rebuilt(Classification, {**PLAIN, field: value})
