"""ComfyUI's quantised layers: which layers are in codes, and where their scales are.

Sources: Comfy-Org/ComfyUI `comfy/utils.py` (`convert_old_quants`), `comfy/ops.py`
(`_load_quantized_module`, `scaled_fp8_ops` of 2025) and `comfy/quant_ops.py` (`QUANT_ALGOS`).

- The old form: a tensor `scaled_fp8` without meaning of its own; `<layer>.weight` in fp8,
  `<layer>.scale_weight` with one number, and perhaps `<layer>.scale_input`.
- The new form: `<layer>.weight`, `<layer>.weight_scale`, perhaps `<layer>.input_scale`. JSON tells
  the format of the layer: the bytes of `<layer>.comfy_quant`, or the entry of the layer in
  `_quantization_metadata` of the metadata.

`input_scale` is for a device that multiplies in fp8: its numbers scale the inputs of a layer before
they become fp8. The service multiplies in the precision of the plan, where this changes nothing.
Options of a layer such as `full_precision_matrix_mult` choose the same thing, and are not read.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.quantised.foreign import quantisation_of
from domain.checkpoints.quantised.formats import UnusableLayer, label_of, layer_of
from domain.checkpoints.quantised.values import REMEDY, Layer, Quantisation

__all__ = ["marker_names", "quantisation_of_file"]

_METADATA = "_quantization_metadata"
_MARKER = ".comfy_quant"
_OLD_MARKER = "scaled_fp8"
_OLD_SCALE, _SCALE = ".scale_weight", ".weight_scale"
_LONGEST_MARKER = 4096
_MOST_MARKERS = 20_000
# Tools that quantise a whole checkpoint may name its layers as the UNet's alone would be named.
_PREFIXES = ("", "model.diffusion_model.", "model.")


def marker_names(tensors: Mapping[str, TensorFacts]) -> list[str]:
    """Return the names of the tensors whose data tells the formats of layers.

    At most 20,000 tensors of at most 4,096 bytes each count. Others are left unread, and their
    layers are refused.
    """
    found = [
        name
        for name, facts in tensors.items()
        if name.endswith(_MARKER)
        and facts.dtype == "uint8"
        and len(facts.shape) == 1
        and 0 < facts.shape[0] <= _LONGEST_MARKER
    ]
    return found[:_MOST_MARKERS]


def quantisation_of_file(
    tensors: Mapping[str, TensorFacts],
    metadata: Mapping[str, str],
    markers: Mapping[str, bytes],
) -> Quantisation | None:
    """Return what ComfyUI's tensors and metadata say about the layers of a file.

    Args:
        tensors: The tensors of the file, by name.
        metadata: The texts beside the tensors.
        markers: The data of the tensors that `marker_names` lists.

    Returns:
        The layers; with a fault if one of them cannot be read. None if the file has no layer of
        these forms.
    """
    try:
        told = _told(tensors, metadata, markers)
        if not told and not any(map(_is_old_marker, tensors)):
            return None
        layers: dict[str, Layer] = {}
        aside: set[str] = set(filter(_is_old_marker, tensors))
        labels: set[str] = set()
        for layer, options in told.items():
            found, used = layer_of(layer, options, tensors)
            layers[f"{layer}.weight"] = found
            labels.add(label_of(found, tensors[f"{layer}.weight"], options))
            aside.update(name for name in (*used, f"{layer}{_MARKER}") if name in tensors)
    except UnusableLayer as error:
        return Quantisation(fault=f"{error}; {REMEDY}")
    rest = (name for name in tensors if name not in aside)
    if (foreign := quantisation_of(rest, {})) is not None:
        form, name = foreign
        return Quantisation(fault=_foreign_fault(form, name))
    label = None if not labels else labels.pop() if len(labels) == 1 else "mixed"
    return Quantisation(label, layers, frozenset(aside))


def _told(
    tensors: Mapping[str, TensorFacts], metadata: Mapping[str, str], markers: Mapping[str, bytes]
) -> dict[str, Mapping[str, Any]]:
    """Return the options of each quantised layer; none for one that only its scale tells of."""
    told: dict[str, Mapping[str, Any]] = {}
    for layer, options in _of_metadata(metadata.get(_METADATA)):
        if (placed := _placed(layer, tensors)) is not None:
            told[placed] = options
    for name in tensors:
        if name.endswith(_MARKER):
            if name not in markers:
                raise UnusableLayer(f"the format of its layer '{_shown(name)}' cannot be read")
            told[name.removesuffix(_MARKER)] = _options(markers[name], name)
    for name in tensors:
        if name.endswith((_OLD_SCALE, _SCALE)):
            told.setdefault(name.rpartition(".")[0], {})
    return told


def _of_metadata(text: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if text is None:
        return
    table = _options(text.encode(), _METADATA)
    layers = table.get("layers", {})
    if not isinstance(layers, dict):
        raise UnusableLayer(f"its {_METADATA} names no layers")
    for layer, options in layers.items():
        options = {"format": options} if isinstance(options, str) else options
        if not isinstance(options, dict):
            raise UnusableLayer(f"its {_METADATA} holds no format of '{_shown(layer)}'")
        yield layer, options


def _placed(layer: str, tensors: Mapping[str, TensorFacts]) -> str | None:
    return next((p + layer for p in _PREFIXES if f"{p}{layer}.weight" in tensors), None)


def _options(data: bytes, name: str) -> Mapping[str, Any]:
    try:
        options = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnusableLayer(f"its '{_shown(name)}' is not JSON") from error
    if not isinstance(options, dict):
        raise UnusableLayer(f"its '{_shown(name)}' is not a JSON object")
    return options


def _is_old_marker(name: str) -> bool:
    return name == _OLD_MARKER or name.endswith(f".{_OLD_MARKER}")


def _foreign_fault(form: str, name: str) -> str:
    return f"its weights are quantised: they are {form}, as its '{_shown(name)}' shows; {REMEDY}"


def _shown(name: str) -> str:
    return ascii(name[:100])[1:-1]
