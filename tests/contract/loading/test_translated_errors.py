"""Torch's errors, translated into the domain's."""

import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.diffusion.devices.device import find_device
from adapters.diffusion.devices.errors import brief, is_permanent, translated_errors
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from domain.errors import DeviceLost, DomainError, GenerationFailed, OutOfMemory
from domain.services.drawing_watchers import CallbackWatcher

pytestmark = pytest.mark.torch

_HINT = "\nCUDA kernel errors might be asynchronously reported at some other API call"


@pytest.mark.parametrize(
    "error, expected",
    [
        (RuntimeError(f"CUDA error: an illegal memory access was encountered{_HINT}"), DeviceLost),
        (RuntimeError(f"CUDA error: device-side assert triggered{_HINT}"), DeviceLost),
        (RuntimeError(f"CUDA error: unspecified launch failure{_HINT}"), DeviceLost),
        (RuntimeError("CUDA error: uncorrectable ECC error encountered"), DeviceLost),
        (RuntimeError("HIP error: an illegal memory access was encountered"), DeviceLost),
        (RuntimeError("CUDA error: out of memory"), OutOfMemory),
        (RuntimeError("CUDA error: invalid argument"), GenerationFailed),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), GenerationFailed),
        (ValueError("the words CUDA error: device-side assert in a prompt"), GenerationFailed),
        (MemoryError(), OutOfMemory),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), OutOfMemory),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), OutOfMemory),
        (RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED."), OutOfMemory),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED"), GenerationFailed),
        (RuntimeError("Invalid buffer size: 28.80 GB"), OutOfMemory),
        (Exception("missing field `single_word`"), GenerationFailed),
        (OSError(5, "Input/output error"), GenerationFailed),
    ],
    ids=str,
)
def test_an_error_of_torch_becomes_a_domain_error(
    error: Exception, expected: type[DomainError]
) -> None:
    with pytest.raises(DomainError) as caught, translated_errors(find_device("cpu"), "drawing"):
        raise error
    assert type(caught.value) is expected
    assert str(caught.value).startswith("drawing")


def test_a_lost_device_is_found_in_the_context_of_another_error() -> None:
    with pytest.raises(DeviceLost), translated_errors(find_device("cpu"), "drawing"):
        try:
            raise RuntimeError("CUDA error: misaligned address")
        except RuntimeError as error:
            raise ValueError("the library could not go on") from error


def test_a_temporary_error_does_not_condemn_the_file() -> None:
    assert is_permanent(ValueError("conv_in.weight has the shape [1]"))
    for error in (
        OSError(5, "Input/output error"),
        RuntimeError("can't start new thread"),
        RuntimeError("CUDA error: invalid argument"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ):
        assert not is_permanent(error)
        outer = GenerationFailed("loading failed")
        outer.__cause__ = error
        assert not is_permanent(outer)


def test_an_error_releases_the_drawing() -> None:
    import torch

    held: list[weakref.ref[object]] = []

    def draw() -> None:
        activations = torch.zeros(8)
        held.append(weakref.ref(activations))
        try:
            raise RuntimeError("sizes do not fit")
        except RuntimeError as error:
            raise ValueError("the library could not go on") from error

    with pytest.raises(GenerationFailed) as caught, translated_errors(find_device("cpu"), "it"):
        draw()
    assert caught.value.__cause__ is not None
    assert held[0]() is None


def test_text_from_a_file_in_a_library_error_is_printable() -> None:
    told = brief(ValueError("no tensor 'a\0\x1b[31m\u202eb' in /srv/secret/model.ckpt\nmore"))
    assert told == "no tensor 'a\\x00\\x1b[31m\\u202eb' in …"
    assert brief(KeyError()) == "KeyError"


@pytest.mark.parametrize(
    "error",
    [SystemExit(2), KeyboardInterrupt(), BaseException("index out of bounds: the len is 2")],
    ids=repr,
)
def test_a_base_exception_of_a_library_is_translated_too(error: BaseException) -> None:
    def draw() -> None:
        with translated_errors(find_device("cpu"), "drawing"):
            raise error

    with (
        ThreadPoolExecutor(1) as thread,  # as in the service; Ctrl-C belongs to the main thread
        pytest.raises(GenerationFailed, match="drawing failed"),
    ):
        thread.submit(draw).result()
    if isinstance(error, KeyboardInterrupt | SystemExit):
        with pytest.raises(type(error)):
            draw()


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_of_a_callback_is_not_changed(wrapped: bool) -> None:
    class Enough(Exception):
        pass

    def enough(_loaded: bool) -> None:
        raise Enough

    watcher = GuardedWatcher(CallbackWatcher(on_load=enough))
    with pytest.raises(Enough), translated_errors(find_device("cpu"), "drawing", watcher):
        try:
            watcher.loading()
        except Enough as error:
            if wrapped:
                raise ValueError("the library could not go on") from error
            raise
