"""Weights in codes of other tools are recognised by the ends of names."""

import pytest

from domain.checkpoints.quantised import quantisation_of

ENDINGS = {
    "bitsandbytes' 4 or 8 bits": (
        *("weight.absmax", "weight.nested_absmax", "weight.quant_map", "weight.nested_quant_map"),
        *("weight.quant_state.bitsandbytes__nf4", "weight.quant_state.bitsandbytes__fp4"),
    ),
    "bitsandbytes' 8 bits": ("SCB", "weight_format"),
    "4 bits with block scales (nvfp4)": ("weight_scale_2",),
    "ComfyUI's scaled numbers": (
        *("comfy_quant", "weight_scale", "input_scale", "pre_quant_scale"),
        *("weight_zeros", "weight_s_rel", "weight_s_channel", "weight_codebook"),
    ),
    "scaled 8-bit numbers (fp8)": ("scaled_fp8", "scale_weight", "scale_input"),
    "GPTQ's, AWQ's or nunchaku's codes": (*("qweight", "qzeros", "g_idx", "wscales", "wzeros"),),
    "optimum-quanto's codes": ("weight._data", "weight._scale", "weight._shift"),
}


@pytest.mark.parametrize(
    ("form", "ending"), [(form, ending) for form, found in ENDINGS.items() for ending in found]
)
def test_each_end_of_a_name_tells_its_form(form: str, ending: str) -> None:
    names = ["layer.weight", "layer.bias", f"layer.{ending}", "layer.other"]
    assert quantisation_of(names, {}) == (form, f"layer.{ending}")


@pytest.mark.parametrize(
    "name", ["layer.weight", "norm.scale", "logit_scale", "a.data", "weight_scale.weight", "zeros"]
)
def test_other_names_tell_of_none(name: str) -> None:
    assert quantisation_of([name], {}) is None
