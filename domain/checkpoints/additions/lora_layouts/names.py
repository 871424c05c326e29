"""The names of a LoRA's tensors: the network, the module, and the role of the tensor.

The names are those that these programs write:

- kohya-ss/sd-scripts: `lora_unet_…`, `lora_te_…`, `lora_te1_…` and `lora_te2_…`, with underscores
  in the place of the dots of the module's name, which is diffusers' name or, for SDXL, often the
  original one; then `.lora_up.weight`, `.lora_down.weight`, `.lora_mid.weight` and `.alpha`.
- KohakuBlueleaf/LyCORIS: the same modules, or `lycoris_…`; then `.hada_w1_a`, `.lokr_w1`,
  `.dora_scale`, `.diff`, `.w_norm`, `.on_input` and others.
- huggingface/diffusers: `unet.…`, `text_encoder.…` and `text_encoder_2.…` with dots; then
  `.lora_A.weight`, `.lora.down.weight` or `.lora_linear_layer.down.weight`. The first release wrote
  the names of attention processors, such as `….attn1.processor.to_q_lora.down.weight`.
- huggingface/peft: `base_model.model.…`, for one network alone; then `.lora_A.weight`,
  `.lora_A.default.weight` or `.lora_magnitude_vector`.
- ComfyUI and others: the prefixes of a whole checkpoint, such as `diffusion_model.…`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.checkpoints.additions.network_modules import Network

__all__ = ["OF_NETWORKS", "PEFT", "Role", "TensorName", "tensor_name"]


class Role(StrEnum):
    """What a tensor of a LoRA is for. The value is the name for messages."""

    UP = "lora_up"
    DOWN = "lora_down"
    MID = "lora_mid"
    UP_BIAS = "lora_up's bias"
    ALPHA = "alpha"
    HADA_W1_A = "hada_w1_a"
    HADA_W1_B = "hada_w1_b"
    HADA_W2_A = "hada_w2_a"
    HADA_W2_B = "hada_w2_b"
    HADA_T1 = "hada_t1"
    HADA_T2 = "hada_t2"
    LOKR_W1 = "lokr_w1"
    LOKR_W1_A = "lokr_w1_a"
    LOKR_W1_B = "lokr_w1_b"
    LOKR_W2 = "lokr_w2"
    LOKR_W2_A = "lokr_w2_a"
    LOKR_W2_B = "lokr_w2_b"
    LOKR_T2 = "lokr_t2"
    DORA_SCALE = "dora_scale"
    MAGNITUDE = "lora_magnitude_vector"
    DIFF = "diff"
    DIFF_BIAS = "diff_b"
    NORM = "w_norm"
    NORM_BIAS = "b_norm"
    IA3 = "weight"
    ON_INPUT = "on_input"


@dataclass(frozen=True, slots=True)
class TensorName:
    """The parts of the name of a tensor.

    Attributes:
        prefix: What stands before the name of the module, such as `lora_unet_`.
        networks: The networks that the module may be in.
        module: The name of the module, in the naming of the file.
        role: What the tensor is for.
    """

    prefix: str
    networks: tuple[Network, ...]
    module: str
    role: Role


_ADAPTER = r"(?:\.[\w-]+)?"
"""PEFT can write the name of an adapter, which is `default` unless the user names it."""
_WRITTEN_AS = r"(?:{0}|\.lora\.{1}|_lora\.{1}|\.lora_linear_layer\.{1}|\.lora_{2}" + _ADAPTER + ")"
_UP = _WRITTEN_AS.format(r"\.lora_up", "up", "B")
_DOWN = _WRITTEN_AS.format(r"\.lora_down", "down", "A")
_LYCORIS = "|".join(role for role in Role if role.startswith(("hada_", "lokr_")))
_ENDS = (
    (re.compile(rf"{_UP}\.weight"), Role.UP),
    (re.compile(rf"{_DOWN}\.weight"), Role.DOWN),
    (re.compile(rf"{_UP}\.bias"), Role.UP_BIAS),
    (re.compile(r"\.lora_mid\.weight"), Role.MID),
    (re.compile(r"(?:\.lora|_lora|\.lora_linear_layer)?\.alpha"), Role.ALPHA),
    (re.compile(rf"\.lora_magnitude_vector{_ADAPTER}(?:\.weight)?"), Role.MAGNITUDE),
    (re.compile(rf"\.(?P<lycoris>{_LYCORIS})(?:\.weight)?"), None),
    (re.compile(r"\.(?P<lycoris>dora_scale|diff|diff_b|w_norm|b_norm|on_input|weight)"), None),
)
_PATTERNS = tuple((re.compile(rf"(?P<module>.+?){end.pattern}"), role) for end, role in _ENDS)

_UNET, _FIRST, _SECOND = (Network.UNET,), (Network.TEXT_ENCODER,), (Network.TEXT_ENCODER_2,)
_ANY = tuple(Network)
_PREFIXES = (
    ("lora_unet_", _UNET),
    ("lora_te_", _FIRST),
    ("lora_te1_", _FIRST),
    ("lora_te2_", _SECOND),
    ("lycoris_", _ANY),
    ("unet.", _UNET),
    ("model.diffusion_model.", _UNET),
    ("diffusion_model.", _UNET),
    ("text_encoder.", _FIRST),
    ("text_encoder_2.", _SECOND),
    ("text_encoders.clip_l.transformer.", _FIRST),
    ("text_encoders.clip_g.transformer.", _SECOND),
    ("clip_l.transformer.", _FIRST),
    ("clip_g.transformer.", _SECOND),
    ("clip_l.", _FIRST),
    ("clip_g.", _SECOND),
    ("cond_stage_model.transformer.", _FIRST),
    ("cond_stage_model.model.", _FIRST),
    ("conditioner.embedders.0.transformer.", _FIRST),
    ("conditioner.embedders.1.model.", _SECOND),
)
PEFT = "base_model.model."
"""The start of the names in the files of PEFT."""
OF_NETWORKS = (*("lora_", "lycoris_", PEFT), *(prefix for prefix, _ in _PREFIXES))
"""The starts of the names of tensors that change a network. A file may hold others beside them."""
_PROCESSOR = ".processor.to_"
_PROCESSOR_OF_TEXT = re.compile(r"(self_attn)\.to_([qkv]|out)")


def tensor_name(name: str) -> TensorName | None:
    """Return the parts of the name of a tensor; None if it has none of the known endings."""
    start = PEFT if name.startswith(PEFT) else ""
    rest = name.removeprefix(start)
    prefix, networks = next(
        ((each, networks) for each, networks in _PREFIXES if rest.startswith(each)), ("", _ANY)
    )
    rest = rest.removeprefix(prefix)
    for pattern, role in _PATTERNS:
        if match := pattern.fullmatch(rest):
            found = role or Role(match["lycoris"])
            return TensorName(start + prefix, networks, _module(match["module"]), found)
    return None


def _module(name: str) -> str:
    """Return the name of the module that an attention processor changes."""
    name = name.replace(_PROCESSOR, ".to_")
    # Text encoders had the names of a UNet's attention, and their own projections.
    return _PROCESSOR_OF_TEXT.sub(r"\1.\2_proj", name)
