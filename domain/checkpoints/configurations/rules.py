"""Rules for the values of configuration files, and the bounds that they share.

A checkpoint or a folder may come from anybody. The same bounds apply to a configuration inside a
checkpoint and to one in files beside the weights. They apply before anything is built.
"""

import math
from collections.abc import Callable

__all__ = [
    "LEVELS",
    "MOST_CHANNELS",
    "MOST_LAYERS",
    "MOST_TOKENS",
    "MOST_TRAINING_STEPS",
    "SCALING_FACTORS",
    "Rule",
    "list_of",
    "number",
    "one_of",
    "or_list",
    "shown",
    "whole",
]

Rule = Callable[[object], str | None]
"""Returns what a value must be, or None if the value is valid."""

MOST_CHANNELS = 4096
"""Channels of a level of Stable Diffusion's UNet or VAE. Published ones have up to 1,280."""
LEVELS = 8
"""Levels of a UNet or autoencoder; published ones have four."""
MOST_LAYERS = 128
"""Layers of a text encoder or transformer; those of diffusers' pipelines have up to 60."""
MOST_TRAINING_STEPS = 10_000
"""Rows of a scheduler's table of noise levels; nearly all have 1,000."""
MOST_TOKENS = 2**20
"""Tokens of a vocabulary, or positions of a text encoder; published ones have up to 262,208."""
SCALING_FACTORS = (1e-4, 1e4)
"""The least and the largest scaling factor of an autoencoder; published ones are 0.13 to 1.5."""


def shown(value: object) -> str:
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'table'} of {len(value)}"
    if type(value) is int and abs(value) >= 10**20:
        return "a number of more than 20 digits"
    return ascii(value)[:60]


def whole(least: int, most: int) -> Rule:
    def rule(value: object) -> str | None:
        good = type(value) is int and least <= value <= most
        return None if good else f"a whole number from {least} to {most:,}"

    return rule


def number(least: float, most: float) -> Rule:
    def rule(value: object) -> str | None:
        good = type(value) in (int, float) and least <= value <= most  # type: ignore[operator]
        return None if good and math.isfinite(value) else f"a number from {least} to {most}"  # type: ignore[arg-type]

    return rule


def one_of(*values: object) -> Rule:
    def rule(value: object) -> str | None:
        # Python treats True as 1.
        good = any(type(value) is type(other) and value == other for other in values)
        return None if good else " or ".join("null" if one is None else str(one) for one in values)

    return rule


def list_of(rule: Rule, least: int, most: int) -> Rule:
    def list_rule(value: object) -> str | None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            return f"a list of {least} to {most}" if least < most else f"a list of {most}"
        return next((f"a list of {told} each" for one in value if (told := rule(one))), None)

    return list_rule


def or_list(rule: Rule) -> Rule:
    listed = list_of(rule, 1, LEVELS)
    return lambda value: listed(value) if isinstance(value, list) else rule(value)
