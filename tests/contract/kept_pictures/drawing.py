"""Draw the cases, each with the real generator, in a process of their own.

The bytes of a picture depend on the order in which a CPU adds numbers up. Libraries choose it by
the instructions that a CPU has and by the number of threads. In this process both are pinned, so
that one set of references is right for many CPUs.
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
from domain.ports.image_generator import GenerationStep
from tests.contract.conftest import DEMO_MODEL
from tests.contract.folders.folders import record_of, save_newer, save_stable_diffusion
from tests.contract.kept_pictures.cases import CASES, Case
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

    Returns the fingerprint under `made_with`, and under `cases` what each case drew.
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
    """Each file that a case draws, by a name for it."""
    previews: list[tuple[str, bytes]] = []

    def look(step: GenerationStep) -> None:
        if case.has_previews:
            for number in range(len(case.requests)):
                data = step.preview(number)
                previews.append((f"preview-{step.done}-{number}", data or b""))

    model = _model(case.model, models)
    requests = [dataclasses.replace(each, model_id=model.id) for each in case.requests]
    generator = _generator(case.dtype, case.embed_metadata)
    batch = generator.generate(model, requests, at_once=case.at_once, on_step=look)
    for number, images in enumerate(batch.images):
        for image in images:
            yield f"picture-{number}-{image.seed}", image.data
    yield from ((name, data) for name, data in previews if data)


@cache
def _generator(dtype: str, embed_metadata: bool) -> "DiffusersImageGenerator":
    from adapters.diffusion.image_generator import DiffusersImageGenerator

    return DiffusersImageGenerator(
        embed_metadata=embed_metadata, device="cpu", dtype=dtype, threads=1, max_batch=4
    )


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
    elif name == "sdxl":
        from tests.contract.drawing.tiny_sdxl import tiny_sdxl

        tiny_sdxl().save_pretrained(folder)
    else:
        save_newer(folder, name)
    # An id of its own: that of a folder is of files that hold the versions of libraries, and the
    # parameters in a picture hold the id.
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
