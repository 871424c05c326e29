"""How soon ComfyUI's tree is listed with its sets, and a large file is classified."""

import dataclasses
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.reading import read_header
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity_cache import IdentityCache
from benchmarks.children import in_child
from benchmarks.registry.files import Plan, many_files, models_in, thin_file
from benchmarks.report import Row
from domain.services.listing.model_listing import by_id_of
from domain.services.listing.model_sets import with_sets

__all__ = ["header", "tree"]

Shapes = dict[str, tuple[int, ...]]

_FILES, _DRAWING, _PARTS = 10_000, 300, 100
_ROUNDS = 9
_HIDDEN, _DOUBLE, _SINGLE = 3072, 19, 38


def tree(plan: Plan, folder: Path) -> Iterator[Row]:
    """A scan of unchanged files of ComfyUI's tree, with and without the sets among them."""
    count = plan.scaled(_FILES, at_least=_DRAWING + 4 * _PARTS)
    models, cache = folder / "models", str(folder / "models.sqlite")
    _write_tree(models, count)
    listed = models_in(models, cache=cache)
    sets = sum(bool(each.members) for each in listed)
    if (len(listed), sets) != (count + _DRAWING, _DRAWING):
        raise RuntimeError(f"{len(listed)} models and {sets} sets are listed")
    found = in_child(scans, str(models), cache)
    yield Row(
        name="tree",
        what=f"a scan of {count:,} unchanged files of ComfyUI's tree, with {_DRAWING} sets, of "
        "CPU time",
        unit="s",
        ours=statistics.median(found["with"]),
        plain=statistics.median(found["without"]),
        plain_is="the same scan without its sets",
        bound=1.25,
        bound_of="ratio",
        judged=plan.judged,
        note=f"medians of {_ROUNDS} scans",
    )
    yield Row(
        name="sets",
        what=f"the sets among {count:,} files, {_DRAWING} of them diffusion models, of CPU time",
        unit="s",
        ours=statistics.median(found["sets"]),
        plain=statistics.median(found["without"]),
        plain_is="the scan without them",
        bound=0.05,
        bound_of="ours",
        judged=plan.judged,
        note=f"median of {_ROUNDS}, slowest {max(found['sets']):.3f} s",
    )


def header(plan: Plan, folder: Path) -> Iterator[Row]:
    """The classification of FLUX.1 dev's transformer: 780 tensors, 23.8 GB."""
    path = folder / "flux1-dev.safetensors"
    thin_file(path, _flux())
    size, times = path.stat().st_size, []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        with path.open("rb") as file:
            told = classify(read_header(file, size, ".safetensors"))
        times.append(time.perf_counter() - began)
    if told.component is None:
        raise RuntimeError(f"it is not recognised: {told.reason}")
    began = time.perf_counter()
    with path.open("rb") as file:
        file.read(1 << 20)
    yield Row(
        name="header",
        what=f"the classification of a file of {size / 1e9:.1f} GB by its header",
        unit="s",
        ours=max(times),
        plain=time.perf_counter() - began,
        plain_is="reading its first megabyte",
        bound=0.05,
        bound_of="ours",
        judged=plan.judged,
        note=f"slowest of {_ROUNDS}, median {statistics.median(times):.4f} s; {len(_flux())} "
        "tensors",
    )


def scans(folder: str, cache: str) -> dict[str, Any]:
    """Return the CPU time of scans with and without sets; runs in a child process."""
    source = FilesystemModelSource([folder], IdentityCache(cache))
    source.scan()
    times: dict[str, list[float]] = {"with": [], "without": [], "sets": []}
    for _ in range(_ROUNDS):
        began = time.process_time()
        by_id = by_id_of(dataclasses.replace(each) for each in source.scan().models)
        listed = time.process_time()
        with_sets(by_id)
        done = time.process_time()
        times["without"].append(listed - began)
        times["sets"].append(done - listed)
        times["with"].append(done - began)
    return times


def _write_tree(folder: Path, count: int) -> None:
    """Write small files of FLUX.1 in the folders of ComfyUI, and others up to `count`."""
    kinds: tuple[tuple[str, int, Shapes], ...] = (
        ("unet", _DRAWING // 2, _small(0)),
        ("diffusion_models", _DRAWING - _DRAWING // 2, _small(0)),
        ("clip", _PARTS, _small(1)),
        ("text_encoders", _PARTS, _small(1)),
        ("t5", _PARTS, _small(2)),
        ("vae", _PARTS, _small(3)),
    )
    written = 0
    for name, number, shapes in kinds:
        (folder / name).mkdir(parents=True)
        for index in range(number):
            # One more tensor gives each file bytes of its own.
            label = {f"note.{name}.{index}": (1,)}
            thin_file(folder / name / f"{name}{index:04}.safetensors", {**shapes, **label})
            written += 1
    many_files(folder / "loras", count - written, 64)


def _small(part: int) -> Shapes:
    """Return what tells a component of a small FLUX.1: transformer, CLIP, T5 or VAE."""
    parts: tuple[Shapes, ...] = (
        {
            "img_in.weight": (4, 64),
            "txt_in.weight": (4, 12),
            "vector_in.in_layer.weight": (4, 8),
            "double_blocks.0.img_attn.qkv.weight": (12, 4),
            "final_layer.linear.weight": (64, 4),
        },
        {
            "text_model.embeddings.token_embedding.weight": (49_408, 8),
            "text_model.embeddings.position_embedding.weight": (77, 8),
            "text_model.encoder.layers.0.mlp.fc1.weight": (32, 8),
        },
        {
            "shared.weight": (32_128, 12),
            "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": (32, 2),
            "encoder.block.0.layer.1.DenseReluDense.wi_0.weight": (24, 12),
        },
        {
            "encoder.down.0.block.0.conv1.weight": (4, 4, 3, 3),
            "decoder.conv_in.weight": (4, 16, 3, 3),
        },
    )
    return parts[part]


def _flux() -> Shapes:
    """Return the tensors of FLUX.1 dev's transformer (black-forest-labs/flux, `model.py`)."""
    shapes: Shapes = {}

    def layer(name: str, outputs: int, inputs: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (outputs, inputs), (outputs,)

    for name, inputs in (("time_in", 256), ("vector_in", 768), ("guidance_in", 256)):
        layer(f"{name}.in_layer", _HIDDEN, inputs)
        layer(f"{name}.out_layer", _HIDDEN, _HIDDEN)
    layer("img_in", _HIDDEN, 64)
    layer("txt_in", _HIDDEN, 4096)
    layer("final_layer.linear", 64, _HIDDEN)
    layer("final_layer.adaLN_modulation.1", 2 * _HIDDEN, _HIDDEN)
    for number in range(_DOUBLE):
        for side in ("img", "txt"):
            block = f"double_blocks.{number}.{side}"
            layer(f"{block}_mod.lin", 6 * _HIDDEN, _HIDDEN)
            layer(f"{block}_attn.qkv", 3 * _HIDDEN, _HIDDEN)
            layer(f"{block}_attn.proj", _HIDDEN, _HIDDEN)
            layer(f"{block}_mlp.0", 4 * _HIDDEN, _HIDDEN)
            layer(f"{block}_mlp.2", _HIDDEN, 4 * _HIDDEN)
            for norm in ("query_norm", "key_norm"):
                shapes[f"{block}_attn.norm.{norm}.scale"] = (128,)
    for number in range(_SINGLE):
        block = f"single_blocks.{number}"
        layer(f"{block}.linear1", 7 * _HIDDEN, _HIDDEN)
        layer(f"{block}.linear2", _HIDDEN, 5 * _HIDDEN)
        layer(f"{block}.modulation.lin", 3 * _HIDDEN, _HIDDEN)
        for norm in ("query_norm", "key_norm"):
            shapes[f"{block}.norm.{norm}.scale"] = (128,)
    return shapes
