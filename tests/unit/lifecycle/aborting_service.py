"""A service over fakes whose process crashes at a stage, as a native library may do.

    python -m tests.unit.lifecycle.aborting_service DATA_DIR STAGE [HOW]

Submits one job that crashes the process at the stage and one that does not, unless they are stored
already, draws the stored jobs, and prints how each ended. STAGE is load, step, store (while the
other job is drawn), or none. HOW is abort, segv, overflow (of the stack), native (in a thread that
is not Python's), kill (from outside), or elsewhere (in a thread that draws nothing).
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dependency_injector import providers

from application.settings.settings import Settings
from container import Container
from domain.generation.request import GeneratedImage, GenerationRequest
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.stores import FakeResultStore

MODEL = model_record()


_DEADLY_SEED = 13
_SECONDS = 10


class Crashing(FakeResultStore):
    """Calls `crash` before it stores pictures of the deadly job."""

    def __init__(self, crash: Callable[[], None]) -> None:
        super().__init__()
        self._crash = crash

    def write(self, token: str, images: Sequence[GeneratedImage]) -> None:
        if images[0].seed == _DEADLY_SEED:
            self._crash()
        super().write(token, images)


def _overflow() -> None:
    class Endless:
        def __repr__(self) -> str:
            return repr([self])

    sys.setrecursionlimit(10**8)
    repr(Endless())


def _crash_natively() -> None:
    # A thread of the C library that calls `abort`, and does not know of Python.
    library = ctypes.CDLL(None)
    thread = ctypes.c_ulong()
    library.pthread_create(ctypes.byref(thread), None, library.abort, None)
    library.pthread_join(thread, None)


def _crash_elsewhere() -> None:
    other = threading.Thread(target=os.abort)
    other.start()
    other.join()


_CRASHES: Mapping[str, Callable[[], object]] = {
    "abort": os.abort,
    "segv": lambda: ctypes.string_at(0),
    "overflow": _overflow,
    "native": _crash_natively,
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "elsewhere": _crash_elsewhere,
}


def main() -> None:
    data_dir, stage, how = [*sys.argv[1:], "abort"][:3]
    container = Container(settings=Settings(api_keys=("k",), data_dir=data_dir))
    generator = FakeImageGenerator()
    drawing: list[str] = []
    good_is_drawn = threading.Event()

    def begin(requests: Sequence[GenerationRequest]) -> None:
        drawing[:] = [requests[0].id]
        if drawing == ["good"]:
            good_is_drawn.set()

    def crash(*_anything: object) -> None:
        if drawing == ["deadly"]:
            _CRASHES[how]()

    def crash_while_the_other_is_drawn() -> None:
        # A suspect is drawn and stored alone, so nothing comes then.
        if is_first:
            good_is_drawn.wait(_SECONDS)
        _CRASHES[how]()

    def hold(_step: object) -> None:
        if is_first and drawing == ["good"]:
            threading.Event().wait(_SECONDS)

    generator.on_begin = begin
    is_first = not Path(data_dir, "begun").exists()
    if stage == "load":
        generator.after_load_tick = crash
    elif stage == "step":
        generator.after_step = crash
    elif stage == "store":
        container.result_store.override(providers.Object(Crashing(crash_while_the_other_is_drawn)))
        generator.after_step = hold
    container.image_generator.override(providers.Object(generator))
    container.model_source.override(providers.Object(FakeModelSource({MODEL.path: b"weights"})))
    container.model_registry().refresh()
    job_service = container.job_service()
    Path(data_dir, "begun").touch()
    for name in ("deadly", "good") if is_first else ():
        seed = _DEADLY_SEED if name == "deadly" else 1
        request = GenerationRequest(id=name, model_id=MODEL.id, prompt="x", seed=seed)
        job_service.submit(request, caller="me")

    def draw() -> None:
        job_service.recover()
        job_service.drain()
        job_service.run_forever()

    drawing_thread = threading.Thread(target=draw)
    drawing_thread.start()
    drawing_thread.join()
    for name in ("deadly", "good"):
        job = job_service.find("me", name).job
        print(name, job.status.value, job.failure.detail if job.failure else "")
    container.job_records().close()


if __name__ == "__main__":
    main()
