"""Generated bodies with parts of requests, right and wrong."""

import base64
import json
import random
from collections.abc import Iterator
from typing import Any

from domain.generation.forms.part_fields import (
    OBJECTS,
    PART_FIELDS,
    PARTS,
    SOURCE_FIELDS,
    AnyPartField,
    PartField,
    PartObject,
)
from domain.limits import IntegerRange, NumberRange, OneOf
from domain.models.record import ModelKind, ModelRecord
from tests.contract.test_pictures import picture
from tests.fakes.model_source import model_record

__all__ = ["MODEL", "PICTURES", "RECORDS", "bodies", "spoilt", "valid_body", "valid_value"]

MODEL = model_record()
RECORDS: dict[ModelKind, ModelRecord] = {
    kind: model_record(kind.encode(), f"models/sharp-{kind}.safetensors")
    for kind in ModelKind
    if kind is not ModelKind.CHECKPOINT
}
"""A model of each kind beside the checkpoint."""
PICTURES = [picture(colour, (320, 288)) for colour in ("red", "green", "blue")]
WRONG_PICTURES: list[tuple[str, Any]] = [
    *(("", {}), ("", "text"), ("", {"base64": "AA==", "id": "0" * 64}), ("", [])),
    *((".base64", {"base64": "!"}), (".base64", {"base64": 5}), (".id", {"id": "x"})),
    (".url", {"url": "x"}),
]


def valid_value(rng: random.Random, field: AnyPartField, place: str = "") -> Any:
    """Return a value for a field, or for one entry of a list."""
    if isinstance(field, PartObject):
        return _valid_object(rng, field, place)
    if field.is_picture:
        return {"base64": base64.b64encode(rng.choice(PICTURES)).decode()}
    if field.model is not None:
        model = RECORDS[field.model]
        stem = model.name.removesuffix(model.extension)
        return rng.choice([*field.words, stem, model.name, model.id, model.id[:12].upper()])
    limit = field.limit
    if isinstance(limit, IntegerRange):
        return rng.choice([limit.minimum, limit.maximum, rng.randint(limit.minimum, limit.maximum)])
    if isinstance(limit, NumberRange):
        return rng.choice([limit.minimum, limit.maximum, rng.uniform(limit.minimum, limit.maximum)])
    if isinstance(limit, OneOf):
        return str(rng.choice(limit.words))
    return f"word {place or rng.randint(0, 9999)}"


def _valid_object(rng: random.Random, field: PartObject, place: str) -> Any:
    if field.short and rng.random() < 0.3:
        return valid_value(rng, field.members[field.short])
    found = {
        own: valid_value(rng, member, place)
        for own, member in field.members.items()
        if (isinstance(member, PartField) and member.is_required) or rng.random() < 0.6
    }
    if field.name == "controls":  # the rules between its fields
        start = found.get("start", 0)
        if start >= found.get("end", 1):
            found |= {"start": 0, "end": 0.5}
    if field.name == "controls[].preprocessor":
        if found["name"] != "canny":
            found = {"name": found["name"]}
        elif found.get("low", 100) > found.get("high", 200):
            found |= {"low": 10, "high": 20}
    if field.name == "embeddings":  # only one of them may have the name of the file
        found["token"] = f"word {place or 0}"
    return found


def valid_body(rng: random.Random) -> dict[str, Any]:
    """Return a random body whose fields all have what they need."""
    body: dict[str, Any] = {}
    if rng.random() < 0.8:
        for name in SOURCE_FIELDS:
            row = PART_FIELDS[name]
            chance = 1.0 if name == "init_image" else 0.5
            if (not row.needs or row.needs in body) and rng.random() < chance:
                is_null = row.is_optional and row.needs and rng.random() < 0.1
                is_null = is_null and name != "mask_image"
                body[name] = None if is_null else valid_value(rng, row)
    for name, field in PARTS.items():
        if name in SOURCE_FIELDS or rng.random() < 0.5:
            continue
        if isinstance(field, PartObject) and field.is_list:
            number = rng.choice([0, 1, 2, field.most])
            body[name] = [valid_value(rng, field, str(each)) for each in range(number)]
        else:
            body[name] = valid_value(rng, field)
    if body.get("inpaint_area") == "in_place":
        body.pop("second_pass", None)
    if "second_pass" in body and body["second_pass"].get("scale", 2) > 3:
        body["second_pass"]["scale"] = 2.5  # the result has at most 2048 pixels a side
    if "upscale" in body and (body["upscale"].get("scale") or 0) > 4:
        body["upscale"]["scale"] = 3.5  # and at most 64 megapixels
    return body


def bodies(number: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Return this many bodies that are right, each with the seed of its own random numbers."""
    for seed in range(number):
        yield seed, valid_body(random.Random(seed))


def wrong_value(rng: random.Random, row: PartField) -> Any:
    """Return a value that this field does not take."""
    limit = row.limit
    if isinstance(limit, IntegerRange | NumberRange):
        outside = [limit.minimum - 1, limit.maximum + 1, limit.maximum + 0.5]
        return rng.choice([*outside, "1", True, [], {}])
    if isinstance(limit, OneOf):
        return rng.choice(["no word", 5, []])
    return rng.choice(["", "x" * 5000, 5, True, [], {}])


def spoilt(rng: random.Random, body: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Return the body with some wrong fields, and the names of the rows that they get."""
    found: dict[str, Any] = json.loads(json.dumps(body))
    wrong: dict[str, str] = {}
    for _ in range(rng.randint(1, 4)):
        _spoil(rng, found, rng.choice([*PART_FIELDS, *OBJECTS]), wrong)
    rows = {*wrong.values()}
    if isinstance(found.get("upscale"), dict) and "model_id" not in found["upscale"]:
        rows.add("upscale.model_id")
    for name in SOURCE_FIELDS:
        needs = PART_FIELDS[name].needs
        is_needed = found.get(name) is not None and needs and found.get(needs) is None
        if is_needed and not {name, needs} & wrong.keys():
            rows.add(name)
    return found, rows


def _spoil(rng: random.Random, body: dict[str, Any], path: str, wrong: dict[str, str]) -> None:
    """Make the field at `path` wrong. `wrong` has the name of the row for each wrong field."""
    place, where = body, ""
    *outer, own = path.split(".")
    for each in outer:
        name = each.removesuffix("[]")
        where = f"{where}{name}"
        if each.endswith("[]"):
            entries = place.setdefault(name, [])
            if not isinstance(entries, list) or where in wrong:
                return
            if not entries:
                entries.append(valid_value(rng, OBJECTS[where]))
            number = rng.randrange(len(entries))
            where, inner = f"{where}[{number}]", entries[number]
        else:
            inner = place.get(name)
            if isinstance(inner, str) and where not in wrong:  # the short form of an object
                inner = place[name] = {"name": inner}
            if inner is None:
                inner = place[name] = {"name": "canny"} if name == "preprocessor" else {}
        if not isinstance(inner, dict) or where in wrong:
            return
        place, where = inner, f"{where}."
    where = f"{where}{own}"
    _set(rng, place, own, where, path, wrong)


def _set(
    rng: random.Random,
    place: dict[str, Any],
    own: str,
    where: str,
    path: str,
    wrong: dict[str, str],
) -> None:
    for each in [*wrong]:
        if each == where or each.startswith((f"{where}.", f"{where}[")):
            del wrong[each]
    wrong[where] = where
    if path in OBJECTS:
        place[own] = _wrong_object(rng, OBJECTS[path])
    elif PART_FIELDS[path].is_picture:
        suffix, place[own] = rng.choice(WRONG_PICTURES)
        wrong[where] = f"{where}{suffix}"
    else:
        place[own] = wrong_value(rng, PART_FIELDS[path])


def _wrong_object(rng: random.Random, field: PartObject) -> Any:
    if field.is_list:
        entries = [valid_value(rng, field, str(each)) for each in range(field.most + 1)]
        return rng.choice([5, "x", {}, entries])
    return rng.choice([5, [], "no word" if field.short else "x"])
