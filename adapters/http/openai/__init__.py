"""The OpenAI Images API, for its clients: `base_url` is this service's `/openai/v1`.

Source of names, shapes and statuses: the official Python client, `openai` 3.54, `types/image*.py`
and `_client.py`.
"""

from adapters.http.openai.errors import ERROR_FORM
from adapters.http.openai.images import images_blueprint
from adapters.http.openai.listing import PREFIX, models_blueprint

__all__ = ["ERROR_FORM", "PREFIX", "images_blueprint", "models_blueprint"]
