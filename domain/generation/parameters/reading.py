"""Reads the parameters of a picture."""

import re
from collections.abc import Sequence

__all__ = ["NEGATIVE", "parse_parameters"]

NEGATIVE = "Negative prompt:"
"""The start of the negative prompt."""
_FEWEST_SETTINGS = 3
"""A last line with fewer settings counts as a part of the prompt."""
_LONGEST_SETTINGS = 65_536
"""Characters. A longer last line is not a line of settings, and would take long to parse."""
_SETTING = re.compile(r'\s*(\w[\w \-/]{0,63}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")


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
        if line.lstrip().startswith(NEGATIVE):
            negative = (line.lstrip().removeprefix(NEGATIVE), *lines[number + 1 :])
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


def _unquoted(value: str) -> str:
    if len(value) < 2 or not value.startswith('"') or not value.endswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])
