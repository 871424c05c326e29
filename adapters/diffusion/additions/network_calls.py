"""Changes what a network is called with, for the time of a block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

__all__ = ["called_through"]

_CALL = "_compiled_call_impl"
"""What `torch.nn.Module.__call__` calls, if it is set. `Module.compile` sets it."""


@contextmanager
def called_through(network: torch.nn.Module, around: Callable[..., Any]) -> Iterator[None]:
    """Let every call of the network inside the block be `around(call, *arguments, **options)`.

    `call` is the network as it was before: compiled, offloaded, or of another library. A hook of
    torch would not reach a compiled network, which ignores hooks that come after its compilation.
    """
    own = network.__dict__.get(_CALL)
    setattr(network, _CALL, partial(around, own or network._call_impl))
    try:
        yield
    finally:
        if own is None:
            delattr(network, _CALL)
        else:
            setattr(network, _CALL, own)
