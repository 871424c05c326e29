"""Callers and their rights."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from domain.limits import TextLength

__all__ = ["SCOPE_TEXT", "AccessToken", "Principal", "Scope", "join_scopes", "scope_problem"]

SCOPE_TEXT = TextLength(0, 1000)
"""The allowed length of a list of scopes."""


class Scope(StrEnum):
    """A right. Its value is its name in a token's `scope` (RFC 8693, section 4.2)."""

    MODELS_READ = "models:read"
    INFERENCE_RUN = "inference:run"


def join_scopes(scopes: Iterable[Scope]) -> str:
    """Return the space-separated form of RFC 8693, in a fixed order."""
    given = frozenset(scopes)
    return " ".join(scope for scope in Scope if scope in given)


def scope_problem(value: object, allowed: Iterable[Scope] = tuple(Scope)) -> str | None:
    """Return what is wrong with a space-separated scope; None if `allowed` has all its scopes."""
    if message := SCOPE_TEXT.problem(value):
        return message
    known = frozenset(allowed)
    if unknown := [name for name in str(value).split() if name not in known]:
        return f"names {ascii(unknown[0])[:40]}; known are {join_scopes(known)}"
    return None


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller. `name` owns jobs, `scopes` are its rights, and `may_mint` is true for API keys."""

    name: str
    scopes: frozenset[Scope]
    may_mint: bool = False


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A new token, valid for `expires_in` seconds with `scopes`."""

    token: str
    expires_in: int
    scopes: frozenset[Scope]
