"""The list says how a model was trained, by all places that say it."""

import json
from pathlib import Path

import pytest

from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity_cache import IdentityCache
from adapters.filesystem.training import recorded_training
from domain.checkpoints.training import Source, Told, told_by_file
from domain.models.record import ModelFamily, ModelRecord
from domain.models.training import Prediction, Training
from domain.services.model_registry import ModelRegistry
from tests.unit.diffusion.embedded_files import FILES, changed
from tests.unit.filesystem.model_files import safetensors_file

SHAPES: dict[str, tuple[int, ...]] = {
    "model.diffusion_model.input_blocks.0.0.weight": (48, 4, 3, 3),
    "model.diffusion_model.input_blocks.3.1.transformer_blocks.0.attn2.to_k.weight": (96, 160),
    "first_stage_model.decoder.conv_in.weight": (64, 4, 3, 3),
    "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (800, 160),
}
VELOCITY = "model: {params: {parameterization: v}}\n"


class Models:
    """A folder of models, and the list of them after each scan."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        cache = IdentityCache(folder / "cache/identities.sqlite")
        self.source = FilesystemModelSource([str(folder)], cache, settle_seconds=0)
        self.registry = ModelRegistry(self.source)

    def write(self, name: str, *tensors: str, metadata: dict[str, str] | None = None) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        shapes = SHAPES | dict.fromkeys(tensors, (0,))
        path.write_bytes(safetensors_file(shapes, FILES | (metadata or {})))
        return path

    def listed(self) -> ModelRecord:
        self.registry.refresh()
        (record,) = self.registry.models()
        return record


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path)


def prediction_of(record: ModelRecord) -> Prediction | None:
    return None if record.training is None else record.training.prediction


@pytest.mark.parametrize("extension", [".yaml", ".yml"])
def test_a_file_beside_is_read_again_when_it_changes(models: Models, extension: str) -> None:
    beside = models.write("a.safetensors").with_suffix(extension)
    assert prediction_of(models.listed()) is Prediction.EPSILON
    beside.write_text(VELOCITY, "utf-8")
    assert prediction_of(models.listed()) is Prediction.VELOCITY
    beside.write_text(VELOCITY.replace("v}", "x0}"), "utf-8")
    assert prediction_of(models.listed()) is Prediction.SAMPLE
    beside.unlink()
    found = models.listed()
    assert (prediction_of(found), found.note) == (Prediction.EPSILON, None)


def test_a_contradiction_is_in_the_note(models: Models) -> None:
    models.write("a.safetensors", "v_pred").with_suffix(".yaml").write_text(
        VELOCITY.replace("v}", "x0}"), "utf-8"
    )
    found = models.listed()
    assert prediction_of(found) is Prediction.VELOCITY
    assert found.warnings == (
        "a.safetensors says two things of what it predicts: its tensor v_pred says v_prediction, "
        "and a.yaml beside it says sample; its tensor v_pred counts, "
        "unless its settings say otherwise",
    )


def test_what_all_say_alike_needs_no_note(models: Models) -> None:
    scheduler = "scheduler/scheduler_config.json"
    told = changed(scheduler, "prediction_type", "v_prediction")
    metadata = {scheduler: told[scheduler], "modelspec.prediction_type": "v"}
    path = models.write("a.safetensors", "v_pred", "ztsnr", metadata=metadata)
    path.with_suffix(".yaml").write_text(VELOCITY, "utf-8")
    found = models.listed()
    assert prediction_of(found) is Prediction.VELOCITY
    assert "pure noise" in str(found.note)  # the embedded scheduler lacks what `ztsnr` says
    assert found.note is not None
    assert "what it predicts" not in found.note


def test_what_cannot_be_drawn_makes_the_model_unusable_until_it_is_changed(models: Models) -> None:
    beside = models.write("a.safetensors").with_suffix(".yaml")
    beside.write_text(VELOCITY.replace("v}", "flow}"), "utf-8")
    found = models.listed()
    assert not found.loadable
    assert "a.yaml beside it cannot be used: its parameterization is 'flow'" in str(found.reason)
    beside.write_text(VELOCITY, "utf-8")
    assert models.listed().loadable


@pytest.mark.parametrize("text", ["a: [", "a: &a [*a]", "- 1\n" * 21_000, "[" * 5000])
def test_a_file_that_cannot_be_read_is_in_the_note(models: Models, text: str) -> None:
    models.write("a.safetensors").with_suffix(".yaml").write_text(text, "utf-8")
    found = models.listed()
    assert prediction_of(found) is Prediction.EPSILON
    assert str(found.note).startswith("has a.yaml beside it, which has no effect: it ")


def test_the_same_bytes_twice_have_one_training(models: Models) -> None:
    models.write("a.safetensors")
    models.write("b.safetensors").with_suffix(".yaml").write_text(VELOCITY, "utf-8")
    found = models.listed()
    assert found.aliases
    assert prediction_of(found) is Prediction.VELOCITY


def test_it_is_kept_from_one_run_to_the_next(tmp_path: Path) -> None:
    first = Models(tmp_path)
    first.write("a.safetensors", "v_pred", "ztsnr")
    before = first.listed()
    first.registry.close()
    after = Models(tmp_path).listed()
    assert after.training == before.training
    assert after.note == before.note
    assert before.training == Training(Prediction.VELOCITY, zero_terminal_snr=True)


def test_a_yaml_tells_the_forms_of_stable_diffusion_2_apart() -> None:
    for prediction, family in (
        (Prediction.EPSILON, ModelFamily.SD_2),
        (Prediction.VELOCITY, ModelFamily.SD_2_V),
    ):
        guess = Told(Source.GUESS, "the spread of its weights", Training(Prediction.VELOCITY))
        beside = Told(Source.BESIDE, "a.yaml beside it", Training(prediction))
        for of_header in (ModelFamily.SD_2, ModelFamily.SD_2_V):
            found = recorded_training(of_header, (guess, beside), None)
            assert (found.family, found.note) == (family, None)


@pytest.mark.parametrize(
    ("metadata", "training"),
    [
        ({"modelspec.prediction_type": "v"}, Training(Prediction.VELOCITY)),
        ({"modelspec.prediction_type": "Epsilon"}, Training(Prediction.EPSILON)),
        ({"modelspec.predict_key": "v"}, Training(Prediction.VELOCITY)),
        ({"modelspec.prediction_type": "flow"}, Training(Prediction.FLOW)),
        ({"ss_v_parameterization": "True"}, Training(Prediction.VELOCITY)),
        ({"ss_v_parameterization": "False"}, Training(Prediction.EPSILON)),
        (
            {"ss_v_parameterization": "True", "ss_zero_terminal_snr": "True"},
            Training(Prediction.VELOCITY, zero_terminal_snr=True),
        ),
        ({"ss_zero_terminal_snr": "None", "modelspec.prediction_type": ""}, None),
    ],
)
def test_metadata(metadata: dict[str, str], training: Training | None) -> None:
    found = recorded_training(
        ModelFamily.SDXL, told_by_file(ModelFamily.SDXL, (), metadata, {}), None
    )
    assert (found.training, found.note) == (training, None)


def test_an_unknown_word_in_the_metadata_is_in_the_note() -> None:
    told = told_by_file(ModelFamily.SDXL, (), {"modelspec.prediction_type": "score"}, {})
    found = recorded_training(ModelFamily.SDXL, told, None)
    assert "'score' as modelspec.prediction_type in its metadata, which is not known" in str(
        found.note
    )


def test_the_numbers_of_cosxl_are_read_from_its_tensors() -> None:
    names = ("edm_vpred.sigma_max", "edm_vpred.sigma_min")
    probes = {names[0]: (120.0,), names[1]: (0.0020000000949949026,)}
    (told,) = told_by_file(ModelFamily.SDXL, names, {}, probes)
    training = told.training
    assert training.prediction is Prediction.EDM_VELOCITY
    assert (training.sigma_min, training.sigma_max) == (0.002, 120.0)
    assert training.exponential
    (other,) = told_by_file(ModelFamily.SDXL, names, {}, probes | {names[0]: (80.0,)})
    assert other.training.sigma_max == 80.0


def test_another_process_drops_what_belongs_to_the_old_one() -> None:
    edm = Training(Prediction.EDM).completed()
    plain = Training(Prediction.EPSILON).over(edm)
    assert plain == Training(Prediction.EPSILON)
    assert Training(scaling_factor=0.5).over(edm).sigma_max == 80.0
    assert json.dumps(plain.process) == '"discrete"'
