import dataclasses

import pytest

from application.jobs import JobStatus
from tests.contract.kept_jobs import new_job, succeeded


def test_a_job_says_what_it_may_become() -> None:
    done = succeeded(new_job())
    for move in (done.requeued, lambda: done.started(4), lambda: done.cancelled(4)):
        with pytest.raises(ValueError, match="never becomes"):
            move()
    assert dataclasses.replace(done, status=JobStatus.RUNNING).requeued().started_at is None
