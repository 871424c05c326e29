"""Finds the components of a file, and the prefix that each lies under."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.autoencoders import AUTOENCODERS
from domain.checkpoints.sets.drawing import DRAWING
from domain.checkpoints.sets.language_models import language_model
from domain.checkpoints.sets.placed import PlacedComponent, Recogniser, View
from domain.checkpoints.sets.text_encoders import clip, t5
from domain.models.components import DRAWS, Component, ComponentType, Need

__all__ = ["components_in", "names_of", "placed_for"]

_DRAWING_PREFIXES = ("", "model.diffusion_model.", "diffusion_model.", "transformer.", "model.")
_VAE_PREFIXES = ("", "vae.", "first_stage_model.")
_ENCODERS = re.compile(r"text_encoders\.[^.]{1,40}\.(?:transformer\.)?")
_MOST_ENCODERS = 8
"""The most text encoders that are looked for in a file. Published files have up to three. A bound
keeps the work short for a file that names tens of thousands."""
_TEXT_ENCODERS: tuple[Recogniser, ...] = (clip, t5, language_model)
_STEERING = ("control_model.", "controlnet_", "input_hint_block.")


def components_in(tensors: Mapping[str, TensorFacts]) -> tuple[PlacedComponent, ...]:
    """Return the components in a file: a network that draws, text encoders, an autoencoder.

    A file that a ControlNet lies in has none. The `holds` of a network that draws are the roles of
    its needs that the other components of the file fill.

    Args:
        tensors: The tensors of the file by their names in it.
    """
    if any(name.startswith(_STEERING) for name in tensors):
        return ()
    drawing = _first(tensors, _DRAWING_PREFIXES, DRAWING)
    vae = _first(tensors, _VAE_PREFIXES, AUTOENCODERS)
    others = [*_text_encoders(tensors), *([] if vae is None else [vae])]
    if drawing is None:
        return tuple(others)
    return (replace(drawing, component=_with_held(drawing, others)), *others)


def placed_for(
    role: str, needs: Sequence[Need], found: Sequence[PlacedComponent]
) -> PlacedComponent | None:
    """Return the component of a file that has a role in a set; None if the file has none.

    Args:
        role: As `ModelMember.role`.
        needs: What the network of the set that draws needs: `ModelRecord.component.needs`.
        found: The components in the file of the member.
    """
    if role == DRAWS:
        of_role = (each for each in found if each.component.type is ComponentType.TRANSFORMER)
        return next(of_role, None)
    wanted = (need for need in needs if need.role == role)
    fitting = (each for need in wanted for each in found if need.fits(each.component))
    return next(fitting, None)


def names_of(
    placed: PlacedComponent, found: Sequence[PlacedComponent], tensors: Iterable[str]
) -> Mapping[str, str]:
    """Return the names in a file of the tensors of a component, by their names without its prefix.

    A component without a prefix does not get the tensors of the others in the file.

    Args:
        placed: The component.
        found: All components in the file.
        tensors: The names of the tensors of the file.
    """
    start, others = (
        placed.prefix,
        tuple(each.prefix for each in found if len(each.prefix) > len(placed.prefix)),
    )
    return {
        name[len(start) :]: name
        for name in tensors
        if name.startswith(start) and not name.startswith(others)
    }


def _first(
    tensors: Mapping[str, TensorFacts],
    prefixes: tuple[str, ...],
    recognisers: tuple[Recogniser, ...],
) -> PlacedComponent | None:
    views = (View(tensors, prefix) for prefix in prefixes)
    found = (recognise(view) for view in views for recognise in recognisers)
    return next(filter(None, found), None)


def _text_encoders(tensors: Mapping[str, TensorFacts]) -> Iterator[PlacedComponent]:
    prefixes = {match[0]: None for name in tensors if (match := _ENCODERS.match(name))}
    for prefix in islice(prefixes or ("",), _MOST_ENCODERS):
        for recognise in _TEXT_ENCODERS:
            if (found := recognise(View(tensors, prefix))) is not None:
                yield found


def _with_held(drawing: PlacedComponent, others: list[PlacedComponent]) -> Component:
    usable = [each.component for each in others if each.problem is None]
    holds = tuple(need.role for need in drawing.component.needs if any(map(need.fits, usable)))
    return replace(drawing.component, holds=holds)
