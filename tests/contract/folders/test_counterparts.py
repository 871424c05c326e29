"""The classes that draw from pictures are those that diffusers has for each class of a folder."""

import inspect

import pytest

from domain.checkpoints.pipelines import (
    COUNTERPARTS,
    PIPELINE_CLASSES,
    STABLE_DIFFUSION_CLASSES,
    WITH_ADDITIONS,
    Counterparts,
)

pytestmark = pytest.mark.torch

BEYOND_THE_MAPPINGS = {
    "ChromaPipeline": Counterparts("ChromaImg2ImgPipeline"),
    "Flux2KleinPipeline": Counterparts("Flux2KleinInpaintPipeline", "Flux2KleinInpaintPipeline"),
}
"""The counterparts that `AutoPipeline…` of diffusers lacks, or has without a strength."""
OTHERS = sorted(set(PIPELINE_CLASSES.values()) - STABLE_DIFFUSION_CLASSES.keys())


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_the_counterparts_are_those_of_diffusers(name: str) -> None:
    from diffusers.pipelines import auto_pipeline

    def mapped(mapping: object) -> str | None:
        assert isinstance(mapping, dict)
        (key,) = (
            key
            for key, kind in auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING.items()
            if kind.__name__ == name
        )
        found = mapping.get(key)
        return None if found is None else str(found.__name__)

    theirs = Counterparts(
        mapped(auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING),
        mapped(auto_pipeline.AUTO_INPAINT_PIPELINES_MAPPING),
    )
    assert COUNTERPARTS.get(name, Counterparts()) == BEYOND_THE_MAPPINGS.get(name, theirs)


@pytest.mark.parametrize("name", sorted(COUNTERPARTS))
def test_a_counterpart_takes_the_same_components_a_picture_and_a_strength(name: str) -> None:
    import diffusers

    has = COUNTERPARTS[name]
    for counterpart, pictures in ((has.image, {"image"}), (has.mask, {"image", "mask_image"})):
        if counterpart is None:
            continue
        kind = getattr(diffusers, counterpart)
        needed = {
            part
            for part, each in inspect.signature(kind.__init__).parameters.items()
            if each.default is each.empty and part != "self"
        }
        parts = inspect.signature(getattr(diffusers, name).__init__).parameters
        assert needed <= parts.keys()
        call = inspect.signature(kind.__call__).parameters
        assert {*pictures, "prompt", "strength", "generator", "output_type"} <= call.keys()


ADDED = {"controlnet", "adapter", "pag_applied_layers"}
"""The parts that the classes have which are drawn without their addition."""


@pytest.mark.parametrize(
    "name", sorted(name for name, loaded in PIPELINE_CLASSES.items() if name != loaded)
)
def test_a_class_has_the_parts_of_the_class_that_it_is_drawn_as(name: str) -> None:
    import diffusers

    def parts_of(kind: object) -> set[str]:
        assert isinstance(kind, type)
        found = inspect.signature(kind.__init__).parameters  # type: ignore[misc]
        return {part for part, each in found.items() if each.default is each.empty} - {"self"}

    added = parts_of(getattr(diffusers, name)) - set(
        inspect.signature(getattr(diffusers, PIPELINE_CLASSES[name]).__init__).parameters
    )
    assert added <= (ADDED if name in WITH_ADDITIONS else set())
