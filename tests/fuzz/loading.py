"""The same files, given to the loaders and the libraries behind them. Needs torch."""

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from adapters.diffusion.devices.device import find_device
from adapters.diffusion.devices.errors import translated_errors
from adapters.diffusion.loading.folder_index import make_harmless
from adapters.diffusion.loading.weights import read_metadata, read_weights
from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.reading import UnreadableHeader, read_header
from domain.errors import DomainError, ModelNotLoadable
from domain.models.record import ModelRecord
from tests.fuzz.corpora import configurations, pickle_file, safetensors_of, upscaler_file
from tests.fuzz.gguf_corpus import gguf_of
from tests.fuzz.trained import trained_file
from tests.fuzz.trial import Trial

__all__ = ["LOADED"]

_PROMPT = (
    "a red circle on a blue background, " * 28
)  # some 1,000 characters, the longest that is allowed


def _weights(make: Callable[[int], bytes], extension: str) -> Trial:
    def trial(seed: int) -> tuple[str, int]:
        data = make(seed)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"a{extension}")
            path.write_bytes(data)
            model = ModelRecord("ab" * 32, path.name, len(data), str(path), extension)
            try:
                read_metadata(model)
                for tensor in read_weights(model).values():
                    if tensor.nbytes <= 2**20:
                        tensor.clone()  # the file really has each byte that its header promises
            except ModelNotLoadable as error:
                assert str(error).isprintable()
                assert folder not in str(error)
                return "refused", len(data)
        return "loaded", len(data)

    return trial


def _upscaler(seed: int) -> tuple[str, int]:
    """Load a file, and enlarge a small picture with it."""
    from adapters.diffusion.upscaling.loading import load_upscaler

    data, device = upscaler_file(seed), find_device("cpu", "float32")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.safetensors")
        path.write_bytes(data)
        model = ModelRecord("ab" * 32, path.name, len(data), str(path), ".safetensors")
        header = None
        with contextlib.suppress(UnreadableHeader), path.open("rb") as file:
            header = read_header(file, len(data), ".safetensors")
        is_listed = header is not None and classify(header).scale is not None
        try:
            upscaler = load_upscaler(model, device)
            upscaler(np.full((5, 3, 3), 99, dtype=np.uint8))
        except ModelNotLoadable as error:
            assert not is_listed, f"listed as usable, and refused when loaded: {error}"
            assert str(error).isprintable()
            return "refused", len(data)
        except DomainError:
            pass  # zeros and random numbers may make NaN
    assert is_listed, "loaded, and not listed as usable"
    return "loaded", len(data)


def _folder(seed: int) -> tuple[str, int]:
    from diffusers import DPMSolverMultistepScheduler
    from tokenizers import Tokenizer
    from transformers import CLIPTextConfig

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configurations(seed, folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        try:
            make_harmless(name)
            with translated_errors(find_device("cpu", "float32"), "loading it"):
                DPMSolverMultistepScheduler.from_pretrained(folder / "scheduler").set_timesteps(20)
                CLIPTextConfig.from_pretrained(folder / "text_encoder")
                Tokenizer.from_file(str(folder / "tokenizer/tokenizer.json")).encode(_PROMPT)
        except DomainError as error:
            return f"refused {type(error).__name__}", size
    return "loaded", size


LOADED: Mapping[str, Trial] = {
    "pickles": _weights(pickle_file, ".ckpt"),
    "trained": _weights(trained_file, ".pt"),
    "safetensors": _weights(safetensors_of, ".safetensors"),
    "gguf": _weights(gguf_of, ".gguf"),
    "configurations": _folder,
    "upscalers": _upscaler,
}
