"""Writes what was beside the checkpoint into the parameters of a picture.

LoRAs, embeddings and autoencoders are written as in AUTOMATIC1111's web UI 1.10, and ControlNets as
in its extension sd-webui-controlnet 1.1.455 (`internal_controlnet/external_code.py`).

A hash there names a file. For embeddings and autoencoders it is the beginning of the SHA-256 of the
file, which is our id. For LoRAs the web UI has a hash of the tensors alone, which this service does
not know. It writes the first ten digits of the SHA-256, which Civitai knows as AutoV2. The web UI
does not find them, and takes the LoRA of this name, as without a hash. The digits of a ControlNet
are those of the id too; the extension has others, from a part of the file.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from domain.generation.parts import (
    Control,
    ControlMode,
    Embedding,
    Lora,
    Preprocessor,
    PromptSyntax,
    ResizeMode,
)
from domain.generation.request import GenerationRequest
from domain.models.names import stem_of
from domain.models.record import SHORT_ID, ModelRecord

__all__ = ["beside_settings", "name_of", "number_text", "prompt_with_loras"]

Models = Mapping[str, ModelRecord]
"""The records of the models that a request names, by their ids."""

_TI_DIGITS = 12
"""`shorthash` in `modules/textual_inversion/textual_inversion.py` of the web UI."""
_CONTROL_DIGITS = 8
_IN_A_TAG = "<>:,"
_IN_A_LIST = ',:"'
"""Characters that separate names. A model with one of them in its name is named by its id."""
_RESIZE_MODES = {
    ResizeMode.STRETCH: "Just Resize",
    ResizeMode.CROP: "Crop and Resize",
    ResizeMode.PAD: "Resize and Fill",
}
_MODES = {
    ControlMode.BALANCED: "Balanced",
    ControlMode.PROMPT: "My prompt is more important",
    ControlMode.CONTROL: "ControlNet is more important",
}
_NO_PREPROCESSOR = "none"


def prompt_with_loras(request: GenerationRequest, models: Models) -> str:
    """Return the prompt, with a `<lora:name:scale>` for each LoRA at its end."""
    names = _lora_names(request.loras, models)
    tags = [
        f"<lora:{name}:{number_text(each.scale)}>"
        for name, each in zip(names, request.loras, strict=True)
    ]
    return " ".join([request.prompt, *tags])


def beside_settings(request: GenerationRequest, models: Models) -> dict[str, object]:
    """Return the settings of the models beside the checkpoint, and how the prompts are read."""
    found: dict[str, object] = {}
    if (vae := request.vae_id) is not None:
        model = models.get(vae)
        found |= {"VAE hash": vae[:SHORT_ID], "VAE": None if model is None else model.name}
    if request.clip_skip != 1:
        found["Clip skip"] = request.clip_skip
    if request.prompt_syntax is PromptSyntax.WEIGHTED:
        # The web UI leaves its own default out. Here it says that the prompts are not plain text.
        found["Emphasis"] = "Original"
    for number, control in enumerate(request.controls):
        found[f"ControlNet {number}"] = _unit(control, models)
    if request.embeddings:
        found["TI hashes"] = _list(
            (_token(each, models), each.model_id[:_TI_DIGITS]) for each in request.embeddings
        )
    if request.loras:
        names = _lora_names(request.loras, models)
        found["Lora hashes"] = _list(
            (name, each.model_id[:SHORT_ID])
            for name, each in zip(names, request.loras, strict=True)
        )
    return found


def name_of(model_id: str, models: Models, *, without: str = "") -> str:
    """Return the name of a model for people: its file's without the extension.

    Return the first digits of its id if the model is not among `models`, or if the name has one of
    the characters `without`.
    """
    model = models.get(model_id)
    name = "" if model is None else stem_of(model)
    return name if name and not set(without) & set(name) else model_id[:SHORT_ID]


def number_text(value: float) -> str:
    """Return the shortest text that means exactly this number, without a needless `.0`."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _lora_names(loras: Sequence[Lora], models: Models) -> list[str]:
    """Return a name for each LoRA. Two files with one name have the beginnings of their ids."""
    stems = {each.model_id: name_of(each.model_id, models, without=_IN_A_TAG) for each in loras}
    number = Counter(stems.values())
    return [
        stem if number[stem := stems[each.model_id]] == 1 else each.model_id[:SHORT_ID]
        for each in loras
    ]


def _token(embedding: Embedding, models: Models) -> str:
    token = embedding.token or name_of(embedding.model_id, models)
    return "".join(each for each in token if each not in _IN_A_LIST)


def _unit(control: Control, models: Models) -> str:
    name = name_of(control.model_id, models, without=_IN_A_LIST)
    facts: dict[str, object] = {
        "Module": _NO_PREPROCESSOR if control.preprocessor is None else control.preprocessor.name,
        "Model": f"{name} [{control.model_id[:_CONTROL_DIGITS]}]",
        "Weight": control.scale,
        "Resize Mode": _RESIZE_MODES[control.resize_mode],
        **_thresholds(control.preprocessor),
        "Guidance Start": control.start,
        "Guidance End": control.end,
        "Control Mode": _MODES[control.mode],
    }
    return _list((name, _text(value)) for name, value in facts.items())


def _thresholds(preprocessor: Preprocessor | None) -> dict[str, object]:
    if preprocessor is None or preprocessor.low is None:
        return {}
    return {"Threshold A": preprocessor.low, "Threshold B": preprocessor.high}


def _text(value: object) -> str:
    return number_text(value) if isinstance(value, float) else str(value)


def _list(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in pairs)
