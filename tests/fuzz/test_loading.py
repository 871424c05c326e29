"""The same files given to torch and its family, in child processes with limits."""

import json
import sys
from pathlib import Path

import pytest

from tests.fuzz.corpora import COUNTS
from tests.fuzz.running import run

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of address space"),
]


@pytest.mark.parametrize("kind", COUNTS)
def test_no_hostile_file_ends_a_process_or_is_taken_wrongly(kind: str) -> None:
    outcome = run(kind, "loaded", 0, COUNTS[kind])
    assert outcome.wrong == {}, "by seed"
    assert outcome.ends.total() == COUNTS[kind]
    # A corpus of which nothing gets through would try the libraries with nothing.
    assert outcome.ends["loaded"] > COUNTS[kind] // 100


KEPT = json.loads(Path(__file__).with_name("kept_seeds.json").read_text("utf-8"))


@pytest.mark.parametrize(("kind", "seed"), [(kind, seed) for kind in KEPT for seed in KEPT[kind]])
def test_a_file_that_was_taken_wrongly_once_is_not_again(kind: str, seed: int) -> None:
    for how in ("listed", "loaded"):
        assert run(kind, how, seed, seed + 1).wrong == {}


def test_a_file_that_ends_its_process_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import tests.fuzz.running as running

    # Far too little for the child: it ends before the first seed, and that is told too.
    monkeypatch.setattr(running, "_ADDRESS_SPACE", 2**24)
    with pytest.raises(RuntimeError, match="before it tried seed 3"):
        run("pickles", "listed", 3, 4)
