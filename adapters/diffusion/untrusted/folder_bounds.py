"""Bounds for the configuration files of a diffusers folder, before a library reads one.

The classes of a folder are many, and each has fields of its own, so a field is held to a rule by
its name. Numbers whose names say nothing have a bound too; how many modules are made of them is
counted while they are (`ticking`).
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapters.diffusion.untrusted.configuration_rules import (
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
from domain.errors import ModelNotLoadable

__all__ = ["check_folder", "json_object"]

_CONFIGURATION_BYTES, _TOKENIZER_BYTES = 4 * 2**20, 64 * 2**20
# Published configurations are nested 4 deep; a tokenizer's 6.
_DEEPEST = 32
_MOST_VALUES = 200_000
_LONGEST_LIST = 20_000
_LONGEST_TEXT = 100_000
# Widths, sizes and whatever else has no rule of its own. T5's largest width is 65,536.
_MOST_OF_ANYTHING = 2**17
# What transformers writes for a tokenizer that has no length: int(1e30).
_NO_LENGTH = 10**29
# A table of positions in two dimensions is computed: side x side x width. Stable Diffusion 3.5 has
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
# A list of one value for each level of a network: as many modules are made.
_LEVELLED = re.compile(r".*(block_types|out_channels|_mult|channel_mult|num_attention_heads)|width")


def check_folder(folder: str) -> None:
    """Hold every configuration file of a folder to its bounds; tokenizers have a check of theirs.

    Raises:
        ModelNotLoadable: one is too large or too deep, is not JSON, or has a value out of bounds;
            the message names the file, the field, the value and what it must be.
    """
    for path in sorted(Path(folder).rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        if path.name in ("tokenizer.json", "vocab.json") or name.endswith(".index.json"):
            if path.stat().st_size > _TOKENIZER_BYTES:
                raise _refused(name, f"has more than {_TOKENIZER_BYTES:,} bytes")
            continue
        if path.stat().st_size > _CONFIGURATION_BYTES:
            raise _refused(name, f"has more than {_CONFIGURATION_BYTES:,} bytes")
        _check_values(name, json_object(path, name))
    for part in sorted(Path(folder).glob("transformer*/config.json")):
        _check_positions(f"{part.parent.name}/config.json", json_object(part, part.name))
    for tokenizer in sorted(Path(folder).glob("tokenizer*/tokenizer_config.json")):
        _check_length(Path(folder), tokenizer, _encoder_of(tokenizer))
    for vocabulary in sorted(Path(folder).glob("tokenizer*/*.json")):
        if vocabulary.name in ("tokenizer.json", "vocab.json", "added_tokens.json"):
            _check_numbers(Path(folder), vocabulary, _encoder_of(vocabulary))


def json_object(path: Path, name: str) -> dict[str, Any]:
    """The JSON object in a file, as every reader of JSON reads it.

    Raises:
        ModelNotLoadable: it is missing, is not a JSON object, or names a field twice.
    """

    def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            raise _refused(name, "names a field twice")
        return table

    try:
        value = json.loads(path.read_bytes(), object_pairs_hook=without_twins)
    except FileNotFoundError as error:
        raise ModelNotLoadable(f"its {name} is missing") from error
    except (ValueError, RecursionError) as error:
        raise _refused(name, "is not JSON") from error
    if not isinstance(value, dict):
        raise _refused(name, "is not a JSON object")
    return value


def _check_values(name: str, table: Mapping[str, Any]) -> None:
    for count, (field, value, depth) in enumerate(_walked("", table, 0)):
        if depth > _DEEPEST:
            raise _refused(name, f"is nested more than {_DEEPEST} deep")
        if count > _MOST_VALUES:
            raise _refused(name, f"has more than {_MOST_VALUES:,} values")
        if (told := _problem(field, value)) is not None:
            raise _refused(name, f"has a {field[:80]} of {shown(value)}; it must be {told}")


def _walked(field: str, value: object, depth: int) -> Iterator[tuple[str, object, int]]:
    """Each value with the name of the field that it is of; a list's values are of its field."""
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
    """What a value of this field must be; None when it is that, or is no number, list or text."""
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
        # What is no whole number under one of these names is a share, a factor or a rate.
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
    """A transformer's table of positions is computed when it is made."""
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


def _check_length(folder: Path, tokenizer: Path, encoder: Path) -> None:
    """CLIP's tokenizer fills every text up to its length, for which its encoder has positions."""
    if not encoder.is_file():
        return
    about, network = json_object(tokenizer, tokenizer.name), json_object(encoder, encoder.name)
    length, kind = about.get("model_max_length"), network.get("model_type")
    positions = network.get("max_position_embeddings", 77)
    if not isinstance(kind, str) or not kind.startswith("clip") or length is None:
        return
    if not isinstance(length, int) or not isinstance(positions, int) or length > positions:
        raise _refused(
            tokenizer.relative_to(folder).as_posix(),
            f"has a model_max_length of {shown(length)}; its text encoder reads {positions} tokens",
        )


def _check_numbers(folder: Path, vocabulary: Path, encoder: Path) -> None:
    """A token's number is a row of the text encoder's table: there must be one.

    On a GPU a number outside of it ends all work of the process.
    """
    network = json_object(encoder, encoder.name) if encoder.is_file() else {}
    inner = network.get("text_config")
    size = network.get("vocab_size", inner.get("vocab_size") if isinstance(inner, dict) else None)
    if type(size) is not int:
        return
    name = vocabulary.relative_to(folder).as_posix()
    table = json_object(vocabulary, name)
    highest = max(_token_numbers(table), default=0)
    if highest >= size:
        raise _refused(name, f"numbers a token {highest:,}; its text encoder has {size:,}")


def _token_numbers(table: Mapping[str, Any]) -> Iterator[int]:
    """The numbers of all tokens: of a `tokenizer.json`, or of a table of numbers by token."""
    model = table.get("model")
    if not isinstance(model, dict):
        yield from (each for each in table.values() if type(each) is int)
        return
    words, added = model.get("vocab"), table.get("added_tokens")
    if isinstance(words, list):  # of a Unigram model, where a token's place is its number
        yield len(words) - 1
    elif isinstance(words, dict):
        yield from (each for each in words.values() if type(each) is int)
    for each in added if isinstance(added, list) else ():
        if isinstance(each, dict) and type(each.get("id")) is int:
            yield each["id"]


def _encoder_of(path: Path) -> Path:
    """The configuration of the text encoder that a file in a tokenizer's folder belongs to."""
    part = path.parent
    return part.parent / part.name.replace("tokenizer", "text_encoder") / "config.json"


def _whole_numbers(value: object) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if type(each) is int]


def _refused(name: str, problem: str) -> ModelNotLoadable:
    return ModelNotLoadable(f"its {name} {problem}")
