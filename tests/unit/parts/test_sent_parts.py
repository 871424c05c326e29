"""Parts of requests as clients send them: generated bodies, right and wrong."""

import json
import random
import re
from typing import Any

import pytest

from adapters.http.generation.sent_pictures import sent_parts
from adapters.pictures.codec import PillowPictureCodec
from application.fingerprints import fingerprint
from application.model_choice import ModelChoice
from application.parts import BuildParts, SentParts, SentPicture
from application.parts.checking import sent_problems
from application.pictures import HeldPictures
from domain.errors import InvalidRequest
from domain.generation.forms.flat import differing_parts, flat_parts
from domain.generation.forms.part_fields import PART_FIELDS
from domain.generation.forms.plain import plain_values
from domain.generation.request import GenerationRequest
from domain.limits import TextLength
from domain.services.model_registry import ModelRegistry
from tests.fakes.model_source import FakeModelSource
from tests.unit.parts.sent_bodies import MODEL, PICTURES, RECORDS, bodies, spoilt, valid_value

CALLER = "me"


@pytest.fixture
def pictures() -> HeldPictures:
    return HeldPictures(PillowPictureCodec())


@pytest.fixture
def choose() -> ModelChoice:
    source = FakeModelSource({MODEL.path: b"weights"})
    source.others = tuple(RECORDS.values())
    registry = ModelRegistry(source)
    registry.refresh()
    return ModelChoice(registry, None)


def built(
    body: dict[str, Any], pictures: HeldPictures, choose: ModelChoice, **fields: Any
) -> GenerationRequest:
    """Return the request of a body of JSON, and keep its pictures."""
    values, problems = sent_parts(body)
    assert problems == []
    build = BuildParts(pictures, choose)
    found = build(SentParts(values), fields, caller=CALLER, job_id=None, model_id=MODEL.id)
    build.keep(found, caller=CALLER)
    values = {"id": "r", "model_id": MODEL.id, "prompt": "x", **fields, **found.values}
    return GenerationRequest(**values)


def test_each_valid_body_is_the_same_request_again(
    pictures: HeldPictures, choose: ModelChoice
) -> None:
    parts = 0
    for seed, body in bodies(400):
        request = built(body, pictures, choose)
        parts += len(request.parts)
        told = json.loads(json.dumps(flat_parts(request)))
        again = built(told, pictures, choose, width=request.width, height=request.height)
        assert again == request, seed
        assert fingerprint(again) == fingerprint(request), seed
        assert list(differing_parts(again, request)) == [], seed
        stored = json.loads(json.dumps(plain_values(request)))
        restored = GenerationRequest.from_plain(stored)
        assert restored == request, seed
        assert fingerprint(restored) == fingerprint(request), seed
    assert parts > 400, "the bodies have too few parts to show anything"


def test_each_wrong_body_has_a_row_for_each_wrong_field_and_no_other(
    pictures: HeldPictures, choose: ModelChoice
) -> None:
    for seed, body in bodies(1500):
        sent, wrong = spoilt(random.Random(f"wrong {seed}"), body)
        values, problems = sent_parts(sent)
        known = [row.field for row in problems]
        rows = [row.field for row in [*problems, *sent_problems(values, wrong=known)]]
        assert sorted(rows) == sorted(wrong), f"{seed}: {sent}"
        if not problems:
            with pytest.raises(InvalidRequest):
                SentParts(values)


def test_differing_parts_are_named(pictures: HeldPictures, choose: ModelChoice) -> None:
    for seed, body in bodies(200):
        rng = random.Random(f"other {seed}")
        flat = [name for name in PART_FIELDS if "." not in name and body.get(name) is not None]
        if not flat:
            continue
        name = rng.choice(flat)
        other = valid_value(rng, PART_FIELDS[name])
        first = built(body, pictures, choose, width=320, height=320)
        second = built(body | {name: other}, pictures, choose, width=320, height=320)
        same = flat_parts(first).get(name) == flat_parts(second).get(name)
        assert list(differing_parts(first, second)) == ([] if same else [name]), seed


def test_a_picture_has_either_a_file_or_an_id() -> None:
    with pytest.raises(ValueError, match="either data or an id"):
        SentPicture()
    with pytest.raises(ValueError, match="either data or an id"):
        SentPicture(data=b"x", id="0" * 64)
    assert SentPicture(id="AB" * 32).id == "ab" * 32
    assert "png" not in repr(SentPicture(data=b"png"))


def test_nothing_is_kept_before_it_is_asked(pictures: HeldPictures, choose: ModelChoice) -> None:
    parts = SentParts({"init_image": SentPicture(data=PICTURES[0])})
    build = BuildParts(pictures, choose)
    found = build(parts, {}, caller=CALLER, job_id=None, model_id=MODEL.id)
    ((ref, data),) = found.new
    assert data == PICTURES[0]
    assert build.problems({"init_image": SentPicture(id=ref.id)}, caller=CALLER) != []
    build.keep(found, caller=CALLER)
    assert build.problems({"init_image": SentPicture(id=ref.id)}, caller=CALLER) == []
    assert pictures.find(CALLER, ref.id) == ref


def test_one_picture_in_two_fields_is_kept_once(
    pictures: HeldPictures, choose: ModelChoice
) -> None:
    sent = SentPicture(data=PICTURES[0])
    build = BuildParts(pictures, choose)
    parts = SentParts({"init_image": sent, "mask_image": sent})
    found = build(parts, {}, caller=CALLER, job_id=None, model_id=MODEL.id)
    assert len(found.new) == 1


def test_unknown_names_are_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="source is not a part"):
        SentParts({"source": 1})


def test_the_described_pattern_of_a_token_is_its_rule() -> None:
    limit = PART_FIELDS["embeddings[].token"].limit
    assert isinstance(limit, TextLength)
    # Python's `$` also stands before a last line end; ECMA's does not.
    pattern = re.compile(limit.PATTERN.replace("$", r"\Z"))
    rng = random.Random(1)
    valid = 0
    for _ in range(20_000):
        text = "".join(
            rng.choice(" ab-_.!\t\n\u0007é\u0085\u00a0") for _ in range(rng.randint(1, 5))
        )
        is_valid = limit.problem(text) is None
        assert is_valid == (pattern.search(text) is not None), ascii(text)
        valid += is_valid
    assert 2_000 < valid < 18_000
