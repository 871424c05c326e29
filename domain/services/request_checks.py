"""Checks whether models can draw a request."""

from domain.errors import FieldProblem
from domain.generation.output_formats import side_problem
from domain.generation.parts import PromptSyntax
from domain.generation.parts.rules import ModelUse
from domain.generation.request import GenerationRequest
from domain.models.fitting_schedulers import misfit_reason
from domain.models.record import ModelInput, ModelKind, ModelRecord
from domain.pictures import MOST_PIXELS_DRAWN
from domain.samplers import Sampler, Scheduler

__all__ = ["scale_is_needed", "unsuited", "unsuited_upscaler"]

_OTHER_MODEL = "leave it out, or choose another model"


def unsuited(model: ModelRecord, request: GenerationRequest) -> list[FieldProblem]:
    """Return the fields of the request that this model cannot draw."""
    sizes = model.sizes
    problems = [] if sizes is None else sizes.problems(request.width, request.height, of=model.name)
    if request.scheduler is not None:
        if request.scheduler not in model.schedulers:
            problems.append(_not_for(model, request.scheduler))
        elif request.scheduler.sampler is Sampler.PLMS and not _begins_at_the_start(request):
            problems.append(
                FieldProblem(
                    "scheduler",
                    f"is '{request.scheduler}', which cannot begin in the middle of its steps; "
                    "choose another scheduler, or strength 1",
                )
            )
    return [
        *problems,
        *_unsuited_steps(model, request),
        *_unsuited_prompts(model, request),
        *_unsuited_pictures(model, request),
    ]


def _unsuited_steps(model: ModelRecord, request: GenerationRequest) -> list[FieldProblem]:
    """Return the fields whose number of steps is too small for the schedule of this model."""
    asked: dict[str, int | None] = {"num_inference_steps": request.num_inference_steps}
    if request.second_pass is not None:
        asked["second_pass.num_inference_steps"] = request.second_pass.num_inference_steps
    return [
        FieldProblem(name, f"is {steps}; {model.name} draws in {model.fewest_steps} or more")
        for name, steps in asked.items()
        if steps is not None and steps < model.fewest_steps
    ]


def _unsuited_prompts(model: ModelRecord, request: GenerationRequest) -> list[FieldProblem]:
    """Return the fields about prompts that this model cannot draw.

    Models without schedulers of this service read prompts themselves, as their authors wrote it.
    """
    if model.schedulers:
        return []
    found = {}
    if request.prompt_syntax != PromptSyntax.PLAIN:
        found["prompt_syntax"] = (
            f"is '{request.prompt_syntax}', and {model.name} reads plain prompts alone"
        )
    if request.clip_skip != 1:
        found["clip_skip"] = f"is {request.clip_skip}, and {model.name} reads prompts otherwise"
    return [FieldProblem(name, f"{text}; {_OTHER_MODEL}") for name, text in found.items()]


def _unsuited_pictures(model: ModelRecord, request: GenerationRequest) -> list[FieldProblem]:
    """Return the fields about pictures that this model cannot draw."""
    inputs, source = model.inputs, request.source
    if not inputs:
        return []
    found = {}
    if source is None:
        if ModelInput.TEXT not in inputs:
            found["init_image"] = f"is required: {model.name} cannot draw without a picture"
    elif ModelInput.IMAGE not in inputs:
        found["init_image"] = f"cannot be used: {model.name} draws from text alone; {_OTHER_MODEL}"
    elif source.mask_image is not None and ModelInput.MASK not in inputs:
        found["mask_image"] = f"cannot be used: {model.name} draws without masks; {_OTHER_MODEL}"
    guidance = None if source is None else source.image_guidance_scale
    if guidance is not None and not model.takes_image_guidance:
        found["image_guidance_scale"] = (
            f"is {guidance:g}, and {model.name} has no image guidance: only models with eight "
            f"channels have; {_OTHER_MODEL}"
        )
    if source is not None and source.noise_multiplier != 1 and not model.schedulers:
        found["noise_multiplier"] = (
            f"is {source.noise_multiplier:g}, and {model.name} adds its own noise; {_OTHER_MODEL}"
        )
    if request.second_pass is not None and ModelInput.IMAGE not in inputs:
        found["second_pass"] = (
            f"cannot be drawn: {model.name} draws from text alone, and not from a picture; "
            f"{_OTHER_MODEL}"
        )
    return [FieldProblem(name, text) for name, text in found.items()]


def unsuited_upscaler(
    model: ModelRecord, use: ModelUse, request: GenerationRequest
) -> list[FieldProblem]:
    """Return what is wrong with the model that enlarges a picture of the request."""
    if model.kind is not ModelKind.UPSCALER:
        text = f"is {model.name}, which is not an upscaler but of kind {model.kind}"
        return [FieldProblem(use.field, f"{text}; choose a model of kind upscaler")]
    if not model.usable:
        reason = model.reason or "the reason is not known"
        return [FieldProblem(use.field, f"is {model.name}, which cannot be used: {reason}")]
    upscale = request.upscale
    if upscale is None or use.field != "upscale.model_id" or upscale.scale is not None:
        return []  # the request has checked a scale of its own
    if model.scale is None:
        return [FieldProblem("upscale.scale", scale_is_needed(model))]
    scale, size = model.scale, request.result_size
    width, height = round(size.width * scale), round(size.height * scale)
    made = f"is left out, and the {scale:g} of {model.name} makes"
    if width * height > MOST_PIXELS_DRAWN:
        text = f"{width} x {height} pixels; a picture has at most {MOST_PIXELS_DRAWN}"
        return [FieldProblem("upscale.scale", f"{made} {text}")]
    if message := side_problem(width, height, request.output_format):
        text = f"{message}; ask for another output_format"
        return [FieldProblem("upscale.scale", f"{made} {text}")]
    return []


def scale_is_needed(model: ModelRecord) -> str:
    """Return what is wrong with a scale that is left out, for an upscaler that does not tell it."""
    return f"is needed: {model.name} tells its own factor only when it is loaded; send a number"


def _begins_at_the_start(request: GenerationRequest) -> bool:
    """Return whether each pass runs all of its steps."""
    steps = [request.num_inference_steps]
    if (second := request.second_pass) is not None:
        steps.append(second.num_inference_steps or request.num_inference_steps)
    return [each.steps for each in request.passes] == steps


def _not_for(model: ModelRecord, scheduler: Scheduler) -> FieldProblem:
    reason = misfit_reason(model.training) if model.schedulers else None
    why = f"which {model.name} does not take" if reason is None else f"and {model.name} {reason}"
    remedy = "leave it out, or choose another model"
    if reason is not None:
        remedy = "leave it out, or name one of the schedulers of the model"
    return FieldProblem("scheduler", f"is '{scheduler}', {why}; {remedy}")
