"""An incomplete folder says what is missing, before anything is loaded."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from adapters.filesystem.folder_parts.needed import needed_parts
from domain.checkpoints.folder_weights import used_weights
from domain.models.record import ModelRecord
from tests.unit.filesystem.model_files import safetensors_bytes, safetensors_file
from tests.unit.filesystem.test_model_folders import FILES, INDEX, WEIGHTS, list_all, write

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3438167534\n"
UNET = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
SHARD = "unet/diffusion_pytorch_model-0000{}-of-00002.safetensors"
SHARD_INDEX = f"{UNET}.index.json"
SCALED = safetensors_bytes(
    {
        "a.weight": {"dtype": "F8_E4M3", "shape": [2, 2], "data_offsets": [0, 4]},
        "a.weight_scale": {"dtype": "F32", "shape": [], "data_offsets": [4, 8]},
    },
    bytes(8),
)
LFS = "it is a Git LFS pointer, not the model; run `git lfs pull`"

Files = dict[str, bytes]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models"


def listed(models: Path, files: Files) -> ModelRecord:
    write(models / "mine", files)
    (record,) = list_all()
    return record


def without(*paths: str) -> Files:
    return {path: content for path, content in FILES.items() if path not in paths}


def in_shards() -> Files:
    places = {"weight_map": {"a": Path(SHARD.format(1)).name, "b": Path(SHARD.format(2)).name}}
    shards = {SHARD.format(number): WEIGHTS for number in (1, 2)}
    return without(UNET) | shards | {SHARD_INDEX: json.dumps(places).encode()}


def index(**changes: object) -> Files:
    return FILES | {"model_index.json": json.dumps(INDEX | changes).encode()}


def scheduler(name: str, **fields: object) -> Files:
    about = json.dumps({"_class_name": name, **fields}).encode()
    return index(scheduler=["diffusers", name]) | {"scheduler/scheduler_config.json": about}


def less(files: Files, path: str) -> Files:
    return {name: content for name, content in files.items() if name != path}


REFUSED: dict[str, tuple[Files, str]] = {
    "a pointer as UNet": (FILES | {UNET: POINTER}, f"its file {UNET} cannot be used: {LFS}"),
    "a pointer as VAE": (FILES | {VAE: POINTER}, f"its file {VAE} cannot be used: {LFS}"),
    "a pointer as vocabulary": (
        FILES | {"tokenizer/vocab.json": POINTER},
        f"its file tokenizer/vocab.json cannot be used: {LFS}",
    ),
    "a pointer as index": (
        FILES | {"model_index.json": POINTER},
        f"its file model_index.json cannot be used: {LFS}",
    ),
    "a web page as UNet": (FILES | {UNET: b"<!DOCTYPE html>"}, f"its file {UNET} cannot be used"),
    "quantised tensors": (
        FILES | {UNET: safetensors_file({"a": (1,), "a.weight.absmax": (1,)})},
        f"its file {UNET} cannot be used: its weights are quantised",
    ),
    "scaled tensors": (
        FILES | {UNET: SCALED},
        f"its file {UNET} cannot be used: its weights are codes (float8_e4m3fn scaled), which the "
        "service reads from single files alone",
    ),
    "a quantised configuration": (
        FILES | {"unet/config.json": b'{"quantization_config": {"quant_method": "bitsandbytes"}}'},
        "its unet is quantised (bitsandbytes); get the model in 16 or 32 bits",
    ),
    "an index of nothing": (
        {"model_index.json": b'{"_class_name": "StableDiffusionPipeline"}'},
        "its model_index.json names no scheduler, text_encoder, tokenizer, unet, vae",
    ),
    "an index without UNet": (
        index(unet=[None, None]),
        "its model_index.json names no unet",
    ),
    "an index alone": (
        {"model_index.json": FILES["model_index.json"]},
        "its scheduler is missing",
    ),
    "the second shard": (
        less(in_shards(), SHARD.format(2)),
        f"its {SHARD.format(2)} is missing, one of 2 shards",
    ),
    "the first shard": (
        less(in_shards(), SHARD.format(1)),
        f"its {SHARD.format(1)} is missing, one of 2 shards",
    ),
    "the index of shards": (
        less(in_shards(), SHARD_INDEX),
        f"its {SHARD_INDEX} is missing, which says what is in which shard",
    ),
    "a shard that the index names": (
        in_shards() | {SHARD_INDEX: b'{"weight_map": {"a": "other.safetensors"}}'},
        "its unet/other.safetensors is missing, which diffusion_pytorch_model.safetensors",
    ),
    "weights of a known name": (
        less(FILES, UNET) | {"unet/weights.safetensors": WEIGHTS},
        f"its unet has no weights: there is no {UNET} and no unet/diffusion_pytorch_model.bin",
    ),
    "a configuration": (without("unet/config.json"), "its unet/config.json is missing"),
    "a scheduler's configuration": (
        less(FILES, "scheduler/scheduler_config.json") | {"scheduler/other.json": b"{}"},
        "its scheduler/scheduler_config.json is missing",
    ),
    "a tokenizer's files": (
        without("tokenizer/vocab.json", "tokenizer/merges.txt"),
        "its tokenizer/vocab.json and tokenizer/merges.txt are missing",
    ),
    "merges": (without("tokenizer/merges.txt"), "its tokenizer/merges.txt is missing"),
    "a vocabulary": (without("tokenizer/vocab.json"), "its tokenizer/vocab.json is missing"),
    "a tokenizer's configuration": (
        without("tokenizer/tokenizer_config.json"),
        "its tokenizer/tokenizer_config.json is missing",
    ),
    "the files of another tokenizer": (
        less(index(tokenizer=["transformers", "T5TokenizerFast"]), ""),
        "its tokenizer/spiece.model is missing",
    ),
    "the files of an unknown tokenizer": (
        less(
            less(index(tokenizer=["transformers", "MyTokenizer"]), "tokenizer/vocab.json"),
            "tokenizer/merges.txt",
        ),
        "its tokenizer/tokenizer.json is missing",
    ),
    "another process": (
        scheduler("CosineDPMSolverMultistepScheduler"),
        "its scheduler is CosineDPMSolverMultistepScheduler, whose noise no sampler here",
    ),
    "EDM that predicts something else": (
        scheduler("EDMEulerScheduler", prediction_type="sample"),
        "its scheduler cannot be used: its prediction_type is 'sample'",
    ),
    "EDM without a range": (
        scheduler("EDMEulerScheduler", sigma_min=80.0, sigma_max=2.0),
        "its scheduler cannot be used: sigma_min is 80.0; it must be below sigma_max, 2.0",
    ),
    "EDM whose bound is a text": (
        scheduler("EDMEulerScheduler", sigma_max="80"),
        "its scheduler cannot be used: its sigma_max is '80', which is not a number",
    ),
    "EDM with another spacing": (
        scheduler("EDMEulerScheduler", sigma_schedule="beta"),
        "its scheduler cannot be used: its sigma_schedule is 'beta', not karras or exponential",
    ),
    "flows that move with the size": (
        scheduler("FlowMatchEulerDiscreteScheduler", use_dynamic_shifting=True),
        "its scheduler cannot be used: it has use_dynamic_shifting, which no sampler here supports",
    ),
    "flows of another class": (
        scheduler("FlowMatchHeunDiscreteScheduler"),
        "its scheduler cannot be used: its flow matching is in a form that no sampler here has",
    ),
    "half a flow": (
        scheduler("DPMSolverMultistepScheduler", use_flow_sigmas=True),
        "its scheduler cannot be used: its flow matching is in a form that no sampler here has",
    ),
    "flows by what is predicted": (
        scheduler("UniPCMultistepScheduler", prediction_type="flow_prediction"),
        "its scheduler cannot be used: its flow matching is in a form that no sampler here has",
    ),
    "continuous noise": (
        scheduler("EulerDiscreteScheduler", sigma_min=0.002, sigma_max=120.0),
        "its scheduler cannot be used: it has noise bounds of its own (sigma_min, sigma_max)",
    ),
    "continuous timesteps": (
        scheduler("EulerDiscreteScheduler", timestep_type="continuous"),
        "its scheduler cannot be used: its continuous noise is spaced as no sampler here spaces it",
    ),
    "another prediction": (
        scheduler("DDIMScheduler", prediction_type="v-prediction"),
        "its scheduler cannot be used: its prediction_type is 'v-prediction'",
    ),
    "a scheduler whose name is not text": (
        index(scheduler=["diffusers", ["a"]]),
        "its scheduler is ['a'], whose noise",
    ),
    "a configuration of another scheduler": (
        scheduler("PNDMScheduler")
        | {"scheduler/scheduler_config.json": b'{"_class_name": "EDMEulerScheduler"}'},
        "its scheduler is 'PNDMScheduler' in its model_index.json, and 'EDMEulerScheduler' in",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_fault_of_a_folder_is_reported_with_its_name(models: Path, case: str) -> None:
    files, reason = REFUSED[case]
    record = listed(models, files)
    assert not record.loadable
    assert str(record.reason).startswith(reason)


LISTED: dict[str, Files] = {
    "unchanged": FILES,
    "a tokenizer as one file": less(less(FILES, "tokenizer/vocab.json"), "tokenizer/merges.txt")
    | {"tokenizer/tokenizer.json": b'{"model": {"vocab": {"a": 0}}}'},
    "shards": in_shards(),
    "an index of another variant, whose shards are not here": in_shards()
    | {"unet/diffusion_pytorch_model.safetensors.index.fp16.json": b'{"weight_map": {"a": "o.x"}}'},
    "a complete file beside shards": in_shards() | {UNET: WEIGHTS},
    "a pointer that is not read": FILES
    | {"unet/diffusion_pytorch_model.bin": POINTER, "unet/flax_model.msgpack": POINTER},
    "a variant that is not read": FILES
    | {"unet/diffusion_pytorch_model.fp16.safetensors": POINTER},
    "a trainer's leavings": FILES | {"unet/optimizer.bin": b"garbage"},
    "a pointer outside its parts": FILES | {"sample.json": POINTER},
    "a skipped part": index(safety_checker=["stable_diffusion", "X"]),
    "discrete noise as diffusers saves it": scheduler(
        "EulerDiscreteScheduler", sigma_min=None, sigma_max=None, timestep_type="discrete"
    ),
    "DDIM": scheduler("DDIMScheduler", prediction_type="v_prediction"),
}


@pytest.mark.parametrize("case", LISTED)
def test_a_complete_folder_is_loadable(models: Path, case: str) -> None:
    assert listed(models, LISTED[case]).reason is None


def test_a_later_run_knows_the_same_reason(models: Path, tmp_path: Path) -> None:
    from adapters.filesystem.scanning.identity_cache import IdentityCache

    write(models / "mine", FILES | {VAE: POINTER})
    reasons = set()
    for _ in range(2):
        with closing(IdentityCache(tmp_path / "models.sqlite")) as cache:
            (record,) = list_all(cache)
        reasons.add(record.reason)
    assert reasons == {f"its file {VAE} cannot be used: {LFS}"}


@pytest.mark.parametrize(
    ("files", "used"),
    [
        (["model.safetensors", "pytorch_model.bin"], ["model.safetensors"]),
        (["pytorch_model.bin", "config.json"], ["pytorch_model.bin"]),
        (["model.fp16.safetensors", "model.safetensors"], ["model.safetensors"]),
        (["model.fp16.safetensors", "model.ema.safetensors"], ["model.ema.safetensors"]),
        (
            ["model-00001-of-00002.safetensors", "model.fp16-00001-of-00001.safetensors"],
            ["model-00001-of-00002.safetensors"],
        ),
        (["config.json"], []),
        (["optimizer.bin", "pytorch_model.bin", "training_args.bin"], ["pytorch_model.bin"]),
    ],
)
def test_the_checked_weights_are_those_that_the_loader_reads(
    files: list[str], used: list[str]
) -> None:
    assert list(used_weights(files)) == used


def test_the_parts_of_well_known_pipelines() -> None:
    common = {"scheduler", "text_encoder", "tokenizer", "vae"}
    second = {"text_encoder_2", "tokenizer_2"}
    assert set(needed_parts("StableDiffusionPipeline")) == common | {"unet"}
    assert set(needed_parts("StableDiffusionXLPipeline")) == common | second | {"unet"}
    assert set(needed_parts("StableDiffusion3Pipeline")) == common | {"transformer"}
    assert set(needed_parts("FluxPipeline")) == common | second | {"transformer"}
