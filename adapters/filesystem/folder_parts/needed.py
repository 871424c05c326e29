"""The parts that a pipeline cannot draw without."""

from collections.abc import Mapping

__all__ = ["needed_parts", "unnamed_parts"]

_COMMON = ("scheduler", "text_encoder", "tokenizer", "vae")
_WITH_UNET = frozenset({"LatentConsistencyModelPipeline"})
_TWO_ENCODERS = ("StableDiffusionXL", "FluxPipeline")


def needed_parts(pipeline: str) -> tuple[str, ...]:
    """Return the parts that a class of diffusers needs, by the names of their folders.

    They are the arguments of its `__init__`. Stable Diffusion 3 works without its additional text
    encoders, and no pipeline needs a safety checker.
    """
    is_newer = pipeline.startswith("StableDiffusion3")
    has_unet = pipeline in _WITH_UNET or (pipeline.startswith("StableDiffusion") and not is_newer)
    has_two = pipeline.startswith(_TWO_ENCODERS)
    network = ("unet",) if has_unet else ("transformer",)
    return (*_COMMON, *network, *(("text_encoder_2", "tokenizer_2") if has_two else ()))


def unnamed_parts(pipeline: str, index: Mapping[str, object]) -> tuple[str, ...]:
    """Return the parts that `model_index.json` omits or names as `[null, null]`; sorted."""

    def is_named(part: str) -> bool:
        value = index.get(part)
        return isinstance(value, list) and bool(value) and value[0] is not None

    return tuple(sorted(part for part in needed_parts(pipeline) if not is_named(part)))
