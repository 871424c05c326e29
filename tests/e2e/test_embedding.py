"""What the embedding page's example guarantees besides drawing its picture."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.paths import DEMO_CHECKPOINT, DOCS, ROOT

pytestmark = pytest.mark.torch

SNIPPETS = re.findall(r"^```python\n(.*?)^```", (DOCS / "embedding.md").read_text(), re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with a checkpoint in `ai-models`."""
    (tmp_path / "ai-models").mkdir()
    (tmp_path / "ai-models" / "demo.safetensors").symlink_to(DEMO_CHECKPOINT)
    return tmp_path


def test_the_embedding_example_draws_a_picture_without_flask(folder: Path) -> None:
    example = next(text for text in SNIPPETS if "circle.png" in text)
    script = example + "\nimport sys\nassert 'flask' not in sys.modules\n"
    done = embed(script, folder)
    # Other libraries must print nothing either.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with Image.open(folder / "circle.png") as image:
        assert image.size == (512, 512)


def test_embedding_without_a_model_raises_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "ai-models").mkdir()
    example = next(text for text in SNIPPETS if "circle.png" in text)
    said = embed(example, tmp_path).stderr.splitlines()[-1]
    assert said.endswith(".NoModel: there is no model to draw with")


def embed(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a program that draws in its own process, in `folder`."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
