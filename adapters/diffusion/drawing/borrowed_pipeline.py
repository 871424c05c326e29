"""Changes a pipeline for the time of one call, and undoes the change whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adapters.diffusion.pipeline import Pipeline

__all__ = ["back_in_place_after_errors", "same_precision_after", "scheduled_by"]


@contextmanager
def scheduled_by(pipeline: Pipeline, scheduler: Any) -> Iterator[None]:
    """Replace the pipeline's scheduler inside the block."""
    own = pipeline.scheduler
    pipeline.scheduler = scheduler
    try:
        yield
    finally:
        pipeline.scheduler = own


@contextmanager
def back_in_place_after_errors(pipeline: Pipeline) -> Iterator[None]:
    """Move offloaded weights back to the host's memory after an error or a stopped drawing."""
    try:
        yield
    except BaseException:
        pipeline.maybe_free_model_hooks()
        raise


@contextmanager
def same_precision_after(vae: Any) -> Iterator[None]:
    """Restore the precision of an autoencoder after the block.

    Some pipelines of diffusers decode in float32, and cast back only if that succeeds.
    """
    dtype = vae.dtype
    try:
        yield
    finally:
        if vae.dtype != dtype:
            vae.to(dtype=dtype)
