"""The table in docs/samplers.md matches the lists in the code."""

import re

import pytest

from adapters.http.automatic1111.samplers import SAMPLERS
from domain.samplers import Sampler, Schedule
from tests.paths import ROOT

TEXT = (ROOT / "docs" / "samplers.md").read_text(encoding="utf-8")
LOOKS = {"N": lambda steps: steps, "2N − 1": lambda steps: 2 * steps - 1}


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table after a heading, without the table's head."""
    part = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_every_sampler_has_a_row() -> None:
    assert [row[0] for row in table("Which sampler")] == list(Sampler)


@pytest.mark.parametrize("row", table("Which sampler"), ids=lambda row: row[0])
def test_a_row_describes_the_sampler(row: list[str]) -> None:
    sampler = Sampler(row[0])
    for steps in (2, 20, 150):
        expected = steps + 1 if row[1] == "N + 1" else LOOKS[row[1]](steps)
        assert sampler.evaluations(steps) == expected
    assert sampler.is_stochastic == (row[2] == "yes")
    assert sampler.takes_schedules == (row[3] == "all")
    (listed,) = (each for each in SAMPLERS if each.sampler is sampler)
    told = "as in the API" if listed.automatic is Schedule.AUTOMATIC else listed.automatic
    assert row[4] == told


def test_every_schedule_has_a_row() -> None:
    found = [re.findall(r"[A-Z]\w*(?: \w+)?", row[0])[-1] for row in table("Which schedule")]
    assert found == list(Schedule)
