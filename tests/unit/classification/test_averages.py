"""Averages of the weights in a checkpoint: when they are used, and what is reported."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.filesystem.scanning.identity_cache import IdentityCache
from domain.checkpoints.averages import averages_note, places_of_averages
from domain.checkpoints.header_values import TensorFacts
from domain.models.record import ModelFamily
from tests.unit.classification.classification_headers import UNET, checkpoint, classified
from tests.unit.filesystem.model_files import safetensors_file
from tests.unit.filesystem.test_model_folders import list_all


def averages_of(tensors: dict[str, TensorFacts]) -> dict[str, TensorFacts]:
    counters = {
        "model_ema.decay": TensorFacts("float32", ()),
        "model_ema.num_updates": TensorFacts("int32", ()),
    }
    return counters | {
        "model_ema." + name.removeprefix("model.").replace(".", ""): facts
        for name, facts in tensors.items()
        if name.startswith(UNET)
    }


SD_1 = {
    name: facts
    for name, facts in checkpoint(ModelFamily.SD_1).items()
    if not name.startswith("model_ema.")
}
AVERAGES = averages_of(SD_1)
FIRST = "model_ema.diffusion_modelinput_blocks00weight"


def test_a_complete_set_of_averages_replaces_the_weights() -> None:
    places = places_of_averages(SD_1 | AVERAGES)
    assert places.keys() == {name for name in SD_1 if name.startswith(UNET)}
    assert places[f"{UNET}input_blocks.0.0.weight"] == FIRST
    answer = classified(SD_1 | AVERAGES)
    assert answer.loadable
    assert "the averages draw the picture" in str(answer.note)


@pytest.mark.parametrize(
    "odd",
    [None, TensorFacts("float16", (1,)), TensorFacts("int8", (320, 4, 3, 3))],
    ids=["missing", "another shape", "codes"],
)
def test_averages_that_do_not_fit_are_ignored_and_reported(odd: TensorFacts | None) -> None:
    tensors = SD_1 | AVERAGES
    del tensors[FIRST]
    if odd is not None:
        tensors[FIRST] = odd
    assert places_of_averages(tensors) == {}
    assert "the averages are left out" in str(averages_note(tensors))


def test_a_file_without_averages_reports_nothing() -> None:
    assert classified(SD_1).note is None
    assert classified(SD_1 | {"model_ema.decay": TensorFacts("float32", ())}).note is None
    assert places_of_averages(SD_1) == {}


def test_an_unusable_model_reports_no_averages() -> None:
    only_unet = {name: facts for name, facts in SD_1.items() if name.startswith(UNET)}
    answer = classified(only_unet | AVERAGES)
    assert (answer.loadable, answer.note) == (False, None)


def test_each_result_and_a_later_run_report_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import adapters.filesystem.scanning.identity as identity

    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/a.safetensors").write_bytes(safetensors_file({"a": (1,)}))
    with monkeypatch.context() as patched:  # a header of some thousand tensors, without a file
        told = classified(SD_1 | AVERAGES)
        patched.setattr(identity, "classify", lambda _header: told)
        with closing(IdentityCache(tmp_path / "hashes.sqlite")) as cache:
            (first,) = list_all(cache)
    with closing(IdentityCache(tmp_path / "hashes.sqlite")) as cache:
        (second,) = list_all(cache)
    assert first.warnings == second.warnings == (f"a.safetensors {told.note}",)
    assert replace(first, note=None).warnings == ()
