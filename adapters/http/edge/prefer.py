"""How long a client likes to wait: the header `Prefer` of RFC 7240."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from werkzeug.http import parse_list_header, unquote_header_value

__all__ = ["LONGEST_WAIT", "Preference", "parse_prefer"]

LONGEST_WAIT = 86_400
"""Seconds. A client that asks for more gets this. The RFC allows it: N is an upper bound."""

_LONGEST_HEADER = 2_000
# A token, perhaps with a value, perhaps with parameters, which none of ours has.
_PREFERENCE = re.compile(
    r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)
    (?:[ \t]*=[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]*|"(?:[^"\\]|\\.)*"))?
    [ \t]*(?:;.*)?""",
    re.VERBOSE | re.DOTALL,
)
_SECONDS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Preference:
    """The preferences of a client that this service knows.

    Attributes:
        respond_async: A 202 is as welcome as the pictures.
        wait: Seconds after which the client prefers the 202; None for no bound.
        strict: The client prefers a refusal at once to a wait longer than `wait`.
    """

    respond_async: bool = False
    wait: int | None = None
    strict: bool = False

    @property
    def seconds(self) -> int | None:
        """How long to wait before the 202; None: until there is an answer."""
        return 0 if self.respond_async and self.wait is None else self.wait

    @property
    def within(self) -> int | None:
        """In how many seconds the pictures must be there, or the request is refused."""
        return self.wait if self.strict else None

    def applied(self, *, asynchronously: bool) -> dict[str, str]:
        """The header `Preference-Applied` of an answer, or no header."""
        names = ["respond-async"] if self.respond_async and asynchronously else []
        names += [] if self.wait is None else [f"wait={self.wait}"]
        names += [] if self.within is None else ["handling=strict"]
        return {"Preference-Applied": ", ".join(names)} if names else {}


def parse_prefer(headers: Iterable[str]) -> Preference:
    """What these `Prefer` headers say together.

    As section 2 has it, the first of several equal preferences counts, an empty value is none,
    and whatever is not understood is ignored.
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
    # Not int() of whatever was sent: it takes no more than 4300 digits.
    digits = text.lstrip("0") or "0"
    return min(int(digits), LONGEST_WAIT) if len(digits) < 10 else LONGEST_WAIT
