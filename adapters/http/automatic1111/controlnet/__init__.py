"""ControlNet as the extension sd-webui-controlnet of the web UI has it: units, lists and maps."""

from adapters.http.automatic1111.controlnet.asked import AskedControl, AskedControls
from adapters.http.automatic1111.controlnet.building import BuildControls, BuiltControls, InitImage
from adapters.http.automatic1111.controlnet.detecting import Detecting
from adapters.http.automatic1111.controlnet.maps import ControlMaps
from adapters.http.automatic1111.controlnet.routes import controlnet_blueprint, detect_blueprint
from adapters.http.automatic1111.controlnet.units import read_units

__all__ = [
    "AskedControl",
    "AskedControls",
    "BuildControls",
    "BuiltControls",
    "ControlMaps",
    "Detecting",
    "InitImage",
    "controlnet_blueprint",
    "detect_blueprint",
    "read_units",
]
