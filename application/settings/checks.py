"""Checks of settings. Each returns what is wrong with a value, in words, or None."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

__all__ = [
    "aliases",
    "between",
    "byte_count",
    "database",
    "device",
    "folders",
    "host",
    "key",
    "keys",
    "one_of",
    "optional",
    "origins",
    "secret",
]

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def between(minimum: float, maximum: float) -> Callable[[float], str | None]:
    """A check of a number. Both bounds are allowed."""

    def check(value: float) -> str | None:
        if minimum <= value <= maximum:
            return None
        return f"is {value}; it must lie between {minimum} and {maximum}"

    return check


def optional(check: Callable[[float], str | None]) -> Callable[[float | None], str | None]:
    """The same check, which allows None too."""
    return lambda value: None if value is None else check(value)


def one_of(words: tuple[str, ...]) -> Callable[[str], str | None]:
    """A check of a word."""

    def check(value: str) -> str | None:
        return None if value in words else f"is {value!r}; it must be one of {', '.join(words)}"

    return check


def device(value: str) -> str | None:
    if _DEVICE.fullmatch(value):
        return None
    return f"is {value!r}; it must be auto, cpu, mps, cuda or cuda:<number>"


def host(value: str) -> str | None:
    return None if re.fullmatch(r"[\w.:-]+", value) else f"is {value!r}; it must be an address"


def aliases(value: tuple[tuple[str, str], ...]) -> str | None:
    """Each pair is a name and what it stands for. A name must not stand for two things."""
    meanings: dict[str, str] = {}
    for name, meaning in value:
        if not name or not meaning:
            return f"has {name!r} for {meaning!r}; neither side may be empty"
        if meanings.setdefault(name, meaning) != meaning:
            return f"has {name!r} for {meanings[name]!r} and for {meaning!r}; choose one"
    return None


def folders(value: tuple[str, ...]) -> str | None:
    return None if value else "is empty; it must name at least one folder"


def keys(value: tuple[str, ...]) -> str | None:
    if all(map(_fits_a_header, value)):
        return None
    return "holds a key that no HTTP header can carry; use printable ASCII without blanks"


def key(value: str | None) -> str | None:
    if value is None or _fits_a_header(value):
        return None
    return "is a key that no HTTP header can carry; use printable ASCII without blanks"


def _fits_a_header(key: str) -> bool:
    # A client sends its key in a header, so the key must fit there.
    return key.isascii() and key.isprintable() and " " not in key


def origins(value: tuple[str, ...]) -> str | None:
    for origin in value:
        if origin == "*":
            continue
        try:
            parts = urlsplit(origin)
            _ = parts.port
        except ValueError:
            return f"holds {origin!r}, which is not an address"
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path:
            return f"holds {origin!r}; an origin is * or scheme://host[:port], with no path"
    return None


def database(value: str | None) -> str | None:
    # The value is not shown: it may hold a password.
    if value is not None and re.fullmatch(r"sqlite(\+\w+)?://(/?(:memory:)?)(\?.*)?", value):
        return "names a database in memory; jobs need a file, such as sqlite:///data/jobs.sqlite"
    if value is None or re.match(r"[a-z0-9_]+(\+[a-z0-9_]+)?://", value):
        return None
    return "is not an SQLAlchemy URL such as sqlite:///data/jobs.sqlite"


def byte_count(value: int | None) -> str | None:
    return None if value is None or value >= 0 else f"is {value}; it must not be negative"


def secret(value: str | None) -> str | None:
    # PyJWT refuses to sign with text that looks like a public key, at each request.
    if value is not None and ("-----BEGIN" in value or value.startswith(("ssh-", "ecdsa-"))):
        return "is half of a key pair; it must be random text"
    return None
