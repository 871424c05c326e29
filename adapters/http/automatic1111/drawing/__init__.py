"""The routes `txt2img` and `img2img`: their requests, and their answer with pictures."""

from adapters.http.automatic1111.drawing.additions import Additions
from adapters.http.automatic1111.drawing.drawing import Drawing
from adapters.http.automatic1111.drawing.masks import MaskReader
from adapters.http.automatic1111.drawing.routes import img2img_blueprint, txt2img_blueprint

__all__ = ["Additions", "Drawing", "MaskReader", "img2img_blueprint", "txt2img_blueprint"]
