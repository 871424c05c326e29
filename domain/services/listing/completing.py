"""Completes the records of a scan: the operator's settings, the faults that drawing has shown, and
the default VAEs.
"""

import dataclasses
from collections.abc import Iterable, Mapping

from domain.models.components import DRAWS
from domain.models.names import ModelNames
from domain.models.record import SHORT_ID, ModelKind, ModelRecord, PendingModel
from domain.ports.model_headers import ModelHeaders
from domain.ports.model_settings import ModelSettingsSource, SettingsReading
from domain.services.listing.default_vaes import with_default_vaes
from domain.services.listing.model_settings import ApplySettings
from domain.services.listing.vae_fits import VaeFits

__all__ = ["CompleteRecords"]


class CompleteRecords:
    """Adds to the records of a scan what their files do not say.

    The thread that scans calls `read`. Any thread may call the rest.

    Args:
        settings: The operator's settings of models.
        headers: As of `ApplySettings`.
    """

    def __init__(self, settings: ModelSettingsSource, headers: ModelHeaders | None) -> None:
        self._settings = settings
        self._fits = VaeFits(headers)
        self._apply = ApplySettings(self._fits, headers)
        self._reading = SettingsReading()
        self._problems: tuple[str, ...] = ()

    @property
    def settings_problem(self) -> str | None:
        """Why the newest settings are not followed; None if they are."""
        return self._reading.problem

    @property
    def table_problems(self) -> tuple[str, ...]:
        """A sentence for each table of the settings that names no model, or several."""
        return self._problems

    def read(self) -> None:
        """Read the settings as they are now."""
        self._reading = self._settings.read()

    def names(self, own: ModelNames) -> ModelNames:
        """Return the configured names with the aliases of the settings.

        An alias of `own` comes first, and `table_problems` say so.
        """
        aliases = [(alias, each.name) for each in self._reading.tables for alias in each.aliases]
        if not aliases:
            return own
        self._problems += tuple(
            f"[{name}] the alias {alias} has another meaning already, which counts"
            for alias, name in aliases
            if own.aliases.get(alias, name) != name
        )
        return dataclasses.replace(own, aliases={**dict(aliases), **own.aliases})

    def __call__(
        self,
        found: Mapping[str, ModelRecord],
        rejected: Mapping[str, str],
        pending: Iterable[PendingModel],
    ) -> Mapping[str, ModelRecord]:
        """Return the complete records by id.

        Args:
            found: The records of a scan, by id.
            rejected: Why models cannot be used, by id.
            pending: The files that are not listed yet.
        """
        told = {
            model_id: dataclasses.replace(found[model_id], reason=reason, is_companion=False)
            for model_id, reason in rejected.items()
            if model_id in found
        }
        told |= _networks_of(told.values(), found)
        applied = self._apply({**found, **told}, self._reading.tables)
        self._problems = applied.problems
        return with_default_vaes(applied.models, self._fits, unread=[each.path for each in pending])


def _networks_of(
    rejected: Iterable[ModelRecord], found: Mapping[str, ModelRecord]
) -> dict[str, ModelRecord]:
    """Return the diffusion models of sets that cannot draw, which would send people to these."""
    return {
        network.id: dataclasses.replace(
            network,
            reason=f"it draws together with other files, and {each.name} ({each.id[:SHORT_ID]}) "
            f"with them cannot draw: {each.reason}",
        )
        for each in rejected
        for member in each.members
        if member.role == DRAWS
        and (network := found.get(member.id)) is not None
        and network.kind is ModelKind.DIFFUSION_MODEL
    }
