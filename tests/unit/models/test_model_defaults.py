"""The defaults of a model."""

from typing import Any

import pytest

from domain.generation.fields import V1_LIMITS
from domain.generation.parts.rules import PLAIN
from domain.models.defaults import DEFAULTS_LIMITS, NO_DEFAULTS, ModelDefaults
from domain.samplers import Scheduler

BOUNDS: tuple[tuple[str, Any, Any], ...] = (
    ("num_inference_steps", (1, 150), (0, 151, 2.5, True, "4")),
    ("guidance_scale", (1, 1.0, 20.0), (0.99, 20.01, float("nan"), True, "7")),
    ("scheduler", ("Euler a", Scheduler.LCM), ("euler a", "", 1)),
    ("clip_skip", (1, 12), (0, 13, 1.0, True)),
)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, good, _ in BOUNDS for value in good]
)
def test_a_default_within_its_limit_is_kept(name: str, value: Any) -> None:
    assert dict(ModelDefaults(**{name: value}).items()) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, _, bad in BOUNDS for value in bad]
)
def test_a_default_outside_its_limit_is_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"the default {name} is "):
        ModelDefaults(**{name: value})


def test_every_api_takes_every_default() -> None:
    for name, limit in DEFAULTS_LIMITS.items():
        assert limit == (PLAIN[name] if name in PLAIN else V1_LIMITS[name]), name


def test_a_scheduler_is_kept_as_a_scheduler() -> None:
    told: Any = "Euler a"
    assert ModelDefaults(scheduler=told).scheduler is Scheduler.EULER_A


def test_defaults_without_a_value_are_none_at_all() -> None:
    assert not NO_DEFAULTS
    assert ModelDefaults(clip_skip=1)
    assert list(NO_DEFAULTS.items()) == []


def test_the_first_of_two_defaults_wins_field_by_field() -> None:
    header = ModelDefaults(num_inference_steps=4, guidance_scale=1.0)
    own = ModelDefaults(guidance_scale=2.0, vae_id="ab" * 32)
    assert own.over(header) == ModelDefaults(4, 2.0, vae_id="ab" * 32)
    assert NO_DEFAULTS.over(header) == header
