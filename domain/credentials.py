"""Who calls, and what they may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["AccessToken", "Principal", "Scope", "join_scopes"]


class Scope(StrEnum):
    """A right, named as it stands in a token's `scope` (RFC 8693, section 4.2)."""

    MODELS_READ = "models:read"
    INFERENCE_RUN = "inference:run"


def join_scopes(scopes: Iterable[Scope]) -> str:
    """The space-separated form of RFC 8693, in a fixed order."""
    given = frozenset(scopes)
    return " ".join(scope for scope in Scope if scope in given)


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: `name` owns jobs, `scopes` are the rights, `may_mint` tells keys from tokens."""

    name: str
    scopes: frozenset[Scope]
    may_mint: bool = False


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A minted token, good for `expires_in` seconds with `scopes`."""

    token: str
    expires_in: int
    scopes: frozenset[Scope]
