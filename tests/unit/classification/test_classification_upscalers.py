"""Upscalers: what is recognised, with which scale, and why others are refused."""

import re
from collections.abc import Mapping

import pytest

from adapters.filesystem.classification import files
from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.reading import Header, TensorFacts
from domain.checkpoints.upscalers import MOST_WEIGHTS, UpscalerNetwork, upscaler_network
from domain.checkpoints.upscalers.others import OTHER_UPSCALERS
from domain.models.record import ModelKind
from tests.unit.classification.classification_headers import classified
from tests.unit.classification.upscaler_headers import (
    compact,
    new_rrdb,
    old_rrdb,
    rrdb_of_bsrgan,
    span,
    under,
)

Tensors = Mapping[str, TensorFacts]

PUBLISHED: Mapping[str, tuple[Tensors, int, int]] = {
    "RRDB_ESRGAN_x4_old_arch": (old_rrdb(), 4, 350),
    "an ESRGAN of scale 1": (old_rrdb(doublings=0), 1, 350),
    "an ESRGAN of scale 2": (old_rrdb(doublings=1), 2, 350),
    "an ESRGAN of scale 8": (old_rrdb(doublings=3), 8, 350),
    "an ESRGAN of few blocks": (old_rrdb(blocks=6, features=32), 4, 95),
    "ESRGAN+": (old_rrdb(plus=True), 4, 350),
    "half precision": (old_rrdb(dtype="float16"), 4, 350),
    "RRDB_ESRGAN_x4": (new_rrdb(), 4, 350),
    "BSRGAN": (rrdb_of_bsrgan(), 4, 350),
    "RealESRGAN_x4plus": (under("params_ema", new_rrdb()), 4, 350),
    "RealESRGAN_x4plus_anime_6B": (under("params_ema", new_rrdb(blocks=6)), 4, 95),
    "RealESRGAN_x2plus": (under("params_ema", new_rrdb(inputs=12)), 2, 700),
    "a RealESRGAN of scale 1": (under("params", new_rrdb(inputs=48)), 1, 1400),
    "an old one of squares": (old_rrdb(inputs=12), 2, 700),
    "weights and averages": (
        under("params", new_rrdb()) | under("params_ema", new_rrdb()),
        4,
        350,
    ),
    "parallel training": (under("module", new_rrdb()), 4, 350),
    "realesr-general-x4v3": (under("params", compact()), 4, 34),
    "realesr-animevideov3": (under("params", compact(blocks=16)), 4, 18),
    "a compact one of scale 1": (compact(blocks=8, features=24, scale=1), 1, 10),
    "a compact one of scale 8": (compact(scale=8), 8, 34),
    "spanx4_ch48": (under("params", span()), 4, 21),
    "spanx2_ch52": (span(features=52, scale=2, normalised=False), 2, 21),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_upscalers_are_recognised(name: str) -> None:
    tensors, scale, reach = PUBLISHED[name]
    found = classified(tensors)
    assert found.kind is ModelKind.UPSCALER
    assert (found.scale, found.is_companion, found.loadable) == (scale, True, False)
    assert found.reason == "it is an upscaler, which enlarges pictures; choose a checkpoint to draw"
    network = upscaler_network(tensors)
    assert network is not None
    assert network.reach == reach
    assert set(network.names.values()) <= tensors.keys()


def test_averages_are_preferred_to_weights() -> None:
    network = upscaler_network(under("params", compact()) | under("params_ema", compact()))
    assert network is not None
    assert network.names["body.0.weight"] == "params_ema.body.0.weight"


def test_each_name_leads_to_the_tensor_of_the_same_place() -> None:
    def network_of(tensors: Tensors) -> UpscalerNetwork:
        network = upscaler_network(tensors)
        assert network is not None
        return network

    old, new = network_of(old_rrdb()), network_of(new_rrdb())
    bsrgan = network_of(rrdb_of_bsrgan())
    assert old.names.keys() == new.names.keys() == bsrgan.names.keys()
    assert all(own == name for own, name in new.names.items())
    assert {
        own: old.names[f"{own}.weight"]
        for own in ("conv_first", "body.3.rdb2.conv5", "conv_body", "conv_up2", "conv_hr")
    } == {
        "conv_first": "model.0.weight",
        "body.3.rdb2.conv5": "model.1.sub.3.RDB2.conv5.0.weight",
        "conv_body": "model.1.sub.23.weight",
        "conv_up2": "model.6.weight",
        "conv_hr": "model.8.weight",
    }
    assert old.names["conv_last.bias"] == "model.10.bias"
    assert bsrgan.names["conv_hr.weight"] == "HRconv.weight"
    assert bsrgan.names["body.0.rdb1.conv1.weight"] == "RRDB_trunk.0.RDB1.conv1.weight"


def without(tensors: Tensors, name: str) -> Tensors:
    assert name in tensors
    return {each: facts for each, facts in tensors.items() if each != name}


def with_shape(tensors: Tensors, name: str, shape: tuple[int, ...]) -> Tensors:
    assert name in tensors
    return {**tensors, name: TensorFacts(tensors[name].dtype, shape)}


REFUSED: Mapping[str, tuple[Tensors, str]] = {
    "grey pictures": (old_rrdb(inputs=1), "1 input and 3 output channels"),
    "transparency": (compact(inputs=4), "4 input channels; RGB has 3"),
    "too small": (new_rrdb(doublings=1, inputs=48), "scale 0.5"),
    "scale 16": (old_rrdb(doublings=4), "scale 16"),
    "scale 9": (compact(scale=9), "243 channels"),
    "grey result": (compact(outputs=16), "16 channels"),
    "no scale": (compact(outputs=3 * 5), "15 channels"),
    "a missing layer": (without(new_rrdb(), "body.7.rdb2.conv4.bias"), r"lacks .*7\.rdb2\.conv4"),
    "a missing last layer": (without(old_rrdb(), "model.10.weight"), "64 output channels"),
    "a missing activation": (without(compact(), "body.3.weight"), r"lacks the tensor body\.3\."),
    "another activation": (
        {
            name: facts
            for name, facts in compact().items()
            if len(facts.shape) != 1 or "bias" in name
        },
        "which activations",
    ),
    "a linear layer": (with_shape(compact(), "body.0.weight", (64, 3)), "2 dim"),
    "another kernel": (with_shape(old_rrdb(), "model.0.weight", (64, 3, 5, 5)), r"\[64, 3, 5, 5\]"),
    "a layer more": ({**span(), "attention.weight": TensorFacts("float32", (8,))}, "attention"),
    "codes": (compact(dtype="int8"), "int8; get it in 16 or 32 bits"),
    "too many features": (compact(features=513, blocks=1), "513 features; between 1 and 512"),
    "too many blocks": (compact(features=1, blocks=129), "129 blocks; between 1 and 128"),
    "too much growth": (old_rrdb(blocks=1, growth=257), "257 growth; between 1 and 256"),
    "too many weights": (old_rrdb(blocks=40, features=512, growth=256), "64,000,000 weights"),
    "no features": (with_shape(compact(), "body.0.weight", (0, 3, 3, 3)), "0 features"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_upscalers_are_refused_with_the_reason(case: str) -> None:
    tensors, reason = REFUSED[case]
    found = classified(tensors)
    assert found.kind is ModelKind.UPSCALER
    assert (found.scale, found.is_companion, found.loadable) == (None, False, False)
    assert found.reason is not None
    assert re.search(reason, found.reason), found.reason
    assert "upscaler" in found.reason


def test_the_limits_are_accepted() -> None:
    for tensors in (
        compact(features=512, blocks=1),
        compact(features=1, blocks=128),
        old_rrdb(blocks=1, growth=256, features=64),
    ):
        assert classified(tensors).scale == 4
    assert MOST_WEIGHTS == 64_000_000


def test_an_upscaler_that_wants_to_run_code_is_not_usable() -> None:
    found = classify(Header(compact(), unsafe_globals=("os.system",)))
    assert found.kind is ModelKind.UPSCALER
    assert (found.scale, found.is_companion) == (None, False)
    assert found.reason is not None
    assert "os.system" in found.reason


@pytest.mark.parametrize(
    "name",
    ["body.0.weight", "conv_first.weight", "model.0.weight", "conv_1.sk.weight"],
)
def test_a_single_tensor_of_such_a_name_does_not_make_an_upscaler(name: str) -> None:
    tensors = {name: TensorFacts("float32", (4, 3, 3, 3)), "other.weight": TensorFacts("int8", ())}
    assert classified(tensors).kind is ModelKind.UNKNOWN


@pytest.mark.parametrize("architecture", OTHER_UPSCALERS)
@pytest.mark.parametrize("table", ["", "params_ema"])
@pytest.mark.parametrize("is_installed", [True, False])
def test_other_networks_are_used_with_spandrel_alone(
    architecture: str, table: str, monkeypatch: pytest.MonkeyPatch, *, is_installed: bool
) -> None:
    monkeypatch.setattr(files, "spandrel_is_installed", lambda: is_installed)
    tensors = {name: TensorFacts("float32", (4, 4)) for name in OTHER_UPSCALERS[architecture]}
    found = classify(Header(under(table, tensors) if table else tensors, {}))
    assert (found.kind, found.loadable, found.scale) == (ModelKind.UPSCALER, False, None)
    assert found.is_companion is is_installed
    assert found.reason is not None
    assert (f"{architecture}, for which the library spandrel" in found.reason) is not is_installed
