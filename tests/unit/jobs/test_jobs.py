import dataclasses

import pytest

from application.job import JobStatus
from tests.contract.storage.kept_jobs import new_job, succeeded


def test_the_transitions_of_a_job() -> None:
    done = succeeded(new_job())
    for move in (done.requeued, lambda: done.started(4), lambda: done.cancelled(4)):
        with pytest.raises(ValueError, match="never becomes"):
            move()
    assert dataclasses.replace(done, status=JobStatus.RUNNING).requeued().started_at is None


def test_only_a_recovered_job_has_used_an_attempt() -> None:
    running = new_job().started(2.0)
    assert running.requeued() == new_job()
    assert running.left_behind(3.0).attempts == 1
