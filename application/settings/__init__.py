"""The settings of the service, read once from the environment."""

from application.settings.settings import Settings

__all__ = ["Settings"]
