"""Drawing with ControlNets: batches, modes, masks, maps, cancelling, and nothing left behind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.errors import GenerationFailed
from domain.generation.parts import ControlMode, Preprocessor, ResizeMode
from domain.models.record import ModelRecord
from domain.ports.image_generator import DrawingBatch, DrawingWatcher
from tests.contract.control.drawing import control, engine_for, outline
from tests.contract.control.files import new_controlnet, save_controlnet
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import MODELS
from tests.contract.drawing.test_sdxl import MODEL as TINY_XL
from tests.contract.drawing.tiny_sdxl import tiny_sdxl
from tests.contract.from_pictures.drawing import Files, circle, draw, one_by_one, scene

pytestmark = pytest.mark.torch

STEPS = 4


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return tiny_sdxl()


@pytest.fixture
def engine(pipeline: Any) -> Any:
    return engine_for(pipeline)


@pytest.fixture(scope="module")
def model(pipeline: Any, tmp_path_factory: pytest.TempPathFactory) -> ModelRecord:
    network = new_controlnet(pipeline.unet, seed=5, strength=1.0)
    return save_controlnet(tmp_path_factory.mktemp("controlnet"), network)


def drawn(engine: Any, files: Files, **changes: Any) -> list[np.ndarray]:
    request = demo_request(scheduler="Euler", num_inference_steps=STEPS, **changes)
    return one_by_one(draw(engine, [request], files, model=TINY_XL, at_once=4))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The rows of each call of a ControlNet."""
    from diffusers import ControlNetModel

    rows: list[int] = []
    own = ControlNetModel.forward

    def counted(network: Any, sample: Any, *arguments: Any, **options: Any) -> Any:
        rows.append(len(sample))
        return own(network, sample, *arguments, **options)

    monkeypatch.setattr(ControlNetModel, "forward", counted)
    yield rows


def test_nothing_is_left_behind(engine: Any, pipeline: Any, model: ModelRecord) -> None:
    files = Files()
    before = drawn(engine, files)[0]
    call = pipeline.unet.__dict__.get("_compiled_call_impl")
    steered = drawn(engine, files, controls=(control(files, model, outline()),))[0]
    assert np.abs(steered - before).mean() > 1
    assert pipeline.unet.__dict__.get("_compiled_call_impl") is call
    assert np.array_equal(drawn(engine, files)[0], before)


def test_images_of_a_batch_are_those_drawn_alone(engine: Any, model: ModelRecord) -> None:
    files = Files()
    controls = (control(files, model, outline()),)
    together = drawn(engine, files, controls=controls, num_images=3)
    for number, picture in enumerate(together):
        (alone,) = drawn(engine, files, controls=controls, seed=3 + number)
        assert np.abs(picture - alone).max() <= 2


def test_requests_that_differ_by_cropped_pixels_are_drawn_apart(
    engine: Any, model: ModelRecord
) -> None:
    """The map has the size of the result, so it would be wrong for a neighbour."""
    files = Files()
    controls = (control(files, model, outline()),)
    requests = [
        demo_request(name, controls=controls, width=width, num_inference_steps=2)
        for name, width in (("a", 300), ("b", 304))
    ]
    pictures = one_by_one(draw(engine, requests, files, model=TINY_XL, at_once=2))
    assert [each.shape for each in pictures] == [(256, 300, 3), (256, 304, 3)]
    for request, picture in zip(requests, pictures, strict=True):
        (alone,) = one_by_one(draw(engine, [request], files, model=TINY_XL))
        assert np.array_equal(picture, alone)


@pytest.mark.parametrize(
    "fields, computed",
    [
        ({}, 4),
        ({"start": 0.5}, 2),
        ({"end": 0.5}, 2),
        ({"start": 0.25, "end": 0.75}, 2),
        ({"start": 0.3, "end": 0.45}, 0),
        ({"scale": 0.0}, 0),
    ],
)
def test_a_controlnet_is_not_computed_outside_of_its_share(
    engine: Any, model: ModelRecord, calls: list[int], fields: dict[str, float], computed: int
) -> None:
    files = Files()
    (found,) = drawn(engine, files, controls=(control(files, model, outline(), **fields),))
    assert calls == [2] * computed  # the rows of the negative prompt and of the prompt
    (plain,) = drawn(engine, files)
    assert np.array_equal(found, plain) == (not computed)


@pytest.mark.parametrize(
    "fields, is_idle",
    [
        ({}, False),
        ({"start": 0.5}, False),
        ({"start": 0.3, "end": 0.45}, True),
        ({"start": 0.9}, True),
        ({"start": 0.9, "scale": 0.0}, False),  # the caller switched it off
    ],
)
def test_a_controlnet_that_acts_in_no_step_is_told(
    engine: Any, model: ModelRecord, fields: dict[str, float], is_idle: bool
) -> None:
    files = Files()
    acting = control(files, model, outline())
    controls = (acting, control(files, model, outline(), **fields))
    request = demo_request(num_inference_steps=STEPS, scheduler="Euler", controls=controls)
    (result,) = draw(engine, [request], files, model=TINY_XL).requests
    found = [each for each in result.warnings if "controls[1] acts in none of the 4 steps" in each]
    assert (len(found), len(result.warnings)) == (is_idle, is_idle)


def test_the_modes_differ(engine: Any, model: ModelRecord, calls: list[int]) -> None:
    files = Files()
    found = {
        mode: drawn(engine, files, controls=(control(files, model, outline(), mode=mode),))[0]
        for mode in ControlMode
    }
    assert calls == [2] * 4 + [2] * 4 + [1] * 4
    (plain,) = drawn(engine, files)
    apart = {mode: np.abs(each - plain).mean() for mode, each in found.items()}
    assert apart[ControlMode.BALANCED] > apart[ControlMode.PROMPT] > 0
    assert not np.array_equal(found[ControlMode.PROMPT], found[ControlMode.CONTROL])


def test_the_mode_of_the_prompt_weakens_the_outer_outputs(pipeline: Any) -> None:
    """As in the web UI's extension: the middle keeps its weight, each output before has 0.825."""
    import torch

    from adapters.diffusion.additions.control import SteeredBy, control_addition
    from domain.generation.parts import Control

    class Network:
        def __call__(self, latents: Any, *_: Any, **options: Any) -> Any:
            ones = torch.ones(len(latents), 1, 2, 2) * options["conditioning_scale"]
            return [ones, ones, ones], ones

    class Unet(torch.nn.Module):
        def forward(self, latents: Any, timestep: Any, **options: Any) -> Any:
            return options

    unet, files = Unet(), Files()
    values: dict[str, Any] = {"model_id": "c" * 64, "image": files.add(outline()), "scale": 0.5}
    latents, text = torch.zeros(4, 4, 2, 2), torch.zeros(4, 5, 6)
    seen = {}
    for mode in ControlMode:
        steered = SteeredBy(Control(mode=mode, **values), Network(), torch.zeros(1, 3, 16, 16))
        with control_addition(
            unet, [steered], images=2, progressed=lambda: (0, 1), tick=lambda: None
        ):
            options = unet(latents, 0, encoder_hidden_states=text)
        down = options["down_block_additional_residuals"]
        middle = options["mid_block_additional_residual"]
        seen[mode] = [each[:, 0, 0, 0].tolist() for each in (*down, middle)]
    fading = [0.5 * 0.825**power for power in (3, 2, 1, 0)]
    assert seen[ControlMode.BALANCED] == [[0.5] * 4] * 4
    assert seen[ControlMode.PROMPT] == [pytest.approx([each] * 4) for each in fading]
    assert seen[ControlMode.CONTROL] == [pytest.approx([0, 0, each, each]) for each in fading]


def test_without_guidance_every_row_is_of_the_prompt(
    engine: Any, model: ModelRecord, calls: list[int]
) -> None:
    files = Files()
    controls = (control(files, model, outline(), mode=ControlMode.CONTROL),)
    (found,) = drawn(engine, files, guidance_scale=1.0, controls=controls)
    assert calls == [1] * STEPS
    (plain,) = drawn(engine, files, guidance_scale=1.0)
    assert not np.array_equal(found, plain)


def test_a_preprocessor_makes_the_map_at_the_size_that_is_drawn(
    engine: Any, model: ModelRecord
) -> None:
    import cv2
    from PIL import Image

    files, picture = Files(), scene(600, 300)
    canny = Preprocessor(name="canny", low=50, high=120)
    (found,) = drawn(engine, files, controls=(control(files, model, picture, preprocessor=canny),))
    cropped = picture.crop((150, 0, 450, 300)).resize((256, 256), Image.Resampling.LANCZOS)
    edges = cv2.Canny(np.asarray(cropped), 50, 120)
    assert 0 < np.count_nonzero(edges) < edges.size / 4
    (same,) = drawn(
        engine, files, controls=(control(files, model, Image.fromarray(edges).convert("RGB")),)
    )
    # The crop of `resized` may round by a part of a pixel, which moves a few edges.
    assert np.abs(found - same).mean() < 1


def test_the_map_is_resized_as_asked(engine: Any, model: ModelRecord) -> None:
    files, wide = Files(), outline(512, 256)
    pictures = [
        drawn(engine, files, controls=(control(files, model, wide, resize_mode=mode),))[0]
        for mode in ResizeMode
    ]
    assert len({each.tobytes() for each in pictures}) == len(pictures)


def test_the_map_of_a_masked_area_is_that_of_the_box(
    engine: Any, model: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.diffusion.drawing.pictures.maps import ControlMaps

    maps: list[Any] = []
    own = ControlMaps.at

    def noted(*arguments: Any) -> Any:
        maps.append(own(*arguments))
        return maps[-1]

    monkeypatch.setattr(ControlMaps, "at", noted)
    files = Files()
    for area in ("whole", "masked"):
        drawn(
            engine,
            files,
            controls=(control(files, model, circle().convert("RGB")),),
            source=files.source(
                scene(), circle(), inpaint_area=area, inpaint_padding=0, mask_blur=0
            ),
        )
    whole, box = (float(each.mean()) for each in maps)
    assert 0 < whole < 0.2
    assert box > 0.7  # a circle in its box covers π/4 of it


class Stops(DrawingWatcher):
    """Stops the drawing at a call of `step`, and counts the calls."""

    def __init__(self, at: int) -> None:
        self.at, self.calls = at, 0

    def loading(self, loaded: bool = False) -> None:
        """Let it load."""

    def step(self, step: int, steps: int) -> None:
        """Stop at the right call."""
        assert step <= steps == STEPS
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt

    def wants_preview(self, number: int) -> bool:
        """Want none."""
        return False

    def preview(self, number: int, jpeg: bytes) -> None:
        """Take none."""


@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_drawing_is_cancelled_within_a_step(
    engine: Any, pipeline: Any, model: ModelRecord, calls: list[int], at: int
) -> None:
    files = Files()
    wanted = demo_request(
        scheduler="Euler",
        num_inference_steps=STEPS,
        controls=(control(files, model, outline()), control(files, model, scene())),
    )
    MODELS.put(TINY_XL, wanted.model_id)
    batch = DrawingBatch(requests=(wanted,), at_once=1, pictures=files.of_batch)
    with pytest.raises(KeyboardInterrupt):
        engine.draw(batch, Stops(at))
    # Each step calls the watcher before each of both ControlNets, and at its end.
    assert len(calls) == {1: 0, 2: 1, 5: 3}[at]
    assert "_compiled_call_impl" not in pipeline.unet.__dict__
    assert len(one_by_one(draw(engine, [wanted], files, model=TINY_XL))) == 1


def test_another_model_is_not_a_controlnet(engine: Any, tmp_path: Path) -> None:
    files = Files()
    with pytest.raises(GenerationFailed, match="is not a ControlNet"):
        drawn(engine, files, controls=(control(files, TINY_XL, outline()),))


def test_a_generator_without_a_preprocessor_says_so(engine: Any, model: ModelRecord) -> None:
    engine._preprocessor = None
    files = Files()
    invert = Preprocessor(name="invert")
    with pytest.raises(GenerationFailed, match="cannot make the map 'invert'"):
        drawn(engine, files, controls=(control(files, model, outline(), preprocessor=invert),))
