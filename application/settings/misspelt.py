"""Variables whose name is nearly that of a setting, and which therefore set nothing."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches

from application.settings.settings import Settings

__all__ = ["misspelt_settings"]

_ALIKE = 0.9
"""Of difflib's ratio: one letter more, less or other in ten."""
_OF_CLIENTS = frozenset({"API_KEY"})
"""What the documentation has clients export, beside which the service may be started."""


def misspelt_settings(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each variable that looks like a misspelt setting. Values are never shown.

    Settings of one word are left out: DEVICES or COMPILER may be meant for another program.
    """
    names = [row.name.upper() for row in fields(Settings)]
    candidates = [name for name in names if "_" in name]
    found = []
    for variable in sorted(environ.keys() - {*names, *_OF_CLIENTS}):
        if close := get_close_matches(variable.upper(), candidates, n=1, cutoff=_ALIKE):
            found.append(f"{variable} is not a setting and changes nothing; is {close[0]} meant?")
    return tuple(found)
