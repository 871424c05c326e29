"""Drawing from a picture, against the same tuned pipeline of diffusers; reading a large photo."""

import base64
import io
import itertools
import operator
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from application.pictures import HeldPictures
from application.settings.settings import Settings
from benchmarks.children import in_child
from benchmarks.memory import peak_bytes
from benchmarks.registry.files import demo_variant, random_checkpoint
from benchmarks.report import Row
from benchmarks.speed.diffusers import diffusers_pipeline, only_model_in
from benchmarks.speed.service import ask
from container import Container
from domain.generation.parts import SourceImage
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily
from tests.e2e.service import run_service

__all__ = ["pictures"]

_REQUESTS = 12
_STEPS = 20
_REAL_REQUESTS, _REAL_STEPS = 3, 4
_STRENGTH = 0.75
_SIDE = 512
_LARGE_SIDE = 1024
_PROMPTS = ("a lake at night", "mountains at sunset", "a landscape with snow")
_PHOTO = (4000, 3000)
_ALIKE = 2.0  # of 255, on average: the difference that rounding of the last bits makes
_RATIO, _MEMORY, _READING = 1.03, 1.05, 0.3
_REPEATS = 9


def pictures(folder: Path, scale: float) -> Iterator[Row]:
    """`init_image` of one MiB inline: time and memory; and a photo of 12 megapixels."""
    models = folder / "models"
    models.mkdir()
    demo_variant(models / "demo.safetensors", 0)
    count = max(2, int(_REQUESTS * scale))
    yield _timed(models, folder, "from-picture", "demo checkpoint", _STEPS, count, scale)
    if scale == 1:
        real = folder / "real"
        real.mkdir()
        random_checkpoint(real / "random.safetensors", ModelFamily.SD_1, seed=1)
        what = "Stable Diffusion 1.5 shapes, random weights"
        yield _timed(real, folder, "from-picture-sd1", what, _REAL_STEPS, _REAL_REQUESTS, scale)
    ours = in_child(peak_of_the_service, str(models), str(folder / "data"))
    plain = in_child(peak_of_diffusers, str(models))
    yield Row(
        name="from-picture-memory",
        what=f"peak of memory, from a picture, demo checkpoint, {_LARGE_SIDE}x{_LARGE_SIDE}",
        unit="MB",
        ours=ours / 1e6,
        plain=plain / 1e6,
        plain_is="the tuned image-to-image pipeline of diffusers",
        bound=_MEMORY,
        bound_of="ratio",
        judged=scale == 1,
        note="each in a process of its own, without the server",
    )
    seconds, bare = in_child(seconds_of_reading)
    yield Row(
        name="photo",
        what="reading and hashing a JPEG of 12 megapixels that a client sends",
        unit="s",
        ours=seconds,
        plain=bare,
        plain_is="Pillow decoding it in full, and hashing it",
        bound=_READING,
        bound_of="ours",
        note=f"the median of {_REPEATS}; no lock is held meanwhile",
    )


def _timed(
    models: Path, folder: Path, name: str, what: str, steps: int, count: int, scale: float
) -> Row:
    data = folder / name
    data.mkdir()
    with run_service(models, data) as service:
        found = in_child(seconds_from_pictures, service.url, str(models), count, steps)
    direct = statistics.median(found["direct"])
    of_pairs = statistics.median(map(operator.truediv, found["service"], found["direct"]))
    return Row(
        name=name,
        what=f"wall time of /v1/infer with an init_image of {found['bytes'] / 2**20:.2f} MiB "
        f"inline, {what}, {_SIDE}x{_SIDE}, {steps} steps, strength {_STRENGTH}",
        unit="s",
        ours=direct * of_pairs,
        plain=direct,
        plain_is="the tuned image-to-image pipeline of diffusers called directly on the decoded "
        "and resized picture, its result saved as PNG",
        bound=_RATIO,
        bound_of="ratio",
        judged=scale == 1,
        note=f"{count} requests both ways, by turns, each with another prompt, seed and picture: "
        f"the median of the others, and that of the ratios; the results of both differ by "
        f"{found['apart']:.2f} of 255",
    )


def photo(width: int, height: int, quality: int, seed: int = 0) -> bytes:
    """Return a JPEG with details of all sizes, which no encoder can make small."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(seed)
    whole = np.zeros((height, width, 3))
    for cell in (256, 64, 16, 4):
        rows, columns = -(-height // cell) + 1, -(-width // cell) + 1
        small = rng.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
        layer = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        whole += np.asarray(layer) / 4
    stream = io.BytesIO()
    Image.fromarray(whole.astype(np.uint8)).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def seconds_from_pictures(url: str, folder: str, count: int, steps: int) -> dict[str, Any]:
    """Return the seconds of each way for each request; raises RuntimeError if images differ."""
    import numpy as np
    import torch
    from PIL import Image, ImageOps

    from adapters.diffusion.attention.chunked import attend_in_chunks
    from adapters.diffusion.devices.device import find_device

    model = only_model_in(folder)
    pipeline = _from_pictures(model)
    if find_device().plan.attention == "chunked":
        attend_in_chunks(pipeline.unet)  # this compares everything around the pipeline
    seconds: dict[str, list[float]] = {"service": [], "direct": []}
    sent = b""

    def service(prompt: str, seed: int) -> bytes:
        began = time.perf_counter()
        body = {
            "id": f"{seed} {prompt}",
            "model_id": model.id,
            "prompt": prompt,
            "seed": seed,
            "width": _SIDE,
            "height": _SIDE,
            "num_inference_steps": steps,
            "strength": _STRENGTH,
            "init_image": {"base64": base64.b64encode(sent).decode()},
        }
        data = base64.b64decode(ask(url, body)["images"][0]["base64"])
        seconds["service"].append(time.perf_counter() - began)
        return data

    def direct(prompt: str, seed: int) -> bytes:
        began = time.perf_counter()
        picture = Image.open(io.BytesIO(sent)).convert("RGB")
        picture = ImageOps.fit(picture, (_SIDE, _SIDE), Image.Resampling.LANCZOS)
        with torch.inference_mode():
            (image,) = pipeline(
                prompt,
                image=picture,
                strength=_STRENGTH,
                num_inference_steps=steps,
                guidance_scale=7.5,
                generator=torch.Generator("cpu").manual_seed(seed),
            ).images
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=1)  # the same as the service
        seconds["direct"].append(time.perf_counter() - began)
        return file.getvalue()

    apart: list[float] = []
    size = 0
    prompts = itertools.cycle(_PROMPTS)
    for seed in range(count + 1):
        sent = photo(1600, 1200, 98, seed)
        size = len(sent)
        prompt = f"{next(prompts)}, number {seed}"
        ways: tuple[Callable[[str, int], bytes], ...] = (service, direct)
        one, other = (
            np.asarray(Image.open(io.BytesIO(way(prompt, seed)))).astype(float)
            for way in (ways if seed % 2 else ways[::-1])
        )
        apart.append(float(abs(one - other).mean()))
    if max(apart) > _ALIKE:
        raise RuntimeError(f"a picture differs by {max(apart):.2f} of 255 from the other way's")
    # The first request of each way warms it up.
    kept = {way: each[1:] for way, each in seconds.items()}
    return {**kept, "apart": max(apart), "bytes": size}


def peak_of_the_service(folder: str, data: str) -> int:
    """Return the peak of memory of drawing from a large picture, in bytes."""
    container = Container(
        settings=Settings(api_keys=("k" * 32,), model_dirs=(folder,), data_dir=data)
    )
    held = HeldPictures(container.picture_codec())
    container.pictures.override(held)
    container.model_registry().refresh()
    (model,) = container.model_registry().models()
    ref = held.keep("me", photo(_LARGE_SIDE, _LARGE_SIDE, 91)).ref
    for seed in range(2):
        container.generate_images()(
            GenerationRequest(
                id=str(seed),
                model_id=model.id,
                prompt=_PROMPTS[0],
                seed=seed,
                num_inference_steps=4,
                width=_LARGE_SIDE,
                height=_LARGE_SIDE,
                source=SourceImage(init_image=ref, strength=_STRENGTH),
            )
        )
    container.model_registry().close()
    return peak_bytes()


def peak_of_diffusers(folder: str) -> int:
    """Return the peak of memory of the same with diffusers, in bytes."""
    import torch
    from PIL import Image

    from adapters.diffusion.attention.chunked import attend_in_chunks
    from adapters.diffusion.devices.device import find_device

    pipeline = _from_pictures(only_model_in(folder))
    if find_device().plan.attention == "chunked":
        attend_in_chunks(pipeline.unet)
    picture = Image.open(io.BytesIO(photo(_LARGE_SIDE, _LARGE_SIDE, 91))).convert("RGB")
    for seed in range(2):
        with torch.inference_mode():
            pipeline(
                _PROMPTS[0],
                image=picture,
                strength=_STRENGTH,
                num_inference_steps=4,
                guidance_scale=7.5,
                generator=torch.Generator("cpu").manual_seed(seed),
            ).images[0].save(io.BytesIO(), "PNG", compress_level=1)
    return peak_bytes()


def seconds_of_reading() -> tuple[float, float]:
    """Return the seconds of reading a photo, and those of decoding it with Pillow."""
    import hashlib

    from PIL import Image

    from adapters.pictures.codec import PillowPictureCodec

    data, codec = photo(*_PHOTO, 90), PillowPictureCodec()

    def bare() -> None:
        Image.open(io.BytesIO(data)).load()
        hashlib.sha256(data).hexdigest()

    def median_of(work: Callable[[], object]) -> float:
        found = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            work()
            found.append(time.perf_counter() - began)
        return statistics.median(found)

    return median_of(lambda: codec.inspect(data)), median_of(bare)


def _from_pictures(model: Any) -> Any:
    """Return the tuned image-to-image pipeline."""
    from diffusers import StableDiffusionImg2ImgPipeline

    tuned = diffusers_pipeline(model, "tuned")
    pipeline = StableDiffusionImg2ImgPipeline(**tuned.components, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
