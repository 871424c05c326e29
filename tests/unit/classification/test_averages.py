"""Averages of the weights in a checkpoint: when they are used, and what is reported."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.filesystem.scanning.identity_cache import IdentityCache
from domain.checkpoints.additions.network_modules.text_encoders import transformers_tensors
from domain.checkpoints.arranged import Arrangement, Place, arrangement_of
from domain.checkpoints.arranged.averages import averages_in, with_dots
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.layouts import checkpoint_parts
from domain.models.record import ModelFamily, ModelKind
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
FIRST = "model_ema.diffusion_modelinput_blocks10in_layers2weight"


def test_a_complete_set_of_averages_replaces_the_weights() -> None:
    places = averages_in(SD_1 | AVERAGES).places
    assert places.keys() == {name for name in SD_1 if name.startswith(UNET)}
    assert places[f"{UNET}input_blocks.1.0.in_layers.2.weight"] == FIRST
    answer = classified(SD_1 | AVERAGES)
    assert answer.loadable
    assert "the averages draw the picture" in str(answer.note)


@pytest.mark.parametrize(
    "odd",
    [None, TensorFacts("float16", (1,)), TensorFacts("int8", (320, 320, 3, 3))],
    ids=["missing", "another shape", "codes"],
)
def test_averages_that_do_not_fit_are_ignored_and_reported(odd: TensorFacts | None) -> None:
    tensors = SD_1 | AVERAGES
    del tensors[FIRST]
    if odd is not None:
        tensors[FIRST] = odd
    found = averages_in(tensors)
    assert found.places == {}
    assert "the averages are left out" in str(found.note)


def test_a_file_without_averages_reports_nothing() -> None:
    assert classified(SD_1).note is None
    assert classified(SD_1 | {"model_ema.decay": TensorFacts("float32", ())}).note is None
    assert averages_in(SD_1).places == {}


@pytest.mark.parametrize("family", [ModelFamily.SD_1, ModelFamily.SD_2, ModelFamily.SDXL])
def test_each_name_of_a_unet_is_found_by_the_name_of_its_average(family: ModelFamily) -> None:
    unet = checkpoint_parts(family)["UNet"]
    averages = {"model_ema." + name.removeprefix("model.").replace(".", ""): name for name in unet}
    assert len(averages) == len(unet)
    assert {name: with_dots(name) for name in averages} == averages


def test_a_file_of_averages_alone_is_drawn_with_them() -> None:
    others = {name: facts for name, facts in SD_1.items() if not name.startswith(UNET)}
    answer = classified(others | AVERAGES)
    assert (answer.family, answer.loadable) == (ModelFamily.SD_1, True)
    assert "only the averages" in str(answer.note)
    assert answer.precision == classified(SD_1).precision


def attentions(tensors: dict[str, TensorFacts]) -> dict[str, TensorFacts]:
    return {name: facts for name, facts in tensors.items() if "attn2" in name}


def test_averages_of_all_layers_of_a_kind_draw_with_the_other_weights() -> None:
    averages = attentions(AVERAGES)
    found = averages_in(SD_1 | averages)
    assert len(found.places) == len(averages) == 80
    assert found.places.keys() == {name for name in attentions(SD_1) if name.startswith(UNET)}
    assert "of 80 tensors of its UNet" in str(found.note)
    averages.popitem()
    assert averages_in(SD_1 | averages).places == {}


def test_averages_complete_a_unet_that_lacks_tensors() -> None:
    tensors = SD_1 | AVERAGES
    for name in attentions(SD_1):
        del tensors[name]
    answer = classified(tensors)
    assert answer.loadable


def arranged(tensors: dict[str, TensorFacts]) -> Arrangement:
    found = arrangement_of(tensors)
    assert found.facts(tensors).keys() >= {name for name in SD_1 if name.startswith(UNET)}
    return found


WRAPPERS = ("module.", "model.", "ema.", "model.module.", "state_dict_ema.", "_forward_module.")


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_the_prefix_of_a_trainer_is_taken_away(wrapper: str) -> None:
    tensors = {wrapper + name: facts for name, facts in SD_1.items()}
    assert arranged(tensors).facts(tensors) == SD_1
    answer = classified(tensors)
    assert answer.loadable
    assert ("EMA" in str(answer.note)) is ("ema" in wrapper)


def test_names_of_torch_compile_and_averages_in_a_wrapper() -> None:
    tensors = {
        "module." + name.replace("diffusion_model.", "diffusion_model._orig_mod."): facts
        for name, facts in (SD_1 | AVERAGES).items()
    }
    answer = classified(tensors)
    assert answer.loadable
    assert "the averages draw the picture" in str(answer.note)


@pytest.mark.parametrize("own", ["", "model.", "online_model."])
def test_a_table_of_averages_beside_the_weights_draws(own: str) -> None:
    unet = {name: facts for name, facts in SD_1.items() if name.startswith(UNET)}
    tensors = {own + name: facts for name, facts in SD_1.items()}
    tensors |= {"ema_model." + name: facts for name, facts in unet.items()}
    places = arranged(tensors).places
    assert places is not None
    assert all(places[name] == Place((f"ema_model.{name}",)) for name in unet)
    assert classified(tensors).loadable
    assert "the averages draw the picture" in str(classified(tensors).note)
    tensors[f"ema_model.{UNET}out.2.bias"] = TensorFacts("float16", (5,))
    assert "the averages are left out" in str(classified(tensors).note)


def test_a_further_network_is_left_out_and_reported() -> None:
    tensors = SD_1 | {"model.teacher." + name: facts for name, facts in SD_1.items()}
    answer = classified(tensors)
    assert answer.loadable
    assert "'model.teacher'" in str(answer.note)


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


SDXL = checkpoint(ModelFamily.SDXL)
SECOND = "conditioner.embedders.1."


def by_transformers(tensors: dict[str, TensorFacts]) -> dict[str, TensorFacts]:
    """Return SDXL's tensors with its second text encoder by transformers' names."""
    inner = {
        name.removeprefix(f"{SECOND}model."): facts
        for name, facts in tensors.items()
        if name.startswith(SECOND)
    }
    renamed = transformers_tensors(inner)
    outer = {name: facts for name, facts in tensors.items() if not name.startswith(SECOND)}
    projection = renamed.pop("text_projection.weight")
    texts = {f"{SECOND}transformer.text_model.{name}": facts for name, facts in renamed.items()}
    return outer | texts | {f"{SECOND}transformer.text_projection.weight": projection}


def test_the_second_text_encoder_is_known_by_each_of_its_names() -> None:
    plain = classified(SDXL)
    assert plain.loadable
    other = dict(SDXL)
    other[f"{SECOND}model.text_projection.weight"] = other.pop(f"{SECOND}model.text_projection")
    assert other.keys() != SDXL.keys()
    assert classified(other) == plain
    assert by_transformers(SDXL).keys() != SDXL.keys()
    assert classified(by_transformers(SDXL)) == plain


def test_a_stray_tensor_of_a_lora_is_reported_and_not_taken_for_one() -> None:
    stray = {"lora_te_text_model_encoder_layers_0_mlp_fc1.alpha": TensorFacts("float16", ())}
    answer = classified(SD_1 | stray)
    assert (answer.kind, answer.loadable) == (ModelKind.CHECKPOINT, True)
    assert (
        answer.note == f"holds a tensor of a LoRA, '{next(iter(stray))}', which changes no picture"
    )
    two = stray | {"lora_te_text_model_encoder_layers_0_mlp_fc2.alpha": TensorFacts("float16", ())}
    assert "holds 2 tensors of a LoRA, such as 'lora_te_" in str(classified(SD_1 | two).note)
    assert "which change no picture" in str(classified(SD_1 | two).note)


def test_a_lora_inside_a_network_is_refused() -> None:
    layer = f"{UNET}input_blocks.1.1.transformer_blocks.0.attn1.to_q"
    inside = {f"{layer}.lora_{kind}.weight": TensorFacts("float16", (4, 320)) for kind in "AB"}
    answer = classified(SD_1 | inside)
    assert answer.kind is ModelKind.CHECKPOINT
    assert "holds tensors that no UNet of its kind has" in str(answer.reason)


def test_a_lora_with_a_few_whole_layers_is_a_lora() -> None:
    lora = {
        f"lora_unet_down_blocks_{number}.{end}.weight": TensorFacts("float16", (4, 4))
        for number in range(9)
        for end in ("lora_up", "lora_down")
    }
    norms = {f"{UNET}input_blocks.1.1.norm.weight": TensorFacts("float16", (320,))}
    assert classified(lora | norms).kind is ModelKind.LORA


def test_that_a_header_with_many_networks_stays_as_it_is() -> None:
    """The work for each name grows with the number of networks: 100,000 took minutes."""
    tensors = {
        f"w{number}_ema.{UNET}input_blocks.0.0.weight": TensorFacts("float16", (8, 8))
        for number in range(20_000)
    }
    assert arrangement_of(tensors) == Arrangement()
