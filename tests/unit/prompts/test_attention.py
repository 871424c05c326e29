"""The weights of the parts of a prompt, computed with the rules of AUTOMATIC1111's web UI 1.10."""

import pytest

from domain.prompts import BREAK, LARGEST_WEIGHT, WeightedText, weighted_text

PARTS: dict[str, list[tuple[str, float] | str]] = {
    "normal text": [("normal text", 1.0)],
    "": [("", 1.0)],
    "an (important) word": [("an ", 1.0), ("important", 1.1), (" word", 1.0)],
    "(unbalanced": [("unbalanced", 1.1)],
    "[unbalanced": [("unbalanced", 1 / 1.1)],
    r"\(literal\]": [("(literal]", 1.0)],
    "(unnecessary)(parens)": [("unnecessaryparens", 1.1)],
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).": [
        ("a ", 1.0),
        ("house", 1.573),
        (" ", 1.1),
        ("on", 1.0),
        (" a ", 1.1),
        ("hill", 0.55),
        (", sun, ", 1.1),
        ("sky", 1.4641),
        (".", 1.1),
    ],
    "((a))": [("a", 1.21)],
    "[[a]]": [("a", 1 / 1.21)],
    "([a])": [("a", 1.0)],
    "([a)]b": [("ab", 1.0)],
    "(a [b) c] d": [("a ", 1.1), ("b", 1.0), (" c", 1 / 1.1), (" d", 1.0)],
    # Numbers
    "(a:1.3)": [("a", 1.3)],
    "(a: 1.3 )": [("a", 1.3)],
    "(a:1.)": [("a", 1.0)],
    "(a:.5)": [("a", 0.5)],
    "(a:+2)": [("a", 2.0)],
    "(a:-0.5)": [("a", -0.5)],
    "(a:0)": [("a", 0.0)],
    "(a:)": [("a:", 1.1)],
    "(:1.2)": [("", 1.0)],
    "()": [("", 1.0)],
    "(a:b)": [("a:b", 1.1)],
    "(a:1e3)": [("a:1e3", 1.1)],
    "(a:b:1.2)": [("a:b", 1.2)],
    "(a:1.2:1.5)": [("a:1.2", 1.5)],
    "(a:1.2": [("a:1.2", 1.1)],
    "a:1.2)": [("a:1.2)", 1.0)],
    "[a:1.2]": [("a:1.2", 1 / 1.1)],
    "[a:1.2)": [("a:1.2)", 1 / 1.1)],
    "(a:\u0663)": [("a", 3.0)],
    # Brackets that do not match
    "a) b": [("a) b", 1.0)],
    "a] b": [("a] b", 1.0)],
    "((a)": [("a", 1.21)],
    "(a) (b": [("a", 1.1), (" ", 1.0), ("b", 1.1)],
    # Escapes
    "\\": [("", 1.0)],
    "a\\": [("a", 1.0)],
    "\\\\": [("\\", 1.0)],
    "a\\b": [("ab", 1.0)],
    r"(a\):1.3)": [("a)", 1.3)],
    r"\\(a)": [("\\", 1.0), ("a", 1.1)],
    # BREAK
    "a BREAK b": [("a", 1.0), "BREAK", ("b", 1.0)],
    "a, \n BREAK\nb": [("a,", 1.0), "BREAK", ("b", 1.0)],
    "BREAK": ["BREAK"],
    "a BREAK BREAK b": [("a", 1.0), "BREAK", "BREAK", ("b", 1.0)],
    "BREAKS break _BREAK": [("BREAKS break _BREAK", 1.0)],
    "(a)BREAK(b:1.2)": [("a", 1.1), "BREAK", ("b", 1.2)],
    "(é:1.2) 日本 🎨": [("é", 1.2), (" 日本 🎨", 1.0)],
}
OWN: dict[str, list[tuple[str, float] | str]] = {  # the web UI fails, or draws the word BREAK
    "(a:..)": [("a:..", 1.1)],
    "(a:1.2.3)": [("a:1.2.3", 1.1)],
    "(a BREAK b:1.2)": [("a", 1.2), "BREAK", ("b", 1.2)],
}


@pytest.mark.parametrize(("text", "parts"), (PARTS | OWN).items())
def test_a_text_has_these_parts(text: str, parts: list[tuple[str, float] | str]) -> None:
    found = weighted_text(text)
    assert [each.text if isinstance(each, WeightedText) else "BREAK" for each in found] == [
        each if isinstance(each, str) else each[0] for each in parts
    ]
    weights = [each.weight for each in found if isinstance(each, WeightedText)]
    assert weights == pytest.approx([each[1] for each in parts if not isinstance(each, str)])
    assert all(isinstance(each, WeightedText) or each is BREAK for each in found)


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("(a:999999)", 999_999.0),
        ("(a:1000001)", LARGEST_WEIGHT),
        ("(a:-1000001)", -LARGEST_WEIGHT),
        ("(" * 500 + "a" + ")" * 500, LARGEST_WEIGHT),
        ("(" * 20_000 + "a:0" + ")" * 20_000, 0.0),
    ],
)
def test_a_weight_is_bounded(text: str, weight: float) -> None:
    assert weighted_text(text) == (WeightedText("a", weight),)
