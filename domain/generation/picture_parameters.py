"""The parameters of a picture, as the text that Stable Diffusion tools write into pictures.

The form is AUTOMATIC1111's (`modules/infotext_utils.py`): the prompt, the negative prompt, and a
line of settings. Both prompts may have several lines.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.generation.request import GenerationRequest
from domain.models.record import SHORT_ID

__all__ = ["PictureParameters", "enlarged_text", "parameters_text", "parse_parameters"]

_NEGATIVE = "Negative prompt:"
_FEWEST_SETTINGS = 3
"""A last line with fewer settings counts as a part of the prompt."""
_LONGEST_SETTINGS = 65_536
"""Characters. A longer last line is not a line of settings, and would take long to parse."""
_SETTING = re.compile(r'\s*(\w[\w \-/]{0,63}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class PictureParameters:
    """The texts of a picture: its `parameters`, which may be empty, and its other `items`."""

    text: str = ""
    items: Mapping[str, str] = field(default_factory=dict)


def parameters_text(request: GenerationRequest, *, seed: int | None, sampler: str) -> str:
    """Return the parameters of the picture of `request` with `seed`.

    `sampler` is the scheduler's name for people.
    """
    lines = [request.prompt]
    if request.negative_prompt:
        lines.append(f"{_NEGATIVE} {request.negative_prompt}")
    lines.append(
        f"Steps: {request.num_inference_steps}, Sampler: {sampler}, "
        f"CFG scale: {request.guidance_scale:g}, Seed: {seed}, "
        f"Size: {request.width}x{request.height}, Model hash: {request.model_id[:SHORT_ID]}"
    )
    return "\n".join(lines)


def enlarged_text(source: str, *, upscaler: str, scale: float, width: int, height: int) -> str:
    """Return the parameters of a picture that was enlarged.

    They are those of the picture before, with AUTOMATIC1111's names of what was done to it
    (`scripts/postprocessing_upscale.py`).

    Args:
        source: The parameters of the picture before; empty if it has none.
        upscaler: The name of the upscaler, for people.
        scale: The factor of the width.
        width: Pixels of the enlarged picture.
        height: Pixels of the enlarged picture.
    """
    done = f"Postprocess upscale by: {scale:g}, Postprocess upscaler: {_quoted(upscaler)}"
    text = source.rstrip()
    if parse_parameters(text).keys() - {"Prompt", "Negative prompt"}:
        return f"{text}, {done}"
    # A line of settings has at least three of them.
    settings = f"{done}, Size: {width}x{height}"
    return f"{text}\n{settings}" if text else settings


def parse_parameters(text: str) -> dict[str, str]:
    """Return the settings of such a text by their names, with `Prompt` and `Negative prompt`.

    A size also has an entry for each side, `Size-1` and `Size-2`. An empty text has no settings.
    """
    if not text.strip():
        return {}
    *lines, last = text.strip().split("\n")
    settings = _settings(last) if len(last) <= _LONGEST_SETTINGS else {}
    if len(settings) < _FEWEST_SETTINGS:
        lines, settings = [*lines, last], {}
    prompt, negative = _prompts(lines)
    return {"Prompt": prompt, "Negative prompt": negative, **settings}


def _prompts(lines: Sequence[str]) -> tuple[str, str]:
    for number, line in enumerate(lines):
        if line.lstrip().startswith(_NEGATIVE):
            negative = (line.lstrip().removeprefix(_NEGATIVE), *lines[number + 1 :])
            return "\n".join(lines[:number]).strip(), "\n".join(negative).strip()
    return "\n".join(lines).strip(), ""


def _settings(line: str) -> dict[str, str]:
    settings: dict[str, str] = {}
    place = 0
    while place < len(line):
        if (found := _SETTING.match(line, place)) is None:
            place = (line.find(",", place) + 1) or len(line)
            continue
        place = found.end()
        name, value = found[1], _unquoted(found[2].strip())
        settings[name] = value
        if sides := _SIZE.fullmatch(value):
            settings[f"{name}-1"], settings[f"{name}-2"] = sides.groups()
    return settings


def _quoted(value: str) -> str:
    """Return a value as it stands in a line of settings, in JSON's quotes if it needs any."""
    return json.dumps(value, ensure_ascii=False) if re.search(r'[,:\n"]', value) else value


def _unquoted(value: str) -> str:
    if len(value) < 2 or not value.startswith('"') or not value.endswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])
