"""Whether a LoRA fits a checkpoint, in every layout and form."""

from collections.abc import Callable, Mapping

import pytest

from domain.checkpoints.additions.lora import fit
from domain.checkpoints.additions.lora_layouts import match_lora, read_lora
from domain.checkpoints.additions.network_modules import Network, NetworkModule
from domain.checkpoints.header_values import TensorFacts
from domain.models.record import ModelFamily
from tests.unit.loras.lora_headers import (
    FAMILIES,
    Shapes,
    checkpoint,
    dotted,
    facts,
    folder,
    is_attention,
    is_convolution,
    kohya,
    kohya_original,
    loha,
    low_rank,
    modules,
    original,
)

_A_B = ("lora_A.weight", "lora_B.weight")


def _applied(tensors: Mapping[str, TensorFacts], family: ModelFamily) -> dict[str, str]:
    """Return the module of each tensor that is applied."""
    match = match_lora(read_lora(tensors), modules(family))
    assert match.problem is None
    found = {
        key: f"{each.target.network}.{each.target.name}"
        for each in match.applied
        for key in each.change.keys.values()
    }
    assert sorted((*found, *match.unapplied)) == sorted(tensors)
    return found


def _attentions(family: ModelFamily) -> list[NetworkModule]:
    return [each for each in modules(family) if is_attention(each)]


def _of_unet(family: ModelFamily) -> list[NetworkModule]:
    return [each for each in _attentions(family) if each.network is Network.UNET]


def _layouts(family: ModelFamily) -> dict[str, Shapes]:
    changed, of_unet = _attentions(family), _of_unet(family)
    first = [each for each in changed if each.network is Network.TEXT_ENCODER]
    return {
        "kohya": low_rank(changed),
        "kohya without alpha": low_rank(changed, alpha=False),
        "kohya, original names": low_rank(changed, lambda each: kohya_original(each, family)),
        "kohya, one text encoder": low_rank(
            [*of_unet, *first], lambda each: kohya(each).replace("lora_te1_", "lora_te_")
        ),
        "diffusers": low_rank(changed, dotted, ends=_A_B, alpha=False),
        "diffusers, before": low_rank(
            changed, dotted, ends=("lora.down.weight", "lora.up.weight"), alpha=False
        ),
        "diffusers, text encoders of long ago": low_rank(
            changed,
            dotted,
            ends=("lora_linear_layer.down.weight", "lora_linear_layer.up.weight"),
            alpha=False,
        ),
        "PEFT": low_rank(
            of_unet, lambda each: f"base_model.model.{each.name}", ends=_A_B, alpha=False
        ),
        "PEFT, with the name of an adapter": low_rank(
            of_unet,
            lambda each: f"base_model.model.{each.name}",
            ends=("lora_A.default.weight", "lora_B.default.weight"),
            alpha=False,
        ),
        "PEFT, a text encoder": low_rank(
            first, lambda each: f"base_model.model.text_model.{each.name}", ends=_A_B, alpha=False
        ),
        "LyCORIS": low_rank(of_unet, lambda each: "lycoris_" + each.name.replace(".", "_")),
        "ComfyUI": low_rank(
            of_unet, lambda each: f"diffusion_model.{original(each, family)}", alpha=False
        ),
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layout", _layouts(ModelFamily.SD_1))
def test_every_tensor_of_a_layout_finds_its_module(family: ModelFamily, layout: str) -> None:
    tensors = facts(_layouts(family)[layout])
    expected = {
        "PEFT, a text encoder": [
            each for each in _attentions(family) if each.network is Network.TEXT_ENCODER
        ],
    }.get(layout, _of_unet(family) if "PEFT" in layout else None)

    applied = _applied(tensors, family)

    assert applied.keys() == tensors.keys()
    if expected is not None:
        assert set(applied.values()) == {f"{each.network}.{each.name}" for each in expected}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_and_a_folder_of_a_checkpoint_take_the_same_loras(family: ModelFamily) -> None:
    tensors = facts(low_rank(_attentions(family)))

    assert fit(tensors, checkpoint(family)) == fit(tensors, folder(family))
    assert fit(tensors, checkpoint(family)).problem is None


def _processor(module: NetworkModule) -> str:
    """Return the name of a module in the first release of diffusers' LoRAs."""
    attention, _, projection = module.name.replace(".to_out.0", ".to_out").rpartition(".")
    return f"{attention}.processor.{projection}_lora"


@pytest.mark.parametrize("prefix", ["", "unet."])
def test_the_first_names_of_diffusers_are_those_of_attention_processors(prefix: str) -> None:
    changed = _of_unet(ModelFamily.SD_1)
    shapes = low_rank(
        changed,
        lambda each: prefix + _processor(each),
        ends=("down.weight", "up.weight"),
        alpha=False,
    )
    # `to_q_lora.down.weight` has a dot only after `lora`.
    applied = _applied(facts(shapes), ModelFamily.SD_1)

    assert set(applied.values()) == {f"unet.{each.name}" for each in changed}


def test_the_first_names_of_diffusers_for_a_text_encoder() -> None:
    name = "text_encoder.text_model.encoder.layers.3.self_attn.to_{}_lora.{}.weight"
    shapes = {
        name.format(each, side): shape
        for each in ("q", "k", "v", "out")
        for side, shape in (("down", (4, 768)), ("up", (768, 4)))
    }

    applied = _applied(facts(shapes), ModelFamily.SD_1)

    assert set(applied.values()) == {
        f"text_encoder.encoder.layers.3.self_attn.{each}_proj" for each in ("q", "k", "v", "out")
    }


def test_a_name_without_a_network_is_told_by_its_shapes() -> None:
    name = "base_model.model.text_model.encoder.layers.0.mlp.fc1.lora_{}.weight"
    shapes = {name.format("A"): (4, 1280), name.format("B"): (5120, 4)}

    applied = _applied(facts(shapes), ModelFamily.SDXL)

    assert set(applied.values()) == {"text_encoder_2.encoder.layers.0.mlp.fc1"}


def _first(chosen: Callable[[NetworkModule], bool]) -> NetworkModule:
    return next(each for each in modules(ModelFamily.SD_1) if chosen(each))


_LINEAR = _first(is_attention)
_CONVOLUTION = _first(lambda each: is_convolution(each) and each.name.endswith("conv2"))
_NORM = _first(lambda each: each.name.endswith("norm2") and "resnets" in each.name)
_POINTWISE = _first(lambda each: each.name.endswith("proj_in"))


def _named(module: NetworkModule, shapes: Shapes) -> Shapes:
    return {f"{kohya(module)}.{role}": shape for role, shape in shapes.items()}


def _weight(module: NetworkModule) -> tuple[int, ...]:
    assert module.weight is not None
    return module.weight


def _whole_forms() -> dict[str, Shapes]:
    rows, columns = _weight(_LINEAR)
    out, into, *kernel = _weight(_CONVOLUTION)
    point_rows, point_columns = _weight(_POINTWISE)[:2]
    linear, convolution, norm = _LINEAR, _CONVOLUTION, _NORM
    pair: Shapes = {"lora_down.weight": (4, columns), "lora_up.weight": (rows, 4)}
    return {
        "LoRA": _named(linear, pair),
        "LoRA with DoRA": _named(linear, pair | {"dora_scale": (rows, 1)}),
        "LoRA with DoRA over inputs": _named(linear, pair | {"dora_scale": (1, columns)}),
        "LoRA with PEFT's magnitudes": _named(linear, pair | {"lora_magnitude_vector": (rows,)}),
        "LoRA of a convolution": low_rank([convolution]),
        "LoRA of a convolution with a middle": _named(
            convolution,
            {
                "lora_down.weight": (4, into, 1, 1),
                "lora_mid.weight": (4, 4, *kernel),
                "lora_up.weight": (out, 4, 1, 1),
            },
        ),
        "LoRA of a convolution of one pixel": low_rank([_POINTWISE]),
        "linear LoRA of a convolution of one pixel": _named(
            _POINTWISE,
            {"lora_down.weight": (4, point_columns), "lora_up.weight": (point_rows, 4)},
        ),
        "LoHa": loha(linear),
        "LoHa of a convolution": loha(convolution),
        "LoHa of a convolution with third tensors": loha(convolution, tucker=True),
        "LoKr": _named(
            linear, {"lokr_w1": (8, 8), "lokr_w2": (rows // 8, columns // 8), "alpha": ()}
        ),
        "LoKr with ranks": _named(
            linear,
            {
                "lokr_w1_a": (8, 4),
                "lokr_w1_b": (4, 8),
                "lokr_w2_a": (rows // 8, 4),
                "lokr_w2_b": (4, columns // 8),
            },
        ),
        "LoKr of a convolution": _named(
            convolution,
            {"lokr_w1": (8, 8), "lokr_w2_a": (out // 8, 4), "lokr_w2_b": (4, into // 8 * 9)},
        ),
        "LoKr of a convolution with a third tensor": _named(
            convolution,
            {
                "lokr_w1": (8, 8),
                "lokr_w2_a": (4, out // 8),
                "lokr_w2_b": (4, into // 8),
                "lokr_t2": (4, 4, *kernel),
            },
        ),
        "whole difference": _named(convolution, {"diff": (out, into, *kernel), "diff_b": (out,)}),
        "LoRA with a difference of the bias": low_rank([convolution])
        | _named(convolution, {"diff_b": (out,)}),
        "norm": _named(norm, {"w_norm": _weight(norm), "b_norm": _weight(norm)}),
        "norm's bias alone": _named(norm, {"b_norm": _weight(norm)}),
        "(IA)³": _named(linear, {"weight": (rows, 1), "on_input": ()}),
    }


@pytest.mark.parametrize("form", _whole_forms())
def test_every_form_fits_its_module(form: str) -> None:
    tensors = facts(_whole_forms()[form])

    assert _applied(tensors, ModelFamily.SD_1).keys() == tensors.keys()
    assert fit(tensors, checkpoint(ModelFamily.SD_1)).warnings == ()


@pytest.mark.parametrize("form", _whole_forms())
def test_each_form_without_one_of_its_tensors_is_refused_or_is_another_form(form: str) -> None:
    shapes = _whole_forms()[form]
    magnitudes = {"dora_scale", "lora_magnitude_vector"}
    optional = {"alpha", "diff", "diff_b", "w_norm", "b_norm"} | magnitudes

    for key in shapes:
        tensors = facts({each: shape for each, shape in shapes.items() if each != key})
        found = fit(tensors, checkpoint(ModelFamily.SD_1))
        if key.rpartition(".")[2] in optional and tensors:
            assert found.problem is None, key
        else:
            assert found.problem is not None, key


@pytest.mark.parametrize("form", _whole_forms())
def test_each_form_with_a_longer_side_is_refused(form: str) -> None:
    shapes = _whole_forms()[form]

    for key, shape in shapes.items():
        for side in range(len(shape)):
            longer = tuple(each + (place == side) for place, each in enumerate(shape))
            tensors = facts(shapes | {key: longer})
            assert fit(tensors, checkpoint(ModelFamily.SD_1)).problem is not None, (key, longer)


@pytest.mark.parametrize("form", _whole_forms())
def test_each_form_with_an_empty_tensor_is_refused(form: str) -> None:
    shapes = _whole_forms()[form]

    for key, shape in shapes.items():
        tensors = facts(shapes | {key: (0, *shape[1:])})
        assert "is empty" in (fit(tensors, checkpoint(ModelFamily.SD_1)).problem or ""), key


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "int8", "complex64", "bool"])
def test_codes_are_not_read_as_numbers(dtype: str) -> None:
    tensors = facts(low_rank([_LINEAR], alpha=False), dtype)

    assert dtype in (fit(tensors, checkpoint(ModelFamily.SD_1)).problem or "")


@pytest.mark.parametrize(
    ("family", "other"),
    [(one, other) for one in FAMILIES for other in FAMILIES if one is not other],
)
@pytest.mark.parametrize("layout", ["kohya", "diffusers"])
def test_a_lora_of_another_family_is_refused(
    family: ModelFamily, other: ModelFamily, layout: str
) -> None:
    assert fit(facts(_layouts(family)[layout]), checkpoint(other)).problem is not None


def test_modules_of_a_network_that_is_not_there_are_a_warning() -> None:
    tensors = facts(low_rank(_attentions(ModelFamily.SDXL)))
    alone = {
        name: each
        for name, each in checkpoint(ModelFamily.SDXL).items()
        if not name.startswith("conditioner.embedders.1.")
    }

    found = fit(tensors, alone)

    assert found.problem is None
    assert len(found.warnings) == 1
    assert "second text encoder" in found.warnings[0]
    assert "lora_te2_" in found.warnings[0]


def test_a_unet_that_lacks_some_of_the_modules_is_refused() -> None:
    tensors = facts(low_rank(_attentions(ModelFamily.SD_1)))
    tensors |= facts({"lora_unet_nothing.lora_up.weight": (8, 4)})
    tensors |= facts({"lora_unet_nothing.lora_down.weight": (4, 8)})

    assert "lora_unet_nothing" in (fit(tensors, checkpoint(ModelFamily.SD_1)).problem or "")


def test_tensors_beside_a_whole_lora_are_a_warning() -> None:
    tensors = facts(low_rank(_attentions(ModelFamily.SD_1)) | {"bundle_emb.word.string": (2, 768)})

    found = fit(tensors, checkpoint(ModelFamily.SD_1))

    assert found.problem is None
    assert "bundle_emb.word.string" in found.warnings[0]


@pytest.mark.parametrize(
    "end", ["oft_blocks", "oft_diag", "a1.weight", "glora_a", "bias_indices", "lora_E"]
)
def test_a_form_that_cannot_be_applied_is_named(end: str) -> None:
    name = f"{kohya(_LINEAR)}.{end}"
    tensors = facts(low_rank(_attentions(ModelFamily.SD_1)[1:]) | {name: (4, 4, 4)})

    problem = fit(tensors, checkpoint(ModelFamily.SD_1)).problem
    assert problem is not None
    assert name in problem


@pytest.mark.parametrize(
    "prefix", ["model.diffusion_model.", "clip_l.", "conditioner.embedders.1.model.", "unet."]
)
def test_a_change_of_no_known_form_is_refused_in_every_naming(prefix: str) -> None:
    name = f"{prefix}some.module.oft_blocks"
    tensors = facts(low_rank(_attentions(ModelFamily.SD_1)) | {name: (4, 4, 4)})

    assert name in (fit(tensors, checkpoint(ModelFamily.SD_1)).problem or "")


def test_a_file_of_peft_warns_that_its_alpha_is_in_another_file() -> None:
    unet = [each for each in _attentions(ModelFamily.SD_1) if each.network is Network.UNET]
    as_peft = low_rank(unet, lambda each: f"base_model.model.{each.name}", ends=_A_B, alpha=False)
    as_diffusers = low_rank(unet, dotted, ends=_A_B, alpha=False)

    (warning,) = fit(facts(as_peft), checkpoint(ModelFamily.SD_1)).warnings
    assert "adapter_config.json" in warning
    assert fit(facts(as_diffusers), checkpoint(ModelFamily.SD_1)).warnings == ()


def test_a_module_that_is_changed_twice_is_refused() -> None:
    shapes = low_rank([_LINEAR]) | low_rank([_LINEAR], dotted, ends=_A_B, alpha=False)

    problem = fit(facts(shapes), checkpoint(ModelFamily.SD_1)).problem
    assert problem is not None
    assert "several times" in problem


def test_factors_that_only_seem_to_be_of_a_convolution_are_refused() -> None:
    """Their product has as many numbers as the weight, but not its height and width."""
    out, into = _weight(_CONVOLUTION)[:2]
    shapes = _named(_CONVOLUTION, {"lokr_w1": (out // 8, 9), "lokr_w2": (8, into)})

    assert "second factor" in (fit(facts(shapes), checkpoint(ModelFamily.SD_1)).problem or "")


@pytest.mark.parametrize("digits", ["5" * 5000, "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_number_in_a_name_may_be_anything(digits: str) -> None:
    name = f"cond_stage_model.model.transformer.resblocks.{digits}.mlp.c_fc.weight"
    odd = checkpoint(ModelFamily.SD_2) | facts({name: (4, 4)})

    assert fit(facts(low_rank(_attentions(ModelFamily.SD_2))), odd).problem is None


@pytest.mark.parametrize("tensors", [{}, {"model.weight": (4, 4)}])
def test_a_file_that_holds_no_change_is_refused(tensors: Shapes) -> None:
    assert fit(facts(tensors), checkpoint(ModelFamily.SD_1)).problem is not None


def test_the_rank_of_a_file_is_its_largest() -> None:
    shapes = low_rank([_LINEAR], rank=4) | low_rank([_CONVOLUTION], rank=16)

    assert read_lora(facts(shapes)).rank == 16
    assert read_lora(facts({f"{kohya(_NORM)}.w_norm": _weight(_NORM)})).rank is None
