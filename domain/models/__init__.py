"""Values that describe models. Programs that use the package may import these names."""

from domain.models.record import ModelRecord

__all__ = ["ModelRecord"]
