"""The commands and snippets of README.md and docs/ work as pasted, in order, from top to bottom.

Each page has its own copy of the repository and its own shell. A line that serves runs as in a
second terminal, until the next such line.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.documentation import PAGES, SHOWN, Block, blocks_of, script_of
from tests.paths import DEMO_CHECKPOINT, ROOT

pytestmark = pytest.mark.torch

_REGISTRY = "it downloads from a package registry"
_DOCKER = "it needs Docker"
NOT_RUN: Mapping[tuple[str, str], str] = {
    ("README.md", "make test"): "it runs this test",
    ("docs/clients.md", "pip install openai"): _REGISTRY,
    ("docs/clients.md", "pip install webuiapi"): _REGISTRY,
    ("docs/command-line.md", "python3 -m venv ~/ai-inference-venv"): _REGISTRY,
    ("docs/embedding.md", "python3 -m venv .venv"): "the copy of the repository has one",
    (
        "docs/embedding.md",
        "pip install -c /path/to/ai-inference/constraints.txt /path/to/ai-inference",
    ): _REGISTRY,
    (
        "docs/models.md",
        "python -m tools.demo_checkpoint.evaluate ai-models/demo.safetensors --count 100",
    ): ("it draws hundreds of pictures, which takes minutes"),
    ("docs/operations.md", "docker compose up --build cpu"): _DOCKER,
    ("docs/operations.md", "docker compose exec cpu cat /app/data/api-key"): _DOCKER,
    ("docs/operations.md", "docker compose --profile gpu up --build gpu"): f"{_DOCKER} and a GPU",
    ("docs/operations.md", "prometheus --config.file=monitoring/prometheus.yaml"): (
        "it needs Prometheus"
    ),
    ("docs/speed.md", "pip install '.[openvino]'"): _REGISTRY,
    ("docs/speed.md", "QUANTIZATION=int8 ai-inference serve"): "it needs a CPU with VNNI or AMX",
}
"""Blocks that cannot run everywhere, and why. Blocks that need only the service are run."""
PICTURES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "README.md": {"picture.png": (512, 512), "sunset.png": (512, 512)},
    "docs/api.md": {
        "circle.png": (512, 512),
        "night.png": (512, 512),
        "large.png": (1024, 1024),
        "later.png": (512, 512),
        "outlines.png": (512, 512),
    },
    "docs/automatic1111.md": {
        "night.png": (256, 256),
        "inpainted.png": (256, 256),
        "large.png": (512, 512),
    },
    "docs/clients.md": {
        "picture.png": (512, 512),
        "red.png": (256, 256),
        "red-circle.png": (256, 256),
        "circle.png": (512, 512),
    },
    "docs/command-line.md": {
        "circle.png": (512, 512),
        **{f"lake-{number}.png": (512, 512) for number in (1, 2, 3, 4)},
        "hill.jpg": (512, 512),
        "night.png": (512, 512),
        "large.png": (768, 768),
        **{f"{name}.png": (512, 512) for name in ("blueprint", "weighted", "outlines")},
        "circle-large.png": (1024, 1024),
        "larger.jpg": (768, 768),
    },
    "docs/embedding.md": {"circle.png": (512, 512), "blue.png": (512, 512)},
}
"""What each page leaves behind."""
_SECONDS = 840
"""Most of it is drawing; a busy machine takes a while."""
_BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def runnable(block: Block) -> bool:
    return block.language not in SHOWN and (block.page, block.name) not in NOT_RUN


@pytest.mark.parametrize("block", _BLOCKS, ids=lambda block: f"{block.page}: {block.name}")
def test_every_block_has_a_known_language(block: Block) -> None:
    assert block.language in {"sh", "python"} | SHOWN


def test_every_skipped_block_exists() -> None:
    assert NOT_RUN.keys() - {(block.page, block.name) for block in _BLOCKS} == set()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the repository, as it is after `make install` and nothing else."""
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.name not in ("ai-models", "data", "monitoring"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".installed").touch()
    shutil.copytree(ROOT / "monitoring", tmp_path / "monitoring")
    (tmp_path / "ai-models").mkdir()
    for path in DEMO_CHECKPOINT.parent.glob("demo*"):
        shutil.copy(path, tmp_path / "ai-models")
    return tmp_path


def environment(port: int) -> dict[str, str]:
    """The environment of a new shell: `ai-inference` is found once the page activates `.venv`."""
    own = str(Path(sys.prefix, "bin"))
    path = (each for each in os.environ["PATH"].split(os.pathsep) if each != own)
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    return kept | {
        "PATH": os.pathsep.join(path),
        "PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        # As the command line does, so that make never installs anything.
        "MAKEFLAGS": " -- INSTALLED=.installed",
        "PORT": str(port),
        "DEVICE": "cpu",
        "DEFAULT_INFERENCE_STEPS": "8",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.timeout(_SECONDS + 60)
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(map(runnable, blocks_of(page)))],
    ids=lambda page: page.name,
)
def test_the_commands_of_a_page_work_as_pasted(page: Path, checkout: Path) -> None:
    port = free_port()
    script = checkout / "typed.sh"
    script.write_text(script_of(list(filter(runnable, blocks_of(page))), port=port))
    shell = subprocess.Popen(
        ["bash", "-e", "-o", "pipefail", str(script)],
        cwd=checkout,
        env=environment(port),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = shell.communicate(timeout=_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, output
    for name, size in PICTURES.get(str(page.relative_to(ROOT)), {}).items():
        with Image.open(checkout / name) as picture:
            assert picture.size == size
