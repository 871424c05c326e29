"""Signs of life out of libraries that load a model.

diffusers and transformers have no callback for it. torch has one for each module that becomes part
of another, so a network of any number of layers can be stopped while it is put together.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.nn.modules.module import register_module_module_registration_hook

from domain.errors import ModelNotLoadable

__all__ = ["MOST_MODULES", "ticking"]

MOST_MODULES = 100_000
"""Of one model. SDXL has some 5,000 with its text encoders and its autoencoder."""


@contextmanager
def ticking(tick: Callable[[], None]) -> Iterator[None]:
    """Call `tick` for each module that is made a part of another one while the block lasts.

    What it raises comes out of the library that makes the module. For one thread: the hook is the
    process's, and nobody else makes modules.

    Raises:
        ModelNotLoadable: more modules are made than any model has. Whatever fields of a
            configuration ask for them, this ends it before memory does.
    """
    count = 0

    def made(_module: Any, _name: str, _part: Any) -> None:
        nonlocal count
        count += 1
        if count > MOST_MODULES:
            raise ModelNotLoadable(
                f"its configuration asks for more than {MOST_MODULES:,} layers and their parts",
                lasting=True,
            )
        tick()

    hook = register_module_module_registration_hook(made)
    try:
        yield
    finally:
        hook.remove()
