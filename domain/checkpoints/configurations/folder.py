"""Checks the configuration files of a diffusers folder before a library reads them.

A folder may have many classes, each with its own fields. So the name of a field decides which rule
applies. A number whose name has no rule is bounded too. `ticking` counts the modules while they are
made.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from domain.checkpoints.configurations.json_text import UnusableConfiguration
from domain.checkpoints.configurations.rules import (
    LEVELS,
    MOST_LAYERS,
    MOST_TOKENS,
    MOST_TRAINING_STEPS,
    SCALING_FACTORS,
    Rule,
    number,
    shown,
    whole,
)
from domain.checkpoints.configurations.vocabularies import (
    CONFIGURATION_BYTES,
    INDEX,
    TOKENIZER_BYTES,
    VOCABULARIES,
    SmallFiles,
    check_pieces,
    check_vocabulary_file,
    is_large,
)

__all__ = ["check_folder"]

# Published folders have up to 20.
_MOST_FILES = 500
# Published configurations are nested 4 deep; a tokenizer's 6.
_DEEPEST = 32
_MOST_VALUES = 200_000
_LONGEST_LIST = 20_000
_LONGEST_TEXT = 100_000
# Widths, sizes and all fields without their own rule. T5's largest width is 65,536.
_MOST_OF_ANYTHING = 2**17
# transformers writes int(1e30) for a tokenizer without a length.
_NO_LENGTH = 10**29
# A table of positions in two dimensions has side x side x width numbers. Stable Diffusion 3.5 has
# 384 x 384 x 2,432.
_MOST_SIDE, _MOST_TABLE = 1024, 2**29

_STEPS, _LAYERS = whole(1, MOST_TRAINING_STEPS), whole(0, MOST_LAYERS)
_TOKENS = whole(-1, MOST_TOKENS)
_PER_LEVEL, _TRANSFORMERS = whole(0, 8), whole(0, 16)
_RULES: tuple[tuple[re.Pattern[str], Rule], ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"num_train_timesteps|original_inference_steps|num_train_steps", _STEPS),
        (r"(reverse_)?transformer_layers_per_block", _TRANSFORMERS),
        (r"layers_per_block|num_res_blocks|num_convs", _PER_LEVEL),
        (r".*(layers|blocks|depth|stages|refiner)", _LAYERS),
        (r"solver_order", whole(1, 3)),
        (r"scaling_factor", number(*SCALING_FACTORS)),
        (r"extra_ids|num_additional_tokens", whole(0, 10_000)),
        (r".*(token_id|token_index|_index|_idx|id)s?", _TOKENS),
        (r".*(vocab|position|length|seq|window).*", _TOKENS),
        (r"sample_size|pos_embed_max_size|image_size", whole(0, 8192)),
        (r"(num_)?.*groups|.*kernel.*|.*stride.*|.*padding", whole(-1, 8192)),
    )
)
# Lists of one value for each level of a network. The network has as many modules.
_LEVELLED = re.compile(r".*(block_types|out_channels|_mult|channel_mult|num_attention_heads)|width")


def check_folder(sizes: Mapping[str, int], read: Callable[[str, int], bytes]) -> None:
    """Check the bounds of every JSON file of a folder. It builds and imports nothing.

    It reads each file once, except the small configurations of text encoders.

    Args:
        sizes: The size of each file in bytes, by its path from the folder.
        read: Returns the first bytes of the file at a path, at most a given number.

    Raises:
        UnusableConfiguration: A file is too large or too deep, is not JSON, or has a value out of
            bounds. The reason names the file, the field, the value and what it must be.
        OSError: A file cannot be read.
    """
    paths = sorted(path for path in sizes if path.endswith(".json") and _is_read(path))
    if len(paths) > _MOST_FILES:
        raise UnusableConfiguration(f"it has more than {_MOST_FILES} configuration files")
    for path in paths:
        most = TOKENIZER_BYTES if is_large(path) else CONFIGURATION_BYTES
        if sizes[path] > most:
            raise _refused(path, f"has more than {most:,} bytes")
    files = SmallFiles(frozenset(sizes), read)
    for path in paths:
        part, _, name = path.rpartition("/")
        if name in VOCABULARIES:
            check_vocabulary_file(part, path, files)
        elif INDEX in name:
            _check_shards(path, files.table(path))
        else:
            table = files.table(path)
            _check_values(path, table)
            if name == "config.json" and part.startswith("transformer") and "/" not in part:
                _check_positions(path, table)
            if name == "tokenizer_config.json" and part.startswith("tokenizer"):
                _check_length(path, table, files.encoder_of(part))
                check_pieces(part, table, sizes, files)


def _is_read(path: str) -> bool:
    """Return whether a loader may read a file: the index, or a file in the folder of a part."""
    part, _, name = path.rpartition("/")
    if not part:
        return name == "model_index.json"
    return name != "adapter_config.json" and not path.startswith(".") and "/." not in path


def _check_values(name: str, table: Mapping[str, Any]) -> None:
    for count, (field, value, depth) in enumerate(_walked("", table, 0)):
        if depth > _DEEPEST:
            raise _refused(name, f"is nested more than {_DEEPEST} deep")
        if count > _MOST_VALUES:
            raise _refused(name, f"has more than {_MOST_VALUES:,} values")
        if (told := _problem(field, value)) is not None:
            raise _refused(name, f"has a {field[:80]} of {shown(value)}; it must be {told}")


def _walked(field: str, value: object, depth: int) -> Iterator[tuple[str, object, int]]:
    """Yield each value with the name of its field. Values of a list have the field of the list."""
    yield field, value, depth
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _walked(key, each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _walked(field, each, depth + 1)


def _problem(field: str, value: object) -> str | None:
    """Return what a value of this field must be; None if the value is valid.

    A value that is not a number, a list or a text is valid.
    """
    if isinstance(value, list):
        most = LEVELS if _LEVELLED.fullmatch(field) else _LONGEST_LIST
        return None if len(value) <= most else f"a list of up to {most}"
    if isinstance(value, str):
        return None if len(value) <= _LONGEST_TEXT else f"a text of up to {_LONGEST_TEXT:,} signs"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if field == "model_max_length":
        fits = value > _NO_LENGTH or 1 <= value <= MOST_TOKENS
        return None if fits else f"a whole number from 1 to {MOST_TOKENS:,}"
    for pattern, rule in _RULES:
        # A fraction under one of these names is a share, a factor or a rate.
        if pattern.fullmatch(field) and (isinstance(value, int) or field == "scaling_factor"):
            return rule(value)
    if isinstance(value, int):
        is_theta = field.endswith("theta")
        most = 10**9 if is_theta else _MOST_OF_ANYTHING
        return None if abs(value) <= most else f"a number from {-most:,} to {most:,}"
    if value == -math.inf and field == "lambda_min_clipped":  # as diffusers writes it
        return None
    return number(-1e12, 1e12)(value)


def _check_positions(name: str, table: Mapping[str, Any]) -> None:
    """Check the size of a transformer's table of positions, which is computed when it is made."""
    sizes = table.get("sample_size"), table.get("pos_embed_max_size")
    sides = [each for size in sizes for each in _whole_numbers(size)]
    heads, width = table.get("num_attention_heads"), table.get("attention_head_dim")
    if not sides:
        return
    side = max(sides)
    if side > _MOST_SIDE:
        raise _refused(name, f"has a side of {side:,}; it must be up to {_MOST_SIDE:,}")
    columns = max(_whole_numbers(heads), default=1) * max(_whole_numbers(width), default=1)
    if side**2 * columns > _MOST_TABLE:
        raise _refused(name, f"has {side:,} x {side:,} positions of {columns:,} numbers")


def _check_length(name: str, about: Mapping[str, Any], network: Mapping[str, Any]) -> None:
    """Check the length that CLIP's tokenizer pads texts to. The encoder needs as many positions."""
    length, kind = about.get("model_max_length"), network.get("model_type")
    positions = network.get("max_position_embeddings", 77)
    if not isinstance(kind, str) or not kind.startswith("clip") or length is None:
        return
    if not isinstance(length, int) or not isinstance(positions, int) or length > positions:
        raise _refused(
            name,
            f"has a model_max_length of {shown(length)}; its text encoder reads {positions} tokens",
        )


def _check_shards(name: str, table: Mapping[str, Any]) -> None:
    """Check that an index of weights names only files in its own folder."""
    places = table.get("weight_map")
    for place in places.values() if isinstance(places, dict) else [None]:
        if not isinstance(place, str) or not place or "/" in place or place.startswith("."):
            raise _refused(name, f"has {shown(place)} as a shard; shards lie beside it")


def _whole_numbers(value: object) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if type(each) is int]


def _refused(name: str, problem: str) -> UnusableConfiguration:
    return UnusableConfiguration(f"its {name} {problem}")
