"""Parts of a request as a client sends them: pictures, models beside the checkpoint, more passes.

Every API and the command line use this package in the same way. It knows nothing of HTTP. A door
reads its body and gives the values by the names of `domain.generation.forms.part_fields`::

    parts = SentParts(
        {
            "init_image": SentPicture(data=png),          # or SentPicture(id="5c…")
            "strength": 0.6,
            "mask_image": SentPicture(data=mask_png),
            "mask_blur": 8,
            "second_pass": {"scale": 2.0, "upscaler": "lanczos"},
            "upscale": {"model_id": "any name of an upscaler"},
            "loras": [{"model_id": "any name of a LoRA", "scale": 0.8}],
            "embeddings": [{"model_id": "any name", "token": "bad-hands"}],
            "vae_id": "any name",
            "controls": [
                {
                    "model_id": "any name of a ControlNet",
                    "image": SentPicture(data=png),
                    "preprocessor": "canny",              # or {"name": "canny", "low": 50}
                }
            ],
            "prompt_syntax": "weighted",
            "clip_skip": 2,
        }
    )
    wanted = make_request(fields, caller=caller, parts=parts)  # `RequestMaker`
    result = draw.job(wanted, caller=caller).result

`SentParts` checks the values by themselves and together, without any look-up. It raises
`InvalidRequest` with a row for each wrong field. A field that is left out or None has its default.
A door with other names for the fields translates `row.field`, which is one of

    init_image.id, init_image.base64, mask_image.id, controls[0].image.base64, …
        the picture: unknown, unreadable or too large
    init_image, mask_image, controls[0].image
        a picture that is missing, although another field or its object needs it
    strength, mask_blur, …, second_pass.scale, loras[1].scale, controls[0].preprocessor.low, …
        the value of this field
    loras, embeddings, controls
        a list with too many entries, or something that is not a list

`RequestMaker` looks the pictures up, finds the models by their names, and fills `width`, `height`
and the tokens of embeddings. A name without a model is `ModelNotFound` with `field`, such as
`loras[1].model_id`. It keeps the pictures only after everything else was right.
"""

from application.parts.building import BuildParts, BuiltParts
from application.parts.checking import sent_problems
from application.parts.defaults import LEFT_OUT, FillDefaults, FilledDefaults
from application.parts.maps import MakeMap
from application.parts.pictures import SentPicture, pictures_in
from application.parts.sent import NO_PARTS, SentParts
from application.parts.upscaling import BuildUpscale, NamedUpscale

__all__ = [
    "LEFT_OUT",
    "NO_PARTS",
    "BuildParts",
    "BuildUpscale",
    "BuiltParts",
    "FillDefaults",
    "FilledDefaults",
    "MakeMap",
    "NamedUpscale",
    "SentParts",
    "SentPicture",
    "pictures_in",
    "sent_problems",
]
