"""An API key that the service made because none was set."""

from dataclasses import dataclass, field

__all__ = ["MadeApiKey"]


@dataclass(frozen=True, slots=True)
class MadeApiKey:
    """A key that the service made.

    Attributes:
        key: What a client sends.
        kept_in: The file that a later start reads it from; None where it could not be kept safely.
    """

    key: str = field(repr=False)
    kept_in: str | None
