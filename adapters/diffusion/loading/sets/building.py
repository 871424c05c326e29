"""Builds a network from the tensors of a file, one after another.

The network begins without memory. Each of its parameters then becomes a copy of the numbers of the
file in the wanted precision. So the memory in use grows to the size of the network, and holds one
more tensor at most.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import ModelMixin
from transformers.initialization import no_init_weights

from adapters.diffusion.loading.memory.paging import page_out
from adapters.diffusion.loading.sets.stored import Stored
from domain.checkpoints.sets.networks.places import NetworkLayout, Place, UnusableNetwork, some
from domain.checkpoints.unused import unexpected_reason
from domain.errors import ModelNotLoadable

__all__ = ["build", "empty"]

_FLOATS = frozenset({"float64", "float32", "float16", "bfloat16"})
_BUFFERS_FROM_FILE = frozenset({"SD3Transformer2DModel"})
"""The classes that compute a large buffer first, which the file has."""


def build(
    role: str,
    kind: Any,
    layout: NetworkLayout,
    stored: Stored,
    dtype: torch.dtype,
    tick: Callable[[], None],
) -> Any:
    """Return the network of a file, on the CPU.

    Args:
        role: The name of the component, for messages.
        kind: Its class in diffusers or transformers.
        layout: Where its tensors are.
        stored: The tensors of the file.
        dtype: The precision. What the class keeps in float32 is kept there.
        tick: Called before each tensor. An exception of it ends the load.

    Raises:
        ModelNotLoadable: A tensor is missing, has another shape or type, or is read by nothing. The
            message says which.
    """
    network = empty(kind, layout.config, dtype)
    try:
        _check(role, network, layout, stored)
    except UnusableNetwork as error:
        raise ModelNotLoadable(error.reason, stored.file, lasting=True) from error
    kept = _kept_in_float32(network, dtype)
    for stored_name, names in _by_source(layout).items():
        tick()
        tensor = stored[stored_name]  # codes become numbers each time that they are taken
        for name in names:
            wanted = torch.float32 if kept & set(name.split(".")) else dtype
            _put(network, name, _numbers(tensor, layout.places[name], wanted))
        page_out(tensor)
    for name in layout.identities:
        width = network.get_parameter(name).shape[0]
        _put(network, name, torch.eye(width, dtype=dtype))
    if hasattr(network, "tie_weights") and not isinstance(network, ModelMixin):
        network.tie_weights()
    if left := [name for name, each in network.state_dict().items() if each.is_meta]:
        raise ModelNotLoadable(f"it lacks {some(left)} of its {role}", stored.file, lasting=True)
    return network.eval()


def empty(kind: Any, config: Mapping[str, object], dtype: torch.dtype = torch.float32) -> Any:
    """Return a network of a class whose parameters are on the meta device.

    Buffers have their numbers, unless the class takes all of them from the file. They are computed
    as both libraries compute them for a folder in the precision `dtype`.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        if kind.__name__ in _BUFFERS_FROM_FILE:
            with torch.device("meta"):
                return kind.from_config(dict(config))
        with init_empty_weights(), no_init_weights():
            if issubclass(kind, ModelMixin):
                return kind.from_config(dict(config))
            return kind(kind.config_class(**config))
    finally:
        torch.set_default_dtype(before)


def _check(role: str, network: Any, layout: NetworkLayout, stored: Stored) -> None:
    """Compare the file with the network: the same names, the same shapes, and numbers alone."""
    # A counter, such as that of a batch norm, counts the training. The class gives it a number.
    expected = {
        name: tuple(each.shape)
        for name, each in network.state_dict().items()
        if each.is_floating_point()
    }
    tied = dict(getattr(network, "all_tied_weights_keys", None) or {})
    given = {*layout.places, *layout.identities, *tied}
    missing = [name for name in expected if name not in given]
    missing += [place.name for place in layout.places.values() if place.name not in stored.facts]
    if missing:
        raise UnusableNetwork(f"it is not a whole {role}: it lacks {some(missing)}")
    unread = [name for name in layout.places if name not in expected]
    unread += [] if unread else list(layout.unread(stored.facts))
    if unread:
        raise UnusableNetwork(unexpected_reason(role, unread))
    for name, place in layout.places.items():
        facts = stored.facts[place.name]
        if (found := place.shape_of(facts.shape)) != expected[name]:
            raise UnusableNetwork(
                f"its tensor {place.name} gives the shape {found}, and the {role} has "
                f"{expected[name]}"
            )
        if facts.dtype not in _FLOATS:
            raise UnusableNetwork(
                f"its tensor {place.name} holds {facts.dtype}, which nothing here draws with"
            )
    for first, second in layout.equal:
        if not torch.equal(stored[first], stored[second]):
            raise UnusableNetwork(f"its tensors {first} and {second} differ, and must be the same")


def _by_source(layout: NetworkLayout) -> Mapping[str, list[str]]:
    """Return the tensors of the network that take numbers of each tensor of the file."""
    found: dict[str, list[str]] = {}
    for name, place in layout.places.items():
        found.setdefault(place.name, []).append(name)
    return found


def _kept_in_float32(network: Any, dtype: torch.dtype) -> frozenset[str]:
    """Return the modules that both libraries keep in float32 for a network of this precision.

    diffusers keeps them for float16 and bfloat16, transformers for float16 (`wo` of T5).
    """
    if dtype not in (torch.float16, torch.bfloat16):
        return frozenset()
    kept = set(getattr(network, "_keep_in_fp32_modules_strict", None) or ())
    if isinstance(network, ModelMixin) or dtype is torch.float16:
        kept |= set(network._keep_in_fp32_modules or ())
    return frozenset(kept)


def _numbers(stored: torch.Tensor, place: Place, dtype: torch.dtype) -> torch.Tensor:
    """Return the numbers of a place as a tensor that shares no memory with the file."""
    tensor = stored if place.rows is None else stored[place.rows[0] : place.rows[1]]
    if place.swaps_halves:
        first, second = tensor.chunk(2)
        tensor = torch.cat([second, first])
    if place.is_transposed:
        tensor = tensor.T
    copied = tensor.to(dtype=dtype, copy=True, memory_format=torch.contiguous_format)
    return copied if place.shape is None else copied.reshape(place.shape)


def _put(network: Any, name: str, tensor: torch.Tensor) -> None:
    path, _, last = name.rpartition(".")
    module = network.get_submodule(path)
    if last in module._parameters:
        module._parameters[last] = torch.nn.Parameter(tensor)
    else:
        module._buffers[last] = tensor
