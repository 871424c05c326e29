"""Settings reach the objects that they configure."""

from dataclasses import fields

import pytest

from application.settings.settings import Settings
from container import Container
from domain.execution_plan import PlanOverrides

OTHER_NAMES = {"compiled": "compile"}
"""Settings whose names differ from what they override."""
WORDS = {name: choices[-1] for name, choices in PlanOverrides.CHOICES.items()}
VALUES = WORDS | {"device": "cuda:1", "compiled": True, "threads": 3, "max_batch": 5}


@pytest.mark.parametrize("name", [row.name for row in fields(PlanOverrides)])
def test_a_plan_override_reaches_the_generator(name: str) -> None:
    setting = OTHER_NAMES.get(name, name)
    settings = Settings(**{setting: VALUES[name]})  # type: ignore[arg-type]
    overrides = Container(settings=settings).image_generator().overrides
    assert overrides == PlanOverrides(**{name: VALUES[name]})  # type: ignore[arg-type]
