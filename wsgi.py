"""The service, built from the environment. This only creates objects: serving.py starts them."""

import dataclasses
import functools
import os
from typing import TYPE_CHECKING, Any

from adapters.security.key_file import ApiKeyFile
from application.settings.made_key import MadeApiKey
from application.settings.misspelt import misspelt_settings
from application.settings.settings import Settings, SettingsError
from container import LIBRARY_ENVIRONMENT, Container

if TYPE_CHECKING:
    from flask import Flask

    app: Flask

__all__ = ["app", "container", "made_api_key", "misspelt", "settings"]

for _name, _value in LIBRARY_ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

try:
    settings = Settings.from_env(os.environ)
except SettingsError as error:
    raise SystemExit(str(error)) from None

misspelt = misspelt_settings(os.environ)
container = Container(settings=settings)
try:
    container.model_settings()
except SettingsError as error:
    raise SystemExit(str(error)) from None


@functools.cache
def made_api_key() -> MadeApiKey | None:
    """Return the service's own key if neither API_KEYS nor SECRET_KEY is set; otherwise None.

    The first call reads it from DATA_DIR, or creates it and stores it there: the service never
    serves without authentication. Raises SystemExit if that fails.
    """
    if settings.api_keys or settings.secret_key is not None:
        return None
    try:
        made = ApiKeyFile(settings.data_dir).read_or_make()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    container.settings.override(dataclasses.replace(settings, api_keys=(made.key,)))
    return made


def __getattr__(name: str) -> Any:
    # `app` is created when a server asks for it, so that an import writes no key.
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made_api_key()
    return container.app()
