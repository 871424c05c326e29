"""A training can continue from an exported checkpoint, and each batch has one size."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.paths import DEMO_CHECKPOINT
from tools.demo_checkpoint.pictures import Scene
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene, random_flat
from tools.demo_checkpoint.scenes.landscape_scenes import random_landscape

pytestmark = pytest.mark.torch


def test_an_unpacked_checkpoint_exports_to_the_same_weights(tmp_path: Path) -> None:
    from safetensors import safe_open

    from tools.demo_checkpoint.export import export
    from tools.demo_checkpoint.unpack import unpack

    unpack(DEMO_CHECKPOINT, tmp_path)
    export(tmp_path, tmp_path / "again.safetensors")
    with (
        safe_open(DEMO_CHECKPOINT, "pt") as before,
        safe_open(tmp_path / "again.safetensors", "pt") as after,
    ):
        assert set(after.keys()) == set(before.keys())
        for name in sorted(after.keys()):
            assert after.get_tensor(name).equal(before.get_tensor(name)), name
        scales = [json.loads(file.metadata()["vae/config.json"]) for file in (before, after)]
    assert scales[0]["scaling_factor"] == scales[1]["scaling_factor"]


def test_unpacking_does_not_overwrite_a_training(tmp_path: Path) -> None:
    from tools.demo_checkpoint.unpack import unpack

    (tmp_path / "unet.pt").touch()
    with pytest.raises(FileExistsError):
        unpack(DEMO_CHECKPOINT, tmp_path)


@pytest.fixture
def encoded(tmp_path: Path) -> Path:
    """A folder of meaningless latents in three sizes."""
    from tools.demo_checkpoint.training.encode import scene_to_json

    (tmp_path / "latents").mkdir()
    rng = np.random.default_rng(0)
    for width, height in ((128, 128), (256, 256), (512, 256)):
        scenes: list[Scene] = [random_flat(rng), random_landscape(rng)]
        path = tmp_path / "latents" / f"{width}x{height}-000.npy"
        np.save(path, rng.normal(size=(2, 4, height // 8, width // 8)).astype(np.float16))
        path.with_suffix(".json").write_text(json.dumps([scene_to_json(each) for each in scenes]))
    return tmp_path


def test_small_pictures_come_first_and_workers_share_a_batch(encoded: Path) -> None:
    from tools.demo_checkpoint.training.latents import Latents

    data, rng = Latents(encoded), np.random.default_rng(0)
    assert data.batch(rng, unnamed=0, first=True).latents.shape == (64, 4, 16, 16)
    assert data.batch(rng, unnamed=0, first=True, workers=2).latents.shape == (32, 4, 16, 16)
    later = {data.batch(rng, unnamed=0, first=False).latents.shape for _ in range(50)}
    assert later == {(16, 4, 32, 32), (8, 4, 32, 64)}


def test_outlines_that_are_learned_last_come_more_often(encoded: Path) -> None:
    from tools.demo_checkpoint.training.encode import scene_to_json
    from tools.demo_checkpoint.training.latents import Latents

    scenes: list[Scene] = [
        FlatScene(shape, "red", "white", "medium", "centre", 0)
        for shape in ("circle", "star", "crescent")
    ]
    scenes.append(random_landscape(np.random.default_rng(0)))
    path = encoded / "latents" / "128x128-000.json"
    path.write_text(json.dumps([scene_to_json(each) for each in scenes]))
    np.save(path.with_suffix(".npy"), np.zeros((4, 4, 16, 16), np.float16))
    data, rng = Latents(encoded), np.random.default_rng(0)
    captions = [data.batch(rng, unnamed=0, first=True).captions for _ in range(20)]
    words = re.findall(r"\w+", str(captions))
    circle, star, crescent = (words.count(shape) for shape in ("circle", "star", "crescent"))
    assert star / circle == pytest.approx(3, rel=0.25)
    assert crescent / circle == pytest.approx(2, rel=0.25)


def test_the_text_encoder_learns_only_on_the_small_pictures(encoded: Path) -> None:
    import torch

    from tools.demo_checkpoint.training.unet import make_denoiser, train

    train(encoded, steps=4, peak=1e-3, seed=0, small_share=0.5)
    state = torch.load(encoded / "unet.pt", weights_only=True)["optimizer"]["state"]
    taken = [int(values["step"]) for _, values in sorted(state.items())]
    unet = len(list(make_denoiser(encoded).unet.parameters()))
    assert set(taken[:unet]) == {4}
    assert set(taken[unet:]) == {2}


def test_latents_keep_the_scale_at_which_training_started(encoded: Path) -> None:
    from tools.demo_checkpoint.training.latents import Latents

    assert Latents(encoded).scale == pytest.approx(1, abs=0.05)
    assert Latents(encoded, scale=0.5).scale == 0.5


@pytest.mark.parametrize(
    ("instructions", "dtype"),
    [({"avx2": True, "avx512_bf16": False}, "float32"), ({"avx512_bf16": True}, "bfloat16")],
)
def test_bfloat16_is_used_only_with_hardware_support(
    monkeypatch: pytest.MonkeyPatch, instructions: dict[str, bool], dtype: str
) -> None:
    import torch

    from tools.demo_checkpoint.networks import autocast, fast_dtype

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    assert fast_dtype(torch.device("cpu")) == getattr(torch, dtype)
    assert fast_dtype(torch.device("cuda")) == torch.bfloat16
    with autocast(torch.device("cpu")):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == getattr(torch, dtype)
