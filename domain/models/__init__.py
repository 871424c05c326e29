"""What the service knows of models, as values. These names are for users of the package."""

from domain.models.record import ModelRecord

__all__ = ["ModelRecord"]
