"""Signs of life from libraries that load a model.

diffusers and transformers have no callback for a load. torch calls a hook for each module that
becomes part of another module. So the construction of a network can be stopped at any layer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.nn.modules.module import register_module_module_registration_hook

from domain.errors import ModelNotLoadable

__all__ = ["MOST_MODULES", "ticking"]

MOST_MODULES = 100_000
"""The most modules of one model. SDXL has about 5,000, with text encoders and autoencoder."""


@contextmanager
def ticking(tick: Callable[[], None]) -> Iterator[None]:
    """Call `tick` for each module that becomes part of another one inside the block.

    An exception of `tick` passes through the library that makes the module. The hook belongs to the
    whole process, so only one thread may make modules.

    Raises:
        ModelNotLoadable: More than `MOST_MODULES` modules are made. This stops a configuration that
            asks for too many layers before memory runs out.
    """
    count = 0

    def register(_module: Any, _name: str, _part: Any) -> None:
        nonlocal count
        count += 1
        if count > MOST_MODULES:
            raise ModelNotLoadable(
                f"its configuration asks for more than {MOST_MODULES:,} layers and their parts",
                lasting=True,
            )
        tick()

    hook = register_module_module_registration_hook(register)
    try:
        yield
    finally:
        hook.remove()
