"""Draw the cases, each with the real generator, in a process of their own.

The bytes of a picture depend on the order in which a CPU adds numbers. Libraries choose it by the
CPU's instructions and by the number of threads. Both are pinned in this process, so that one set of
references is right for many CPUs.
"""

import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from PIL import Image

from domain.models.record import ModelRecord
from domain.services.drawing_watchers import GenerationStep
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.folders.folders import (
    record_of,
    save_newer,
    save_stable_diffusion,
    save_with_channels,
)
from tests.contract.kept_pictures.cases import CASES, FILES, Case
from tests.contract.kept_pictures.fingerprint import PINNED, fingerprint
from tests.contract.kept_pictures.references import cells_as_text
from tests.paths import ROOT

if TYPE_CHECKING:
    from adapters.diffusion.image_generator import DiffusersImageGenerator

__all__ = ["draw_in_a_process"]

_CELLS = 16
"""On a side of a picture."""
_RESULT = "drawn.json"


def draw_in_a_process(folder: Path) -> dict[str, Any]:
    """Draw every case with pinned instructions and threads; the files stay in `folder`.

    Returns the fingerprint under `made_with`, and the drawings of each case under `cases`.
    """
    subprocess.run(
        [sys.executable, "-m", __spec__.name, str(folder)],
        cwd=ROOT,
        env={**os.environ, **PINNED},
        check=True,
        timeout=280,
    )
    drawn: dict[str, Any] = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
    return drawn


def _draw_all(folder: Path) -> None:
    cases: dict[str, Any] = {}
    with TemporaryDirectory() as models:
        for number, case in enumerate(CASES):
            drawn = {}
            for name, data in _files(case, Path(models)):
                (folder / f"{number}-{name}").write_bytes(data)
                drawn[name] = _facts(data)
            cases[case.name] = drawn
    text = json.dumps({"made_with": fingerprint(), "cases": cases})
    (folder / _RESULT).write_text(text, encoding="utf-8")


def _files(case: Case, models: Path) -> Iterator[tuple[str, bytes]]:
    """Return each file that a case draws, by a name for it."""
    previews: list[tuple[str, bytes]] = []
    steps: list[GenerationStep] = []

    def look(number: int, jpeg: bytes) -> None:
        previews.append((f"preview-{steps[-1].done}-{number}", jpeg))

    model = _model(case.model, models)
    requests = [dataclasses.replace(each, model_id=model.id) for each in case.requests]
    batch = generate(
        _generator(case.dtype),
        model,
        requests,
        at_once=case.at_once,
        on_step=steps.append,
        on_preview=look if case.has_previews else None,
        embed_metadata=case.embed_metadata,
        pictures=FILES.of_batch,
    )
    for number, images in enumerate(batch.images):
        for image in images:
            yield f"picture-{number}-{image.seed}", image.data
    yield from previews


@cache
def _generator(dtype: str) -> "DiffusersImageGenerator":
    return new_generator(device="cpu", dtype=dtype, threads=1, max_batch=4)


@cache
def _model(name: str, models: Path) -> ModelRecord:
    folder = models / name
    if name == "demo":
        return DEMO_MODEL
    if name == "velocity":
        save_stable_diffusion(folder)
        path = folder / "scheduler" / "scheduler_config.json"
        values = json.loads(path.read_text(encoding="utf-8"))
        values |= {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
        path.write_text(json.dumps(values), encoding="utf-8")
    elif name == "inpaint":
        save_with_channels(folder, 9)
    elif name == "sdxl":
        from tests.contract.drawing.tiny_sdxl import tiny_sdxl

        tiny_sdxl().save_pretrained(folder)
    else:
        save_newer(folder, name)
    # It gets a fixed id: a folder's own id depends on files that contain the versions of libraries,
    # and the parameters in a picture contain the id.
    return dataclasses.replace(record_of(folder), id=hashlib.sha256(name.encode()).hexdigest())


def _facts(data: bytes) -> Mapping[str, Any]:
    image = Image.open(io.BytesIO(data))
    pixels = image.convert("RGB")
    cells = pixels.resize((_CELLS, _CELLS), Image.Resampling.BOX)
    return {
        "format": image.format,
        "size": list(image.size),
        "file": hashlib.sha256(data).hexdigest(),
        "pixels": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "cells": cells_as_text(cells.tobytes()),
    }


if __name__ == "__main__":
    _draw_all(Path(sys.argv[1]))
