"""The configuration that a checkpoint in one file carries in its metadata.

The metadata then has an entry for each file of a diffusers folder, under the file's relative path.
A file may come from anybody, so little is allowed: names and fields come from lists, numbers are
bounded, and the file names no class.
"""

import json
from collections.abc import Mapping
from typing import NoReturn

from domain.checkpoints.configurations.consistency import (
    check_together,
    check_vocabulary,
    special_tokens,
)
from domain.checkpoints.configurations.fields import Fields, checked_fields, refuse
from domain.checkpoints.configurations.json_text import UnusableConfiguration

__all__ = ["CONFIGURATION_FILES", "embedded_configuration"]

CONFIGURATION_FILES = (
    "model_index.json",
    "unet/config.json",
    "vae/config.json",
    "text_encoder/config.json",
    "scheduler/scheduler_config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "tokenizer/tokenizer_config.json",
)
"""The small files of a diffusers folder, by their paths. The metadata of a checkpoint holds all or
none of them. `model_index.json` says that they belong to a StableDiffusionPipeline."""

_INDEX, _MERGES, _VOCABULARY = "model_index.json", "tokenizer/merges.txt", "tokenizer/vocab.json"
_TOKENIZER, _ENCODER = "tokenizer/tokenizer_config.json", "text_encoder/config.json"
_SCHEDULER = "scheduler/scheduler_config.json"
_MAX_CHARACTERS = 8_000_000

# diffusers imports the classes that this file names, so it is never taken from a checkpoint.
_MODEL_INDEX: Mapping[str, object] = {
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
    """Return the configuration files that safetensors metadata carries, by relative path.

    The files are written again from the known fields alone. Without such files the result is None.

    Raises:
        UnusableConfiguration: The files are incomplete, too large or not JSON, or describe a model
            that cannot be built. The reason names the file and the field.
    """
    texts = {name: metadata[name] for name in CONFIGURATION_FILES if name in metadata}
    if not texts:
        return None
    if missing := sorted(set(CONFIGURATION_FILES) - texts.keys()):
        raise UnusableConfiguration(f"its embedded configuration lacks {', '.join(missing)}")
    if sum(map(len, texts.values())) > _MAX_CHARACTERS:
        raise UnusableConfiguration(
            f"its embedded configuration has more than {_MAX_CHARACTERS} characters"
        )
    for name, text in texts.items():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise refuse(name, "holds half a character, which no file can") from error
    merges = texts.pop(_MERGES)
    tables = {name: _object(name, text) for name, text in texts.items()}
    if tables.pop(_INDEX).get("_class_name") != _MODEL_INDEX["_class_name"]:
        raise refuse(_INDEX, f"has another _class_name than {_MODEL_INDEX['_class_name']}")
    vocabulary = tables.pop(_VOCABULARY)
    tokens = special_tokens(tables[_TOKENIZER])
    known = {name: checked_fields(name, fields) for name, fields in tables.items()}
    check_together(known)
    check_vocabulary(vocabulary, merges, tokens, known[_ENCODER])
    known[_TOKENIZER] |= {"tokenizer_class": "CLIPTokenizer", **tokens}
    known[_SCHEDULER] |= {"_class_name": "DPMSolverMultistepScheduler"}
    files = {_INDEX: _MODEL_INDEX, **known, _VOCABULARY: vocabulary}
    return {**{name: json.dumps(fields) for name, fields in files.items()}, _MERGES: merges}


def _object(name: str, text: str) -> Fields:
    def without_twins(pairs: list[tuple[str, object]]) -> Fields:
        if len(fields := dict(pairs)) < len(pairs):
            raise refuse(name, "names a field twice")
        return fields

    def refuse_constant(text: str) -> NoReturn:
        raise refuse(name, f"holds {text}, which is not JSON")

    try:
        value = json.loads(text, object_pairs_hook=without_twins, parse_constant=refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise refuse(name, "is not JSON") from error
    if not isinstance(value, dict):
        raise refuse(name, "is not a JSON object")
    return value
