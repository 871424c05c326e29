"""Reads the settings that the operator gives models."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from domain.models.settings import ModelSettings

__all__ = ["ModelSettingsSource", "NoModelSettings", "SettingsReading"]


@dataclass(frozen=True, slots=True)
class SettingsReading:
    """The settings as they hold now.

    Attributes:
        tables: The settings of each model, in the operator's order.
        problem: Why the newest settings are not followed, as a sentence; None if they are. The
            tables are then the last ones without a fault.
    """

    tables: tuple[ModelSettings, ...] = ()
    problem: str | None = None


class ModelSettingsSource(ABC):
    """Knows the operator's settings of models. One thread at a time reads."""

    @abstractmethod
    def read(self) -> SettingsReading:
        """Return the settings as they are now. It raises nothing.

        New settings hold as a whole, or not at all: if a value is wrong, the last settings without
        a fault stay. An unchanged source answers at once.
        """


class NoModelSettings(ModelSettingsSource):
    """The source of an operator who gives no settings."""

    def read(self) -> SettingsReading:
        return SettingsReading()
