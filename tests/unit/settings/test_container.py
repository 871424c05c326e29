"""Settings reach the objects that they configure."""

from dataclasses import fields

import pytest

from application.settings.plan_overrides import PlanOverrides
from application.settings.settings import Settings
from container import Container

WORDS = {name: choices[-1] for name, choices in PlanOverrides.CHOICES.items()}
VALUES = WORDS | {"device": "cuda:1", "compile": True, "threads": 3, "max_batch": 5}


@pytest.mark.parametrize("name", [row.name for row in fields(PlanOverrides)])
def test_a_plan_override_reaches_the_generator(name: str) -> None:
    settings = Settings(**{name: VALUES[name]})  # type: ignore[arg-type]
    overrides = Container(settings=settings).image_generator().overrides
    assert overrides == PlanOverrides(**{name: VALUES[name]})  # type: ignore[arg-type]
