"""Words that stand for vectors."""

import pytest

from domain.prompts import WordTable, readable_parts

CAT, TOY, STYLE, BAD = "cat", "<cat-toy>", "my style", "bad-hands-5"
TABLE = WordTable([CAT, TOY, STYLE, BAD])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cat", [CAT]),
        ("a cat, asleep", [CAT]),
        ("Cat CAT", [CAT, CAT]),
        ("cats", []),
        ("bobcat", []),
        ("cat-like", []),
        ("tom-cat", []),
        ("cat's", []),
        ("cat_1", []),
        ("cat2", []),
        ("cat - like", [CAT]),
        ("'cat'", [CAT]),
        ("cat,cat", [CAT, CAT]),
        ("a <cat-toy> here", [TOY]),
        ("<cat-toy>s", []),
        ("my  style", [STYLE]),
        ("my\nstyle", [STYLE]),
        ("my styles", []),
        ("bad-hands-5", [BAD]),
        ("bad-hands-55", []),
        ("éCat", []),
        ("日本cat", []),
    ],
)
def test_a_word_is_found_where_it_stands_alone(text: str, words: list[str]) -> None:
    parts = TABLE.split(text)
    assert [word for _, word in parts if word is not None] == words
    assert "".join(part for part, _ in parts) == text
    assert TABLE.found_in(text) is bool(words)


def test_a_longer_word_comes_before_a_shorter_one() -> None:
    table = WordTable(["ink", "ink wash"])
    assert [word for _, word in table.split("ink wash, ink") if word] == ["ink wash", "ink"]


def test_a_word_in_its_own_case_comes_before_the_others() -> None:
    table = WordTable(["Ink", "ink"])
    assert [word for _, word in table.split("ink Ink INK") if word] == ["ink", "Ink", "Ink"]


@pytest.mark.parametrize("words", [[], ["", "  "]])
def test_a_table_without_words_finds_none(words: list[str]) -> None:
    assert WordTable(words).split("a cat") == (("a cat", None),)
    assert WordTable(words).split("") == ()


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a (red:1.2) [blue]", {"a", "red", "blue"}),
        ("[sea:lake:0.5] [sun|moon|]", {"sea", "lake", "sun", "moon"}),
        ("[fe|]male", {"female", "fe", "male"}),
        ("a BREAK b", {"a", "b"}),
        (r"\(a\)", {"(a)"}),
    ],
)
def test_the_readable_text_has_the_words_of_every_step(prompt: str, words: set[str]) -> None:
    text = "".join(readable_parts(prompt))
    assert words <= set(text.split())
    assert "1.2" not in text
