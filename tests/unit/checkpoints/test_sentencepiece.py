"""A tokenizer of SentencePiece becomes the table of a `tokenizer.json`."""

import random

import pytest

from domain.checkpoints.configurations import UnusableConfiguration
from domain.checkpoints.configurations import gemma_pieces as sentencepiece
from domain.checkpoints.configurations.gemma_pieces import gemma_table
from domain.checkpoints.configurations.tokenizer import check_tokenizer
from tests.fakes.sentencepiece import CONTROL, NORMAL, USER_DEFINED, gemma_pieces, spiece_model

NAME = "spiece_model"


def test_pieces_are_numbered_in_order_and_merged_by_their_score() -> None:
    pieces = [*gemma_pieces(), ("<start_of_turn>", USER_DEFINED), ("\u2581\u2581", USER_DEFINED)]
    table = gemma_table(NAME, spiece_model(pieces))
    vocabulary = table["model"]["vocab"]
    assert vocabulary == {text: number for number, (text, _) in enumerate(pieces)}
    merges = [tuple(each) for each in table["model"]["merges"]]
    assert merges.index(("\u2581", "f")) < merges.index(("\u2581f", "o"))
    assert all("".join(pair) in vocabulary for pair in merges)
    added = {each["content"]: each["special"] for each in table["added_tokens"]}
    assert added == {
        **dict.fromkeys(("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>"), True),
        "\u2581\u2581": False,
    }
    check_tokenizer(NAME, table)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a tokenizer of byte pairs"),
        (b"\x0a\x7f", "not a tokenizer of SentencePiece"),
        (spiece_model(gemma_pieces(), kind=1), "not a tokenizer of byte pairs"),
        (spiece_model(gemma_pieces(), characters=b"x"), "changes characters"),
        (spiece_model(gemma_pieces()[4:]), "does not begin with <pad>"),
        (spiece_model([*gemma_pieces(), ("<bos>", CONTROL)]), "has a token twice"),
        (spiece_model([*gemma_pieces(), ("x" * 129, NORMAL)]), "more tokens, or longer ones"),
        (bytes(16 * 2**20 + 1), "more than 16,777,216 bytes"),
    ],
)
def test_another_file_is_refused_with_its_reason(content: bytes, problem: str) -> None:
    with pytest.raises(UnusableConfiguration, match=problem):
        gemma_table(NAME, content)


def test_tokens_that_are_all_parts_of_one_another_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file of 16 MB of them would make 16 million pairs, which need gigabytes."""
    monkeypatch.setattr(sentencepiece, "_MOST_MERGES", 10_000)
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 400)))
    parts = [(text[at : at + size], NORMAL) for size in range(1, 20) for at in range(380)]
    with pytest.raises(UnusableConfiguration, match="more pairs of tokens than any tokenizer"):
        gemma_table(NAME, spiece_model([*gemma_pieces(), *parts]))


@pytest.mark.parametrize("seed", range(300))
def test_a_mutated_file_is_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(spiece_model(gemma_pieces()))
    for _ in range(chance.randrange(1, 8)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    del content[len(content) - chance.choice([0, 0, chance.randrange(40)]) :]
    try:
        gemma_table(NAME, bytes(content))
    except UnusableConfiguration:
        return
