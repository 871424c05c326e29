"""The values of the table, and its text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.unit.table_of_files.nodes import function_of

__all__ = ["Answer", "Cell", "Row", "cells_of", "no", "text_of", "uncompared", "warned", "yes"]


class Answer(StrEnum):
    """What a cell says."""

    YES = "yes"
    WARNED = "yes, with a warning"
    NO = "no"
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, slots=True)
class Cell:
    """An answer, and the ids of the tests that show it. Only `NOT_COMPARED` may have none."""

    answer: Answer
    nodes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.nodes and self.answer is not Answer.NOT_COMPARED:
            raise ValueError(f"{self.answer} needs a test")


@dataclass(frozen=True, slots=True)
class Row:
    """What is done with a kind of file of some models.

    Attributes:
        models: The models, as the documentation names them.
        kind: The kind of file.
        listed: Whether it is listed as a model that draws.
        drawn: Whether it draws from text, or from what such a model needs.
        pictures: Whether it draws from pictures.
        lora: Whether LoRAs change it.
    """

    models: str
    kind: str
    listed: Cell
    drawn: Cell
    pictures: Cell
    lora: Cell


def yes(*nodes: str) -> Cell:
    return Cell(Answer.YES, nodes)


def warned(*nodes: str) -> Cell:
    return Cell(Answer.WARNED, nodes)


def no(*nodes: str) -> Cell:
    return Cell(Answer.NO, nodes)


uncompared = Cell(Answer.NOT_COMPARED)


def cells_of(row: Row) -> tuple[Cell, Cell, Cell, Cell]:
    return row.listed, row.drawn, row.pictures, row.lora


def text_of(rows: Iterable[Row]) -> str:
    """Return the table as the documentation has it. Each answer leads to its first test."""
    return "\n".join(_lines(rows))


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    yield "| model | kind of file | listed as drawable | drawn | from pictures | LoRA |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        yield f"| {row.models} | {row.kind} | {' | '.join(map(_shown, cells_of(row)))} |"


def _shown(cell: Cell) -> str:
    if not cell.nodes:
        return cell.answer
    return f"[{cell.answer}](../{function_of(cell.nodes[0]).partition('::')[0]})"
