"""What is said of the prompts of a request, and which of its fields a model refuses."""

import dataclasses

import pytest

from domain.checkpoints.header_values import TensorFacts
from domain.errors import InvalidRequest
from domain.generation.parts import Embedding
from domain.generation.request import GenerationRequest
from domain.models.card import ModelCard
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from domain.services.prompt_warnings import prompt_warnings
from domain.services.request_checks import unsuited
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_headers import FakeModelHeaders
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.picture_codec import FakePictureCodec

MODEL = dataclasses.replace(
    model_record(), card=ModelCard(known_words=("red", "circle", "female")), family=None
)
FLUX = dataclasses.replace(
    model_record(b"flux", "models/flux.1"), extension="", family=ModelFamily.FLUX
)


def request(prompt: str = "red", **changes: object) -> GenerationRequest:
    values: dict[str, object] = {"id": "r", "model_id": MODEL.id, "prompt": prompt, "seed": 7}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def embedding(token: str | None) -> Embedding:
    return Embedding(model_id="e" * 64, token=token)


def said(wanted: GenerationRequest, *beside: ModelRecord) -> list[str]:
    return list(prompt_warnings(MODEL, beside, wanted))


@pytest.mark.parametrize(
    "prompt", ["(red:1.2)", "[sea:red:0.5]", "[sea|red]", "[fe|]male", "(ci)(rcle)", "a BREAK red"]
)
def test_the_words_of_a_weighted_prompt_are_known_without_its_grammar(prompt: str) -> None:
    assert said(request(prompt, prompt_syntax="weighted")) == []


@pytest.mark.parametrize("prompt", ["(sea:1.2)", "[sea|lake]", "sea BREAK lake", r"\(sea\)"])
def test_a_weighted_prompt_without_a_known_word_gets_a_warning(prompt: str) -> None:
    (text,) = said(request(prompt, prompt_syntax="weighted"))
    assert "knows no word of the prompt" in text


def test_a_plain_prompt_with_brackets_gets_no_warning() -> None:
    assert said(request("(red:1.2) AND [sea|lake]")) == []


@pytest.mark.parametrize("syntax", ["plain", "weighted"])
@pytest.mark.parametrize("prompt", ["ink", "a sea, Ink", "INK sea"])
def test_the_token_of_an_embedding_is_a_known_word(syntax: str, prompt: str) -> None:
    assert said(request(prompt, prompt_syntax=syntax, embeddings=(embedding("ink"),))) == []


def test_the_token_may_be_in_the_negative_prompt_alone() -> None:
    wanted = request("red", negative_prompt="sea, ink", embeddings=(embedding("ink"),))
    assert said(wanted) == []


def test_the_trigger_words_of_a_lora_are_known_words() -> None:
    lora = dataclasses.replace(
        model_record(b"lora"), kind=ModelKind.LORA, trigger_words=("blueprint style",)
    )
    assert said(request("a sea, blueprint style"), lora) == []
    assert len(said(request("a sea, blueprint"), lora)) == 1


@pytest.mark.parametrize("syntax", ["plain", "weighted"])
@pytest.mark.parametrize(
    "prompt, text",
    [
        ("red <lora:style:0.8>", "'<lora:style:0.8>' in a prompt is drawn as text: LoRAs have"),
        ("red <LyCO:a>, <lora:b>", "'<LyCO:a>' in a prompt is drawn as text: LoRAs have a field"),
        ("red <hypernet:x:1>", "'<hypernet:x:1>' in a prompt is drawn as text"),
        ("red <lora:style:1", "'<lora:style:1' in a prompt is drawn as text: it has no end"),
    ],
)
def test_a_network_in_a_prompt_gets_a_warning(syntax: str, prompt: str, text: str) -> None:
    (warning,) = said(request(prompt, prompt_syntax=syntax))
    assert warning.startswith(text)


def test_a_network_in_the_negative_prompt_gets_a_warning() -> None:
    (warning,) = said(request(negative_prompt="red <lora:style:1>"))
    assert "'<lora:style:1>' in a prompt" in warning


@pytest.mark.parametrize("prompt", ["red <3", "red <lora>", "red lora:style:1", "a < red: b >"])
def test_other_angle_brackets_get_no_warning(prompt: str) -> None:
    assert said(request(prompt)) == []


@pytest.mark.parametrize("prompt", ["red inks", "red ink-like", "pink red"])
def test_an_embedding_whose_token_is_in_no_prompt_gets_a_warning(prompt: str) -> None:
    wanted = request(prompt, embeddings=(embedding(None), embedding("ink")))
    assert said(wanted) == [
        "embeddings[1].token is 'ink', which is a word of neither prompt, so this embedding "
        "changes nothing"
    ]


def test_a_token_beside_a_bracket_stands_alone() -> None:
    wanted = request("red (ink:1.2)s", prompt_syntax="weighted", embeddings=(embedding("ink"),))
    assert said(wanted) == []


@pytest.mark.parametrize(
    ("prompt", "negative"), [("red AND circle", None), ("red", "sea AND circle")]
)
def test_composed_prompts_get_a_warning(prompt: str, negative: str | None) -> None:
    wanted = request(prompt, negative_prompt=negative, prompt_syntax="weighted")
    assert said(wanted) == ["AND in a prompt is drawn as a word: prompts are not composed here"]
    assert said(request("red sAND and circle", prompt_syntax="weighted")) == []


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"prompt_syntax": "weighted"}, ["prompt_syntax"]),
        ({"clip_skip": 2}, ["clip_skip"]),
        ({"prompt_syntax": "plain", "clip_skip": 1}, []),
    ],
)
def test_models_that_read_prompts_themselves_refuse_the_fields_about_reading(
    changes: dict[str, object], fields: list[str]
) -> None:
    wanted = dataclasses.replace(request(), **changes)  # type: ignore[arg-type]
    assert [row.field for row in unsuited(FLUX, wanted)] == fields
    assert unsuited(MODEL, wanted) == []


def _admitting(model: ModelRecord, layers: int) -> tuple[GenerateImages, FakeModelHeaders]:
    name = "cond_stage_model.transformer.text_model.{}"
    tensors = {
        name.format("embeddings.token_embedding.weight"): TensorFacts("float16", (934, 128)),
        **{
            name.format(f"encoder.layers.{layer}.layer_norm1.bias"): TensorFacts("float16", (128,))
            for layer in range(layers)
        },
    }
    source = FakeModelSource()
    source.others = (model,)
    registry = ModelRegistry(source)
    registry.refresh()
    headers = FakeModelHeaders({model.id: tensors})
    generator = FakeImageGenerator()
    return GenerateImages(registry, generator, FakePictureCodec(), headers=headers), headers


@pytest.mark.parametrize(("layers", "clip_skip"), [(3, 1), (3, 3), (12, 12), (11, 11)])
def test_as_many_layers_may_be_left_off_as_there_are(layers: int, clip_skip: int) -> None:
    use_case, _ = _admitting(MODEL, layers)
    assert use_case.admit(request(clip_skip=clip_skip)).clip_skip == clip_skip


@pytest.mark.parametrize(("layers", "clip_skip"), [(3, 4), (3, 12), (11, 12)])
def test_more_layers_are_refused_with_their_number(layers: int, clip_skip: int) -> None:
    use_case, _ = _admitting(MODEL, layers)
    with pytest.raises(InvalidRequest) as caught:
        use_case.admit(request(clip_skip=clip_skip))
    (row,) = caught.value.problems
    assert row.field == "clip_skip"
    assert row.message == (
        f"is {clip_skip}, and the text encoder of {MODEL.name} has {layers} layers; "
        f"choose 1 to {layers}"
    )


def test_the_layers_are_read_ahead_and_only_where_they_are_not_known() -> None:
    use_case, headers = _admitting(MODEL, 3)
    use_case.read_ahead(request())
    assert headers.asked == []
    use_case.read_ahead(request(clip_skip=2))
    assert headers.asked == [MODEL.id]
    known = dataclasses.replace(MODEL, family=ModelFamily.SD_1)
    use_case, headers = _admitting(known, 3)
    use_case.admit(request(clip_skip=12))
    assert headers.asked == []
