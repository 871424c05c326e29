"""The service, made from the environment. Makes objects only: gunicorn.conf.py starts them."""

import dataclasses
import os
import secrets

from application.settings import Settings, SettingsError
from container import Container

__all__ = ["app", "container", "made_api_key", "settings"]

# The service loads what lies in its folders. No library under it may ask a hub for anything.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# What diffusers and transformers say of themselves at import is no news to who runs the service.
os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

try:
    settings = Settings.from_env(os.environ)
except SettingsError as error:
    raise SystemExit(str(error)) from None

made_api_key: str | None = None
"""The key of this run, when neither API_KEYS nor SECRET_KEY is set: it never serves without."""
if not settings.api_keys and settings.secret_key is None:
    made_api_key = secrets.token_urlsafe(32)
    settings = dataclasses.replace(settings, api_keys=(made_api_key,))

container = Container(settings=settings)
app = container.app()
