"""A table of the fields that a route of AUTOMATIC1111's API does not read, with their rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.http.automatic1111.unsupported.scripts import busy_scripts, idle_scripts
from adapters.http.automatic1111.unsupported.settings import AT_REST, READ_SETTINGS, SETTING_RULES
from adapters.http.automatic1111.unsupported.verdicts import (
    NOTHING,
    Rule,
    Verdict,
    ignored,
    no_effect,
)
from adapters.http.edge.redaction import Redactor

__all__ = [
    "MORE_SETTINGS",
    "SCRIPTS",
    "SETTINGS",
    "FieldTable",
    "refused_settings",
    "shown_names",
]

SCRIPTS = "alwayson_scripts"
SETTINGS = "override_settings"
_MOST_NAMES = 20
_LONGEST_NAME = 64
_SHOWN_CHARACTERS = 40
_NOTHING: Mapping[str, Any] = {"enum": list(NOTHING)}
_IGNORED: Mapping[str, Any] = {
    "description": "The service accepts this field, and it changes nothing."
}


_CONTROLNET: Mapping[str, Any] = {
    "type": "object",
    "description": "`args` has the units: `model`, `image`, `module`, `weight`, `guidance_start`, "
    "`guidance_end`, `control_mode`, `resize_mode`, `threshold_a` and `threshold_b`.",
    "properties": {
        "args": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"enabled": {"type": "boolean", "const": False}},
                "required": ["enabled"],
            },
        }
    },
}
"""A unit that is switched on has rules of its own, which are in the documentation. Here it is one
that is switched off, so that a body of this description is never refused."""


@dataclass(frozen=True)
class FieldTable:
    """The fields of a route.

    Attributes:
        read: The fields that the route reads.
        rules: The rule for each other field of AUTOMATIC1111's own route.
        may_be: The values, besides none, that the description allows for a field with a rule.
        remedies: What to do about a refused field; by default, leave it out.
    """

    read: frozenset[str]
    rules: Mapping[str, Rule]
    may_be: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    remedies: Mapping[str, str] = field(default_factory=dict)

    def refusals(self, sent: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
        """Yield the name of each field with an unsupported value, and the message about it."""
        for name, value in sent.items():
            if self._verdict(name, sent) is not Verdict.REFUSED:
                continue
            if busy := busy_scripts(value, sent) if name == SCRIPTS else []:
                shown = ", ".join(ascii(each)[:_SHOWN_CHARACTERS] for each in busy[:_MOST_NAMES])
                message = f"asks for scripts that this service does not have: {shown}"
                yield name, [f"{message}; leave them out"]
            else:
                yield name, [_unsupported(value, self.remedies.get(name, "leave it out"))]

    def ignored_names(self, sent: Mapping[str, Any], redactor: Redactor) -> list[str]:
        """Return the names of the first twenty fields, settings and scripts that have no effect."""
        found = [
            name
            for name in sent
            if self._verdict(name, sent) is Verdict.IGNORED and name != SCRIPTS
        ]
        found += [f"{SCRIPTS}.{name}" for name in idle_scripts(sent.get(SCRIPTS), sent)]
        settings = sent.get(SETTINGS)
        if isinstance(settings, dict):
            found += [
                f"{SETTINGS}.{name}"
                for name, value in settings.items()
                if name not in READ_SETTINGS | SETTING_RULES.keys() and value not in NOTHING
            ]
        return shown_names(found, redactor)

    @property
    def described(self) -> Mapping[str, Any]:
        """The rules as JSON Schema, for the API's description. They may be stricter."""
        rules = sorted(self.rules.items())
        free = dict.fromkeys((name for name, rule in rules if rule is no_effect), _IGNORED)
        bound = {
            name: _described_as(self.may_be.get(name, ())) for name, _ in rules if name not in free
        }
        return {
            "properties": {
                **bound,
                **free,
                SCRIPTS: {
                    "type": "object",
                    "description": "`ControlNet`, and scripts that do nothing. Any other script is "
                    "refused.",
                    "properties": {"ControlNet": _CONTROLNET},
                    "additionalProperties": {
                        "anyOf": [
                            _NOTHING,
                            {"properties": {"args": {"items": _NOTHING}}, "type": "object"},
                        ]
                    },
                },
            },
            "additionalProperties": True,
        }

    def _verdict(self, name: str, sent: Mapping[str, Any]) -> Verdict:
        if name in self.read:
            return Verdict.NOTHING
        return self.rules.get(name, ignored)(sent[name], sent)


def shown_names(names: Sequence[str], redactor: Redactor) -> list[str]:
    """Return the first twenty of a client's names, each as one short line."""
    return [redactor.redacted(_shown(name)) for name in names[:_MOST_NAMES]]


def refused_settings(settings: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each setting with an unsupported value, and the message about it."""
    for name, value in settings.items():
        rule = SETTING_RULES.get(name)
        if rule is not None and rule(value, settings) is Verdict.REFUSED:
            yield name, [_unsupported(value)]


def _described_as(values: tuple[object, ...]) -> dict[str, Any]:
    """Return the description of a field that takes only `values`, or nothing."""
    return {"enum": [*NOTHING, *values], "description": "This service takes only this value."}


def _unsupported(value: object, remedy: str = "leave it out") -> str:
    """Return the message about a value that this service cannot follow."""
    text = ascii(value) if isinstance(value, int | float | str) else ""
    # A long text, such as a picture, tells nothing.
    shown = text if 0 < len(text) <= _SHOWN_CHARACTERS else "set"
    return f"is {shown}, which cannot be done here; {remedy}"


def _shown(name: str) -> str:
    """Return a client's name of a field as one short line."""
    return ascii(name[:_LONGEST_NAME])[1:-1]


MORE_SETTINGS: Mapping[str, Any] = {
    "properties": {name: _described_as(values) for name, values in AT_REST.items()},
    "additionalProperties": True,
}
"""The schemas of further settings in `override_settings`."""
