"""Averages of weights over a training, which some checkpoints hold in addition to the weights.

CompVis/latent-diffusion (`ldm/modules/ema.py`) keeps an average of each weight of the UNet that is
trained, under `model_ema.` and the weight's name without its dots, and draws the samples of a
training with the averages (`ddpm.py`, `ema_scope`). A weight that is not trained has no average,
and stays what it is. The files that were published for drawing, such as `v1-5-pruned-emaonly`, hold
the averages instead of the weights.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.checkpoints.header_values import TensorFacts

__all__ = ["Averages", "averages_in", "fits", "with_dots"]

_NETWORK = "model."
_UNET = "model.diffusion_model."
_AVERAGES = "model_ema."
_COUNTERS = frozenset({"model_ema.decay", "model_ema.num_updates"})
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")
_FEWEST = 16
"""The fewest averages beside weights without one. A UNet has more layers of each kind."""
_LAYER, _DEEP = r"(weight|bias)", r"transformer_blocks(\d+)"
# The names of the UNet of the original code (`openaimodel.py`, `attention.py`), without their dots.
_WITHOUT_DOTS = tuple(
    (re.compile(pattern), dotted)
    for pattern, dotted in (
        (rf"(time_embed|out)(\d){_LAYER}", r"\1.\2.\3"),
        (rf"label_emb0(\d){_LAYER}", r"label_emb.0.\1.\2"),
        (r"(input_blocks|output_blocks)(\d+?)(\d)(?=[a-z])(.+)", r"\1.\2.\3.{}\4"),
        (r"middle_block(\d)(?=[a-z])(.+)", r"middle_block.\1.{}\2"),
    )
)
_IN_A_BLOCK = tuple(
    (re.compile(pattern), dotted)
    for pattern, dotted in (
        (_LAYER, r"\1"),
        (rf"(in_layers|emb_layers|out_layers)(\d){_LAYER}", r"\1.\2.\3"),
        (rf"(skip_connection|norm|proj_in|proj_out|op|conv){_LAYER}", r"\1.\2"),
        (rf"{_DEEP}(attn[12])(to_[qkv]){_LAYER}", r"transformer_blocks.\1.\2.\3.\4"),
        (rf"{_DEEP}(attn[12])to_out0{_LAYER}", r"transformer_blocks.\1.\2.to_out.0.\3"),
        (rf"{_DEEP}ffnet0proj{_LAYER}", r"transformer_blocks.\1.ff.net.0.proj.\2"),
        (rf"{_DEEP}ffnet2{_LAYER}", r"transformer_blocks.\1.ff.net.2.\2"),
        (rf"{_DEEP}(norm[123]){_LAYER}", r"transformer_blocks.\1.\2.\3"),
    )
)


@dataclass(frozen=True, slots=True)
class Averages:
    """The averages of a checkpoint.

    Attributes:
        places: The name of the average of each tensor of the UNet that has one. Empty if there are
            none, or if one of them does not fit its weight.
        note: A sentence for users without its subject, the name of the model; None if there are no
            averages.
    """

    places: Mapping[str, str]
    note: str | None = None


def averages_in(tensors: Mapping[str, TensorFacts]) -> Averages:
    """Return the averages of a checkpoint in the layout of the original code.

    A training that averages a part of a UNet chooses kinds of layers, such as all attentions, and
    averages each layer of these kinds. Other sets, and very few averages, are left over from
    another model or lack some of theirs, so they are not used.

    Args:
        tensors: All tensors, by name.
    """
    names = [name for name in tensors if name.startswith(_AVERAGES) and name not in _COUNTERS]
    if not names:
        return Averages({})
    own = {_without_dots(name): name for name in tensors if name.startswith(_UNET)}
    found = {own.get(_packed(name)) or with_dots(_packed(name)): name for name in names}
    are_fit = None not in found and all(
        fits(tensors[average], tensors.get(name or "")) for name, average in found.items()
    )
    if not are_fit:
        return Averages(
            {},
            "holds averages (EMA) that do not fit its UNet; the weights draw the picture, and the "
            "averages are left out",
        )
    places = {name: average for name, average in found.items() if name is not None}
    alone = set(own.values()) - places.keys()
    kinds = {_NUMBER.sub("#", name) for name in places}
    if alone and (len(places) < _FEWEST or any(_NUMBER.sub("#", name) in kinds for name in alone)):
        return Averages(
            {},
            f"holds averages (EMA) of {len(places):,} tensors of its UNet, which no training "
            "averages alone; the weights draw the picture, and the averages are left out",
        )
    return Averages(places, _note(len(places), len(own), len(alone)))


def fits(average: TensorFacts, weight: TensorFacts | None) -> bool:
    """Return whether a tensor can be the average of a weight, which the file may lack."""
    is_alike = weight is None or average.shape == weight.shape
    return is_alike and "float" in average.dtype


def with_dots(average: str) -> str | None:
    """Return the name of the weight that an average belongs to; None if no UNet has such a name."""
    start = _AVERAGES + "diffusion_model"
    if not average.startswith(start):
        return None
    rest = average.removeprefix(start)
    for pattern, dotted in _WITHOUT_DOTS:
        if (match := pattern.fullmatch(rest)) is None:
            continue
        whole = match.expand(dotted.replace("{}", ""))
        if "{}" not in dotted:
            return _UNET + whole
        last = match[match.re.groups]
        inner = _in_a_block(last)
        return None if inner is None else _UNET + whole.removesuffix(last) + inner
    return None


def _in_a_block(rest: str) -> str | None:
    for pattern, dotted in _IN_A_BLOCK:
        if (match := pattern.fullmatch(rest)) is not None:
            return match.expand(dotted)
    return None


def _without_dots(name: str) -> str:
    return _AVERAGES + name.removeprefix(_NETWORK).replace(".", "")


def _packed(average: str) -> str:
    """Return the name of an average without dots; some trainers leave them in."""
    return _AVERAGES + average.removeprefix(_AVERAGES).replace(".", "")


def _note(averages: int, weights: int, alone: int) -> str:
    if not weights:
        return "holds only the averages of its UNet over the training (EMA); they draw the picture"
    if not alone:
        return (
            "holds its UNet twice: the weights, and their averages over the training (EMA); the "
            "averages draw the picture"
        )
    return (
        f"holds averages over the training (EMA) of {averages:,} tensors of its UNet; they draw "
        f"the picture, with the weights of the other {alone:,}"
    )
