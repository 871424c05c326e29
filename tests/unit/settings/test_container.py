"""Settings reach the objects that they configure."""

from dataclasses import fields

import pytest

from application.settings.plan_overrides import PlanOverrides
from application.settings.settings import Settings
from container import Container
from domain.ports.device_report import UnknownDevice
from tests.fakes.device_report import FakeDeviceReport
from tests.fakes.image_generator import FakeImageGenerator

WORDS = {name: choices[-1] for name, choices in PlanOverrides.CHOICES.items()}
VALUES = WORDS | {"device": "cuda:1", "compile": True, "threads": 3, "max_batch": 5}


@pytest.mark.parametrize("name", [row.name for row in fields(PlanOverrides)])
def test_a_plan_override_reaches_the_generator(name: str) -> None:
    settings = Settings(**{name: VALUES[name]})  # type: ignore[arg-type]
    overrides = Container(settings=settings).image_generator().overrides
    assert overrides == PlanOverrides(**{name: VALUES[name]})  # type: ignore[arg-type]


def test_the_report_is_that_of_whichever_generator_draws() -> None:
    container = Container(settings=Settings())
    own = container.image_generator()
    assert container.device_report() is own.report
    other = FakeImageGenerator()
    container.image_generator.override(other)
    assert container.device_report() is other.report
    report = FakeDeviceReport()
    container.device_report.override(report)
    drawing: object = container.image_generator()
    assert drawing is other
    assert container.device_report() is report


def test_a_generator_that_reports_nothing_needs_no_report() -> None:
    report = UnknownDevice()
    assert (report.plan, report.loaded_models, dict(report.versions), report.memory) == (
        *(None, ()),
        *({}, None),
    )


def test_the_generator_gets_no_setting_that_is_not_its_own() -> None:
    container = Container(settings=Settings(secret_key="s" * 40, threads=2))
    overrides = container.image_generator().overrides
    assert type(overrides) is PlanOverrides
    assert overrides.threads == 2
