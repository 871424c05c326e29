import pytest

from tests.unit.jobs.scheduling import Bench


@pytest.fixture
def bench() -> Bench:
    """A job service over fakes; two jobs may wait."""
    return Bench(max_queue=2)
