"""The families' configuration files, and the source of their vocabulary; no torch."""

import json
import subprocess
import sys
from pathlib import PurePosixPath

import pytest

from adapters.diffusion.families import FAMILIES, configuration_files
from domain.models.record import ModelFamily
from tests.paths import ROOT
from tools.fetch_clip_vocabulary import merges_of


def test_importing_the_families_imports_no_torch() -> None:
    code = (
        "import sys, adapters.diffusion.families as f; "
        "f.configuration_files(next(iter(f.FAMILIES))); "
        "print(sorted({'torch', 'numpy', 'transformers', 'diffusers'} & sys.modules.keys()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_component_has_its_files(family: ModelFamily) -> None:
    files = configuration_files(family)
    index = json.loads(files["model_index.json"])
    parts = {PurePosixPath(name).parts[0] for name in files if "/" in name}
    assert parts == {name for name, value in index.items() if isinstance(value, list) and value[0]}
    for part in parts:
        names = {PurePosixPath(name).name for name in files if name.startswith(f"{part}/")}
        if part.startswith("tokenizer"):
            assert names >= {"vocab.json", "merges.txt", "tokenizer_config.json"}
        elif part == "scheduler":
            assert names == {"scheduler_config.json"}
        else:
            assert names == {"config.json"}
    for name, text in files.items():
        if name.endswith(".json"):
            assert isinstance(json.loads(text), dict)


def test_the_vocabulary_is_the_published_merges_that_clip_uses() -> None:
    published = "\n".join(["a comment", *(f"a b{number}" for number in range(262_000))])
    merges = merges_of(published).split("\n")
    assert merges[0] == "#version: 0.2"
    assert merges[1] == "a b0"
    assert merges[-2:] == ["a b48893", ""]
    assert len(merges) == 1 + 48_894 + 1


def test_the_vocabulary_has_a_number_for_each_symbol() -> None:
    vocabulary = json.loads(configuration_files(ModelFamily.SD_1)["tokenizer/vocab.json"])
    assert sorted(vocabulary.values()) == list(range(49_408))
    assert vocabulary["!"] == 0
    assert vocabulary["a</w>"] == 320
    assert vocabulary["<|startoftext|>"] == 49_406
    assert vocabulary["<|endoftext|>"] == 49_407


def test_the_licence_of_the_vocabulary_is_beside_it() -> None:
    folder = ROOT / "adapters/diffusion/families"
    assert "MIT License" in (folder / "LICENSE.clip").read_text(encoding="utf-8")
    assert (folder / "clip_merges.txt.gz").stat().st_size < 300_000
