"""Emphasis in a prompt: which part of the text has which weight.

The rules are those of `parse_prompt_attention` in AUTOMATIC1111's web UI 1.10:

- `(a)` multiplies the weight of a by 1.1, `[a]` divides it by 1.1, `(a:1.3)` multiplies it by 1.3.
  Brackets may be nested, and round and square ones may overlap.
- A bracket that is never closed reaches to the end of the text. A closing bracket without an
  opening one is text, and so is `:1.3)` without an opening bracket.
- A backslash makes the bracket or the backslash after it text. Any other backslash vanishes.
- `BREAK` as a word of its own begins a new piece of 75 tokens. The blanks around it vanish.
- Neighbours of equal weight are one text, so `(a)(b)` is the word «ab».

Three points differ, because the web UI fails there or draws something else. `(a:1.2.3)` has no
number, so it is the text «a:1.2.3» in round brackets. `BREAK` inside brackets is a break; the web
UI draws the word «BREAK» with a negative weight. A weight has the bound `LARGEST_WEIGHT`.
"""

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["BREAK", "LARGEST_WEIGHT", "Break", "WeightedText", "weighted_text"]

LARGEST_WEIGHT = 1e6
"""The bound of a weight and of its negative. At this weight the other words have no part left in a
sum of float32, so a larger weight would draw the same picture."""

_ROUND, _SQUARE = 1.1, 1 / 1.1
_TOKEN = re.compile(
    r"\\[()\[\]\\]"  # an escape
    r"|\\"
    r"|[()\[\]]"
    r"|:\s*(?P<weight>[+-]?[.\d]+)\s*\)"
    r"|[^\\()\[\]:]+"
    r"|:"
)
_BREAK_WORD = re.compile(r"\bBREAK\b")


@dataclass(frozen=True, slots=True)
class WeightedText:
    """A part of a prompt, and the factor of its embeddings. 1 changes nothing."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Break:
    """The end of a piece of 75 tokens."""


BREAK: Final = Break()


def weighted_text(text: str) -> tuple[WeightedText | Break, ...]:
    """Return the parts of a text without its brackets, in order. At least one part is returned."""
    reader = _Reader()
    for token in _TOKEN.finditer(text):
        reader.take(token)
    return reader.parts()


class _Brackets:
    """The brackets of one kind, as a tree: each has the number of the bracket that it is inside."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._outer = [0]  # number 0 stands for no bracket
        self._factors = [1.0]
        self._open = [0]

    @property
    def inside(self) -> int:
        """The number of the innermost open bracket; 0 for none."""
        return self._open[-1]

    def open(self) -> None:
        """Open a bracket. It has the usual factor, also if it is never closed."""
        self._outer.append(self.inside)
        self._factors.append(self._factor)
        self._open.append(len(self._outer) - 1)

    def close(self, factor: float | None = None) -> bool:
        """Close the innermost bracket; false if none is open."""
        if not self.inside:
            return False
        number = self._open.pop()
        if factor is not None:
            self._factors[number] = factor
        return True

    def weights(self) -> list[float]:
        """Return the product of the factors of each bracket and of those around it."""
        products = [1.0]
        for outer, factor in zip(self._outer[1:], self._factors[1:], strict=True):
            products.append(_bounded(products[outer] * factor))
        return products


class _Reader:
    def __init__(self) -> None:
        self._round, self._square = _Brackets(_ROUND), _Brackets(_SQUARE)
        self._found: list[tuple[str, int, int] | Break] = []

    def take(self, token: re.Match[str]) -> None:
        text = token[0]
        if text == "(":
            self._round.open()
        elif text == "[":
            self._square.open()
        elif (text == ")" and self._round.close()) or (text == "]" and self._square.close()):
            pass
        elif text[0] == "\\":
            self._add(text[1:])
        elif token["weight"] is not None and self._round.inside:
            self._close_with(text, token["weight"])
        else:
            self._add_text(text)

    def parts(self) -> tuple[WeightedText | Break, ...]:
        of_round, of_square = self._round.weights(), self._square.weights()
        parts: list[WeightedText | Break] = []
        run: list[str] = []
        weight = 1.0

        def end_run() -> None:
            if run:
                parts.append(WeightedText("".join(run), weight))
                run.clear()

        for each in self._found:
            if isinstance(each, Break):
                end_run()
                parts.append(each)
                continue
            text, round_, square = each
            own = _bounded(of_round[round_] * of_square[square])
            if own != weight:
                end_run()
            weight = own
            run.append(text)
        end_run()
        return tuple(parts) or (WeightedText(""),)

    def _close_with(self, text: str, weight: str) -> None:
        try:
            factor = float(weight)
        except ValueError:
            self._add(text[:-1])
            self._round.close()
        else:
            self._round.close(factor)

    def _add_text(self, text: str) -> None:
        first, *others = _BREAK_WORD.split(text)
        for each in others:
            self._add(first.rstrip())
            self._found.append(BREAK)
            first = each.lstrip()
        self._add(first)

    def _add(self, text: str) -> None:
        if text:
            self._found.append((text, self._round.inside, self._square.inside))


def _bounded(weight: float) -> float:
    return max(-LARGEST_WEIGHT, min(weight, LARGEST_WEIGHT))
