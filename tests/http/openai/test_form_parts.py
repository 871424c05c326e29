"""Lists and objects in a form, as clients write them."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from adapters.http.openai.form_parts import parts_of_form
from domain.errors import InvalidRequest

TWO = [{"model_id": "a", "scale": 0.5}, {"model_id": "b", "scale": 2}]
CONTROL = {
    "model_id": "c",
    "image": {"id": "5d" * 32},
    "scale": 0.5,
    "preprocessor": {"name": "canny", "low": 50},
}


def of_python(body: dict[Any, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield what the official client for Python sends of an `extra_body` in a form."""
    client = openai.OpenAI(api_key="k", base_url="http://127.0.0.1:1/v1")
    for name, value in client._serialize_multipartform(body).items():
        yield name, value if isinstance(value, list) else [value]  # type: ignore[list-item]
    client.close()


@pytest.mark.parametrize(
    "body",
    [
        {"loras": TWO},
        {"loras": [{"model_id": "a"}, {"model_id": "b"}]},
        {"loras": TWO[:1]},
        {"loras": TWO, "embeddings": [{"model_id": "e", "token": "t"}]},
        {"controls": [CONTROL]},
        {"controls": [CONTROL, CONTROL | {"model_id": "d"}]},
        {"controls": [CONTROL | {"preprocessor": "canny"}]},
        {"second_pass": {"scale": 2, "upscaler": "lanczos"}, "upscale": {"model_id": "u"}},
    ],
)
def test_the_extra_body_of_the_client_for_python_arrives(body: dict[str, Any]) -> None:
    assert parts_of_form(dict(of_python(body))) == body


@pytest.mark.parametrize(
    "texts, loras",
    [
        ({"loras": ['[{"model_id": "a", "scale": 0.5}, {"model_id": "b", "scale": 2}]']}, TWO),
        ({"loras": ['{"model_id": "a", "scale": 0.5}', '{"model_id": "b", "scale": 2}']}, TWO),
        ({"loras[]": ['{"model_id": "a", "scale": 0.5}', '{"model_id": "b", "scale": 2}']}, TWO),
        ({"loras": ['{"model_id": "a"}']}, [{"model_id": "a"}]),
        (
            {
                **{"loras[1][model_id]": ["b"], "loras[0][model_id]": ["a"]},
                **{"loras[1][scale]": ["2"], "loras[0][scale]": ["0.5"]},
            },
            TWO,
        ),
        ({"loras[3][model_id]": ["a"]}, [{"model_id": "a"}]),
        # What is wrong stays as it is, so that the core says what is wrong.
        ({"loras": ["style"]}, ["style"]),
        ({"loras": ["[{"]}, ["[{"]),
        ({"loras": ["[1]"]}, [1]),
        ({"loras[][scale]": ["much"]}, [{"scale": "much"}]),
        ({"loras[x][scale]": ["1"]}, ["1"]),
        ({"loras[][a][b][c]": ["1"]}, [{"a": {"b][c": "1"}}]),
        ({"loras[][scale][x]": ["1"], "loras[][scale]": ["1"]}, [{"scale": 1}]),
    ],
)
def test_a_list_has_several_forms(texts: dict[str, list[str]], loras: list[Any]) -> None:
    assert parts_of_form(texts) == {"loras": loras}


@pytest.mark.parametrize("texts", [{"loras": [""]}, {"loras[]": ["", ""]}, {"second_pass": [""]}])
def test_an_empty_text_counts_as_left_out(texts: dict[str, list[str]]) -> None:
    assert parts_of_form(texts) == {}


def test_entries_that_cannot_be_told_apart_are_refused() -> None:
    body = {"loras": [{"model_id": "a"}, {"model_id": "b", "scale": 0.5}]}
    with pytest.raises(InvalidRequest) as caught:
        parts_of_form(dict(of_python(body)))
    (row,) = caught.value.problems
    assert row.field == "loras"
    assert "JSON text" in row.message
    assert "loras[0][model_id]" in row.message


def test_other_names_are_left_to_the_schema() -> None:
    assert parts_of_form({"prompt": ["p"], "strength": ["1"], "x[y]": ["z"], "a b": ["c"]}) == {}
