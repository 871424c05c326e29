"""What a request names beside its checkpoint belongs to this request alone.

Requests with and without additions are drawn in turn. Each picture is, byte for byte, the one that
a process draws which has drawn nothing else.
"""

import random
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.pictures.codec import PillowPictureCodec
from adapters.process.memory import LinuxProcessReport
from domain.generation.parts import Embedding, Lora
from domain.generation.request import GenerationRequest
from domain.models.record import ModelKind, ModelRecord
from domain.ports.image_generator import DrawingBatch, DrawingWatcher, ImageGenerator
from tests.contract.autoencoders.files import new_vae
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import demo_request
from tests.fakes.model_locator import FakeModelLocator
from tests.fakes.remote_generator import RemoteGenerator
from tests.paths import DEMO_EMBEDDING, DEMO_LORA

pytestmark = pytest.mark.torch

DRAWINGS = 200
WARM = 60
"""Drawings after which nothing more should be kept."""
FLAT = 24 * 2**20
"""Bytes that the allocator may still move up and down."""
TOKEN = "aurora"


class Unwatched(DrawingWatcher):
    """Wants nothing."""

    def loading(self, loaded: bool) -> None:
        """Ignore it."""

    def step(self, done: int, total: int) -> None:
        """Ignore it."""

    def wants_preview(self, number: int) -> bool:
        return False

    def preview(self, number: int, jpeg: bytes) -> None:
        raise AssertionError("no preview is wanted")


def record_of(path: Path, kind: ModelKind) -> ModelRecord:
    return ModelRecord(
        id=path.name.encode().hex().ljust(64, "0")[:64],
        name=path.name,
        size=path.stat().st_size,
        path=str(path),
        extension=path.suffix,
        kind=kind,
    )


def models_in(folder: Path) -> tuple[ModelRecord, ...]:
    """Return two LoRAs, an embedding and an autoencoder."""
    return (
        record_of(DEMO_LORA, ModelKind.LORA),
        record_of(folder / "other-lora.safetensors", ModelKind.LORA),
        record_of(DEMO_EMBEDDING, ModelKind.EMBEDDING),
        record_of(folder / "other-vae.safetensors", ModelKind.VAE),
    )


def generator_in(folder: Path) -> ImageGenerator:
    locator = FakeModelLocator(DEMO_MODEL, *models_in(folder))
    return DiffusersImageGenerator(locator, PillowPictureCodec(), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    made = tmp_path_factory.mktemp("beside")
    other = {name: each.flip(0) if each.ndim > 1 else each for name, each in tensors().items()}
    save_file(
        {name: each.contiguous() for name, each in other.items()}, made / "other-lora.safetensors"
    )
    vae = new_vae(load_pipeline(DEMO_MODEL, find_device("cpu", "float32")).vae)
    state = {name: each.contiguous() for name, each in vae.state_dict().items()}
    save_file(state, made / "other-vae.safetensors")
    return made


def tensors() -> Mapping[str, Any]:
    return load_file(DEMO_LORA)


def kinds_of_request(folder: Path) -> dict[str, GenerationRequest]:
    """Return a request for each combination, all with the same prompt and seed."""
    one, other, embedding, vae = (each.id for each in models_in(folder))
    a, b = Lora(model_id=one), Lora(model_id=other, scale=0.7)
    common: dict[str, Any] = {
        "prompt": f"a red circle on a white background, {TOKEN}",
        "num_inference_steps": 2,
    }
    return {
        "nothing": demo_request(**common),
        "a": demo_request(**common, loras=(a,)),
        "b": demo_request(**common, loras=(b,)),
        "a and b": demo_request(**common, loras=(a, b)),
        "embedding": demo_request(
            **common, embeddings=(Embedding(model_id=embedding, token=TOKEN),)
        ),
        "vae": demo_request(**common, vae_id=vae),
    }


def picture_of(generator: ImageGenerator, request: GenerationRequest) -> bytes:
    (found,) = generator.draw(DrawingBatch(requests=(request,)), Unwatched()).requests
    return bytes(found.images[0].raster.pixels)


def test_each_picture_is_the_one_of_a_fresh_process(folder: Path) -> None:
    wanted = kinds_of_request(folder)
    alone = {}
    for name, request in wanted.items():
        remote = RemoteGenerator(partial(generator_in, folder))
        try:
            alone[name] = picture_of(remote, request)
        finally:
            remote.close()
    assert len(set(alone.values())) == len(alone)  # each addition changes the picture
    generator, order = generator_in(folder), random.Random(4)
    used = []
    for _ in range(DRAWINGS):
        name = order.choice([*wanted])
        assert picture_of(generator, wanted[name]) == alone[name], name
        memory = LinuxProcessReport().memory
        assert memory is not None
        used.append(memory.used)
    assert max(used[-WARM:]) - max(used[WARM : 2 * WARM]) < FLAT
