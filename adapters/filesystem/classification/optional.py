"""Libraries that are there or not, and decide what can be used."""

import importlib.util

__all__ = ["spandrel_is_installed"]


def spandrel_is_installed() -> bool:
    """Whether spandrel can be imported. This does not import it."""
    return importlib.util.find_spec("spandrel") is not None
