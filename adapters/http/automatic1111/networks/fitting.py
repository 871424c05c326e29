"""Says why an add-on cannot be used with a checkpoint."""

from domain.errors import DomainError
from domain.generation.parts.rules import ModelRole, ModelUse
from domain.models.record import ModelRecord
from domain.services.addition_checks import AdditionChecks

__all__ = ["Mismatch"]


class Mismatch:
    """Compares an add-on with a checkpoint, as the admission of a request does."""

    def __init__(self, checks: AdditionChecks) -> None:
        self._checks = checks

    def __call__(self, addon: ModelRecord, checkpoint: ModelRecord) -> str | None:
        """Return the reason, which begins with «is <name>»; None if the add-on fits."""
        use = ModelUse(ModelRole(addon.kind), addon.id, "")
        try:
            rows = self._checks.problems(checkpoint, {use: addon})
        except DomainError as error:
            return f"is {addon.name}, which cannot be read: {error}"
        return rows[0].message if rows else None
