"""What changes with the steps in a prompt.

The rows were computed with the grammar of AUTOMATIC1111's web UI 1.10 (its doctests are among the
inputs). Neighbours of equal text are one row here. Only `MALFORMED` differs from the web UI.
"""

import pytest

from domain.prompts import PromptSchedule

FIRST_PASS = {  # of ten steps
    "test": [(10, "test")],
    "": [(10, "")],
    "a [b:3]": [(3, "a "), (10, "a b")],
    "a [b: 3]": [(3, "a "), (10, "a b")],
    "a [b:c:\t3 ]": [(3, "a b"), (10, "a c")],
    "a [[[b]]:2]": [(2, "a "), (10, "a [[b]]")],
    "[(a:2):3]": [(3, ""), (10, "(a:2)")],
    "a [b : c : 1] d": [(1, "a b  d"), (10, "a  c  d")],
    "a[b:[c:d:2]:1]e": [(1, "abe"), (2, "ace"), (10, "ade")],
    "a [b::4] c": [(4, "a b c"), (10, "a  c")],
    "a [unbalanced": [(10, "a [unbalanced")],
    "a [b:.5] c": [(5, "a  c"), (10, "a b c")],
    "((a][:b:c [d:3]": [(3, "((a][:b:c "), (10, "((a][:b:c d")],
    "[a:b]": [(10, "[a:b]")],
    "[a:b:c]": [(10, "[a:b:c]")],
    "[a:b:c:3]": [(10, "[a:b:c:3]")],
    "[a:b:]": [(10, "[a:b:]")],
    "[:3]": [(10, "")],
    "[::3]": [(10, "")],
    "[1:2:3]": [(3, "1"), (10, "2")],
    # Numbers
    "[a:b:0.5]": [(5, "a"), (10, "b")],
    "[a:b:0.29]": [(2, "a"), (10, "b")],
    "[a:b:0]": [(10, "b")],
    "[a:b:0.0]": [(10, "b")],
    "[a:b:1]": [(1, "a"), (10, "b")],
    "[a:b:1.]": [(10, "a")],
    "[a:b:1.0]": [(10, "a")],
    "[a:b:1.5]": [(10, "a")],
    "[a:b:+3]": [(3, "a"), (10, "b")],
    "[a:b:-1]": [(10, "b")],
    "[a:b:-0.5]": [(10, "b")],
    "[a:b:3e0]": [(3, "a"), (10, "b")],
    "[a:b:2.5e-1]": [(2, "a"), (10, "b")],
    "[a:b:12]": [(10, "a")],
    "[a:b:.]": [(10, "[a:b:.]")],
    "[a:b:3.5.2]": [(10, "[a:b:3.5.2]")],
    "[a:b:3x]": [(10, "[a:b:3x]")],
    "[a:b:\u0663]": [(10, "[a:b:\u0663]")],
    "[a:b:(3)]": [(10, "[a:b:(3)]")],
    "[a:b:\\3]": [(10, "[a:b:\\3]")],
    # Inside other brackets
    "(a [b:c:3]:1.2)": [(3, "(a b:1.2)"), (10, "(a c:1.2)")],
    "([b:3]:1.2)": [(3, "(:1.2)"), (10, "(b:1.2)")],
    "[[b:c:3]]": [(3, "[b]"), (10, "[c]")],
    "(a:b:[c:3])": [(3, "(a:b:)"), (10, "(a:b:c)")],
    "[a:(b:c):3]": [(3, "a"), (10, "(b:c)")],
    "[a(b:c:d):e:3]": [(10, "[a(b:c:d):e:3]")],
    "[:(b):c:3]": [(10, "[:(b):c:3]")],
    "[a:b:[c:3]": [(3, "[a:b:"), (10, "[a:b:c")],
    "[a:[b:c:3]:x]": [(3, "[a:b:x]"), (10, "[a:c:x]")],
    # Escapes
    "\\[a:b:3]": [(10, "\\[a:b:3]")],
    "[a:b\\:3]": [(10, "[a:b\\:3]")],
    "[a\\]:b:3]": [(3, "a\\]"), (10, "b")],
    "[a:3] \\": [(10, "[a:3] \\")],
    "[a:3] \\\n": [(10, "[a:3] \\\n")],
    "[a:3] \\\\": [(3, " \\\\"), (10, "a \\\\")],
    # Brackets that do not match
    "[[a:b:3]": [(3, "[a"), (10, "[b")],
    "[a:b:3]]": [(3, "a]"), (10, "b]")],
    "a (b:1.2)) [c:d:3]": [(3, "a (b:1.2)) c"), (10, "a (b:1.2)) d")],
    "[a (b:c:3]": [(10, "[a (b:c:3]")],
    "a: b [c:d:3]": [(3, "a: b c"), (10, "a: b d")],
    # A bar
    "a | b [c:3]": [(10, "a | b [c:3]")],
    "(a|b) [c:3]": [(10, "(a|b) [c:3]")],
    "[a|b:3]": [(10, "[a|b:3]")],
    "[a|b": [(10, "[a|b")],
    "a [{b|d{:.5] c": [(10, "a [{b|d{:.5] c")],
    "é [ñ:日本:3] 🎨": [(3, "é ñ 🎨"), (10, "é 日本 🎨")],
}
TURNS = {  # of five steps
    "[a|(b:1.1)]": ["a", "(b:1.1)", "a", "(b:1.1)", "a"],
    "[fe|]male": ["female", "male", "female", "male", "female"],
    "[fe|||]male": ["female", "male", "male", "male", "female"],
    "[|a]x": ["x", "ax", "x", "ax", "x"],
    "[a|b|c]": ["a", "b", "c", "a", "b"],
    "[[a|b]:c:3]": ["a", "b", "a", "c", "c"],
    "[a|[b:c:3]|d]": ["a", "b", "d", "a", "c"],
    "[a|b] [c|d|e]": ["a c", "b d", "a e", "b c", "a d"],
    "([a|b]:1.2)": ["(a:1.2)", "(b:1.2)", "(a:1.2)", "(b:1.2)", "(a:1.2)"],
}
SECOND_PASS = {  # of six steps, after a first pass of ten
    "a [b:.5] c": [(6, "a b c")],
    "a [b:1.0] c": [(6, "a b c")],
    "a [b:1.5] c": [(3, "a  c"), (6, "a b c")],
    "a [b:2.0] c": [(6, "a  c")],
    "a [b:5] c": [(6, "a b c")],
    "a [b:12] c": [(2, "a  c"), (6, "a b c")],
    "a [b:99] c": [(6, "a  c")],
}
# The web UI takes the whole of these for text, or a part of it, by how it resolves what can be read
# in several ways. Here a part that is well formed is always read.
MALFORMED = {
    "([c:3]))": [(3, "())"), (10, "(c))")],
    # It fails for a number that is too large.
    "[a:b:1e400]": [(10, "a")],
    "[a:b:-1e400]": [(10, "b")],
}


def _rows(schedule: PromptSchedule, steps: int, earlier: int | None = None) -> list[object]:
    return [(each.last_step, each.text) for each in schedule.texts(steps, earlier)]


@pytest.mark.parametrize(("prompt", "rows"), (FIRST_PASS | MALFORMED).items())
def test_a_prompt_changes_after_the_step_that_it_names(prompt: str, rows: list[object]) -> None:
    assert _rows(PromptSchedule(prompt), 10) == rows


@pytest.mark.parametrize(("prompt", "texts"), TURNS.items())
def test_alternatives_take_turns(prompt: str, texts: list[str]) -> None:
    schedule = PromptSchedule(prompt)
    assert [schedule.at(step, 5) for step in range(1, 6)] == texts
    of_runs = [
        row.text
        for begin, row in zip(
            (0, *(each.last_step for each in schedule.texts(5))), schedule.texts(5), strict=False
        )
        for _ in range(begin, row.last_step)
    ]
    assert of_runs == texts


@pytest.mark.parametrize(("prompt", "rows"), SECOND_PASS.items())
def test_the_steps_of_a_second_pass_follow_those_of_the_first(
    prompt: str, rows: list[object]
) -> None:
    assert _rows(PromptSchedule(prompt), 6, 10) == rows


@pytest.mark.parametrize("prompt", ["a (b:1.2) [c]", "a | b [c:3]", "[a:b]", ""])
def test_a_prompt_without_schedules_is_constant(prompt: str) -> None:
    assert PromptSchedule(prompt).is_constant
    assert PromptSchedule(prompt).at(1, 1) == prompt


@pytest.mark.parametrize("prompt", ["[a:b:3]", "[a|b]", "([a|])"])
def test_a_prompt_with_schedules_is_not(prompt: str) -> None:
    assert not PromptSchedule(prompt).is_constant
