"""Recognises quantised weights of other tools: codes that the service does not turn into numbers.

Codes that are loaded as plain numbers draw noise. Each form has tensors of its own beside the
weights, or an entry in the metadata:

- ComfyUI: see `comfy`. What that module does not take in, such as the scales of another format, is
  left to this one.
- bitsandbytes (`functional.py`, `QuantState.as_dict`): `.absmax`, `.quant_map`, `.nested_absmax`,
  `.quant_state.bitsandbytes__nf4`; of 8 bits `.SCB` and `.weight_format`.
- GPTQ and AWQ: `.qweight`, `.qzeros`, `.g_idx`; nunchaku's SVDQuant: `.wscales`, `.qweight`.
- optimum-quanto: `.weight._data`, `.weight._scale`.
"""

import re
from collections.abc import Iterable, Mapping

__all__ = ["QUANTISED_BY_TYPE", "quantisation_of"]

_FORMS = (
    ("bitsandbytes' 4 or 8 bits", r"\.(nested_)?(absmax|quant_map)|quant_state\.bitsandbytes__\w+"),
    ("bitsandbytes' 8 bits", r"\.(SCB|weight_format)"),
    ("4 bits with block scales (nvfp4)", r"\.weight_scale_2"),
    (
        "ComfyUI's scaled numbers",
        r"\.comfy_quant|\.(weight|input|pre_quant)_scale|\.weight_(zeros|s_rel|s_channel|codebook)",
    ),
    ("scaled 8-bit numbers (fp8)", r"(^|\.)scaled_fp8|\.scale_(weight|input)"),
    ("GPTQ's, AWQ's or nunchaku's codes", r"\.(qweight|qzeros|g_idx|wscales|wzeros)"),
    ("optimum-quanto's codes", r"\.weight\._(data|scale|shift)"),
)
_PATTERNS = tuple((form, re.compile(rf"({pattern})$")) for form, pattern in _FORMS)
_ENDINGS = re.compile(
    r"(absmax|quant_map|__\w+|SCB|weight_format|scale_2|_quant|scale|zeros|s_rel|s_channel|codebook"
    r"|scaled_fp8|scale_weight|scale_input|qweight|g_idx|wscales|_data|_shift)$"
)
"""The ends of all patterns: one search of a name instead of seven."""
_METADATA = ("_quantization_metadata", "quantization_config")

QUANTISED_BY_TYPE = frozenset(
    {
        *("int8", "uint8", "int16", "uint16", "int32", "uint32"),
        *("float4_e2m1", "float6_e2m3", "float6_e3m2", "float8_e8m0fnu"),
    }
)
"""Types, by torch's names, that only codes and scales have."""


def quantisation_of(names: Iterable[str], metadata: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the form of quantised weights, and the name that shows it.

    Returns:
        The form in words for a user, and the name of a tensor or a key of the metadata. None for
        plain numbers.
    """
    for name in filter(_ENDINGS.search, names):
        for form, pattern in _PATTERNS:
            if pattern.search(name):
                return form, name
    return next((("codes and scales", key) for key in _METADATA if key in metadata), None)
