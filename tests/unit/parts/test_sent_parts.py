"""Parts of requests as clients send them: generated bodies, right and wrong."""

import base64
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.http.generation.sent_pictures import sent_parts
from adapters.pictures.codec import PillowPictureCodec
from application.fingerprints import fingerprint
from application.model_choice import ModelChoice
from application.parts import BuildParts, SentParts, SentPicture
from application.parts.sent import sent_problems
from application.pictures import HeldPictures
from domain.errors import InvalidRequest
from domain.generation.forms.flat import differing_parts, flat_parts
from domain.generation.forms.part_fields import OBJECTS, PART_FIELDS, SOURCE_FIELDS
from domain.generation.forms.plain import plain_values
from domain.generation.request import GenerationRequest
from domain.limits import IntegerRange, NumberRange, OneOf
from domain.services.model_registry import ModelRegistry
from tests.contract.test_pictures import picture
from tests.fakes.model_source import FakeModelSource, model_record

MODEL, UPSCALER = model_record(), model_record(b"up", "models/sharp.safetensors")
PICTURES = [picture(colour, (320, 288)) for colour in ("red", "green", "blue")]
WRONG_PICTURES: list[tuple[str, Any]] = [
    *(("", {}), ("", "text"), ("", {"base64": "AA==", "id": "0" * 64}), ("", [])),
    *((".base64", {"base64": "!"}), (".base64", {"base64": 5}), (".id", {"id": "x"})),
    (".url", {"url": "x"}),
]
CALLER = "me"


@pytest.fixture
def pictures() -> HeldPictures:
    return HeldPictures(PillowPictureCodec())


@pytest.fixture
def choose() -> ModelChoice:
    source = FakeModelSource({MODEL.path: b"weights"})
    source.others = (UPSCALER,)
    registry = ModelRegistry(source)
    registry.refresh()
    return ModelChoice(registry, None)


def valid_value(rng: random.Random, name: str) -> Any:
    row = PART_FIELDS[name]
    if row.is_picture:
        return {"base64": base64.b64encode(rng.choice(PICTURES)).decode()}
    if name == "second_pass.upscaler":
        return rng.choice(["latent", "lanczos", "sharp", UPSCALER.id])
    if name == "upscale.model_id":
        return rng.choice(["sharp", "sharp.safetensors", UPSCALER.id, UPSCALER.id.upper()])
    limit = row.limit
    if isinstance(limit, IntegerRange):
        return rng.choice([limit.minimum, limit.maximum, rng.randint(limit.minimum, limit.maximum)])
    if isinstance(limit, NumberRange):
        return rng.choice([limit.minimum, limit.maximum, rng.uniform(limit.minimum, limit.maximum)])
    assert isinstance(limit, OneOf)
    return str(rng.choice(limit.words))


def wrong_value(rng: random.Random, name: str) -> Any:
    limit = PART_FIELDS[name].limit
    if isinstance(limit, IntegerRange | NumberRange):
        outside = [limit.minimum - 1, limit.maximum + 1, limit.maximum + 0.5]
        return rng.choice([*outside, "1", True, [], {}])
    return rng.choice(["", "x" * 5000, 5, True, [], {}] if "." in name else ["no word", 5, []])


def valid_body(rng: random.Random) -> dict[str, Any]:
    """Return a random body whose fields all have what they need."""
    body: dict[str, Any] = {}
    if rng.random() < 0.8:
        for name in SOURCE_FIELDS:
            needs = PART_FIELDS[name].needs
            chance = 1.0 if name == "init_image" else 0.5
            if (not needs or needs in body) and rng.random() < chance:
                is_null = PART_FIELDS[name].is_optional and needs and rng.random() < 0.1
                body[name] = None if is_null and name != "mask_image" else valid_value(rng, name)
    for within in OBJECTS:
        if rng.random() < 0.5:
            own = [name for name in PART_FIELDS if name.startswith(f"{within}.")]
            body[within] = {
                name.partition(".")[2]: valid_value(rng, name)
                for name in own
                if name == "upscale.model_id" or rng.random() < 0.6
            }
    if body.get("inpaint_area") == "in_place":
        body.pop("second_pass", None)
    if "second_pass" in body and body["second_pass"].get("scale", 2) > 3:
        body["second_pass"]["scale"] = 2.5  # the result has at most 2048 pixels a side
    if "upscale" in body and (body["upscale"].get("scale") or 0) > 4:
        body["upscale"]["scale"] = 3.5  # and at most 64 megapixels
    return body


def spoilt(rng: random.Random, body: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Return the body with some wrong fields, and the names of these fields."""
    found: dict[str, Any] = json.loads(json.dumps(body))
    wrong: set[str] = set()
    for _ in range(rng.randint(1, 4)):
        name = rng.choice([*PART_FIELDS, *OBJECTS])
        within, _, own = name.rpartition(".")
        row = PART_FIELDS.get(name)
        if row is None:
            found[name] = rng.choice([5, "x", []])
            wrong = {each for each in wrong if not each.startswith(f"{name}.")} | {name}
        elif row.is_picture:
            suffix, found[name] = rng.choice(WRONG_PICTURES)
            wrong = {each for each in wrong if not each.startswith(name)} | {f"{name}{suffix}"}
        elif not within:
            found[name] = wrong_value(rng, name)
            wrong.add(name)
        elif isinstance(found.setdefault(within, {}), dict):
            found[within][own] = wrong_value(rng, name)
            wrong.add(name)
    if isinstance(found.get("upscale"), dict) and "model_id" not in found["upscale"]:
        wrong.add("upscale.model_id")
    for name in SOURCE_FIELDS:
        needs = PART_FIELDS[name].needs
        is_named = any(each.partition(".")[0] == name for each in wrong)
        if found.get(name) is not None and needs and found.get(needs) is None and not is_named:
            wrong.add(name)
    return found, wrong


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


def bodies(number: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for seed in range(number):
        yield seed, valid_body(random.Random(seed))


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
        known = {row.field.partition(".")[0] for row in problems}
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
        other = valid_value(rng, name)
        first = built(body, pictures, choose, width=320, height=320)
        second = built(body | {name: other}, pictures, choose, width=320, height=320)
        same = flat_parts(first)[name] == flat_parts(second)[name]
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
