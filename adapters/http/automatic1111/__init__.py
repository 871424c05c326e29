"""AUTOMATIC1111's API, for tools that use it. They need only the address of this service.

Source of names, shapes and defaults: AUTOMATIC1111's web UI 1.10, `modules/api/api.py` and
`models.py`; for ControlNet its extension sd-webui-controlnet 1.1.455. The service accepts the
requests that its clients send: `webuiapi` 0.9 and SillyTavern.
"""

from adapters.http.automatic1111.controlnet import (
    BuildControls,
    ControlMaps,
    Detecting,
    controlnet_blueprint,
    detect_blueprint,
)
from adapters.http.automatic1111.drawing import (
    Additions,
    Drawing,
    MaskReader,
    img2img_blueprint,
    txt2img_blueprint,
)
from adapters.http.automatic1111.errors import ERROR_FORM
from adapters.http.automatic1111.extras import Enlarging, extras_blueprint
from adapters.http.automatic1111.listing import listing_blueprint, networks_blueprint
from adapters.http.automatic1111.networks import BuildNetworks, Mismatch
from adapters.http.automatic1111.options import CallersOptions, options_blueprint
from adapters.http.automatic1111.png_info import png_info_blueprint
from adapters.http.automatic1111.prefix import CONTROLNET_PREFIX, PREFIX
from adapters.http.automatic1111.program import program_blueprint
from adapters.http.automatic1111.progress import progress_blueprint

__all__ = [
    "CONTROLNET_PREFIX",
    "ERROR_FORM",
    "PREFIX",
    "Additions",
    "BuildControls",
    "BuildNetworks",
    "CallersOptions",
    "ControlMaps",
    "Detecting",
    "Drawing",
    "Enlarging",
    "MaskReader",
    "Mismatch",
    "controlnet_blueprint",
    "detect_blueprint",
    "extras_blueprint",
    "img2img_blueprint",
    "listing_blueprint",
    "networks_blueprint",
    "options_blueprint",
    "png_info_blueprint",
    "program_blueprint",
    "progress_blueprint",
    "txt2img_blueprint",
]
