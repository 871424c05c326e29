"""Changes to a pipeline for the whole drawing of a batch, prompts included."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from adapters.diffusion.additions.lora.addition import lora_addition
from adapters.diffusion.additions.lora.loaded import LoadedLora
from adapters.diffusion.additions.lora.merging import ScaledLora
from adapters.diffusion.autoencoders.network import Autoencoder, drawn_with_autoencoder
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.openvino.backend import decodes_with_openvino
from adapters.diffusion.pipeline import Pipeline, is_stable_diffusion
from domain.errors import GenerationFailed
from domain.generation.parts import Lora
from domain.generation.request import GenerationRequest

__all__ = ["whole_additions"]

_DECODED_BY_TORCH = "torch runs the VAE of this request instead of OpenVINO; this is slower"


def whole_additions(
    context: DrawingContext[Pipeline],
    request: GenerationRequest,
    warn: Callable[[str], None],
) -> Iterator[AbstractContextManager[None]]:
    """Yield what changes the pipeline for a batch, in the order in which it is entered.

    Each context manager undoes its change, whatever happens. The engine enters it before it reads
    the prompts, and leaves it after the last picture.

    Args:
        context: The pipeline and its surroundings, with the loaded companions.
        request: A request of the batch. All of them name the same companions.
        warn: Takes a warning for the callers of all requests.
    """
    if request.loras:
        yield lora_addition(
            context.pipeline,
            [_scaled(context, number, each) for number, each in enumerate(request.loras)],
            key=request.loras,
            device=context.device,
            kept=context.beside,
            tick=context.tick,
        )
    if request.controls and not is_stable_diffusion(context.pipeline):
        name = type(context.pipeline).__name__
        raise GenerationFailed(f"{name} draws without ControlNets; leave controls out")
    if request.vae_id is not None:
        if decodes_with_openvino(context.pipeline):
            warn(_DECODED_BY_TORCH)
        yield _with_autoencoder(context, request.vae_id)


def _scaled(context: DrawingContext[Pipeline], number: int, lora: Lora) -> ScaledLora:
    found = context.companions.get(lora.model_id)
    if not isinstance(found, LoadedLora):
        raise GenerationFailed(f"the model {lora.model_id} is not a LoRA")
    return ScaledLora(found, lora.scale, f"loras[{number}].model_id")


def _with_autoencoder(
    context: DrawingContext[Pipeline], model_id: str
) -> AbstractContextManager[None]:
    found = context.companions.get(model_id)
    if not isinstance(found, Autoencoder):
        raise GenerationFailed(f"the model {model_id} is not an autoencoder")
    pipeline = context.pipeline
    if not is_stable_diffusion(pipeline):
        name = type(pipeline).__name__
        raise GenerationFailed(f"{name} draws with its own autoencoder alone; leave vae_id out")
    return drawn_with_autoencoder(pipeline, found.network_for(pipeline.vae))
