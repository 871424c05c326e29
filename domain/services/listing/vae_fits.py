"""Whether a VAE can be the default of a checkpoint."""

from domain.checkpoints.additions import vae as vaes
from domain.errors import DomainError
from domain.models.record import ModelKind, ModelRecord
from domain.ports.model_headers import ModelHeaders
from domain.services.addition_kinds import kind_problem

__all__ = ["VaeFits"]

_MOST_PAIRS = 2048


class VaeFits:
    """Compares VAEs with checkpoints. A result is kept by the two ids, which name the bytes.

    Any thread may use it.

    Args:
        headers: Reads the tensors of models without their data. Without it, kinds and families
            alone are compared.
    """

    def __init__(self, headers: ModelHeaders | None = None) -> None:
        self._headers = headers
        self._known: dict[tuple[str, str], str | None] = {}

    def problem(self, vae: ModelRecord, checkpoint: ModelRecord) -> str | None:
        """Return why a VAE does not fit a checkpoint; None if it fits.

        The sentence follows the name of a field. A file that cannot be read now passes: the request
        that names it meets the same error.
        """
        if (problem := kind_problem(vae, checkpoint, ModelKind.VAE)) is not None:
            return problem
        if self._headers is None:
            return None
        pair = vae.id, checkpoint.id
        known = self._known  # another thread may begin a new table meanwhile
        if pair not in known:
            try:
                tensors = self._headers.tensors(vae), self._headers.tensors(checkpoint)
            except DomainError:
                return None
            if len(known) >= _MOST_PAIRS:
                known = self._known = {}
            known[pair] = vaes.fit(*tensors).problem
        found = known[pair]
        is_named = f"is {vae.name}, which does not fit {checkpoint.name}"
        return None if found is None else f"{is_named}: {found}"
