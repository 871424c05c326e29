"""Drawings that are repeated with every change, and must not change.

Each case is small. Together they use every sampler, every schedule, and each part of a request that
affects a picture or its file.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.generation.output_formats import OutputFormat
from domain.generation.parts import SecondPass
from domain.generation.request import GenerationRequest
from domain.samplers import Sampler, Schedule, Scheduler
from tests.contract.drawing.drawing import demo_request
from tests.contract.from_pictures.drawing import Files, circle, scene

__all__ = ["CASES", "FILES", "Case"]

FILES = Files()
"""The pictures that the cases draw from."""

_LONG = "a blue star on a black background, " + "very " * 90 + "large"
"""Over 75 tokens: the text encoder reads it in two parts."""
_SCHEDULES = tuple(Schedule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Requests that are drawn in one call.

    Attributes:
        name: Unique, and short enough for the name of a test.
        requests: They share a `batch_key`.
        at_once: The largest number of images drawn together.
        model: `demo`, `inpaint` (the demo with nine channels), or a tiny model of random weights:
            `velocity`, `sdxl`, `sd3`, `pixart`.
        dtype: The compute precision.
        embed_metadata: Whether the files contain their parameters.
        has_previews: Whether the preview of each step is stored too.
    """

    name: str
    requests: tuple[GenerationRequest, ...]
    at_once: int = 1
    model: str = "demo"
    dtype: str = "float32"
    embed_metadata: bool = True
    has_previews: bool = False


def _samplers() -> Iterator[Case]:
    """Return each sampler with its own schedule, and with another one if it takes one."""
    for number, sampler in enumerate(Sampler):
        # In fewer steps, samplers that add noise are equal to each other.
        steps = 8 if sampler.is_stochastic else 5
        wanted = demo_request(scheduler=Scheduler.of(sampler), num_inference_steps=steps)
        yield Case(name=str(sampler), requests=(wanted,))
        schedule = _SCHEDULES[1 + number % (len(_SCHEDULES) - 1)]
        if (scheduler := Scheduler.of(sampler, schedule)) is not None:
            wanted = demo_request(scheduler=scheduler, num_inference_steps=3)
            yield Case(name=str(scheduler), requests=(wanted,))


def _steps() -> Iterator[Case]:
    for sampler in (None, Scheduler.EULER, Scheduler.HEUN, Scheduler.DPMPP_SDE, Scheduler.LCM):
        wanted = demo_request(scheduler=sampler, num_inference_steps=1)
        yield Case(name=f"one step, {sampler or 'the default'}", requests=(wanted,))
    for sampler in (
        Scheduler.DPMPP_2M_KARRAS,
        # With few steps these two are equal.
        Scheduler.DPMPP_2M_SDE_EXPONENTIAL,
        Scheduler.DPMPP_3M_SDE_EXPONENTIAL,
    ):
        wanted = demo_request(scheduler=sampler, num_inference_steps=16)
        yield Case(name=f"sixteen steps, {sampler}", requests=(wanted,))


def _prompts() -> Iterator[Case]:
    changes: dict[str, dict[str, object]] = {
        "negative prompt": {"negative_prompt": "trees, water"},
        "empty negative prompt": {"negative_prompt": ""},
        "without guidance": {"guidance_scale": 1.0},
        "without guidance, with a negative prompt": {
            "guidance_scale": 1.0,
            "negative_prompt": "trees",
        },
        "strong guidance": {"guidance_scale": 20.0},
        "long prompt": {"prompt": _LONG},
        "long negative prompt": {"negative_prompt": _LONG},
        "two lines, and letters beyond ASCII": {"prompt": "a lake\nat night, été, 湖"},
        "largest seed": {"seed": 2**53 - 1},
    }
    for name, each in changes.items():
        yield Case(name=name, requests=(demo_request("r", **each),))


def _sizes() -> Iterator[Case]:
    for width, height in ((301, 259), (256, 320), (384, 256)):
        wanted = demo_request(width=width, height=height, num_inference_steps=2)
        yield Case(name=f"{width} x {height}", requests=(wanted,))


def _batches() -> Iterator[Case]:
    three = demo_request(num_images=3, num_inference_steps=3, scheduler=Scheduler.EULER_A)
    yield Case(name="three one by one", requests=(three,))
    yield Case(name="three together", requests=(three,), at_once=4)
    different = (
        demo_request("a", num_inference_steps=3),
        demo_request(
            "b",
            prompt="a lake at night",
            negative_prompt="trees",
            seed=7,
            num_images=2,
            num_inference_steps=3,
        ),
        demo_request("c", prompt=_LONG, seed=50, num_inference_steps=3),
    )
    yield Case(name="different prompts together", requests=different, at_once=4, has_previews=True)


def _files() -> Iterator[Case]:
    for form, quality in (
        (OutputFormat.PNG, None),
        (OutputFormat.JPEG, None),
        (OutputFormat.JPEG, 35),
        (OutputFormat.JPEG, 100),
        (OutputFormat.WEBP, None),
        (OutputFormat.WEBP, 35),
        (OutputFormat.WEBP, 100),
    ):
        wanted = demo_request(
            output_format=form,
            quality=quality,
            num_inference_steps=2,
            prompt="a lake\nat night, été, 湖",
            negative_prompt="trees",
            scheduler=Scheduler.EULER_KARRAS,
        )
        yield Case(name=f"{form}, quality {quality}", requests=(wanted,))
        if quality is None:
            yield Case(name=f"{form} without parameters", requests=(wanted,), embed_metadata=False)


def _others() -> Iterator[Case]:
    yield Case(name="previews", requests=(demo_request(width=320),), has_previews=True)
    yield Case(name="bfloat16", requests=(demo_request(),), dtype="bfloat16")
    for model in ("velocity", "sdxl"):
        for scheduler, negative in ((None, None), (Scheduler.EULER_A, "")):
            wanted = demo_request(
                scheduler=scheduler, negative_prompt=negative, num_inference_steps=2
            )
            name = f"{model}, {scheduler or 'the default'}"
            yield Case(name=name, requests=(wanted,), model=model, has_previews=True)
    for model in ("sd3", "pixart"):
        wanted = demo_request(num_inference_steps=2, prompt="a red circle")
        yield Case(name=model, requests=(wanted,), model=model)
    three = demo_request(num_inference_steps=2, num_images=3, width=320)
    yield Case(name="nine channels together", requests=(three,), at_once=4, model="inpaint")
    wanted = demo_request(num_inference_steps=2, guidance_scale=1.0)
    yield Case(name="nine channels without guidance", requests=(wanted,), model="inpaint")


def _from_pictures() -> Iterator[Case]:
    init, mask = scene(301, 259), circle(301, 259)
    masked = FILES.source(init, mask, strength=0.8)
    zoomed = FILES.source(
        init, mask, strength=0.8, mask_content="fill", inpaint_area="masked", mask_blur=0
    )
    latent = SecondPass(scale=1.25, strength=0.5)
    lanczos = SecondPass(scale=1.5, strength=0.5, num_inference_steps=2, upscaler="lanczos")
    common: dict[str, object] = {"width": 301, "height": 259, "num_inference_steps": 4}
    each: dict[str, dict[str, object]] = {
        "image to image": {"source": FILES.source(init), "scheduler": Scheduler.EULER_A},
        "image to image, padded": {
            "source": FILES.source(scene(200, 320), resize_mode="pad"),
            "scheduler": Scheduler.HEUN,
        },
        "inpainting": {"source": masked},
        "inpainting the masked area": {"source": zoomed, "scheduler": Scheduler.DPMPP_2S_A},
        "second pass, latent": {"second_pass": latent},
        "second pass, lanczos": {"second_pass": lanczos},
        "inpainting with a second pass": {"source": masked, "second_pass": latent},
    }
    for name, changes in each.items():
        yield Case(name=name, requests=(demo_request("r", **(common | changes)),))
    wanted = demo_request(source=FILES.source(scene(), circle()), num_inference_steps=4)
    yield Case(name="sdxl, inpainting", requests=(wanted,), model="sdxl", has_previews=True)


CASES = tuple(
    case
    for kind in (_samplers, _steps, _prompts, _sizes, _batches, _files, _others, _from_pictures)
    for case in kind()
)
