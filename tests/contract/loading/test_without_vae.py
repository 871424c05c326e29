"""A checkpoint without a VAE draws with the VAE of a file beside it."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.filesystem.model_headers import FilesystemModelHeaders
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.pictures.codec import PillowPictureCodec
from application.pictures import HeldPictures
from domain.errors import ModelNotLoadable
from domain.generation.parts import SourceImage
from domain.generation.request import GenerationRequest, GenerationResult
from domain.models.record import ModelRecord
from domain.services.drawing_watchers import CallbackWatcher
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.contract.conftest import DEMO_MODEL

pytestmark = pytest.mark.torch

VAE = "first_stage_model."


class Bench:
    """A folder with the demo in two files, and whatever draws with it."""

    def __init__(self, folder: Path, vae: str) -> None:
        from safetensors import safe_open
        from safetensors.torch import load_file, save_file

        with safe_open(DEMO_MODEL.path, framework="pt") as file:
            metadata = file.metadata()
        tensors = load_file(DEMO_MODEL.path)
        inside = {name: each for name, each in tensors.items() if name.startswith(VAE)}
        rest = {name: each for name, each in tensors.items() if name not in inside}
        assert inside
        self.folder = folder
        save_file(rest, folder / "night.safetensors", metadata=metadata)
        own = {name.removeprefix(VAE): each for name, each in inside.items()}
        if vae.endswith(".safetensors"):
            save_file(own, folder / vae)
        else:
            import torch

            torch.save({"state_dict": own}, folder / vae)
        (folder / "whole.safetensors").write_bytes(Path(DEMO_MODEL.path).read_bytes())
        source = FilesystemModelSource([str(folder)], settle_seconds=0)
        headers = FilesystemModelHeaders()
        self.registry = ModelRegistry(source, headers=headers)
        self.registry.refresh()
        codec = PillowPictureCodec()
        self.pictures = HeldPictures(codec, max_bytes=2**20)
        self.draw = GenerateImages(
            self.registry,
            DiffusersImageGenerator(self.registry, codec, device="cpu", dtype="float32"),
            codec,
            pictures=self.pictures,
            headers=headers,
        )

    def model(self, name: str) -> ModelRecord:
        """Return a model by its name."""
        return self.registry.resolve(name)

    def result(self, request: GenerationRequest) -> GenerationResult:
        """Return the drawn request."""
        return self.draw(request)


@pytest.fixture(params=["night.vae.safetensors", "night.vae.pt"])
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(tmp_path, request.param)
    yield bench
    bench.registry.close()


def pixels(result: GenerationResult) -> bytes:
    return Image.open(io.BytesIO(result.images[0].data)).tobytes()


def test_the_pixels_are_those_of_the_whole_file(
    bench: Bench, request_for: Callable[..., GenerationRequest]
) -> None:
    night, whole = bench.model("night.safetensors"), bench.model("whole")
    (vae,) = (each for each in bench.registry.models() if each.kind == "vae")
    assert (night.lacks_vae, night.loadable, night.defaults.vae_id) == (True, True, vae.id)
    assert (whole.lacks_vae, whole.defaults.vae_id) == (False, None)
    small: dict[str, Any] = {"width": 256, "height": 256, "num_inference_steps": 2}
    drawn = bench.result(request_for(model_id=night.id, **small))
    assert pixels(drawn) == pixels(bench.result(request_for(model_id=whole.id, **small)))
    assert drawn.request.vae_id == vae.id
    start = bench.pictures.keep("me", drawn.images[0].data).ref
    more = {**small, "source": SourceImage(init_image=start, strength=0.5)}
    again = bench.result(request_for(model_id=night.id, **more))
    assert pixels(again) == pixels(bench.result(request_for(model_id=whole.id, **more)))
    assert f"night.safetensors holds no VAE, and draws with the VAE {vae.name}" in drawn.warnings
    assert f"VAE: {vae.name}" in PillowPictureCodec().parameters(drawn.images[0].data).text


def test_a_vae_that_is_gone_fails_the_requests_of_its_checkpoint_with_the_reason(
    tmp_path: Path, request_for: Callable[..., GenerationRequest]
) -> None:
    bench = Bench(tmp_path, "night.vae.safetensors")
    night = bench.model("night.safetensors")
    admitted = bench.draw.admit(request_for(model_id=night.id))
    assert admitted.vae_id == night.defaults.vae_id
    (tmp_path / "night.vae.safetensors").unlink()
    bench.registry.refresh()
    remedy = "it holds no VAE; put its VAE beside it as night.vae.safetensors"
    for call in (bench.draw, bench.draw.admit):
        with pytest.raises(ModelNotLoadable, match=remedy):
            call(admitted)
    watcher = CallbackWatcher()
    with pytest.raises(ModelNotLoadable, match=remedy):
        bench.draw.draw((admitted,), at_once=1, watcher=watcher)
    assert bench.model("whole").loadable
    bench.registry.close()
