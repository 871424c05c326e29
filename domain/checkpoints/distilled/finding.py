"""Finds out whether a model is distilled."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from domain.checkpoints.distilled.methods import Distilled, Evidence, Method
from domain.checkpoints.distilled.published import PUBLISHED
from domain.models.kinds import ModelFamily, base_family

__all__ = ["distilled_by_header", "distilled_by_record"]

_BASES = frozenset({ModelFamily.SD_1, ModelFamily.SD_2, ModelFamily.SDXL})
_PIX2PIX = frozenset({ModelFamily.SD_1_PIX2PIX, ModelFamily.SDXL_PIX2PIX})
_TITLES = ("modelspec.title", "ss_output_name")
"""The metadata of Stability AI's ModelSpec 1.0, and of kohya-ss/sd-scripts."""
_LONGEST = 300
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
"""A word of a name: `modelXL_v9Lightning_4step` has model, XL, v, 9, Lightning, 4 and step."""
_MOST_STEPS = 16


def distilled_by_header(
    family: ModelFamily | None, metadata: Mapping[str, str], *, takes_guidance: bool
) -> Distilled | None:
    """Return what the header of a checkpoint says.

    Args:
        family: The family of the checkpoint.
        metadata: The texts beside the tensors.
        takes_guidance: Whether its UNet takes the guidance as an input.
    """
    if takes_guidance:
        return Distilled(Method.LCM, Evidence.NETWORK)
    if not _may_be(family):
        return None
    found = (_hint(metadata.get(key, ""), Evidence.METADATA) for key in _TITLES)
    return next((each for each in found if each is not None), None)


def distilled_by_record(
    family: ModelFamily | None, name: str, digest: str, by_header: Distilled | None
) -> Distilled | None:
    """Return what is known of a checkpoint.

    Args:
        family: The family of the checkpoint.
        name: The name of its file or folder, without the ending.
        digest: The SHA-256 of its bytes.
        by_header: What its header says.
    """
    if (published := PUBLISHED.get(digest)) is not None:
        return published
    if by_header is not None or not _may_be(family):
        return by_header
    return _hint(name, Evidence.NAME)


def _may_be(family: ModelFamily | None) -> bool:
    return base_family(family) in _BASES and family not in _PIX2PIX


def _hint(text: str, evidence: Evidence) -> Distilled | None:
    words = [word.lower() for word in _WORD.findall(text[:_LONGEST])]
    method = _method(words)
    return None if method is None else Distilled(method, evidence, _steps(words))


def _method(words: Sequence[str]) -> Method | None:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "lcm":
            return Method.LCM
        if word.startswith("turbo"):
            return Method.TURBO
        if word == "lightning":
            return Method.LIGHTNING
        # Many models that are not distilled are «hyper realistic».
        if word == "hyper" and not following.startswith(("real", "photo", "detail")):
            return Method.HYPER
        if word == "dmd":
            return Method.DMD2
    return None


def _steps(words: Sequence[str]) -> int | None:
    """Return the number of steps: that of `4step`, `8 steps` or `4S`."""
    for number, unit in pairwise(words):
        is_number = number.isascii() and number.isdigit() and len(number) <= 2
        if is_number and unit in ("step", "steps", "s") and 1 <= int(number) <= _MOST_STEPS:
            return int(number)
    return None
