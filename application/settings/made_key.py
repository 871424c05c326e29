"""An API key that the service made because none was set."""

from dataclasses import dataclass, field

__all__ = ["MadeApiKey"]


@dataclass(frozen=True, slots=True)
class MadeApiKey:
    """A key that the service made.

    Attributes:
        key: The key that clients send.
        kept_in: The file that a later start reads it from; None if it could not be stored safely.
    """

    key: str = field(repr=False)
    kept_in: str | None
