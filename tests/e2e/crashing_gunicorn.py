"""gunicorn's configuration for the real service, with a generator that crashes on request."""

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence

from dependency_injector import providers

from domain.generation.request import GenerationRequest
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record
from wsgi import container

_MODEL = model_record()
_CRASHES: Mapping[str, Callable[[], object]] = {
    "abort": os.abort,
    "segv": lambda: ctypes.string_at(0),
    # A `PyDLL` calls without releasing the interpreter's lock.
    "hold the interpreter": lambda: ctypes.PyDLL(None).sleep(10_000),
}


def _crash(requests: Sequence[GenerationRequest]) -> None:
    _CRASHES.get(requests[0].prompt, lambda: None)()


_generator = FakeImageGenerator()
_generator.on_begin = _crash
container.image_generator.override(providers.Object(_generator))
container.model_source.override(providers.Object(FakeModelSource({_MODEL.path: b"weights"})))

from serving import *  # noqa: E402, F403
