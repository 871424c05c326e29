"""Which fields of a request are wrong, each by itself and beside the others: judged once."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from domain.errors import FieldProblem, InvalidRequest
from domain.generation.fields import FIELDS, LIMITS, OPTIONAL
from domain.generation.output_formats import OutputFormat
from domain.limits import Limit, one_line_end

__all__ = [
    "JudgedFields",
    "field_problems",
    "last_seed_problem",
    "quality_problem",
    "with_newlines",
]

_TEXTS = tuple(row.name for row in FIELDS.values() if row.is_text)
_ALL = frozenset(FIELDS)
# What fields say of each other counts again when others join them. At a door a model may have any
# of its names, in a request it has its id.
_AGAIN = ("model_id", "seed", "num_images", "quality", "output_format")


def last_seed_problem(seed: int | None, num_images: int) -> str | None:
    """What is wrong with the seed of the last of `num_images`; None when nothing is."""
    if seed is None:
        return None
    message = LIMITS["seed"].problem(seed + num_images - 1)
    return f"of the last image {message}" if message else None


def quality_problem(quality: int | None, output_format: str) -> str | None:
    """What is wrong with naming a quality of this format; None when nothing is."""
    if quality is None or OutputFormat(output_format).has_quality:
        return None
    return (
        f"is {quality}, and a {output_format} has none: it keeps every pixel; leave quality out, "
        "or ask for jpeg or webp as output_format"
    )


def field_problems(
    values: Mapping[str, Any],
    limits: Mapping[str, Limit] = LIMITS,
    *,
    wrong: Collection[str] = (),
) -> list[FieldProblem]:
    """One row for each field that is wrong; a field that is left out is never wrong.

    Args:
        values: By name, fields of the table alone.
        limits: Of each field; a door may have narrower ones.
        wrong: Fields that are known to be wrong, so that nothing is said of what they go with.
    """
    rows = [
        FieldProblem(name, message)
        for name, limit in limits.items()
        if name in values
        and not ((value := values[name]) is None and name in OPTIONAL)
        and (message := limit.problem(value)) is not None
    ]
    unknown = {*wrong, *(row.field for row in rows)}
    if not unknown & {"seed", "num_images"}:
        message = last_seed_problem(values.get("seed"), values.get("num_images", 1))
        rows += [FieldProblem("seed", message)] if message else []
    if not unknown & {"quality", "output_format"}:
        message = quality_problem(
            values.get("quality"), values.get("output_format", OutputFormat.PNG)
        )
        rows += [FieldProblem("quality", message)] if message else []
    return rows


def with_newlines(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with a newline for each end of a line in what people write."""
    found = dict(values)
    for name in _TEXTS:
        if isinstance(text := found.get(name), str):
            found[name] = one_line_end(text)
    return found


class JudgedFields(Mapping[str, Any]):
    """Fields of a request that were judged, so that a request of them need not judge them again.

    Args:
        values: By name. All of them are fields of the table, and none need be there.
        limits: Of each field; a door may have narrower ones.
        wrong: As in `field_problems`.

    Raises:
        InvalidRequest: with one row for each field that is wrong.
    """

    __slots__ = ("_values",)

    def __init__(
        self,
        values: Mapping[str, Any],
        limits: Mapping[str, Limit] = LIMITS,
        *,
        wrong: Collection[str] = (),
    ) -> None:
        if unknown := values.keys() - _ALL:
            raise TypeError(f"these are not fields of a request: {', '.join(sorted(unknown))}")
        self._values = with_newlines(values)
        if problems := field_problems(self._values, limits, wrong=wrong):
            raise InvalidRequest(problems)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def plus(self, **more: Any) -> dict[str, Any]:
        """All of them and `more`, which win and are judged here. Raises InvalidRequest."""
        added = with_newlines(more)
        together = {**self._values, **added}
        values = {name: together[name] for name in (*added, *_AGAIN) if name in together}
        if problems := field_problems(values):
            raise InvalidRequest(problems)
        return together
