"""How the room for finished jobs is shared among callers."""

from hypothesis import given
from hypothesis import strategies as st

from application.jobs.retention import fair_share

_AMOUNTS = st.lists(st.integers(min_value=0, max_value=10**12), max_size=30)


def test_everything_is_kept_if_it_fits() -> None:
    assert fair_share([], 0) is None
    assert fair_share([5, 5], 10) is None
    assert fair_share([5, 6], 10) == 5


def test_room_that_a_small_caller_does_not_use_is_shared_by_the_others() -> None:
    assert fair_share([1, 100, 100], 101) == 50


@given(used=_AMOUNTS, room=st.integers(min_value=0, max_value=10**13))
def test_the_shares_fill_the_room_exactly(used: list[int], room: int) -> None:
    share = fair_share(used, room)
    if share is None:
        assert sum(used) <= room
        return
    kept = sum(min(each, share) for each in used)
    assert kept <= room
    # Less than one byte remains for each caller that lost something.
    assert room - kept < sum(each > share for each in used)
