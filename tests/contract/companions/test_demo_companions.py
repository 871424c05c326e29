"""The companions in the repository: small, listed for what they are, and seen in pictures."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.filesystem.model_source import FilesystemModelSource
from domain.models.record import ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry
from tests.paths import DEMO_CHECKPOINT, DEMO_CONTROLNET, DEMO_EMBEDDING, DEMO_LORA

pytestmark = pytest.mark.torch

COMPANIONS = (DEMO_LORA, DEMO_EMBEDDING, DEMO_CONTROLNET)


@pytest.fixture(scope="module")
def listed() -> Iterator[dict[str, ModelRecord]]:
    source = FilesystemModelSource([str(DEMO_CHECKPOINT.parent)], settle_seconds=0)
    registry = ModelRegistry(source)
    registry.refresh()
    yield {each.name: each for each in registry.models()}
    source.close()


def metadata(path: Path) -> dict[str, str]:
    data = path.read_bytes()
    table = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    found: dict[str, str] = table["__metadata__"]
    return found


def tensors(path: Path) -> dict[str, tuple[str, list[int]]]:
    data = path.read_bytes()
    table = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return {
        name: (facts["dtype"], facts["shape"])
        for name, facts in table.items()
        if name != "__metadata__"
    }


def test_together_they_are_small() -> None:
    assert sum(os.path.getsize(path) for path in COMPANIONS) < 8_000_000
    assert os.path.getsize(DEMO_CONTROLNET) < 6_000_000


def test_each_is_listed_as_what_it_is(listed: dict[str, ModelRecord]) -> None:
    models = [listed[path.name] for path in COMPANIONS]
    assert [each.kind for each in models] == [
        ModelKind.LORA,
        ModelKind.EMBEDDING,
        ModelKind.CONTROLNET,
    ]
    assert [(each.usable, each.loadable) for each in models] == [(True, False)] * 3
    assert [each.base for each in models] == [None] * 3
    assert [each.rank for each in models] == [8, None, None]
    assert [each.trigger_words for each in models] == [("blueprint",), (), ()]


def test_each_describes_itself(listed: dict[str, ModelRecord]) -> None:
    for path in COMPANIONS:
        assert listed[path.name].description
        assert listed[path.name].sample_prompts
        assert metadata(path)["modelspec.license"] == "CC0-1.0"


def test_the_checkpoint_stays_the_only_model_that_draws(listed: dict[str, ModelRecord]) -> None:
    assert [name for name, each in listed.items() if each.loadable] == [DEMO_CHECKPOINT.name]


def test_the_lora_has_kohyas_layout_for_both_networks() -> None:
    found = tensors(DEMO_LORA)
    modules = {name.partition(".")[0] for name in found}
    kinds = ("lora_down.weight", "lora_up.weight", "alpha")
    assert set(found) == {f"{module}.{kind}" for module in modules for kind in kinds}
    assert {module.split("_")[1] for module in modules} == {"unet", "te"}
    assert {dtype for dtype, _ in found.values()} == {"F16"}
    assert any(len(shape) == 4 and shape[2:] == [3, 3] for _, shape in found.values())
    assert metadata(DEMO_LORA)["modelspec.trigger_phrase"] == "blueprint"


def test_the_embedding_has_automatic1111s_layout() -> None:
    assert tensors(DEMO_EMBEDDING) == {"emb_params": ("F16", [4, 128])}


def test_the_controlnet_has_the_architecture_of_diffusers() -> None:
    import torch

    from tools.demo_companions.drawing import load_controlnet

    model = load_controlnet(DEMO_CONTROLNET, torch.float32)
    assert set(model.state_dict()) == set(tensors(DEMO_CONTROLNET))
    assert list(model.config.block_out_channels) == [48, 96, 144]


def test_a_training_resumes_and_exports_files_that_load(tmp_path: Path) -> None:
    import torch

    from tools.demo_checkpoint.loading import load_pipeline
    from tools.demo_checkpoint.training.progress import load_state
    from tools.demo_companions import train_concept, train_outlines, train_style
    from tools.demo_companions.drawing import changes_of, load_controlnet
    from tools.demo_companions.export import export
    from tools.demo_companions.prepare import prepare

    parts = [(128, 0), (256, 0)]
    autoencoder = load_pipeline(DEMO_CHECKPOINT).vae
    prepare(tmp_path, autoencoder, parts=parts, pictures=2)
    first = (tmp_path / "part-128-00.npz").read_bytes()
    prepare(tmp_path, autoencoder, parts=parts, pictures=2)
    assert (tmp_path / "part-128-00.npz").read_bytes() == first
    with pytest.raises(FileNotFoundError, match="train a companion first"):
        export(tmp_path, tmp_path)
    for name, lesson in (
        ("style", train_style),
        ("concept", train_concept),
        ("outlines", train_outlines),
    ):
        for steps in (1, 2):
            lesson.train(tmp_path, steps=steps, peak=1e-2, seed=1, small_share=0.5)
            state = load_state(tmp_path / f"{name}.pt")
            assert state is not None
            assert state["step"] == steps
    written = {path.name: path for path in export(tmp_path, tmp_path)}
    assert set(written) == {path.name for path in COMPANIONS}
    for path in COMPANIONS:
        assert tensors(written[path.name]) == tensors(path)
        assert metadata(written[path.name]) == metadata(path)
    changes = changes_of(written[DEMO_LORA.name])
    assert all(torch.isfinite(each).all() for each in changes.values())
    assert any(each.any() for each in changes.values())
    load_controlnet(written[DEMO_CONTROLNET.name], torch.float32)
