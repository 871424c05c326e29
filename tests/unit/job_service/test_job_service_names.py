"""The names of samplers, schedules, and of both together."""

import pytest

from domain.samplers import DEFAULT_SCHEDULER, Sampler, Schedule, Scheduler

OWN_SPACING = {Sampler.DDIM, Sampler.PLMS, Sampler.LCM, Sampler.TCD}
TWO_LOOKS = {Sampler.HEUN, Sampler.DPM2, Sampler.DPM2_A, Sampler.DPMPP_2S_A, Sampler.DPMPP_SDE}


@pytest.mark.parametrize("schedule", Schedule)
@pytest.mark.parametrize("sampler", Sampler)
def test_each_sampler_has_a_name_with_each_of_its_schedules(
    sampler: Sampler, schedule: Schedule
) -> None:
    found = Scheduler.of(sampler, schedule)
    if schedule is not Schedule.AUTOMATIC and sampler in OWN_SPACING:
        assert found is None
        return
    assert found is not None
    assert (found.sampler, found.schedule) == (sampler, schedule)
    assert found == (sampler if schedule is Schedule.AUTOMATIC else f"{sampler} {schedule}")


def test_no_other_name_exists() -> None:
    assert len(Scheduler) == len(Sampler) + (len(Sampler) - len(OWN_SPACING)) * 6


def test_the_names_of_the_first_release_still_exist() -> None:
    first = ["Euler", "Euler a", "DPM++ 2M", "DPM++ 2M Karras", "DDIM", "UniPC", "LCM"]
    assert [Scheduler(name) for name in first] == first
    assert DEFAULT_SCHEDULER == "DPM++ 2M"


@pytest.mark.parametrize("sampler", Sampler)
def test_model_evaluations_are_counted_per_sampler(sampler: Sampler) -> None:
    for steps in (1, 2, 20, 150):
        expected = 2 * steps - 1 if sampler in TWO_LOOKS else steps
        if sampler is Sampler.PLMS and steps > 1:
            expected = steps + 1
        assert sampler.evaluations(steps) == expected
