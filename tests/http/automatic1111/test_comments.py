"""Comments in prompts of AUTOMATIC1111's API."""

import pytest

from adapters.http.automatic1111.values.comments import without_comments
from domain.models.record import ModelKind
from tests.http.automatic1111.addons import addon, with_models
from tests.http.automatic1111.sdapi import body, drawn_by
from tests.http.conftest import Service


@pytest.mark.parametrize(
    "prompt, kept",
    [
        ("a cat", "a cat"),
        ("a cat # by day", "a cat "),
        ("a cat# by day\nand a dog", "a cat\nand a dog"),
        ("# a title\na cat\n# the end", "\na cat\n"),
        ("a (cat # by day\n:1.2)", "a (cat \n:1.2)"),
        ("a # b # c", "a "),
        ("# nothing else", ""),
        ("", ""),
    ],
)
def test_a_comment_ends_with_its_line(prompt: str, kept: str) -> None:
    assert without_comments(prompt) == kept


def test_no_comment_is_drawn(service: Service) -> None:
    request = drawn_by(service, body(prompt="a cat # a dog", negative_prompt="# none\nugly"))
    assert (request.prompt, request.negative_prompt) == ("a cat ", "\nugly")


@pytest.mark.parametrize("prompt", ["", "# a dog"])
def test_an_empty_prompt_is_drawn_as_a_blank_one(service: Service, prompt: str) -> None:
    """It is the web UI's own default. A request has at least one character."""
    request = drawn_by(service, body(prompt=prompt, negative_prompt="# none"))
    assert (request.prompt, request.negative_prompt or "") == (" ", "")


def test_a_comment_names_no_network(service: Service) -> None:
    style = addon("models/style.safetensors", ModelKind.LORA)
    ink = addon("models/ink.pt", ModelKind.EMBEDDING)
    with_models(service, style, ink)
    request = drawn_by(service, body(prompt="a cat # ink <lora:style:1> <lora:none:1>"))
    assert (request.loras, request.embeddings) == ((), ())
