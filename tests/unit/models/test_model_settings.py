"""The operator's settings of models: the tables, and what they do to the models."""

import dataclasses
import random
from collections.abc import Mapping
from typing import Any

import pytest

from domain.checkpoints.header_values import TensorFacts
from domain.models.defaults import ModelDefaults
from domain.models.names import ModelNames
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from domain.models.settings import (
    MOST_ALIASES,
    MOST_TABLES,
    SETTINGS,
    ModelSettings,
    WrongSettings,
    settings_of,
)
from domain.models.training import NoiseProcess, Prediction, Training
from domain.samplers import Scheduler
from domain.services.model_registry import ModelRegistry
from tests.fakes.addon_tensors import addon_tensors, demo_tensors
from tests.fakes.model_headers import FakeModelHeaders
from tests.fakes.model_settings import FakeModelSettings
from tests.fakes.model_source import FakeModelSource, model_record

WHOLE: dict[str, Any] = {
    "prediction_type": "v_prediction",
    "zero_terminal_snr": True,
    "num_inference_steps": 4,
    "guidance_scale": 1,
    "scheduler": "LCM",
    "clip_skip": 2,
    "vae": "soft",
    "aliases": ["fast", "gpt-image-1"],
    "description": "Circles.",
}
GOOD: tuple[tuple[str, Any], ...] = (
    *(("prediction_type", word) for word in Prediction),
    *(("zero_terminal_snr", truth) for truth in (True, False)),
    *(("num_inference_steps", each) for each in (1, 150)),
    *(("guidance_scale", each) for each in (1, 1.0, 20, 20.0)),
    *(("clip_skip", each) for each in (1, 12)),
    *(("scheduler", word) for word in Scheduler),
    *(("vae", "x" * size) for size in (1, 4096)),
    *(("description", "x" * size) for size in (1, 1000)),
    *(("aliases", [f"a{number}" for number in range(count)]) for count in (0, MOST_ALIASES)),
)
ODD: tuple[Any, ...] = ({}, [], [[]], True, float("nan"), float("inf"), 10**30, -(10**30), "\0", "")
WRONG_ALIASES: tuple[Any, ...] = ("fast", ["a", "a"], [1], [""], ["\0"], 1, {}, True, "")
BAD: tuple[tuple[str, Any], ...] = (
    *(("prediction_type", each) for each in ("v", "EPSILON", 1, *ODD)),
    *(("zero_terminal_snr", each) for each in (0, 1, "true", *ODD) if each is not True),
    *(("num_inference_steps", each) for each in (0, 151, 4.0, "4", *ODD)),
    *(("guidance_scale", each) for each in (0, 0.99, 20.01, "7", *ODD)),
    *(("clip_skip", each) for each in (0, 13, 2.0, "2", *ODD)),
    *(("scheduler", each) for each in ("lcm", "LCM Karras", 1, *ODD)),
    *(("vae", each) for each in ("x" * 4097, " ", 1, *ODD)),
    *(("description", each) for each in ("x" * 1001, " \n", 1, *ODD)),
    *(("aliases", each) for each in WRONG_ALIASES),
    ("aliases", [f"a{number}" for number in range(MOST_ALIASES + 1)]),
    *((name, 1) for name in ("steps", "Clip_skip", "name", "", "x" * 5000, "\n")),
)


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_a_value_within_its_bounds_is_kept(name: str, value: Any) -> None:
    (table,) = settings_of({"demo": {name: value}})
    kept = getattr(table, name)
    assert kept == (tuple(value) if name == "aliases" else value)
    assert dict(table.items()) == ({} if value == [] else {name: kept})


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_wrong_value_is_named_in_one_line(name: str, value: Any) -> None:
    with pytest.raises(WrongSettings) as caught:
        settings_of({"demo": {name: value}})
    (problem,) = caught.value.problems
    assert problem.startswith("[demo] ")
    assert problem.isprintable()
    assert len(problem) < 1000
    if name in SETTINGS:
        assert name in problem


def test_a_whole_table_is_read() -> None:
    (table,) = settings_of({"demo": WHOLE})
    assert set(WHOLE) == set(SETTINGS)
    assert table == ModelSettings(name="demo", **{**WHOLE, "aliases": ("fast", "gpt-image-1")})
    assert table.scheduler is Scheduler.LCM


def test_one_error_names_everything() -> None:
    document = {"a": {"clip_skip": 0, "steps": 1}, "b": 3, "": {}, "c": {"aliases": ["x"]}}
    with pytest.raises(WrongSettings) as caught:
        settings_of(document)
    assert [each.split("]")[0] for each in caught.value.problems] == ["[a", "[a", "[b", "["]


def test_an_alias_belongs_to_one_model() -> None:
    with pytest.raises(WrongSettings, match=r"\[a\] and \[b\] have the alias fast"):
        settings_of({"a": {"aliases": ["fast"]}, "b": {"aliases": ["slow", "fast"]}})


@pytest.mark.parametrize(("count", "is_read"), [(MOST_TABLES, True), (MOST_TABLES + 1, False)])
def test_the_number_of_tables_is_bounded(count: int, is_read: bool) -> None:
    document: dict[str, object] = {f"m{number}": {} for number in range(count)}
    if is_read:
        assert len(settings_of(document)) == count
    else:
        with pytest.raises(WrongSettings, match=f"there are {count} tables"):
            settings_of(document)


def test_a_long_list_of_problems_ends() -> None:
    with pytest.raises(WrongSettings) as caught:
        settings_of({f"m{number}": 1 for number in range(MOST_TABLES)})
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1] == f"and {MOST_TABLES - 20} more"


@pytest.mark.parametrize("seed", range(200))
def test_any_document_is_read_or_refused_in_words(seed: int) -> None:
    luck = random.Random(seed)
    scalars: tuple[Any, ...] = (*ODD, 0, 1, 3, 7.5, "LCM", "x", "fast")

    def value(depth: int) -> Any:
        if depth and luck.random() < 0.3:
            return [value(depth - 1) for _ in range(luck.randrange(4))]
        if depth and luck.random() < 0.2:
            return {luck.choice(("a", "", "\n")): value(depth - 1)}
        return luck.choice(scalars)

    document = {
        luck.choice(("demo", "a.ckpt", "", "\x7f", "m" * 5000)): luck.choice(
            (
                value(2),
                {luck.choice((*SETTINGS, "steps", "\0")): value(3) for _ in range(4)},
            )
        )
        for _ in range(3)
    }
    try:
        tables = settings_of(document)
    except WrongSettings as error:
        assert error.problems
        assert all(each.isprintable() and len(each) < 1000 for each in error.problems)
    else:
        assert [each.name for each in tables] == list(document)


# What the tables do to the models.

CHECKPOINT = model_record(b"weights", "models/a.safetensors")
SDXL = dataclasses.replace(model_record(b"xl", "models/xl.safetensors"), family=ModelFamily.SDXL)
FLOW = dataclasses.replace(model_record(b"flow", "models/flow"), extension="", name="flow")
BROKEN = dataclasses.replace(model_record(b"b", "models/broken.ckpt"), reason="it is cut")
LORA = dataclasses.replace(
    model_record(b"lora", "models/lora.safetensors"),
    kind=ModelKind.LORA,
    reason="it is a LoRA",
    is_companion=True,
)
SOFT = dataclasses.replace(
    model_record(b"vae", "models/soft.safetensors"),
    kind=ModelKind.VAE,
    reason="it is a VAE",
    is_companion=True,
)
XL_VAE = dataclasses.replace(
    model_record(b"xlvae", "models/xlvae.safetensors"),
    kind=ModelKind.VAE,
    reason="it is a VAE",
    is_companion=True,
    base=ModelFamily.SDXL,
)
SD_1 = dataclasses.replace(model_record(b"sd1", "models/sd1.ckpt"), family=ModelFamily.SD_1)
EDM = dataclasses.replace(
    model_record(b"edm", "models/edm.ckpt"), training=Training(Prediction.EDM)
)
SD_FLOW = dataclasses.replace(
    model_record(b"sdflow", "models/sdflow.ckpt"), training=Training(Prediction.FLOW)
)
MODELS = (EDM, SD_FLOW, CHECKPOINT, SDXL, FLOW, BROKEN, LORA, SOFT, XL_VAE, SD_1)


def listed(
    document: dict[str, Any],
    *models: ModelRecord,
    held: Mapping[str, Mapping[str, TensorFacts]] = {},
    **of: Any,
) -> ModelRegistry:
    source = FakeModelSource()
    source.others = models or MODELS
    headers = FakeModelHeaders({CHECKPOINT.id: demo_tensors()})
    headers.held |= {each.id: addon_tensors(ModelKind.VAE) for each in (SOFT, XL_VAE)}
    headers.held |= held
    settings = FakeModelSettings(document)
    registry = ModelRegistry(source, settings=settings, headers=headers, **of)
    registry.refresh()
    return registry


@pytest.mark.parametrize(
    "name", ["a.safetensors", "a", CHECKPOINT.path, CHECKPOINT.id, CHECKPOINT.id[:10]]
)
def test_a_table_has_any_name_of_its_model(name: str) -> None:
    registry = listed({name: WHOLE | {"clip_skip": 1}})
    model = registry.get(CHECKPOINT.id)
    assert model.defaults == ModelDefaults(4, 1.0, Scheduler.LCM, 1, SOFT.id)
    assert (model.description, model.default_scheduler) == ("Circles.", Scheduler.LCM)
    assert (model.problems, registry.settings_problems()) == ((), ())
    assert registry.resolve("gpt-image-1").id == CHECKPOINT.id
    assert registry.get(SDXL.id).settings is None


def test_what_a_model_predicts_replaces_what_its_files_say() -> None:
    told = Training(Prediction.EPSILON, train_steps=500, zero_terminal_snr=False)
    said = dataclasses.replace(CHECKPOINT, training=told, note="has averages")
    table = {"prediction_type": "v_prediction", "zero_terminal_snr": True}
    model = listed({"a": table}, said).get(said.id)
    assert model.training == Training(Prediction.VELOCITY, train_steps=500, zero_terminal_snr=True)
    assert (model.prediction_type, model.problems) == (Prediction.VELOCITY, ())
    assert model.note is not None
    assert model.note.startswith("has averages; it predicts v_prediction by its settings, and ")
    assert Scheduler.PLMS not in model.schedulers, "it cannot remove pure noise"
    silent = listed({"a": {"prediction_type": "v_prediction"}}).get(CHECKPOINT.id)
    assert (silent.prediction_type, silent.note) == (Prediction.VELOCITY, None)


def test_a_scheduler_is_compared_with_the_training_of_the_settings() -> None:
    table = {"prediction_type": "edm", "scheduler": "DDIM"}
    model = listed({"a": table}).get(CHECKPOINT.id)
    assert model.training is not None
    assert model.training.process is NoiseProcess.EDM
    assert model.problems == (
        "does not follow scheduler of its settings: 'DDIM' is not one of its schedulers",
    )
    of_header = dataclasses.replace(CHECKPOINT, defaults=ModelDefaults(scheduler=Scheduler.LCM))
    model = listed({"a": {"prediction_type": "edm"}}, of_header).get(CHECKPOINT.id)
    assert model.defaults.scheduler is None
    assert model.default_scheduler in model.schedulers


def test_settings_win_over_the_header() -> None:
    told = ModelDefaults(num_inference_steps=4, guidance_scale=1.0, scheduler=Scheduler.LCM)
    turbo = dataclasses.replace(CHECKPOINT, defaults=told)
    model = listed({"a": {"num_inference_steps": 8}}, turbo).get(turbo.id)
    assert model.defaults == dataclasses.replace(told, num_inference_steps=8)


@pytest.mark.parametrize(
    ("name", "table", "reason"),
    [
        ("xl", {"clip_skip": 2}, "it always leaves off one layer of its text encoders"),
        ("a", {"clip_skip": 12}, "it is 12, and its text encoder has"),
        ("flow", {"clip_skip": 2}, "it draws with its authors' configuration, without a clip_skip"),
        *(
            (
                "flow",
                {key: WHOLE[key]},
                f"it draws with its authors' configuration, without a {key}",
            )
            for key in ("prediction_type", "zero_terminal_snr")
        ),
        ("a", {"zero_terminal_snr": True}, "it predicts the noise, which says nothing at pure"),
        ("edm", {"zero_terminal_snr": False}, "its noise has no timesteps"),
        ("sdflow", {"prediction_type": "epsilon"}, "it predicts a flow, which no other noise"),
        ("flow", {"scheduler": "LCM"}, "it draws with its authors' configuration"),
        ("flow", {"vae": "soft"}, "only checkpoints of Stable Diffusion 1, 2 and XL"),
        ("sd1", {"vae": "xlvae"}, "a VAE for sdxl, and sd1.ckpt is of the family sd-1"),
        ("sd1", {"vae": "lora"}, "which is a LoRA and not a VAE"),
        ("a", {"vae": "nothing"}, "'nothing' names no model"),
        *(("lora", {key: WHOLE[key]}, "it is a LoRA, which does not draw") for key in WHOLE),
    ],
)
def test_a_setting_that_cannot_apply_is_said(name: str, table: dict[str, Any], reason: str) -> None:
    registry = listed({name: table})
    model = registry.resolve(name)
    key = next(iter(table))
    if name == "lora" and key in ("aliases", "description"):
        assert (model.problems, model.usable) == ((), True)
        return
    assert not model.defaults
    (problem,) = model.problems
    assert problem.startswith(f"does not follow {key} of its settings: ")
    assert reason in problem
    assert model.warnings == (f"{model.name} {problem}",)
    assert registry.settings_problems() == model.warnings


def test_a_vae_whose_tensors_do_not_fit_is_said() -> None:
    half = {
        name: facts
        for name, facts in addon_tensors(ModelKind.VAE).items()
        if not name.startswith("encoder.")
    }
    registry = listed({"a": {"vae": "soft"}}, held={SOFT.id: half})
    model = registry.get(CHECKPOINT.id)
    (problem,) = model.problems
    assert model.defaults.vae_id is None
    assert "is soft.safetensors, which does not fit a.safetensors: it is not a whole" in problem


def test_a_model_that_cannot_draw_keeps_its_settings_for_later() -> None:
    model = listed({"broken": {"scheduler": "LCM", "clip_skip": 2}}).get(BROKEN.id)
    assert (model.reason, model.problems) == ("it is cut", ())
    assert model.defaults == ModelDefaults(scheduler=Scheduler.LCM, clip_skip=2)


def test_a_table_names_one_model() -> None:
    twin = model_record(b"twin", "others/a.safetensors")
    document: dict[str, Any] = {"a": {"clip_skip": 1}, "none": {}, "xl": {}, SDXL.path: {}}
    registry = listed(document, *MODELS, twin)
    assert registry.get(CHECKPOINT.id).settings is registry.get(twin.id).settings is None
    several, none, both = registry.settings_problems()
    assert several.startswith(f"[a] names {CHECKPOINT.path} ({CHECKPOINT.id[:10]}) and {twin.path}")
    assert none == "[none] names no model"
    assert both.startswith(f"[xl] and [{SDXL.path}] both name {SDXL.path}")


def test_the_last_good_settings_stay_until_the_fault_is_repaired() -> None:
    source, settings = FakeModelSource(), FakeModelSettings({"a": {"clip_skip": 2}})
    source.others = MODELS
    registry = ModelRegistry(source, settings=settings)
    for document, clip_skip, is_followed in (
        ({"a": {"clip_skip": 2}}, 2, True),
        ({"a": {"clip_skip": 99}}, 2, False),
        ({"a": {"clip_skip": 3}}, 3, True),
        ({}, None, True),
    ):
        settings.document = document
        registry.refresh()
        assert registry.get(CHECKPOINT.id).defaults.clip_skip == clip_skip
        assert (registry.settings_problem is None) is is_followed


def test_an_alias_of_the_environment_comes_before_one_of_the_file() -> None:
    names = ModelNames(aliases={"fast": "xl"})
    registry = listed({"a": {"aliases": ["fast", "slow"]}}, names=names)
    assert registry.resolve("fast").id == SDXL.id
    assert registry.resolve("slow").id == CHECKPOINT.id
    assert registry.name_problems() == ()
    assert registry.settings_problems() == (
        "[a] the alias fast has another meaning already, which counts",
    )
