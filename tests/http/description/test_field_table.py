"""docs/api.md lists each field of a request as in the table of fields."""

import re

import pytest

from adapters.http.generation.schemas import request_defaults
from adapters.http.openai.names import NAMES
from domain.generation.fields import FIELDS, V1_LIMITS
from domain.generation.forms.part_fields import OBJECTS, PART_FIELDS, PART_NAMES
from domain.limits import IntegerRange, Limit, NumberRange, OneOf, TextLength
from tests.http.conftest import Service, make_settings
from tests.http.description.test_documentation import API, table

_DEFAULTS = {
    "id": "one is made",
    "model_id": "required",
    "prompt": "required",
    "num_inference_steps": "`DEFAULT_INFERENCE_STEPS`",
    "guidance_scale": "`DEFAULT_GUIDANCE_SCALE`",
    "seed": "random",
    "scheduler": "the model's",
    "quality": "90",
}
"""What follows from more than the field itself."""
_BOUNDS = {
    "model_id": "64 hexadecimal digits",
    "width": "256–1024",
    "height": "256–1024",
    "seed": "0–2^53−1",
    "scheduler": "`schedulers`",
}
"""Where the limit is not what most callers meet."""
_TYPES: dict[type, str] = {
    IntegerRange: "integer",
    NumberRange: "number",
    TextLength: "string",
    OneOf: "string",
}

ROWS = {
    name: cells
    for cells in table(API, "## Draw pictures")
    for name in re.findall("`([a-z_]+)`", cells[0])
}

PART_ROWS = {
    re.findall(r"`([a-z_.\[\]]+)`", cells[0])[0]: cells
    for heading in ("## Draw from pictures", "## Beside the checkpoint")
    for cells in table(API, heading)
    if cells[0].startswith("`")
}
SHORT = {"controls[].preprocessor": "string, object, null"}
"""What may be a text or an object."""


def bounds(name: str, limit: Limit) -> list[str]:
    if name in _BOUNDS:
        return [_BOUNDS[name]]
    if isinstance(limit, IntegerRange | NumberRange):
        return [f"{limit.minimum:g}–{limit.maximum:g}"]
    if isinstance(limit, OneOf):
        return [f"`{word}`" for word in limit.words]
    length = f"{limit.maximum} characters"
    return [f"{limit.minimum}–{length}" if limit.minimum else f"Up to {length}"]


def test_the_document_has_the_fields_of_parts_and_no_others() -> None:
    assert [name for name in PART_ROWS if name not in OBJECTS] == list(PART_FIELDS)
    assert PART_ROWS.keys() - PART_FIELDS.keys() == set(OBJECTS)
    for name, field in OBJECTS.items():
        _, kind, default, meaning = PART_ROWS[name]
        assert kind == SHORT.get(name, "list, null" if field.is_list else "object, null")
        assert default == "null"
        assert str(field.most or "") in meaning


@pytest.mark.parametrize("name", PART_FIELDS)
def test_each_field_of_a_part_has_its_type_its_default_and_its_limits(name: str) -> None:
    _, kind, default, meaning = PART_ROWS[name]
    row = PART_FIELDS[name]
    wanted = (
        "Picture"
        if row.is_picture
        else next(word for of, word in _TYPES.items() if isinstance(row.limit, of))
    )
    assert kind == wanted + (", null" if row.is_optional else "")
    plain = "required" if row.is_required else str(row.default).replace("None", "null")
    assert default.strip("`") == plain
    if not row.is_picture:
        assert [part for part in bounds(name, row.limit) if part not in meaning] == []


def test_the_document_has_the_fields_and_no_others() -> None:
    assert list(ROWS) == list(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_has_its_type_its_default_and_its_limits(name: str) -> None:
    _, kind, default, meaning = ROWS[name]
    limit = V1_LIMITS[name]
    wanted = next(word for of, word in _TYPES.items() if isinstance(limit, of))
    assert kind == wanted + (", null" if FIELDS[name].is_optional else "")
    value = request_defaults(make_settings()).get(name)
    plain = "null" if value is None else str(value)
    assert default.strip("`") == _DEFAULTS.get(name, plain).strip("`")
    for part in bounds(name, limit):
        assert part in meaning


def test_the_page_has_a_control_for_each_field(shared: Service) -> None:
    html = shared.client.get("/", headers={"Accept": "text/html"}).get_data(as_text=True)
    own = FIELDS.keys() - {"id"}
    parts = {name for name in (*PART_FIELDS, *OBJECTS) if "[" not in name}
    addons = {"loras", "embeddings", "vae_id", "controls"}  # their errors are shown at their cards
    named = own | parts
    assert set(re.findall(r'<(?:input|select|textarea) [^>]*name="([a-z_.]+)"', html)) == named
    for name in named - addons:
        assert f'data-error="{name}"' in html
    for name in own:
        assert FIELDS[name].label in html


def test_the_openai_api_accepts_each_field_by_its_name_there(shared: Service) -> None:
    document = shared.client.get("/openapi.json").get_json()
    taken = document["components"]["schemas"]["ImagesRequest"]["properties"]
    assert {NAMES.get(name, name) for name in FIELDS.keys() - {"id"}} <= taken.keys()


@pytest.mark.parametrize("schema", ["GenerationRequest", "JobRequest"])
def test_a_job_returns_each_requested_field(shared: Service, schema: str) -> None:
    document = shared.client.get("/openapi.json").get_json()
    names = [*FIELDS, *PART_NAMES]
    found = list(document["components"]["schemas"][schema]["properties"])
    assert found[: len(names)] == names
    # A job may also enlarge a picture, which is another request.
    assert found[len(names) :] == (["image", "scale"] if schema == "JobRequest" else [])
