"""The pipelines that draw from pictures with the components of a loaded pipeline."""

import inspect
from typing import Any

import diffusers

from adapters.diffusion.pipeline import Pipeline
from domain.checkpoints.pipelines import COUNTERPARTS, Counterparts

__all__ = ["counterpart", "counterparts_of"]

_WITHOUT = {"requires_safety_checker": False}


def counterparts_of(pipeline: Pipeline) -> Counterparts:
    """Return the names of the classes that draw from pictures with the pipeline's components."""
    return COUNTERPARTS.get(type(pipeline).__name__, Counterparts())


def counterpart(pipeline: Pipeline, name: str) -> Pipeline:
    """Return a pipeline of a class of `COUNTERPARTS` with the components of another.

    Nothing is loaded, copied or moved: every network is the same object. So the new pipeline is
    made for one drawing, and there is nothing to unload. If the networks wait in the host's memory,
    they move when they are called, and only the loaded pipeline can send them back.
    """
    kind: Any = getattr(diffusers, name)
    has: dict[str, Any] = {**pipeline.components}
    options = {key: value for key, value in getattr(pipeline, "config", {}).items()}
    given = {}
    for part in inspect.signature(kind.__init__).parameters:
        if part in has:
            given[part] = has[part]
        elif part in _WITHOUT:
            given[part] = _WITHOUT[part]
        elif part in options and not part.startswith("_"):
            given[part] = options[part]
    made: Pipeline = kind(**given)
    made.set_progress_bar_config(disable=True)
    return made
