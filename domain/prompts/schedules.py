"""Prompts that change with the steps: `[from:to:when]` and `[a|b]`.

The rules are those of the grammar in AUTOMATIC1111's web UI 1.10 (`prompt_parser.py`):

- `[from:to:when]` is «from» up to the step `when`, and then «to». `[to:when]` begins without, and
  `[from::when]` ends without.
- `[a|b|c]` is a in the first step, b in the second, c in the third, and a in the fourth again. Each
  of them may be empty.
- Both may be nested, also inside other brackets: `(a [b:c:0.5]:1.2)`.
- What is not well formed is text. So is `[a:b]`, whose second part is not a number, and everything
  around a bracket that is not closed: `[a (b:c:3]` is text, but `((a] [b:c:3]` has a schedule.
- A `|` outside of `[a|b]`, and a backslash before a line's end or the text's, make the whole prompt
  a text without schedules.

A number `when` with a point, or below 1, is a fraction of the steps: `0.5`, `1.0`. Any other is the
number of the last step of «from». In a second pass the steps go on: `1.5` is half of the second
pass, and step 25 after a first pass of 20 is its fifth step. Below that, the second pass has «to»
from its beginning.

Steps count from the first one that runs, and a fraction is of all steps of the schedule, also if a
drawing from a picture leaves some out. The web UI does the same. It differs from its own
documentation in two points, which are known faults of it and are not repeated here: it is one step
late, and it counts both evaluations of a sampler that has two in a step.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["PromptSchedule", "StepText"]

_SYMBOL = re.compile(r"(?:[^\\\[\]():|]|\\.)+|[\[\]():|]")
_WHEN = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")


@dataclass(frozen=True, slots=True)
class StepText:
    """A text of a prompt, and the last step that has it, counted from 1."""

    last_step: int
    text: str


@dataclass(frozen=True, slots=True)
class _When:
    value: float
    is_fraction: bool

    @classmethod
    def of(cls, text: str) -> "_When":
        value = float(text)
        return cls(value, "." in text or value < 1)

    def last_step(self, steps: int, earlier: int | None) -> int:
        """Return the last step of «from»; 0 or less if there is none, and at most `steps`."""
        if self.is_fraction:
            value = (self.value - (0 if earlier is None else 1)) * steps
        else:
            value = self.value - (earlier or 0)
        return int(max(-1.0, min(value, float(steps))))


# A sequence of nodes. It is not a dataclass: the nesting may be deeper than Python's recursion.
class _Sequence(list["str | _Sequence | _Change | _Turns"]):
    pass


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Change:
    before: _Sequence
    after: _Sequence
    when: _When


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Turns:
    arms: tuple[_Sequence, ...]


class PromptSchedule:
    """A prompt with what changes in it. `PromptSchedule(text)` takes every text."""

    __slots__ = ("_root", "_turns", "_whens")

    def __init__(self, text: str) -> None:
        parser = _Parser()
        root = parser.parsed(text)
        self._root = _Sequence([text]) if root is None else root
        self._whens: frozenset[_When] = frozenset(() if root is None else parser.whens)
        self._turns: frozenset[int] = frozenset(() if root is None else parser.turns)

    @property
    def is_constant(self) -> bool:
        """Whether the prompt has one text for all steps."""
        return not self._whens and not self._turns

    def at(self, step: int, steps: int, earlier: int | None = None) -> str:
        """Return the text of a step, counted from 1.

        Args:
            step: The number of the step among those that run.
            steps: The steps of the whole schedule of this pass.
            earlier: The steps of the first pass, for a second pass; None for the first pass.
        """
        parts: list[str] = []
        rest: list[str | _Sequence | _Change | _Turns] = [self._root]
        while rest:
            node = rest.pop()
            if isinstance(node, str):
                parts.append(node)
            elif isinstance(node, _Change):
                is_before = step <= node.when.last_step(steps, earlier)
                rest.append(node.before if is_before else node.after)
            elif isinstance(node, _Turns):
                rest.append(node.arms[(step - 1) % len(node.arms)])
            else:
                rest.extend(reversed(node))
        return "".join(parts)

    def texts(self, steps: int, earlier: int | None = None) -> tuple[StepText, ...]:
        """Return the texts of all steps. Neighbours differ, and the last one ends at `steps`.

        Args:
            steps, earlier: As of `at`.
        """
        ends = {steps}
        if self._turns:
            ends.update(range(1, steps))
        ends.update(
            end for when in self._whens if 0 < (end := when.last_step(steps, earlier)) < steps
        )
        known: dict[object, str] = {}
        found: list[StepText] = []
        for end in sorted(ends):
            # The text of a step depends on nothing else. Most prompts have few texts.
            state = (
                *((end - 1) % count for count in self._turns),
                *(end <= when.last_step(steps, earlier) for when in self._whens),
            )
            if state not in known:
                known[state] = self.at(end, steps, earlier)
            text = known[state]
            if found and found[-1].text == text:
                found.pop()
            found.append(StepText(end, text))
        return tuple(found)

    def fragments(self) -> Iterator[str]:
        """Yield every text of the prompt that some step may have, in pieces, in order."""
        rest: list[str | _Sequence | _Change | _Turns] = [self._root]
        while rest:
            node = rest.pop()
            if isinstance(node, str):
                yield node
            elif isinstance(node, _Change):
                rest += (node.after, node.before)
            elif isinstance(node, _Turns):
                rest.extend(reversed(node.arms))
            else:
                rest.extend(reversed(node))


class _Group:
    """A bracket that is open: its parts, and what stands between them."""

    __slots__ = ("bracket", "parts", "separators")

    def __init__(self, bracket: str) -> None:
        self.bracket = bracket
        self.parts = [_Sequence()]
        self.separators: list[str] = []

    def separate(self, separator: str) -> None:
        self.separators.append(separator)
        self.parts.append(_Sequence())

    def literal(self, end: str = "") -> _Sequence:
        """Return the group as text, with what it holds."""
        found = _Sequence([self.bracket, self.parts[0]])
        for separator, part in zip(self.separators, self.parts[1:], strict=True):
            found += (separator, part)
        found.append(end)
        return found


class _Unparsed(Exception):
    """The grammar of the web UI does not have this prompt, which is then a text as a whole."""


class _Parser:
    """Reads one prompt from left to right, with the open brackets on a stack."""

    def __init__(self) -> None:
        self.whens: list[_When] = []
        self.turns: set[int] = set()
        """The numbers of alternatives."""
        self._root = _Sequence()
        self._open: list[_Group] = []

    def parsed(self, text: str) -> _Sequence | None:
        """Return the prompt; None if the grammar does not have it."""
        position = 0
        try:
            while position < len(text):
                found = _SYMBOL.match(text, position)
                if found is None:  # a backslash that escapes nothing
                    return None
                self._take(found[0])
                position = found.end()
            self._give_up()
        except _Unparsed:
            return None
        return self._root

    def _take(self, symbol: str) -> None:
        if symbol in ("(", "["):
            self._open.append(_Group(symbol))
        elif symbol in (")", "]"):
            self._close(symbol)
        elif symbol == "|":
            if not self._open or self._open[-1].bracket == "(":
                raise _Unparsed
            self._open[-1].separate(symbol)
        elif symbol == ":" and self._open:
            self._open[-1].separate(symbol)
        else:
            self._into.append(symbol)

    @property
    def _into(self) -> _Sequence:
        return self._open[-1].parts[-1] if self._open else self._root

    def _close(self, bracket: str) -> None:
        if self._open and self._open[-1].bracket == {")": "(", "]": "["}[bracket]:
            group = self._open[-1]
            node = self._round(group) if bracket == ")" else self._square(group)
            if node is not None:
                self._open.pop()
                self._into.append(node)
                return
        self._give_up()
        self._root.append(bracket)

    def _give_up(self) -> None:
        """Take all open brackets for text: what is inside is not well formed."""
        for group in self._open:
            if "|" in group.separators:
                raise _Unparsed
            self._root.append(group.literal())
        self._open.clear()

    def _round(self, group: _Group) -> _Sequence | None:
        return group.literal(")") if len(group.separators) <= 1 else None

    def _square(self, group: _Group) -> "_Sequence | _Change | _Turns | None":
        kinds = set(group.separators)
        if not kinds:
            return group.literal("]")
        if kinds == {"|"}:
            self.turns.add(len(group.parts))
            return _Turns(tuple(group.parts))
        if kinds != {":"} or len(group.parts) > 3:
            return None
        *_, after, last = group.parts
        if (when := _when(last)) is None:
            return None
        self.whens.append(when)
        before = group.parts[0] if len(group.parts) == 3 else _Sequence()
        return _Change(before, after, when)


def _when(part: Sequence[object]) -> _When | None:
    """Return the number that a part is; None if it is something else."""
    if len(part) != 1 or not isinstance(part[0], str):
        return None
    found = _WHEN.fullmatch(part[0])
    return None if found is None else _When.of(found[1])
