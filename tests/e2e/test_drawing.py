"""A picture from the real service shows what its prompt says."""

import base64
import io
import itertools
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest
from PIL import Image

from domain.samplers import Sampler, Schedule, Scheduler
from tests.e2e.service import API_KEY, RunningService, run_service
from tests.paths import DEMO_CHECKPOINT
from tools.demo_checkpoint.judging.judge import has_feature, judge_shape
from tools.demo_checkpoint.scenes.outlines import OUTLINES

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    shutil.copy(DEMO_CHECKPOINT, folder / "demo.safetensors")
    return folder


@pytest.fixture(scope="module")
def service(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with run_service(models, tmp_path_factory.mktemp("cwd"), MAX_QUEUE="8") as running:
        yield running


@pytest.fixture(scope="module")
def model_id(service: RunningService) -> str:
    models = service.call("GET", "/v1/models").json["models"]
    return next(model["id"] for model in models if model["name"] == "demo.safetensors")


def picture(answer_image: dict[str, object]) -> Image.Image:
    data = base64.b64decode(str(answer_image["base64"]), validate=True)
    return Image.open(io.BytesIO(data))


def test_the_example_of_the_contract_returns_every_field(
    service: RunningService, model_id: str
) -> None:
    body = {
        "id": "example",
        "model_id": model_id,
        "prompt": "a beautiful landscape with mountains and a lake",
        "negative_prompt": None,
        "num_inference_steps": 8,
        "guidance_scale": 7.5,
        "seed": 1,
    }
    answer = service.call("POST", "/v1/infer", body)
    assert answer.status == 200
    result = answer.json
    assert {name: result[name] for name in body if name != "seed"} == {
        name: value for name, value in body.items() if name != "seed"
    }
    assert set(result) == {
        *("id", "model_id", "images", "processing_time", "prompt", "negative_prompt"),
        *("num_inference_steps", "guidance_scale", "timings", "warnings"),
        *("scheduler", "output_format", "quality"),
    }
    assert result["processing_time"] > 0
    assert set(result["timings"]) == {"queue", "load", "generate", "encode"}
    assert result["warnings"] == []
    (image,) = result["images"]
    assert (image["seed"], image["width"], image["height"]) == (1, 512, 512)
    assert picture(image).size == (512, 512)


@pytest.mark.parametrize(
    ("colour", "shape", "background", "width", "height"),
    [
        ("red", "circle", "white", 256, 256),
        ("blue", "square", "yellow", 256, 256),
        ("green", "triangle", "white", 256, 256),
        ("blue", "square", "yellow", 512, 512),
        ("red", "star", "white", 384, 256),
        ("purple", "diamond", "yellow", 256, 384),
    ],
)
def test_the_picture_shows_what_the_prompt_says(
    service: RunningService,
    model_id: str,
    colour: str,
    shape: str,
    background: str,
    width: int,
    height: int,
) -> None:
    body = {
        "id": f"{colour}-{shape}-{width}x{height}",
        "model_id": model_id,
        "prompt": f"a {colour} {shape} on a {background} background",
        "num_inference_steps": 20,
        "width": width,
        "height": height,
        "seed": 0,
        "num_images": 3,
    }
    images = service.call("POST", "/infer", body).json["images"]
    verdicts = [
        judge_shape(picture(image), colour=colour, shape=shape, background=background)
        for image in images
    ]
    # A small model may fail at one picture; it must get most of them right.
    for aspect in ("colour", "background", "shape"):
        assert sum(getattr(verdict, aspect) for verdict in verdicts) >= 2, (aspect, verdicts)


def test_most_shapes_have_the_outline_that_the_prompt_names(
    service: RunningService, model_id: str
) -> None:
    right = []
    for shape in OUTLINES:
        body = {
            "id": f"outline-{shape}",
            "model_id": model_id,
            "prompt": f"a red {shape} on a white background",
            "num_inference_steps": 20,
            "width": 256,
            "height": 256,
            "seed": 0,
        }
        (image,) = service.call("POST", "/infer", body).json["images"]
        if judge_shape(picture(image), colour="red", shape=shape, background="white").shape:
            right.append(shape)
    assert len(right) >= 9, right


@pytest.mark.parametrize(("width", "height"), [(256, 256), (512, 256), (256, 512)])
def test_the_landscape_of_the_contract_has_mountains_and_a_lake(
    service: RunningService, model_id: str, width: int, height: int
) -> None:
    body = {
        "id": f"landscape-{width}x{height}",
        "model_id": model_id,
        "prompt": "A beautiful landscape with mountains and a lake",
        "num_inference_steps": 20,
        "width": width,
        "height": height,
        "seed": 0,
    }
    (image,) = service.call("POST", "/v1/infer", body).json["images"]
    shown = {name for name in ("mountains", "lake") if has_feature(picture(image), name)}
    assert shown == {"mountains", "lake"}


def test_a_negative_prompt_removes_what_it_names(service: RunningService, model_id: str) -> None:
    shown = []
    for negative in ("", "snow"):
        body = {
            "id": f"without-{negative}",
            "model_id": model_id,
            "prompt": "a beautiful landscape by day",
            "negative_prompt": negative,
            "num_inference_steps": 20,
            "width": 256,
            "height": 256,
            "seed": 100,
            "num_images": 4,
        }
        images = service.call("POST", "/v1/infer", body).json["images"]
        shown.append(sum(has_feature(picture(image), "snow") for image in images))
    before, after = shown
    assert before >= 1
    assert after == 0


def test_the_same_request_returns_the_same_bytes_with_its_parameters(
    service: RunningService, model_id: str
) -> None:
    body = {
        "model_id": model_id.upper(),
        "prompt": "a red circle",
        "num_inference_steps": 4,
        "width": 257,
        "height": 256,
        "seed": 2**53 - 1,
    }
    first, second = (
        service.call("POST", "/v1/infer", body | {"id": name}).json for name in ("once", "twice")
    )
    assert first["images"] == second["images"]
    image = picture(first["images"][0])
    assert image.size == (257, 256)
    assert f"Seed: {2**53 - 1}" in image.info["parameters"]
    assert f"Model hash: {model_id[:10]}" in image.info["parameters"]


def _each_sampler_and_each_schedule() -> list[tuple[Scheduler, str]]:
    """Return every sampler alone and every schedule of one of them, with the two formats by turns.

    The contract tests draw with all of them.
    """
    chosen = [each for each in Scheduler if each.schedule is Schedule.AUTOMATIC]
    chosen += [each for each in Scheduler if each.sampler is Sampler.DPMPP_2M][1:]
    return list(zip(chosen, itertools.cycle(["jpeg", "webp"]), strict=False))


@pytest.mark.parametrize("scheduler, output_format", _each_sampler_and_each_schedule())
def test_scheduler_and_format_reach_the_picture(
    service: RunningService, model_id: str, scheduler: str, output_format: str
) -> None:
    body = {
        "id": f"{scheduler} {output_format}",
        "model_id": model_id,
        "prompt": "a red circle on a white background",
        "num_inference_steps": 20,
        "width": 256,
        "height": 256,
        "seed": 0,
        "scheduler": scheduler,
        "output_format": output_format,
    }
    answer = service.call("POST", "/v1/infer", body)
    assert (answer.status, answer.json["scheduler"], answer.json["quality"]) == (200, scheduler, 90)
    (image,) = answer.json["images"]
    shown = picture(image)
    assert (shown.format, image["media_type"]) == (output_format.upper(), f"image/{output_format}")
    verdict = judge_shape(shown, colour="red", shape="circle", background="white")
    assert (verdict.colour, verdict.background) == (True, True)
    comment = shown.getexif().get_ifd(0x8769)[0x9286].removeprefix(b"UNICODE\0")
    assert f"Sampler: {scheduler}, " in comment.decode("utf-16-be")


def test_other_callers_are_answered_while_every_slot_is_busy(
    service: RunningService, model_id: str
) -> None:
    body = {"model_id": model_id, "prompt": "x", "width": 256, "height": 256}
    with ThreadPoolExecutor(12) as callers:
        drawn = [
            callers.submit(
                service.call, "POST", "/v1/infer", body | {"id": str(i), "num_inference_steps": 6}
            )
            for i in range(12)
        ]
        # One runs and six wait, because the last two places of the queue are for other callers. So
        # some of the twelve are rejected.
        refused = next(
            answer for future in as_completed(drawn) if (answer := future.result()).status == 503
        )
        assert refused.json["code"] == "queue_full"
        assert int(refused.headers["Retry-After"]) >= 1
        assert service.call("GET", "/health").json["status"] == "healthy"
        assert service.call("GET", "/v1/models").status == 200
        assert not all(future.done() for future in drawn)
        statuses = sorted(future.result().status for future in drawn)
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 7


def test_the_printed_command_saves_a_picture(service: RunningService, tmp_path: Path) -> None:
    line = service.wait_for_line("^sh -c ")
    assert API_KEY not in service.output
    assert shlex.split(line)[:2] == ["sh", "-c"]
    subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        env={"API_KEY": API_KEY, "PATH": os.environ["PATH"]},
        check=True,
    )
    with Image.open(tmp_path / "picture.png") as image:
        assert image.size == (512, 512)


def test_the_service_reports_its_device(service: RunningService, model_id: str) -> None:
    body: dict[str, object] = {"id": "loaded", "model_id": model_id, "prompt": "a red circle"}
    body |= {"num_inference_steps": 1, "width": 256, "height": 256}
    assert service.call("POST", "/v1/infer", body).status == 200
    answer = service.call("GET", "/v1/system").json
    assert answer["plan"]["device"] == "cpu"
    assert answer["plan"]["threads"] >= 1
    assert [each["id"] for each in answer["loaded_models"]] == [model_id]
    assert answer["versions"].keys() >= {"python", "torch", "diffusers"}
