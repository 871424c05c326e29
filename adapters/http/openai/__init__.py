"""The OpenAI Images API, for its clients: `base_url` is this service's `/openai/v1`.

Source of names, shapes and statuses: the official Python client, `openai` 3.54, `types/image*.py`
and `_client.py`.
"""

from adapters.http.openai.drawing import ImagesDrawer
from adapters.http.openai.edits import EditedPictures, edits_blueprint
from adapters.http.openai.errors import ERROR_FORM
from adapters.http.openai.images import images_blueprint
from adapters.http.openai.listing import PREFIX, models_blueprint
from adapters.http.openai.streams import PictureStreams

__all__ = [
    "ERROR_FORM",
    "PREFIX",
    "EditedPictures",
    "ImagesDrawer",
    "PictureStreams",
    "edits_blueprint",
    "images_blueprint",
    "models_blueprint",
]
