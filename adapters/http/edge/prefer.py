"""Reads the header `Prefer` (RFC 7240): how long a client prefers to wait."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from werkzeug.http import parse_list_header, unquote_header_value

__all__ = ["LONGEST_WAIT", "Preference", "parse_prefer"]

LONGEST_WAIT = 86_400
"""Seconds. A longer wait is cut to this one. The RFC allows it: N is an upper bound."""

_LONGEST_HEADER = 2_000
# A token with an optional value and optional parameters. No preference known here has parameters.
_PREFERENCE = re.compile(
    r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)
    (?:[ \t]*=[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]*|"(?:[^"\\]|\\.)*"))?
    [ \t]*(?:;.*)?""",
    re.VERBOSE | re.DOTALL,
)
_SECONDS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Preference:
    """The preferences that this service follows.

    Attributes:
        respond_async: The client prefers a 202 at once to a wait.
        wait: Seconds after which the client prefers the 202; None for no bound.
        strict: The client prefers a refusal at once to a wait longer than `wait`.
    """

    respond_async: bool = False
    wait: int | None = None
    strict: bool = False

    @property
    def seconds(self) -> int | None:
        """The seconds to wait before the 202; None to wait for the pictures."""
        return 0 if self.respond_async and self.wait is None else self.wait

    @property
    def within(self) -> int | None:
        """The seconds within which the pictures must be ready, or else the request is refused."""
        return self.wait if self.strict else None

    def applied(self, *, asynchronously: bool) -> dict[str, str]:
        """The header `Preference-Applied` of an answer, or no header."""
        names = ["respond-async"] if self.respond_async and asynchronously else []
        names += [] if self.wait is None else [f"wait={self.wait}"]
        names += [] if self.within is None else ["handling=strict"]
        return {"Preference-Applied": ", ".join(names)} if names else {}


def parse_prefer(headers: Iterable[str]) -> Preference:
    """Return the preferences that these `Prefer` headers state together.

    By section 2, the first of several preferences with one name counts, an empty value equals no
    value, and a preference that is not understood is ignored.
    """
    said: dict[str, str] = {}
    text = ", ".join(headers)
    for item in parse_list_header(text) if len(text) <= _LONGEST_HEADER else ():
        if found := _PREFERENCE.fullmatch(item):
            name, value = found.groups(default="")
            said.setdefault(name.lower(), unquote_header_value(value).lower())
    return Preference(
        respond_async=said.get("respond-async") == "",
        wait=_seconds(said.get("wait", "")),
        strict=said.get("handling") == "strict",
    )


def _seconds(text: str) -> int | None:
    if not _SECONDS.fullmatch(text):
        return None
    # int() raises for more than 4300 digits, and a client may send more.
    digits = text.lstrip("0") or "0"
    return min(int(digits), LONGEST_WAIT) if len(digits) < 10 else LONGEST_WAIT
