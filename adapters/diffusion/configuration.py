"""The configuration files of a pipeline, for a checkpoint that is one file of weights.

A checkpoint may carry its own: its safetensors metadata then has an entry for each file that a
diffusers folder would have, under the file's relative path. What may be in them is narrow, because
anybody can write a file: names come from a list, and no class is named by the file.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from domain.errors import ModelNotLoadable

__all__ = ["configuration_folder", "embedded_configuration"]

_REQUIRED = frozenset(
    {
        "unet/config.json",
        "vae/config.json",
        "text_encoder/config.json",
        "scheduler/scheduler_config.json",
        "tokenizer/vocab.json",
        "tokenizer/merges.txt",
        "tokenizer/tokenizer_config.json",
    }
)
_OPTIONAL = frozenset({"tokenizer/special_tokens_map.json"})
_MAX_CHARACTERS = 8_000_000

# diffusers imports the classes that this file names, so it is never taken from a checkpoint.
_MODEL_INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def embedded_configuration(metadata: Mapping[str, str]) -> Mapping[str, str] | None:
    """The configuration files that safetensors metadata carries, by relative path.

    Returns None when it carries none.

    Raises:
        ModelNotLoadable: it carries some, and they are incomplete, too large or no JSON.
    """
    files = {name: text for name, text in metadata.items() if name in _REQUIRED | _OPTIONAL}
    if not files:
        return None
    if missing := sorted(_REQUIRED - files.keys()):
        raise ModelNotLoadable(f"its embedded configuration lacks {', '.join(missing)}")
    if sum(map(len, files.values())) > _MAX_CHARACTERS:
        raise ModelNotLoadable(
            f"its embedded configuration has more than {_MAX_CHARACTERS} characters"
        )
    for name, text in files.items():
        if name.endswith(".json"):
            _check_object(name, text)
    return files | {"model_index.json": json.dumps(_MODEL_INDEX)}


@contextmanager
def configuration_folder(files: Mapping[str, str]) -> Iterator[str]:
    """A temporary folder that holds `files`, as diffusers wants them."""
    with tempfile.TemporaryDirectory(prefix="ai-inference-") as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        yield folder


def _check_object(name: str, text: str) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelNotLoadable(f"{name} in its embedded configuration is no JSON") from error
    if not isinstance(value, dict):
        raise ModelNotLoadable(f"{name} in its embedded configuration is no JSON object")
