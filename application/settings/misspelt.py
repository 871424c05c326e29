"""Finds variables that look like misspelt settings, and therefore set nothing."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches

from application.settings.settings import Settings

__all__ = ["misspelt_settings"]

_ALIKE = 0.9
"""The least ratio of difflib: about one letter in ten may differ."""
_OF_CLIENTS = frozenset({"API_KEY"})
"""Variables that the documentation lets clients export. The service may be started beside them."""


def misspelt_settings(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each variable that looks like a misspelt setting. Values are never shown.

    Settings of one word are left out, because DEVICES or COMPILER may belong to another program.
    """
    names = [row.name.upper() for row in fields(Settings)]
    candidates = [name for name in names if "_" in name]
    found = []
    for variable in sorted(environ.keys() - {*names, *_OF_CLIENTS}):
        if close := get_close_matches(variable.upper(), candidates, n=1, cutoff=_ALIKE):
            found.append(f"{variable} is not a setting and changes nothing; is {close[0]} meant?")
    return tuple(found)
