"""What the caller of a request should know if its model was made to draw in few steps."""

from collections.abc import Iterator

from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord

__all__ = ["distilled_warnings"]


def distilled_warnings(model: ModelRecord, request: GenerationRequest) -> Iterator[str]:
    """Yield the warnings about steps, guidance and negative prompt of a request.

    There are none for a model whose steps or guidance the operator has set.

    Args:
        model: The model that draws.
        request: The request.
    """
    made = model.made_for_few_steps
    if made is None:
        return
    steps, guidance = request.num_inference_steps, request.guidance_scale
    if steps > made.most_steps or guidance > made.most_guidance:
        number = "1 step" if steps == 1 else f"{steps} steps"
        yield (
            f"{model.name} is a distilled model ({made.method}), made to draw {made.usual}; "
            f"{number} with a guidance of {guidance:g} can spoil the picture"
        )
    if request.negative_prompt and made.takes_guidance:
        yield (
            f"{model.name} takes the guidance as an input of its UNet, so a negative prompt "
            "changes nothing"
        )
    elif request.negative_prompt and guidance <= 1:
        yield f"a guidance of 1 does not guide, so {model.name} leaves the negative prompt out"
