"""Parts of a request as a client sends them: pictures, the second pass and upscaling.

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
        }
    )
    wanted = make_request(fields, caller=caller, parts=parts)  # `RequestMaker`
    result = draw.job(wanted, caller=caller).result

`SentParts` checks the values by themselves and together, without any look-up. It raises
`InvalidRequest` with a row for each wrong field. A field that is left out or None has its default.
A door with other names for the fields translates `row.field`, which is one of

    init_image.id, init_image.base64, mask_image.id, mask_image.base64
        the picture: unknown, unreadable or too large
    init_image, mask_image
        a picture that is missing, although another field needs it
    strength, mask_blur, …, second_pass.scale, upscale.model_id, …
        the value of this field

`RequestMaker` looks the pictures up, finds the upscalers by their names, and fills `width` and
`height`. It keeps the pictures only after everything else was right.
"""

from application.parts.building import BuildParts, BuiltParts
from application.parts.maps import MakeMap
from application.parts.sent import NO_PARTS, SentParts, SentPicture
from application.parts.upscaling import BuildUpscale, NamedUpscale

__all__ = [
    "NO_PARTS",
    "BuildParts",
    "BuildUpscale",
    "BuiltParts",
    "MakeMap",
    "NamedUpscale",
    "SentParts",
    "SentPicture",
]
