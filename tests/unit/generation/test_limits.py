import math

import pytest

from domain.limits import IntegerRange, NumberRange, OneOf, TextLength


@pytest.mark.parametrize("value", [1, 2, 3])
def test_integer_range_accepts_its_limits(value: int) -> None:
    assert IntegerRange(1, 3).problem(value) is None


@pytest.mark.parametrize("value", [0, 4, -(10**40), 10**40])
def test_integer_range_names_the_value_and_the_limits(value: int) -> None:
    message = IntegerRange(1, 3).problem(value)
    assert message is not None
    assert "between 1 and 3" in message
    assert len(message) < 100


@pytest.mark.parametrize("value", [True, False, "2", 2.0, None, [2], {}])
def test_integer_range_accepts_only_integers(value: object) -> None:
    message = IntegerRange(1, 3).problem(value)
    assert message is not None
    assert "must be an integer" in message


@pytest.mark.parametrize("value", [1, 1.0, 20, 20.0, 7.5])
def test_number_range_accepts_its_limits(value: float) -> None:
    assert NumberRange(1.0, 20.0).problem(value) is None


@pytest.mark.parametrize("value", [0.999, 20.001, math.inf, -math.inf, math.nan, 10**400])
def test_number_range_refuses_values_beyond_its_limits(value: float) -> None:
    assert NumberRange(1.0, 20.0).problem(value) is not None


@pytest.mark.parametrize("value", [True, "7.5", None, [7.5]])
def test_number_range_accepts_only_numbers(value: object) -> None:
    assert "must be a number" in str(NumberRange(1.0, 20.0).problem(value))


@pytest.mark.parametrize("value", ["a", "abc", "é\tñ", "\n", "日本語"[:3], "😀"])
def test_text_length_accepts_text_of_any_script(value: str) -> None:
    assert TextLength(1, 3).problem(value) is None


@pytest.mark.parametrize("value", ["", "abcd"])
def test_text_length_refuses_text_that_is_too_short_or_too_long(value: str) -> None:
    assert "between 1 and 3" in str(TextLength(1, 3).problem(value))


@pytest.mark.parametrize("character", ["\0", "\r", "\x1b", "\x7f", "\x85", "\ud800", "\udfff"])
def test_text_length_refuses_control_characters_and_lone_surrogates(character: str) -> None:
    message = str(TextLength(1, 9).problem(f"ab{character}"))
    assert f"U+{ord(character):04X} at position 2" in message
    assert message.isascii()
    assert message.isprintable()


def test_a_long_value_is_not_repeated_in_full() -> None:
    assert len(str(IntegerRange(1, 3).problem("x" * 10_000))) < 100


@pytest.mark.parametrize("value", ["a", "b c"])
def test_one_of_accepts_its_words(value: str) -> None:
    assert OneOf(("a", "b c")).problem(value) is None


@pytest.mark.parametrize("value", ["A", "a ", "", "x" * 10_000, None, 1, ["a"], {"a": "a"}])
def test_one_of_names_the_words_for_anything_else(value: object) -> None:
    message = OneOf(("a", "b c")).problem(value)
    assert message is not None
    assert message.endswith("it must be one of: a, b c")
    assert len(message) < 120


def test_a_long_list_of_words_is_summarised_in_the_message() -> None:
    limit = OneOf(("a", "b c"), "any letter")
    assert limit.problem("a") is None
    assert str(limit.problem("x")).endswith("it must be one of: any letter")


@pytest.mark.parametrize("value", ["a" * 38, "a" * 39, "k" * 43, "it's " * 20])
def test_a_shown_text_has_both_quotes(value: str) -> None:
    shown = str(IntegerRange(1, 3).problem(value)).removeprefix("is ").split("; it must")[0]
    assert shown[0] == shown[-1]
    assert shown[0] in "'\""
    assert len(shown) <= 42
