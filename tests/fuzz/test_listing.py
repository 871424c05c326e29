"""Any file is listed or refused with a reason, in little time and memory."""

from collections import Counter

import pytest

from tests.fuzz.corpora import COUNTS, pickle_file, safetensors_of
from tests.fuzz.trial import LISTED, measured


@pytest.mark.parametrize("kind", COUNTS)
@pytest.mark.parametrize("part", range(4))
def test_no_hostile_file_breaks_its_reader(kind: str, part: int) -> None:
    wrong: dict[int, str] = {}
    ends: Counter[str] = Counter()
    for seed in range(part, COUNTS[kind], 4):
        ended, problem = measured(LISTED[kind], seed)
        ends[ended] += 1
        if problem is not None:
            wrong[seed] = problem
    assert wrong == {}, "by seed"
    # A corpus whose files are all refused at the first byte would test nothing.
    assert ends["refused"] > 0
    if kind == "configurations":
        assert ends["allowed"] > 0
    if kind == "upscalers":
        assert ends["usable"] > 0


def test_a_seed_always_makes_the_same_file() -> None:
    assert pickle_file(7) == pickle_file(7) != pickle_file(8)
    assert safetensors_of(7) == safetensors_of(7) != safetensors_of(8)
