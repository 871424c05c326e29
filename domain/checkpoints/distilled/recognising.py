"""Which checkpoints draw in few steps, and how that is known.

A model that was distilled draws in 1 to 8 steps and with little or no guidance. Most have the very
tensors of the model that they were distilled from, so the header of a file cannot tell. These tell,
and the first that says something decides:

1. The bytes: the SHA-256 of a published file (`published.py`).
2. The network: the UNet of a latent consistency model takes the guidance as an input.
3. The title or the name of the training in the metadata.
4. The name of the file.

The last two are hints of people, and no proof. A model with such a hint draws with the defaults of
its method too, because the usual 30 steps with a guidance of 7.5 would spoil every picture. But
each result says so in `warnings`. A request, and the user's settings for the model, come before
these defaults.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from domain.checkpoints.distilled.published import PUBLISHED_DISTILLED
from domain.models.distilled import Distilled, Evidence, Method
from domain.models.kinds import ModelFamily, ModelKind, base_family
from domain.models.record import ModelRecord
from domain.models.training import Prediction, Training
from domain.sizes import Size

__all__ = ["distilled_by_header", "with_distillation"]

_BASES = frozenset({ModelFamily.SD_1, ModelFamily.SD_2, ModelFamily.SDXL})
_PIX2PIX = frozenset({ModelFamily.SD_1_PIX2PIX, ModelFamily.SDXL_PIX2PIX})
_TITLES = ("modelspec.title", "ss_output_name")
"""The metadata of Stability AI's ModelSpec 1.0, and of kohya-ss/sd-scripts."""
_LONGEST = 300
_NOISE = Training(prediction=Prediction.EPSILON)
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


def with_distillation(record: ModelRecord, by_header: Distilled | None) -> ModelRecord:
    """Return the record of a model with what is known of its distillation.

    Args:
        record: The record. A record of anything but a checkpoint that draws is returned as it is.
        by_header: What the header of its file says.
    """
    if record.kind is not ModelKind.CHECKPOINT or not record.loadable:
        return record
    found = PUBLISHED_DISTILLED.get(record.id) or by_header
    if found is None and _may_be(record.family):
        stem = record.name[: len(record.name) - len(record.extension)]
        found = _hint(stem, Evidence.NAME)
    if found is None:
        return record
    side = found.native_side
    size = record.native_size if side is None else Size(side, side)
    own = found.defaults
    if own.scheduler not in record.schedulers:
        own = replace(own, scheduler=None)
    defaults = record.defaults.over(own)
    known = replace(record, distilled=found, native_size=size, defaults=defaults)
    if base_family(record.family) is ModelFamily.SD_2 and found.evidence is Evidence.BYTES:
        # The scheduler of stabilityai/sd-turbo predicts noise. Nothing in the file says so.
        known = replace(known, family=ModelFamily.SD_2, training=_NOISE.over(known.training))
    training = found.training if known.training is None else known.training.over(found.training)
    return replace(known, training=training)


def _may_be(family: ModelFamily | None) -> bool:
    return base_family(family) in _BASES and family not in _PIX2PIX


def _hint(text: str, evidence: Evidence) -> Distilled | None:
    words = [word.lower() for word in _WORD.findall(text[:_LONGEST])]
    method = _method(words)
    return None if method is None else Distilled(method, evidence, _steps(words))


def _method(words: Sequence[str]) -> Method | None:
    for word, following in pairwise([*words, ""]):
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
