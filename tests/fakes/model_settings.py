"""Settings of models that a test puts in."""

from collections.abc import Mapping

from domain.models.settings import WrongSettings, settings_of
from domain.ports.model_settings import ModelSettingsSource, SettingsReading

__all__ = ["FakeModelSettings"]


class FakeModelSettings(ModelSettingsSource):
    """Tables in memory.

    Attributes:
        document: The tables, by the names of models, as a file has them.
    """

    def __init__(self, document: Mapping[str, object] | None = None) -> None:
        self.document: Mapping[str, object] = document or {}
        self._reading = SettingsReading()

    def read(self) -> SettingsReading:
        try:
            self._reading = SettingsReading(settings_of(self.document))
        except WrongSettings as error:
            self._reading = SettingsReading(self._reading.tables, str(error))
        return self._reading
