"""The configurations from the table of facts are the published ones."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.diffusion.families import FAMILIES, configuration_files
from domain.checkpoints.training import scheduler_fields
from domain.models.record import ModelFamily
from domain.models.training import Prediction, Training
from tests.paths import ROOT

pytestmark = pytest.mark.torch

REFERENCES = {
    ModelFamily.SD_1: "sd-1",
    ModelFamily.SD_1_INPAINT: "sd-1-inpaint",
    ModelFamily.SD_2_V: "sd-2",
    ModelFamily.SDXL: "sdxl",
}
every_family = pytest.mark.parametrize("family", REFERENCES)
# Differences that change no picture.
BOOKKEEPING = frozenset(
    {
        "_class_name",
        "_commit_hash",
        "_diffusers_version",
        "_name_or_path",
        "_use_default_values",
        "architectures",
        "dtype",
        "torch_dtype",
        "transformers_version",
    }
)


def ours(family: ModelFamily, name: str) -> dict[str, Any]:
    table = json.loads(configuration_files(family)[name])
    assert isinstance(table, dict)
    return table


def published(family: ModelFamily, name: str) -> dict[str, Any]:
    path: Path = ROOT / "tests/data/model-configs" / REFERENCES[family] / name
    table = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(table, dict)
    return table


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with its defaults, comparable: lists for tuples, no bookkeeping."""
    kept = {name: value for name, value in values.items() if name not in BOOKKEEPING}
    return dict(json.loads(json.dumps(kept, default=str)))


def shapes(model: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


@every_family
@pytest.mark.parametrize("part", ["unet", "vae"])
def test_the_networks_are_the_published_ones(family: ModelFamily, part: str) -> None:
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel

    network = {"unet": UNet2DConditionModel, "vae": AutoencoderKL}[part]
    with torch.device("meta"):
        mine = network.from_config(ours(family, f"{part}/config.json"))
        theirs = network.from_config(published(family, f"{part}/config.json"))
    assert shapes(mine) == shapes(theirs)
    left, right = plain(mine.config), plain(theirs.config)
    if part == "unet":
        left, right = per_level(left), per_level(right)
    if part == "vae":  # the training size, which nothing reads
        left.pop("sample_size"), right.pop("sample_size")
    assert left == right


def per_level(config: dict[str, Any]) -> dict[str, Any]:
    """Write one number for all levels out; levels without attention have no blocks to count."""
    levels = len(config["block_out_channels"])
    for name in ("attention_head_dim", "transformer_layers_per_block"):
        if not isinstance(config[name], list):
            config[name] = [config[name]] * levels
    config["upcast_attention"] = bool(config["upcast_attention"])
    return config


@every_family
def test_the_text_encoders_are_the_published_ones(family: ModelFamily) -> None:
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    for suffix, facts in zip(("", "_2"), FAMILIES[family].text_encoders, strict=False):
        network = CLIPTextModelWithProjection if facts.projected else CLIPTextModel
        name = f"text_encoder{suffix}/config.json"
        mine = CLIPTextConfig.from_dict(ours(family, name))
        theirs = CLIPTextConfig.from_dict(published(family, name))
        left, right = plain(mine.to_dict()), plain(theirs.to_dict())
        right.pop("dropout", None)  # not in transformers' code
        assert left == right
        with torch.device("meta"):
            assert shapes(network(mine)) == shapes(network(theirs))


@every_family
def test_the_schedulers_are_the_published_ones(family: ModelFamily) -> None:
    import diffusers

    name = "scheduler/scheduler_config.json"
    assert ours(family, name)["_class_name"] == published(family, name)["_class_name"]
    # The published one, and those that the service uses in its place.
    for kind in (ours(family, name)["_class_name"], "DPMSolverMultistepScheduler"):
        scheduler = getattr(diffusers, kind)
        mine = scheduler.from_config(ours(family, name))
        theirs = scheduler.from_config(published(family, name))
        left, right = plain(mine.config), plain(theirs.config)
        # Fields of other schedulers that files of this one contain too.
        known = scheduler._get_init_keys(scheduler) - {"self"}
        assert {key: left[key] for key in known if key in left} == {
            key: right[key] for key in known if key in right
        }
        assert mine.alphas_cumprod.equal(theirs.alphas_cumprod)
        mine.set_timesteps(20), theirs.set_timesteps(20)
        assert mine.timesteps.equal(theirs.timesteps)


@every_family
def test_the_pipelines_are_the_published_ones_without_the_safety_checker(
    family: ModelFamily,
) -> None:
    mine, theirs = ours(family, "model_index.json"), published(family, "model_index.json")
    for name in ("safety_checker", "feature_extractor"):
        theirs.pop(name, None)
        assert mine.pop(name, [None, None]) == [None, None]
    components = {name: value for name, value in theirs.items() if isinstance(value, list)}
    assert {name: mine[name] for name in components} == components
    if family is not ModelFamily.SD_1_INPAINT:  # for text to image: see `inpainting`
        assert mine["_class_name"] == theirs["_class_name"]
    if family is ModelFamily.SDXL:
        assert mine["force_zeros_for_empty_prompt"] is theirs["force_zeros_for_empty_prompt"]


def test_the_two_forms_of_sd_2_differ_only_in_size_and_prediction() -> None:
    base, velocity = (
        configuration_files(family) for family in (ModelFamily.SD_2, ModelFamily.SD_2_V)
    )
    assert {name for name in base if base[name] != velocity[name]} == {
        "model_index.json",
        "unet/config.json",
        "vae/config.json",
        "scheduler/scheduler_config.json",
    }
    unet = ours(ModelFamily.SD_2, "unet/config.json")
    assert unet | {"sample_size": 96} == ours(ModelFamily.SD_2_V, "unet/config.json")
    scheduler = "scheduler/scheduler_config.json"
    assert ours(ModelFamily.SD_2, scheduler)["prediction_type"] == "epsilon"
    assert ours(ModelFamily.SD_2_V, scheduler)["prediction_type"] == "v_prediction"


def test_training_settings_of_a_checkpoint_reach_the_scheduler() -> None:
    from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler

    told = Training(Prediction.VELOCITY, zero_terminal_snr=True)
    fields = ours(ModelFamily.SDXL, "scheduler/scheduler_config.json")
    for kind in (EulerDiscreteScheduler, DPMSolverMultistepScheduler):
        scheduler = kind.from_config({**fields, **scheduler_fields(told, fields)})
        assert scheduler.config.prediction_type == "v_prediction"
        assert scheduler.config.timestep_spacing == "trailing"
        assert scheduler.config.rescale_betas_zero_snr is True


def test_other_families_have_no_configuration() -> None:
    with pytest.raises(KeyError):
        configuration_files(ModelFamily.FLUX)
