"""The service, made from the environment. Makes objects only: serving.py starts them."""

import dataclasses
import os
import secrets

from application.settings import Settings, SettingsError
from container import LIBRARY_ENVIRONMENT, Container

__all__ = ["app", "container", "made_api_key", "settings"]

for _name, _value in LIBRARY_ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

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
