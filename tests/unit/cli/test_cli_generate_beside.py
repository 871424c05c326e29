"""`generate` with LoRAs, embeddings, a VAE, ControlNets and weighted prompts."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from adapters.cli.beside_options import take_entries
from adapters.cli.errors import InputError
from adapters.cli.request_options import option_name
from domain.generation.forms.part_fields import PART_FIELDS
from domain.generation.parts import Preprocessor
from domain.models.record import ModelKind, ModelRecord
from tests.contract.test_pictures import picture
from tests.fakes.addon_tensors import addon_tensors, demo_tensors
from tests.fakes.model_source import model_record
from tests.unit.cli.cli_runs import MODEL, Terminal


def companion(kind: ModelKind, name: str) -> ModelRecord:
    """Return the record of a model of this kind that a request can name."""
    record = model_record(name.encode(), f"models/{name}.safetensors")
    return dataclasses.replace(record, kind=kind, reason="is beside", is_companion=True)


STYLE = companion(ModelKind.LORA, "style")
WORD = companion(ModelKind.EMBEDDING, "bad-hands")
VAE = companion(ModelKind.VAE, "sharp")
EDGES = companion(ModelKind.CONTROLNET, "outlines")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "map.png").write_bytes(picture("blue", (400, 200)))
    (tmp_path / "a,b.png").write_bytes(picture("red", (400, 200)))
    return tmp_path


@pytest.fixture
def terminal() -> Terminal:
    terminal = Terminal()
    terminal.source.others = (STYLE, WORD, VAE, EDGES)
    terminal.headers.held[MODEL.id] = demo_tensors()
    for each in terminal.source.others:
        terminal.headers.held[each.id] = addon_tensors(each.kind)
    return terminal


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("style", {"model_id": "style"}),
        ("style:0.8", {"model_id": "style", "scale": 0.8}),
        ("style:-1", {"model_id": "style", "scale": -1.0}),
        ("a:b.safetensors:2", {"model_id": "a:b.safetensors", "scale": 2.0}),
        ("a:b", {"model_id": "a:b"}),
        (":1", {"model_id": ":1"}),
        ("", {"model_id": ""}),
    ],
)
def test_a_lora_has_a_name_and_perhaps_a_scale(text: str, entry: dict[str, Any]) -> None:
    assert taken(loras=(text,)) == {"loras": [entry]}


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("bad-hands", {"model_id": "bad-hands"}),
        ("bad-hands:two words", {"model_id": "bad-hands", "token": "two words"}),
        ("bad-hands:", {"model_id": "bad-hands:"}),
    ],
)
def test_an_embedding_has_a_name_and_perhaps_a_word(text: str, entry: dict[str, Any]) -> None:
    assert taken(embeddings=(text,)) == {"embeddings": [entry]}


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("model=a,image=b.png", {"model_id": "a", "image": Path("b.png")}),
        ("image=a,b.png,model=c,d", {"model_id": "c,d", "image": Path("a,b.png")}),
        ("model=a=b,scale=x", {"model_id": "a=b", "scale": "x"}),
        (
            "preprocessor=canny,low=5,high=x,start=0.25,end=1,resize-mode=pad,mode=prompt",
            {
                "preprocessor": {"name": "canny", "low": 5, "high": "x"},
                **{"start": 0.25, "end": 1.0, "resize_mode": "pad", "mode": "prompt"},
            },
        ),
    ],
)
def test_a_control_has_keys_and_values(text: str, entry: dict[str, Any]) -> None:
    assert taken(controls=(text,)) == {"controls": [entry]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("outlines", "'outlines' does not begin with one of model=, image="),
        ("model=a,colour=red,image=b", None),  # a comma without a known key is in the value
        ("colour=red", "'colour=red' does not begin with one of model="),
        ("model=a,model=b", "model= is there twice"),
        ("", "'' does not begin with one of"),
    ],
)
def test_a_control_that_cannot_be_read_is_named(text: str, said: str | None) -> None:
    if said is None:
        (entry,) = taken(controls=(text,))["controls"]
        assert entry["model_id"] == "a,colour=red"
        return
    with pytest.raises(InputError, match=said):
        taken(controls=(text,))


def taken(**given: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {"loras": (), "embeddings": (), "controls": (), "width": 512} | given
    found = take_entries(values)
    assert values == {"width": 512}
    return found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lora", "style:5"], "--lora 1: scale is 5.0; it must lie between -4.0 and 4.0"),
        (["--lora", "style", "--lora", "style:nan"], "--lora 2: scale is nan; it must be finite"),
        (["--lora", ""], "--lora 1: model has 0 characters"),
        (["--lora", "a"] * 9, "--lora has 9 entries; it may have at most 8"),
        (["--lora", "none"], "--lora 1: model: 'none' is not the name of a model. There are:"),
        (["--lora", "none"], f"{STYLE.id[:10]}  style.safetensors"),
        (["--lora", "style", "--lora", "abc"], "and of an id at least 10 digits are needed"),
        (
            ["--lora", "sharp"],
            "--lora 1: model is sharp.safetensors, which is a VAE and not a LoRA",
        ),
        (["--vae", ""], "--vae has 0 characters"),
        (["--vae", "none"], "--vae: 'none' is not the name of a model. There are:"),
        (["--embedding", "bad-hands: "], "--embedding 1: token is ' '; it must begin and end"),
        (
            ["--embedding", "a:a b", "--embedding", "b:a  b"],
            "--embedding 2: token is 'a  b', as that of --embedding 1 is",
        ),
        (["--control", "model=outlines"], "--control 1: image is required"),
        (["--control", "image=map.png"], "--control 1: model is required"),
        (
            ["--control", "model=outlines,image=map.png,start=0.5,end=0.5"],
            "--control 1: start is 0.5; it must be less than end, which is 0.5",
        ),
        (
            ["--control", "model=outlines,image=map.png,low=5"],
            "--control 1: preprocessor is required",
        ),
        (
            ["--control", "model=outlines,image=map.png,preprocessor=invert,low=5"],
            "--control 1: low is of canny alone",
        ),
        (
            ["--control", "model=outlines,image=map.png,preprocessor=canny,low=300"],
            "--control 1: low is 300; it must lie between 0 and 255",
        ),
        (
            ["--control", "model=outlines,image=map.png,preprocessor=hed"],
            "--control 1: preprocessor is 'hed'; it must be one of: canny, invert",
        ),
        (
            ["--control", "model=outlines,image=none.png"],
            "--control 1: image: 'none.png' cannot be read",
        ),
        (
            ["--control", "model=outlines,image=text.png"],
            "--control 1: image is not a PNG, JPEG or WebP file",
        ),
        (
            ["--prompt-syntax", "odd"],
            "--prompt-syntax is 'odd'; it must be one of: plain, weighted",
        ),
        (["--clip-skip", "13"], "--clip-skip is 13; it must lie between 1 and 12"),
        (["--clip-skip", "0"], "--clip-skip is 0; it must lie between 1 and 12"),
        (["--clip-skip", "1.5"], "--clip-skip is '1.5'; it must be an integer"),
    ],
)
def test_a_wrong_option_is_named(
    terminal: Terminal, folder: Path, options: list[str], said: str
) -> None:
    (folder / "text.png").write_text("this is not a picture")
    before = sorted(os.listdir())
    done = terminal.run("generate", "a hill", *options)
    assert said in done.stderr, done.stderr
    assert (done.exit_code, done.stdout) == (2, "")
    assert terminal.generator.drawn == []
    assert sorted(os.listdir()) == before


def test_each_field_of_an_entry_has_a_name_in_the_terminal(terminal: Terminal) -> None:
    told = terminal.run("generate", "--help").stdout
    for option in ("--lora", "--embedding", "--control", "--vae", "--prompt-syntax", "--clip-skip"):
        assert f"  {option} " in told
    names = {name: option_name(name.replace("[]", "[1]")) for name in PART_FIELDS if "[]" in name}
    assert len({*names.values()}) == len(names)
    assert all(
        each.startswith(("--lora 2: ", "--embedding 2: ", "--control 2: "))
        for each in names.values()
    )
    assert [each for each in names.values() if "_" in each or "." in each] == []


def test_each_option_reaches_the_request(terminal: Terminal) -> None:
    options = (
        *("--lora", "style:0.8", "--lora", STYLE.id[:12], "--embedding", "bad-hands"),
        *("--embedding", "bad-hands.safetensors:two words", "--vae", "sharp"),
        *("--control", "model=outlines,image=a,b.png,preprocessor=canny,low=5,scale=2,end=0.5"),
        *("--control", "image=map.png,model=outlines,mode=prompt,resize-mode=pad,start=0.25"),
        *("--prompt-syntax", "weighted", "--clip-skip", "2"),
    )
    done = terminal.run("generate", "a (hill:1.2)", *options)
    assert done.exit_code == 0, done.stderr
    (request,) = terminal.generator.drawn
    assert [(each.model_id, each.scale) for each in request.loras] == [
        (STYLE.id, 0.8),
        (STYLE.id, 1.0),
    ]
    assert [each.token for each in request.embeddings] == ["bad-hands", "two words"]
    assert request.vae_id == VAE.id
    first, second = request.controls
    assert (first.scale, first.start, first.end) == (2.0, 0.0, 0.5)
    assert first.preprocessor == Preprocessor(name="canny", low=5)
    assert (second.mode, second.resize_mode, second.start) == ("prompt", "pad", 0.25)
    assert first.image != second.image
    assert (request.prompt_syntax, request.clip_skip) == ("weighted", 2)
