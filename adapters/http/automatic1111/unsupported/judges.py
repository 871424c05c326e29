"""Verdicts on values that several fields of AUTOMATIC1111's API can have."""

from collections.abc import Mapping
from typing import Any

from adapters.http.automatic1111.unsupported.scripts import NO_CHECKPOINT
from adapters.http.automatic1111.unsupported.verdicts import NOTHING, Verdict

__all__ = ["ancestral_noise", "is_number", "noise_factor", "refiner", "seed_size", "styles"]


def styles(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """Judge `styles`: the names of saved prompts, which this service does not have."""
    names = value if isinstance(value, list) else [value]
    chosen = [name for name in names if name not in (*NOTHING, *NO_CHECKPOINT)]
    return Verdict.REFUSED if chosen else Verdict.NOTHING


def seed_size(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """Judge `seed_resize_from_w` and `_h`: another size that the noise is drawn for."""
    is_off = value in NOTHING or (is_number(value) and value < 0)
    return Verdict.NOTHING if is_off else Verdict.REFUSED


def refiner(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """Judge `refiner_checkpoint`: a checkpoint that draws the last steps."""
    switch_at: Any = sent.get("refiner_switch_at")
    never = is_number(switch_at) and switch_at >= 1
    none_named = value in (*NOTHING, *NO_CHECKPOINT)
    return Verdict.NOTHING if none_named or never else Verdict.REFUSED


def ancestral_noise(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """Judge `eta`. Its own value is 1 for ancestral samplers and 0 for DDIM; others have no eta."""
    if not is_number(value):
        return Verdict.NOTHING if value in NOTHING else Verdict.REFUSED
    if value not in (0, 1):
        return Verdict.REFUSED
    sampler = str(sent.get("sampler_name") or sent.get("sampler_index") or "").lower()
    is_ddim = "ddim" in sampler
    is_ancestral = sampler.endswith(" a") or " a " in sampler or "sde" in sampler
    differs = (is_ddim and value != 0) or (is_ancestral and value != 1)
    return Verdict.IGNORED if differs else Verdict.NOTHING


def noise_factor(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """Judge `s_noise`, which is always 1. The example of AUTOMATIC1111's API has 0."""
    if value is None or (is_number(value) and value == 1):
        return Verdict.NOTHING
    return Verdict.IGNORED if value in NOTHING else Verdict.REFUSED


def is_number(value: object) -> bool:
    """Return whether `value` is a number, and not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)
