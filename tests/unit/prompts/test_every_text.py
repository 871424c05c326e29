"""The grammar takes every text, in a time that grows with its length alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.prompts import (
    LARGEST_WEIGHT,
    PromptSchedule,
    WeightedText,
    WordTable,
    readable_parts,
    take_extra_networks,
    weighted_text,
)

_ATOMS = st.sampled_from(
    [
        *("a", " ", "\n", "(", ")", "[", "]", ":", "|", "\\", "<", ">", "<lora:", "BREAK", "AND"),
        *("3", "0.5", ":1.2)", ":0.5]", "-", "..", "1e999", "é", "日", "\u0663", "\u2028", "\x85"),
    ]
)
_TEXTS = st.one_of(st.text(), st.lists(_ATOMS, max_size=40).map("".join))


@given(_TEXTS, st.integers(1, 150), st.none() | st.integers(1, 150))
def test_every_text_has_one_text_for_each_step(text: str, steps: int, earlier: int | None) -> None:
    schedule = PromptSchedule(text)
    rows = schedule.texts(steps, earlier)
    ends = [each.last_step for each in rows]
    assert ends == sorted(set(ends)) and ends[0] >= 1 and ends[-1] == steps
    for step in range(1, steps + 1):
        of_step = next(each.text for each in rows if each.last_step >= step)
        assert of_step == schedule.at(step, steps, earlier)
    if schedule.is_constant:
        assert [each.text for each in rows] == [text]


@given(_TEXTS)
def test_every_text_has_parts_with_bounded_weights(text: str) -> None:
    parts = weighted_text(text)
    assert parts
    for part in parts:
        if isinstance(part, WeightedText):
            assert -LARGEST_WEIGHT <= part.weight <= LARGEST_WEIGHT
            assert part.text or len(parts) == 1


@given(_TEXTS)
def test_every_text_without_grammar_stays(text: str) -> None:
    plain = "".join(each for each in text if each not in "()[]:|\\<").replace("BREAK", "")
    assert PromptSchedule(plain).texts(3)[0].text == plain
    if "BREAK" not in plain:
        assert weighted_text(plain) == (WeightedText(plain),)
    assert take_extra_networks(plain) == (plain, ())


@given(_TEXTS)
def test_the_other_functions_take_every_text(text: str) -> None:
    kept, networks = take_extra_networks(text)
    assert len(kept) <= len(text)
    assert all(each.arguments and each.kind for each in networks)
    readable_parts(text)
    assert "".join(part for part, _ in WordTable(["a", "é", "(", "a 日"]).split(text)) == text


_MANY = 20_000
# Where the time grew with the square of the length, each of these would take minutes.
_LONG = {
    "open round": "(" * _MANY,
    "open square": "[" * _MANY,
    "nested": "[" * _MANY + "a" + "]" * _MANY,
    "nested round": "(a" * _MANY + ")" * _MANY,
    "nested weights": "(a" * _MANY + ":1.1)" * _MANY,
    "nested schedules": "[" * _MANY + "a" + ":3]" * _MANY,
    "nested alternatives": "[" * _MANY + "|]" * _MANY,
    "crossed": "([" * _MANY + ")]" * _MANY,
    "not closed at last": "[a:" * _MANY + "(",
    "closed alone": ")]" * _MANY,
    "colons": ":" * _MANY,
    "numbers": ":1" * _MANY,
    "a number": "(a:" + "1" * _MANY,
    "numbers and blanks": "(a:" + "1" * _MANY + " " * _MANY,
    "blanks": "a" + " " * _MANY + "b",
    "breaks": " BREAK" * _MANY,
    "backslashes": "\\" * _MANY,
    "networks": "<lora:" * _MANY,
    "angles": "<" * _MANY,
    "a name": "<" + "a" * _MANY,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", _LONG.values(), ids=_LONG.keys())
def test_a_long_text_takes_a_short_time(text: str) -> None:
    schedule = PromptSchedule(text)
    assert schedule.texts(4)[-1].last_step == 4
    assert weighted_text(text)
    readable_parts(text)
    take_extra_networks(text)
    WordTable(["a", "a cat"]).split(text)
