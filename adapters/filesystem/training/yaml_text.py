"""YAML of strangers, as tables, lists and texts.

PyYAML's safe loader runs nothing. But a text of some lines can stand for any amount of data, by
references to itself, and deep nesting ends the interpreter's stack. So a text with references is
refused, and its events are counted before anything is built. A number stays a text.
"""

import yaml

__all__ = ["UnreadableYaml", "parsed_yaml"]

_MOST_EVENTS = 20_000
"""Values, and beginnings and ends of tables. The configurations of published models have some
200."""
_MOST_DEPTH = 32
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class UnreadableYaml(Exception):
    """A text is not YAML, or exceeds a limit; the text of the error says which."""


def parsed_yaml(content: bytes) -> object:
    """Return the one document of a YAML file: tables, lists and texts.

    Raises:
        UnreadableYaml: It is not YAML, has references or several documents, or exceeds a limit.
    """
    try:
        text = content.decode("utf-8-sig")
        _check(text)
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts alone
    except UnicodeDecodeError as error:
        raise UnreadableYaml("it is not UTF-8 text") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise UnreadableYaml("it is not YAML") from error


def _check(text: str) -> None:
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.BaseLoader)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise UnreadableYaml("it has references (& and *), which are not read")
        depth += isinstance(event, _OPENING) - isinstance(event, _CLOSING)
        if depth > _MOST_DEPTH:
            raise UnreadableYaml(f"it is nested more than {_MOST_DEPTH} deep")
        if number > _MOST_EVENTS:
            raise UnreadableYaml(f"it has more than {_MOST_EVENTS:,} values")
