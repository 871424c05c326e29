"""Turns the refusal of a configuration by the domain into the error of a load."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain.checkpoints.configurations import UnusableConfiguration
from domain.errors import ModelNotLoadable

__all__ = ["refusals_as_not_loadable"]


@contextmanager
def refusals_as_not_loadable() -> Iterator[None]:
    """Raise ModelNotLoadable, with the same reason, for an UnusableConfiguration."""
    try:
        yield
    except UnusableConfiguration as error:
        raise ModelNotLoadable(error.reason) from error
