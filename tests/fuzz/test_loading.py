"""The same files given to torch and its family, in child processes with limits."""

import json
import sys
from pathlib import Path

import pytest

from tests.fuzz.corpora import COUNTS
from tests.fuzz.running import run

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no address space limit"),
]


@pytest.mark.parametrize("kind", COUNTS)
def test_no_hostile_file_ends_a_process_or_is_handled_wrongly(kind: str) -> None:
    outcome = run(kind, "loaded", 0, COUNTS[kind])
    assert outcome.wrong == {}, "by seed"
    assert outcome.ends.total() == COUNTS[kind]
    # If no file of a corpus got through, the libraries would get nothing to try.
    assert outcome.ends["loaded"] > COUNTS[kind] // 100


KEPT = json.loads(Path(__file__).with_name("kept_seeds.json").read_text("utf-8"))


@pytest.mark.parametrize(("kind", "seed"), [(kind, seed) for kind in KEPT for seed in KEPT[kind]])
def test_files_that_were_once_handled_wrongly_are_handled(kind: str, seed: int) -> None:
    for how in ("listed", "loaded"):
        assert run(kind, how, seed, seed + 1).wrong == {}


def test_a_file_that_ends_its_process_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import tests.fuzz.running as running

    # Far too little for the child: it ends before the first seed, which is reported too.
    monkeypatch.setattr(running, "_ADDRESS_SPACE", 2**24)
    with pytest.raises(RuntimeError, match="before it tried seed 3"):
        run("pickles", "listed", 3, 4)
