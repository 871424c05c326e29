"""The upscaler in the repository: it is listed, it loads, and it is better than Lanczos' filter."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from adapters.filesystem.model_source import FilesystemModelSource
from domain.models.record import ModelKind
from domain.services.model_registry import ModelRegistry
from tests.paths import DEMO_CHECKPOINT, DEMO_UPSCALER

pytestmark = pytest.mark.torch


def test_it_is_small() -> None:
    assert os.path.getsize(DEMO_UPSCALER) < 1_000_000


def test_it_is_listed_as_a_usable_upscaler() -> None:
    source = FilesystemModelSource(
        [str(DEMO_UPSCALER.parent)], only=DEMO_UPSCALER.name, settle_seconds=0
    )
    registry = ModelRegistry(source)
    try:
        registry.refresh()
        (model,) = (each for each in registry.models() if each.name == DEMO_UPSCALER.name)
    finally:
        source.close()
    assert model.kind is ModelKind.UPSCALER
    assert (model.scale, model.usable, model.loadable) == (2, True, False)
    assert (model.inputs, model.sizes, model.schedulers) == ((), None, ())
    assert model.description is not None
    assert "drawings alone" in model.description
    assert registry.locate(model.id) == model


def test_its_metadata_name_its_licence() -> None:
    data = DEMO_UPSCALER.read_bytes()
    table = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert table["__metadata__"]["modelspec.license"] == "CC0-1.0"


def test_it_is_better_than_lanczos_on_drawings_that_it_never_saw() -> None:
    from tools.demo_checkpoint.loading import load_pipeline
    from tools.demo_upscaler.evaluate import compare, upscaler_of

    enlarge = upscaler_of(DEMO_UPSCALER)
    for autoencoder in (None, load_pipeline(DEMO_CHECKPOINT).vae):
        found = compare(enlarge, 6, autoencoder)
        assert found.psnr[1] > found.psnr[0]
        assert found.edge_error[1] < found.edge_error[0]


def test_a_training_resumes_and_exports_a_file_that_loads(tmp_path: Path) -> None:
    import torch

    from tools.demo_checkpoint.loading import load_pipeline
    from tools.demo_checkpoint.training.progress import load_state
    from tools.demo_upscaler.evaluate import upscaler_of
    from tools.demo_upscaler.export import export
    from tools.demo_upscaler.prepare import prepare
    from tools.demo_upscaler.train import train

    autoencoder = load_pipeline(DEMO_CHECKPOINT).vae
    prepare(tmp_path, autoencoder, parts=range(2), pictures=1)
    first = (tmp_path / "pairs-00.npz").read_bytes()
    prepare(tmp_path, autoencoder, parts=range(2), pictures=1)
    assert (tmp_path / "pairs-00.npz").read_bytes() == first
    for steps in (2, 4):
        train(tmp_path, steps=steps, peak=1e-3, seed=1)
        state = load_state(tmp_path / "upscaler.pt")
        assert state is not None
        assert state["step"] == steps
    export(tmp_path, tmp_path / "a.safetensors")
    large = upscaler_of(tmp_path / "a.safetensors")(np.zeros((9, 7, 3), np.uint8), lanczos=False)
    assert large.shape == (18, 14, 3)
    assert state is not None
    assert torch.isfinite(state["average"]["body.0.weight"]).all()


def test_the_measures_know_blurred_edges() -> None:
    from PIL import Image, ImageFilter

    from tools.demo_checkpoint.pictures import draw
    from tools.demo_checkpoint.scenes.landscape_scenes import random_landscape
    from tools.demo_upscaler.measures import edge_error, psnr, steepness

    truth = draw(random_landscape(np.random.default_rng(0)), width=96, height=96)
    blurred = np.asarray(Image.fromarray(truth).filter(ImageFilter.GaussianBlur(1)))
    more = np.asarray(Image.fromarray(truth).filter(ImageFilter.GaussianBlur(2)))
    flat = np.full_like(truth, 99)
    assert psnr(truth, truth) == float("inf")
    assert psnr(truth, blurred) > psnr(truth, more) > psnr(truth, flat)
    assert edge_error(truth, truth) == 0 < edge_error(blurred, truth) < edge_error(more, truth)
    assert edge_error(flat, truth) == pytest.approx(1)
    assert steepness(truth) > steepness(blurred) > steepness(more) > steepness(flat) == 0
