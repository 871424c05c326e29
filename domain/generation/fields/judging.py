"""Checks the fields of a request once, each by itself and together with the others."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from domain.errors import FieldProblem, InvalidRequest
from domain.generation.fields import FIELDS, LIMITS, OPTIONAL
from domain.generation.output_formats import OutputFormat
from domain.limits import Limit, one_line_end

__all__ = [
    "JudgedFields",
    "field_problems",
    "id_problem",
    "last_seed_problem",
    "model_id_problem",
    "quality_problem",
    "with_newlines",
]

id_problem = LIMITS["id"].problem
"""Returns what is wrong with a request's `id`, which names its job in a URL; None if valid."""
model_id_problem = LIMITS["model_id"].problem
"""Returns what is wrong with a `model_id`; None if it is valid. Both cases of hex are valid."""

_TEXTS = tuple(row.name for row in FIELDS.values() if row.is_text)
_ALL = frozenset(FIELDS)
# These are checked again when other fields are added: rules between fields, and the model, which
# has any of its names in an API and its id in a request.
_AGAIN = ("model_id", "seed", "num_images", "quality", "output_format")


def last_seed_problem(seed: int | None, num_images: int) -> str | None:
    """Return what is wrong with the seed of the last of `num_images`; None if it is valid."""
    if seed is None:
        return None
    message = LIMITS["seed"].problem(seed + num_images - 1)
    return f"of the last image {message}" if message else None


def quality_problem(quality: int | None, output_format: str) -> str | None:
    """Return what is wrong with a quality for this format; None if it is allowed."""
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
    """Return one row for each wrong field. A missing field is never wrong.

    Args:
        values: The values by name; only fields of the table.
        limits: The limit of each field. An API may have narrower limits.
        wrong: Fields that are known to be wrong. Rules between them and other fields are skipped.
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
    """Return `values` with a newline for each line end in the fields that people write."""
    found = dict(values)
    for name in _TEXTS:
        if isinstance(text := found.get(name), str):
            found[name] = one_line_end(text)
    return found


class JudgedFields(Mapping[str, Any]):
    """Checked fields of a request, so that a request of them need not check them again.

    Args:
        values: The values by name; only fields of the table. Any field may be missing.
        limits: The limit of each field. An API may have narrower limits.
        wrong: As in `field_problems`.

    Raises:
        InvalidRequest: One row for each wrong field.
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
        """Return these fields and `more`, which take precedence and are checked here.

        Raise InvalidRequest for wrong fields.
        """
        added = with_newlines(more)
        together = {**self._values, **added}
        values = {name: together[name] for name in (*added, *_AGAIN) if name in together}
        if problems := field_problems(values):
            raise InvalidRequest(problems)
        return together
