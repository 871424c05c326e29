"""Every field of a unit of ControlNet is read, has no effect, or is refused by name."""

from typing import Any

import pytest

from adapters.http.automatic1111.controlnet import AskedControls, read_units
from adapters.http.automatic1111.controlnet.fields import ALIASES, READ, RULES
from domain.generation.parts import ControlMode, Preprocessor, ResizeMode
from tests.http.automatic1111.sdapi import picture

RED = picture("red")
AT = "alwayson_scripts.ControlNet.args[0]"

# The fields of the extension, with its defaults (`internal_controlnet/args.py`), then those of its
# releases before, then those of Forge.
UPSTREAM: dict[str, Any] = {
    **{"is_ui": False, "input_mode": "simple", "batch_images": None, "output_dir": ""},
    **{"loopback": False, "enabled": True, "module": "none", "model": "m", "weight": 1.0},
    **{"image": RED, "resize_mode": "Crop and Resize", "low_vram": False, "processor_res": -1},
    **{"threshold_a": -1, "threshold_b": -1, "guidance_start": 0.0, "guidance_end": 1.0},
    **{"pixel_perfect": False, "control_mode": "Balanced", "inpaint_crop_input_image": True},
    **{"hr_option": "Both", "save_detected_map": True, "advanced_weighting": None},
    **{"effective_region_mask": None, "pulid_mode": "Fidelity", "ipadapter_input": None},
    **{"mask": None, "union_control_type": "Unknown"},
}
FORGE: dict[str, Any] = {
    **{"use_preview_as_input": False, "batch_image_dir": "", "batch_mask_dir": ""},
    **{"batch_input_gallery": None, "batch_mask_gallery": None, "generated_image": None},
    **{"mask_image": None, "image_fg": None, "mask_image_fg": None},
}


def read(*units: object, **sent: Any) -> AskedControls:
    return read_units({"ControlNet": {"args": [*units]}}, sent)


def asked(**changes: Any) -> dict[str, Any]:
    return {"model": "m", "image": RED, **changes}


def problems(**changes: Any) -> dict[str, str]:
    found = read(asked(**changes))
    assert not found.problems or found.units == ()
    return {place.removeprefix(f"{AT}."): text for place, text in found.problems.items()}


def only(**changes: Any) -> Any:
    found = read(asked(**changes))
    assert found.problems == {}
    (unit,) = found.units
    return unit


def test_every_field_of_the_extension_is_known() -> None:
    fields = {*UPSTREAM, *FORGE}
    earlier = {"invert_image", "rgbbgr_mode"}
    assert {ALIASES.get(name, name) for name in fields} | earlier == READ | RULES.keys()
    assert READ.isdisjoint(RULES)


@pytest.mark.parametrize("sent", [UPSTREAM, UPSTREAM | FORGE], ids=["extension", "forge"])
def test_a_unit_with_all_defaults_is_accepted(sent: dict[str, Any]) -> None:
    found = read(sent)
    assert (found.problems, found.ignored) == ({}, ())
    (unit,) = found.units
    assert (unit.scale, unit.start, unit.end, unit.preprocessor) == (1, 0, 1, None)
    assert (unit.resize_mode, unit.mode) == (ResizeMode.CROP, ControlMode.BALANCED)
    assert (unit.has_map, unit.resolution, unit.mask) == (True, None, None)


@pytest.mark.parametrize("nothing", [None, False, 0, "", [], {}])
@pytest.mark.parametrize("name", sorted(RULES))
def test_empty_values_change_nothing(name: str, nothing: object) -> None:
    found = read(asked(**{name: nothing}))
    assert (found.problems, found.ignored, len(found.units)) == ({}, (), 1)


@pytest.mark.parametrize(
    "name",
    [
        *("input_mode", "batch_images", "loopback", "advanced_weighting", "effective_region_mask"),
        *("ipadapter_input", "use_preview_as_input", "image_fg", "mask_image_fg"),
        *("batch_image_dir", "batch_mask_dir", "batch_input_gallery", "batch_mask_gallery"),
        *("invert_image", "rgbbgr_mode"),
    ],
)
def test_a_field_that_would_change_the_picture_is_refused(name: str) -> None:
    assert problems(**{name: [1]}) == {name: "cannot be done here; leave it out"}


def test_an_unknown_field_is_named() -> None:
    assert read(asked(unheard_of=1, low_vram=True, lowvram=True)).ignored == (f"{AT}.unheard_of",)


@pytest.mark.parametrize(
    "value, mode",
    [
        *(("Just Resize", ResizeMode.STRETCH), ("Crop and Resize", ResizeMode.CROP)),
        *(("Resize and Fill", ResizeMode.PAD), (0, ResizeMode.STRETCH), (1, ResizeMode.CROP)),
        *((2, ResizeMode.PAD), ("2", ResizeMode.PAD), ("resize and fill", ResizeMode.PAD)),
        *(("Inner Fit (Scale to Fit)", ResizeMode.CROP), ("", ResizeMode.CROP)),
        *(("Scale to Fit (Inner Fit)", ResizeMode.CROP), (None, ResizeMode.CROP)),
        *(("Outer Fit (Shrink to Fit)", ResizeMode.PAD), ("Envelope (Outer Fit)", ResizeMode.PAD)),
    ],
)
def test_resize_modes_have_names_and_numbers(value: object, mode: ResizeMode) -> None:
    assert only(resize_mode=value).resize_mode is mode


@pytest.mark.parametrize(
    "value, mode",
    [
        *(("Balanced", "balanced"), (0, "balanced"), (None, "balanced"), (1, "prompt")),
        *(("My prompt is more important", "prompt"), ("ControlNet is more important", "control")),
        *((2, "control"), ("2", "control"), ("balanced", "balanced")),
    ],
)
def test_control_modes_have_names_and_numbers(value: object, mode: str) -> None:
    assert only(control_mode=value).mode == mode


@pytest.mark.parametrize("name", ["resize_mode", "control_mode", "hr_option"])
@pytest.mark.parametrize("value", ["x", 3, -1, 1.5, True, [1], {"a": 1}])
def test_an_unknown_word_is_refused_with_the_list(name: str, value: object) -> None:
    (message,) = problems(**{name: value}).values()
    assert "it must be one of: " in message
    assert "(0)" in message


@pytest.mark.parametrize("value", ["canny", "Canny", " canny "])
def test_a_module_becomes_a_preprocessor(value: str) -> None:
    assert only(module=value).preprocessor == Preprocessor(name="canny", low=100, high=200)


@pytest.mark.parametrize("value", ["invert", "invert (from white bg & black line)"])
def test_a_module_has_two_names(value: str) -> None:
    unit = only(module=value, threshold_a=0.5, processor_res=999.5)
    assert (unit.preprocessor, unit.resolution) == (Preprocessor(name="invert"), None)


@pytest.mark.parametrize("value", [None, "", "none", "None"])
def test_without_a_module_the_picture_is_the_map(value: object) -> None:
    assert only(module=value).preprocessor is None


@pytest.mark.parametrize("value", ["openpose", "depth_midas", "reference_only", 5, ["canny"]])
def test_an_unknown_module_is_refused_with_the_list(value: object) -> None:
    assert "none, canny, invert" in problems(module=value)["module"]


@pytest.mark.parametrize(
    "sent, thresholds",
    [
        ((-1, -1), (100, 200)),
        ((64, 64), (64, 64)),
        ((1, 255), (1, 255)),
        ((0, 256), (100, 200)),
        ((200, 50), (50, 200)),
        (("30", 60.0), (30, 60)),
        ((250, -1), (200, 250)),
    ],
)
def test_thresholds_are_whole_numbers_in_any_order(
    sent: tuple[Any, Any], thresholds: tuple[int, int]
) -> None:
    made = only(module="canny", threshold_a=sent[0], threshold_b=sent[1]).preprocessor
    assert (made.low, made.high) == thresholds


@pytest.mark.parametrize("name", ["threshold_a", "threshold_b", "processor_res"])
@pytest.mark.parametrize("value", [100.5, "many", True, [1]])
def test_a_threshold_that_is_not_a_whole_number_is_refused(name: str, value: object) -> None:
    assert list(problems(module="canny", **{name: value})) == [name]


@pytest.mark.parametrize(
    "changes, resolution",
    [
        ({}, 512),
        ({"processor_res": 768}, 768),
        ({"processor_res": 128}, 128),
        ({"processor_res": 2048}, 2048),
        ({"processor_res": 127}, 512),
        ({"processor_res": 2049}, 512),
        ({"processor_res": 768, "pixel_perfect": True}, None),
    ],
)
def test_canny_reads_the_picture_at_a_resolution(
    changes: dict[str, Any], resolution: int | None
) -> None:
    assert only(module="canny", **changes).resolution == resolution


@pytest.mark.parametrize(
    "name, value",
    [
        *(("weight", -0.1), ("weight", 2.1), ("weight", "much"), ("weight", True)),
        *(("guidance_start", -0.1), ("guidance_start", 1.1), ("guidance_end", 1.1)),
        *(("pixel_perfect", "perhaps"), ("save_detected_map", 2)),
        *(("image", "http://a/b.png"), ("image", "?"), ("image", [1]), ("mask", "?")),
        *(("model", "None"), ("model", ""), ("model", 5), ("module", "openpose")),
    ],
)
def test_a_wrong_value_is_named(name: str, value: object) -> None:
    assert list(problems(**{name: value})) == [name]


@pytest.mark.parametrize("value, scale", [(0, 0), (2, 2), ("0.5", 0.5)])
def test_a_weight_within_the_limits_is_kept(value: object, scale: float) -> None:
    assert only(weight=value).scale == scale


@pytest.mark.parametrize("start, told", [(0.6, "0.6"), (0.5, "0.5"), ("0.5", "0.5")])
def test_a_unit_cannot_end_before_it_starts(start: object, told: str) -> None:
    found = problems(guidance_start=start, guidance_end=0.5)
    message = f"is {told}; it must be less than guidance_end, which is 0.5"
    assert found == {"guidance_start": message}
    assert only(guidance_start=0.5, guidance=0.6).end == 0.6


def test_every_wrong_field_is_named_at_once() -> None:
    found = read(asked(weight=3, module="x"), asked(model=""), asked())
    assert [*found.problems] == [
        *(f"{AT}.module", f"{AT}.weight", f"{AT.replace('[0]', '[1]')}.model"),
    ]


@pytest.mark.parametrize(
    "option, is_refused", [("Both", False), (1, True), ("High res only", True)]
)
def test_both_passes_follow_the_map(option: object, is_refused: bool) -> None:
    unit = asked(hr_option=option)
    assert read(unit).problems == {}
    assert (read(unit, enable_hr=True).problems != {}) is is_refused


def test_the_picture_is_cropped_to_the_box_of_a_mask() -> None:
    unit = asked(inpaint_crop_input_image=False)
    assert read(unit).problems == {}
    assert read(unit, mask="", inpaint_full_res=True).problems == {}
    assert read(unit, mask=RED, inpaint_full_res=0).problems == {}
    for sent in ({"mask": RED}, {"mask": RED, "inpaint_full_res": 1}):
        assert [*read(unit, **sent).problems] == [f"{AT}.inpaint_crop_input_image"]
        assert read(asked(inpaint_crop_input_image=True), **sent).problems == {}


@pytest.mark.parametrize(
    "form",
    [
        {"image": RED},
        {"input_image": RED},
        {"image": {"image": RED, "mask": None}},
        {"image": {"image": RED}},
        {"image": [RED]},
        {"image": [{"image": RED}]},
        {"image": [RED, ""]},
        {"image": "data:image/png;base64," + RED},
        {"image": RED, "input_image": RED},
        {"image": "", "input_image": RED},
    ],
    ids=lambda each: ",".join(each),
)
def test_a_picture_has_several_forms(form: dict[str, Any]) -> None:
    found = read({"model": "m", **form})
    assert found.problems == {}
    (unit,) = found.units
    assert unit.image is not None
    assert unit.image[:4] == b"\x89PNG"
    assert unit.mask is None


@pytest.mark.parametrize(
    "form",
    [
        {"image": RED, "mask": RED},
        {"image": RED, "mask_image": RED},
        {"image": {"image": RED, "mask": RED}},
        {"image": [RED, RED]},
        {"image": [{"image": RED, "mask": RED}]},
    ],
    ids=lambda each: ",".join(each),
)
def test_a_mask_has_several_forms(form: dict[str, Any]) -> None:
    (unit,) = read({"model": "m", **form}).units
    assert unit.mask is not None


def test_two_pictures_in_one_unit_are_refused() -> None:
    assert problems(input_image=picture("blue")) == {
        "input_image": "cannot be sent with image; send one of them"
    }
    assert list(problems(guidance_end=0.5, guidance=0.6)) == ["guidance"]


@pytest.mark.parametrize(
    "off",
    [
        *(None, {}, {"enabled": False, "model": "m"}, {"enabled": 0, "image": "?"}, False, ""),
        *({"weight": 0.5}, {"model": "None", "module": "none"}, {"enabled": "false", "module": 1}),
    ],
)
def test_a_unit_that_is_off_is_not_read(off: object) -> None:
    assert read(off) == AskedControls()


@pytest.mark.parametrize("unit", ["canny", True, 5, ["x"]])
def test_a_unit_that_is_not_an_object_is_refused(unit: object) -> None:
    (message,) = read(unit).problems.values()
    assert "must be an object" in message


@pytest.mark.parametrize(
    "scripts",
    [
        {"ControlNet": {"args": [asked()]}},
        {"controlnet": {"args": [asked()]}},
        {"CONTROLNET": {"args": asked()}},
        {"ControlNet": [asked()]},
        {"ControlNet": asked()},
    ],
)
def test_a_script_has_several_forms(scripts: dict[str, Any]) -> None:
    found = read_units(scripts, {})
    assert (len(found.units), found.problems) == (1, {})


@pytest.mark.parametrize("scripts", [None, [], "x", {"Other": {"args": [{}]}}, {"ControlNet": 0}])
def test_other_scripts_are_not_read(scripts: object) -> None:
    assert read_units(scripts, {}) == AskedControls()


def test_a_request_has_four_units_at_most() -> None:
    assert len(read(*[asked()] * 4, {}, {"enabled": False}).units) == 4
    found = read(*[asked()] * 5)
    assert found.problems == {
        "alwayson_scripts.ControlNet.args": "has 5 units that are switched on; a request has at "
        "most 4"
    }


@pytest.mark.parametrize("depth", [2, 50, 400])
def test_nesting_does_no_harm(depth: int) -> None:
    deep: Any = 1
    for _ in range(depth):
        deep = [deep]
    for name in (*READ, *RULES, "unheard_of"):
        read(asked(**{name: deep}))
    for name, own in ALIASES.items():
        read(asked(**{name: deep, own: deep}))
    read(deep)
