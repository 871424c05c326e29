"""Libraries that are there or not, and decide what can be used."""

import importlib.util

__all__ = ["NEEDS_GGUF", "gguf_is_installed", "spandrel_is_installed"]

NEEDS_GGUF = (
    "its weights are codes of GGUF, which take the library gguf; install it with pip install "
    "'ai-inference[gguf]'"
)


def spandrel_is_installed() -> bool:
    """Whether spandrel can be imported. This does not import it."""
    return importlib.util.find_spec("spandrel") is not None


def gguf_is_installed() -> bool:
    """Whether gguf can be imported. This does not import it."""
    return importlib.util.find_spec("gguf") is not None
