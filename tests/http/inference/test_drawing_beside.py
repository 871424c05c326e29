"""Requests with LoRAs, embeddings, a VAE and ControlNets: fields, errors, answers and jobs."""

import base64
import copy
import dataclasses
import hashlib
import json
from typing import Any

import pytest

from domain.generation.parameters import parse_parameters
from domain.models.record import ModelKind, ModelRecord
from tests.contract.test_pictures import picture
from tests.fakes.addon_tensors import addon_tensors, demo_tensors
from tests.fakes.model_source import model_record
from tests.http.conftest import API_KEY, AUTHORIZED, MODEL, OTHERS, Service, infer_body
from tests.http.helpers import assert_problem, wrong_fields

MAP, OTHER_MAP = picture("green", (640, 320)), picture("white", (64, 64))
TINY = picture("red", (1, 1))
MAP_ID = hashlib.sha256(MAP).hexdigest()


def companion(kind: ModelKind, path: str) -> ModelRecord:
    """Return the record of a model of this kind that a request can name."""
    record = model_record(path.encode(), f"models/{path}")
    return dataclasses.replace(record, kind=kind, reason="draws nothing alone", is_companion=True)


STYLE = companion(ModelKind.LORA, "loras/style.safetensors")
INK = companion(ModelKind.LORA, "loras/ink.safetensors")
WORD = companion(ModelKind.EMBEDDING, "embeddings/bad-hands.pt")
VAE = companion(ModelKind.VAE, "vae/sharp.safetensors")
EDGES = companion(ModelKind.CONTROLNET, "controls/outlines.safetensors")
SAME_NAME = companion(ModelKind.LORA, "loras/outlines.safetensors")
PUNCTUATION = companion(ModelKind.EMBEDDING, "embeddings/--.pt")
ALL = (STYLE, INK, WORD, VAE, EDGES, SAME_NAME, PUNCTUATION)


def inline(data: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode()}


WHOLE: dict[str, Any] = {
    "loras": [{"model_id": "style", "scale": 0.5}, {"model_id": "ink.safetensors"}],
    "embeddings": [{"model_id": "bad-hands"}, {"model_id": WORD.id.upper(), "token": "two words"}],
    "vae_id": VAE.id[:10],
    "controls": [
        {"model_id": EDGES.path, "image": inline(MAP), "preprocessor": "canny", "end": 0.8},
        {"model_id": "outlines", "image": inline(OTHER_MAP), "scale": 2, "mode": "control"},
    ],
    "prompt_syntax": "weighted",
    "clip_skip": 2,
}
TOLD: dict[str, Any] = {
    "loras": [{"model_id": STYLE.id, "scale": 0.5}, {"model_id": INK.id, "scale": 1.0}],
    "embeddings": [
        {"model_id": WORD.id, "token": "bad-hands"},
        {"model_id": WORD.id, "token": "two words"},
    ],
    "vae_id": VAE.id,
    "controls": [
        {
            "model_id": EDGES.id,
            "image": {"id": MAP_ID},
            "scale": 1.0,
            "start": 0.0,
            "end": 0.8,
            "preprocessor": {"name": "canny", "low": 100, "high": 200},
            "resize_mode": "crop",
            "mode": "balanced",
        },
        {
            "model_id": EDGES.id,
            "image": {"id": hashlib.sha256(OTHER_MAP).hexdigest()},
            "scale": 2.0,
            "start": 0.0,
            "end": 1.0,
            "preprocessor": None,
            "resize_mode": "crop",
            "mode": "control",
        },
    ],
    "prompt_syntax": "weighted",
    "clip_skip": 2,
}


def there(service: Service, *models: ModelRecord) -> None:
    """Let these models be in the folders. They fit the checkpoint."""
    for model in models:
        service.headers.held[model.id] = addon_tensors(model.kind)
    service.source.others = models
    service.container.model_registry().refresh()


@pytest.fixture(autouse=True)
def models(service: Service) -> None:
    service.headers.held[MODEL.id] = demo_tensors()
    there(service, *ALL)


def infer(service: Service, headers: dict[str, str] = AUTHORIZED, **sent: Any) -> Any:
    return service.client.post("/v1/infer", json=infer_body(**sent), headers=headers)


def drawn(service: Service, **sent: Any) -> dict[str, Any]:
    response = infer(service, **sent)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


def job_of(service: Service, answer: dict[str, Any]) -> dict[str, Any]:
    response = service.client.get(f"/v1/jobs/{answer['id']}", headers=AUTHORIZED)
    found: dict[str, Any] = response.get_json()
    return found


def refused(service: Service, **sent: Any) -> dict[str, str]:
    """Return the rows of a 422, after which nothing is kept."""
    rows = wrong_fields(infer(service, **sent))
    nothing_is_kept(service)
    return rows


def nothing_is_kept(service: Service) -> None:
    assert service.pictures.files == {}
    assert service.client.get("/v1/jobs", headers=AUTHORIZED).get_json()["count"] == 0
    assert service.generator.drawn == []


def test_all_fields_are_repeated_with_ids_and_defaults(service: Service) -> None:
    answer = drawn(service, **WHOLE)
    job = job_of(service, answer)
    for found in (answer, job["request"]):
        assert {name: found[name] for name in TOLD} == TOLD
    (request,) = service.generator.drawn
    assert [each.id for each in request.pictures] == [
        each["image"]["id"] for each in TOLD["controls"]
    ]


def test_a_plain_request_has_none_of_the_fields(service: Service) -> None:
    answer = drawn(service)
    assert not TOLD.keys() & answer.keys()
    assert not TOLD.keys() & job_of(service, answer)["request"].keys()


def test_empty_lists_and_nulls_count_as_left_out(service: Service) -> None:
    plain = drawn(service, id="one")
    nothing: dict[str, Any] = {
        "loras": [],
        "embeddings": None,
        "controls": [],
        "vae_id": None,
        "clip_skip": 1,
    }
    assert drawn(service, id="one", **nothing, prompt_syntax="plain") == plain


@pytest.mark.parametrize("route", ["/v1/infer", "/v1/jobs"])
def test_the_request_of_a_job_can_be_sent_again_and_is_the_same(
    service: Service, route: str
) -> None:
    answer = drawn(service, id="one", **WHOLE)
    repeated = job_of(service, answer)["request"]
    again = service.client.post(route, json=repeated, headers=AUTHORIZED)
    assert again.status_code in (200, 202), again.text
    assert len(service.generator.drawn) == 1
    new = infer(service, **{**repeated, "id": "two"}).get_json()
    assert {name: new[name] for name in TOLD} == TOLD
    assert new["images"][0]["id"] == answer["images"][0]["id"]


def test_the_same_body_with_the_same_id_is_drawn_once(service: Service) -> None:
    answer = drawn(service, id="one", **WHOLE)
    whole_number = copy.deepcopy(WHOLE)
    whole_number["loras"][1]["scale"] = 1
    whole_number["controls"][0]["preprocessor"] = {"name": "canny", "low": 100.0, "high": None}
    for same in (WHOLE, whole_number):
        assert drawn(service, id="one", **same) == answer
    assert len(service.generator.drawn) == 1


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"loras": [{"model_id": "style", "scale": 0.5}]}, "loras"),
        ({"loras": WHOLE["loras"][::-1]}, "loras[0].model_id, loras[0].scale"),
        ({"loras": None}, "loras"),
        ({"embeddings": [{"model_id": "bad-hands"}] * 1}, "embeddings"),
        ({"vae_id": None}, "vae_id"),
        ({"clip_skip": 3}, "clip_skip"),
        ({"prompt_syntax": "plain"}, "prompt_syntax"),
    ],
)
def test_another_body_with_the_same_id_names_what_differs(
    service: Service, changes: dict[str, Any], differing: str
) -> None:
    drawn(service, id="one", **WHOLE)
    response = infer(service, id="one", **WHOLE | changes)
    detail = assert_problem(response, 409, "id_conflict")["detail"]
    assert f"with another {differing}" in detail


@pytest.mark.parametrize(
    ("number", "member", "value", "differing"),
    [
        (0, "image", inline(OTHER_MAP), "controls[0].image"),
        (0, "preprocessor", {"name": "canny", "low": 7}, "controls[0].preprocessor.low"),
        (0, "preprocessor", None, "controls[0].preprocessor"),
        (1, "resize_mode", "pad", "controls[1].resize_mode"),
        (1, "start", 0.25, "controls[1].start"),
    ],
)
def test_another_control_is_named_by_its_field(
    service: Service, number: int, member: str, value: Any, differing: str
) -> None:
    drawn(service, id="one", **WHOLE)
    other = copy.deepcopy(WHOLE)
    other["controls"][number][member] = value
    detail = assert_problem(infer(service, id="one", **other), 409, "id_conflict")["detail"]
    assert (
        detail.startswith(
            f"the id 'one' belongs to another request of yours, with another {differing};"
        )
        or f"with another {differing}" in detail
    )


def test_a_name_keeps_its_meaning_for_an_id(service: Service) -> None:
    sent = {"loras": WHOLE["loras"], "embeddings": [{"model_id": "bad-hands"}]}
    answer = drawn(service, id="one", **sent)
    renamed = dataclasses.replace(WORD, name="better.pt", path="models/better.pt")
    newer = companion(ModelKind.LORA, "newer/style.safetensors")
    there(service, newer, INK, renamed)
    assert drawn(service, id="one", **sent) == answer, "the names mean what they meant"
    by_id = {**sent, "embeddings": [{"model_id": WORD.id}]}
    assert drawn(service, id="one", **by_id) == answer, "the token too"
    assert len(service.generator.drawn) == 1
    now = drawn(service, id="two", loras=WHOLE["loras"], embeddings=[{"model_id": WORD.id}])
    assert now["loras"][0]["model_id"] == newer.id
    assert now["embeddings"] == [{"model_id": WORD.id, "token": "better"}]
    conflict = infer(
        service, id="two", **sent | {"embeddings": [{"model_id": WORD.id, "token": "x"}]}
    )
    assert "embeddings[0].token" in assert_problem(conflict, 409, "id_conflict")["detail"]


def test_a_token_that_is_named_is_not_the_token_of_a_file(service: Service) -> None:
    drawn(service, id="one", embeddings=[{"model_id": "bad-hands", "token": "x"}])
    response = infer(service, id="one", embeddings=[{"model_id": "bad-hands"}])
    assert "embeddings[0].token" in assert_problem(response, 409, "id_conflict")["detail"]


@pytest.mark.parametrize(
    ("sent", "field", "wanted"),
    [
        ({"loras": [{"model_id": "style"}, {"model_id": "none"}]}, "loras[1].model_id", "none"),
        ({"loras": [{"model_id": "ab" * 32}]}, "loras[0].model_id", "ab" * 32),
        ({"embeddings": [{"model_id": "ab" * 32}]}, "embeddings[0].model_id", "ab" * 32),
        (
            {"embeddings": [{"model_id": "cd" * 32, "token": "x"}]},
            "embeddings[0].model_id",
            "cd" * 32,
        ),
        ({"vae_id": "none"}, "vae_id", "none"),
        ({"vae_id": "ab" * 32}, "vae_id", "ab" * 32),
        (
            {"controls": [{"model_id": "none", "image": inline(MAP)}]},
            "controls[0].model_id",
            "none",
        ),
    ],
)
def test_a_model_that_is_not_there_is_named_with_its_field(
    service: Service, sent: dict[str, Any], field: str, wanted: str
) -> None:
    response = infer(service, **sent)
    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (404, "model_not_found")
    (row,) = problem["errors"]
    assert row["field"] == field
    assert wanted in row["message"]
    nothing_is_kept(service)


def test_a_name_means_the_model_of_the_kind_that_the_field_needs(service: Service) -> None:
    answer = drawn(
        service,
        loras=[{"model_id": "outlines"}],
        controls=[{"model_id": "outlines", "image": inline(MAP)}],
    )
    assert answer["loras"][0]["model_id"] == SAME_NAME.id
    assert answer["controls"][0]["model_id"] == EDGES.id


@pytest.mark.parametrize(
    ("name", "most", "entry"),
    [
        ("loras", 8, {"model_id": "style"}),
        ("embeddings", 16, {"model_id": "bad-hands"}),
        ("controls", 4, {"model_id": EDGES.id, "image": inline(OTHER_MAP)}),
    ],
)
def test_a_list_has_at_most_so_many_entries(
    service: Service, name: str, most: int, entry: dict[str, Any]
) -> None:
    def entries(number: int) -> list[dict[str, Any]]:
        tokens = [
            {"token": f"word {each}"} if name == "embeddings" else {} for each in range(number)
        ]
        return [entry | token for token in tokens]

    too_many = refused(service, **{name: entries(most + 1)})
    assert too_many == {name: f"has {most + 1} entries; it may have at most {most}"}
    assert len(drawn(service, **{name: entries(most)})[name]) == most


@pytest.mark.parametrize("scale, status", [(-4, 200), (4, 200), (-4.01, 422), (4.01, 422)])
def test_the_scale_of_a_lora_has_bounds(service: Service, scale: float, status: int) -> None:
    assert infer(service, loras=[{"model_id": "style", "scale": scale}]).status_code == status


@pytest.mark.parametrize(
    ("member", "good", "bad"),
    [
        ("scale", [0, 2], [-0.01, 2.01, 1e9, True, "1"]),
        ("start", [0, 0.99], [-0.01, 1, 1.01]),
        ("end", [0.01, 1], [0, -1, 1.01]),
        ("preprocessor", ["canny", "invert", None], ["hed", 5, [], "", {}]),
        ("mode", ["balanced", "prompt", "control"], ["both", None]),
        ("resize_mode", ["crop", "pad", "stretch"], ["fill", None]),
    ],
)
def test_the_values_of_a_control_have_bounds(
    service: Service, member: str, good: list[Any], bad: list[Any]
) -> None:
    control = {"model_id": EDGES.id, "image": inline(OTHER_MAP)}
    for value in bad:
        rows = refused(service, controls=[control | {member: value}])
        (row,) = rows
        own = row.removeprefix("controls[0].")
        assert own in (member, f"{member}.name", "start"), f"{value}: {rows}"
    for value in good:
        drawn(service, controls=[control | {member: value}])


@pytest.mark.parametrize(
    "clip_skip, status", [(1, 200), (12, 200), (0, 422), (13, 422), (1.5, 422)]
)
def test_clip_skip_has_bounds(service: Service, clip_skip: float, status: int) -> None:
    assert infer(service, clip_skip=clip_skip).status_code == status


@pytest.mark.parametrize(
    ("sent", "rows"),
    [
        ({"loras": {}}, {"loras": "must be a list of objects"}),
        ({"loras": "style"}, {"loras": "must be a list of objects"}),
        ({"loras": ["style"]}, {"loras[0]": "must be an object"}),
        ({"loras": [None, {}]}, {"loras[0]": "must be", "loras[1].model_id": "is required"}),
        (
            {"loras": [{"model_id": "style", "weight": 1, "scale": None}]},
            {"loras[0].scale": "must not be null", "loras[0].weight": "is not a field"},
        ),
        (
            {"controls": [{"model_id": EDGES.id, "image": {"base64": "!"}, "end": 7}, {}]},
            {
                "controls[0].image.base64": "is not base64",
                "controls[0].end": "is 7",
                "controls[1].model_id": "is required",
                "controls[1].image": "is required",
            },
        ),
        (
            {"controls": [{"model_id": EDGES.id, "image": inline(b"text")}], "width": 5},
            {"width": "is 5", "controls[0].image.base64": "is not a PNG"},
        ),
        (
            {"controls": [{"model_id": EDGES.id, "image": inline(b"text")}]},
            {"controls[0].image.base64": "is not a PNG"},
        ),
        (
            {"controls": [{"model_id": EDGES.id, "image": {"id": "ab" * 32}}]},
            {"controls[0].image.id": "names no picture of yours"},
        ),
        (
            {
                "controls": [
                    {"model_id": EDGES.id, "image": inline(TINY)},
                    {"model_id": EDGES.id, "image": inline(MAP)},
                    {"model_id": EDGES.id, "image": inline(TINY)},
                ]
            },
            {
                "controls[0].image.base64": "has 1 x 1 pixels",
                "controls[2].image.base64": "has 1 x 1 pixels",
            },
        ),
        (
            {"embeddings": [{"model_id": "--"}, {"model_id": "bad-hands"}, {"model_id": "--"}]},
            {"embeddings[0].token": "must hold a", "embeddings[2].token": "must hold a letter"},
        ),
        (
            {"controls": [{"model_id": EDGES.id, "image": {"id": "x"}}]},
            {"controls[0].image.id": "must be the SHA-256"},
        ),
        (
            {"embeddings": [{"model_id": "a", "token": "x"}, {"model_id": "b", "token": "x"}]},
            {"embeddings[1].token": "is 'x', as that of embeddings[0] is"},
        ),
        (
            {"embeddings": [{"model_id": "bad-hands"}, {"model_id": WORD.id}]},
            {"embeddings[1].token": "is 'bad-hands', as that of embeddings[0] is"},
        ),
        ({"embeddings": [{"model_id": "--"}]}, {"embeddings[0].token": "must hold a letter"}),
        (
            {"embeddings": [{"model_id": "a", "token": "\u0000"}]},
            {"embeddings[0].token": "holds U+0000"},
        ),
        ({"vae_id": ["x"]}, {"vae_id": "is a list; it must be text"}),
        ({"prompt_syntax": None}, {"prompt_syntax": "must not be null"}),
        ({"clip_skip": None}, {"clip_skip": "must not be null"}),
        ({"loras": [{"model_id": "a", "scale": float(10**20)}]}, {"loras[0].scale": "is 1e+20"}),
    ],
)
def test_each_wrong_value_has_a_row_with_its_place(
    service: Service, sent: dict[str, Any], rows: dict[str, str]
) -> None:
    found = refused(service, **sent)
    assert [*found] == [*rows]
    for name, text in rows.items():
        assert text in found[name], found


def test_a_model_of_another_kind_keeps_no_picture(service: Service) -> None:
    control = {"model_id": "style", "image": inline(MAP)}
    sent: dict[str, Any] = {"controls": [control], "vae_id": "ink"}
    response = infer(service, **sent)
    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (422, "addon_mismatch")
    assert {row["field"] for row in problem["errors"]} == {"controls[0].model_id", "vae_id"}
    nothing_is_kept(service)


def test_a_token_that_is_a_credential_is_refused(service: Service) -> None:
    rows = refused(service, embeddings=[{"model_id": "bad-hands", "token": API_KEY}])
    assert "holds a credential" in rows["embeddings[0].token"]


def test_the_picture_of_another_caller_is_unknown(service: Service) -> None:
    drawn(service, controls=[{"model_id": EDGES.id, "image": inline(MAP)}])
    control = {"model_id": EDGES.id, "image": {"id": MAP_ID}}
    drawn(service, controls=[control])
    response = infer(service, OTHERS, controls=[control])
    assert wrong_fields(response).keys() == {"controls[0].image.id"}


def test_the_picture_carries_what_was_used(service: Service) -> None:
    answer = drawn(service, **WHOLE)
    data = base64.b64decode(answer["images"][0]["base64"])
    codec = service.container.picture_codec()
    found = parse_parameters(codec.parameters(data).text)
    assert found["Prompt"].endswith("<lora:style:0.5> <lora:ink:1>")
    assert found["Lora hashes"] == f"style: {STYLE.id[:10]}, ink: {INK.id[:10]}"
    assert found["TI hashes"] == f"bad-hands: {WORD.id[:12]}, two words: {WORD.id[:12]}"
    assert (found["VAE"], found["VAE hash"]) == ("sharp.safetensors", VAE.id[:10])
    assert found["ControlNet 1"].startswith("Module: none, Model: outlines [")
    assert (found["Clip skip"], found["Emphasis"]) == ("2", "Original")


def test_the_preprocessors_are_listed(service: Service) -> None:
    answer = service.client.get("/v1/preprocessors", headers=AUTHORIZED).get_json()
    canny, invert = answer["preprocessors"]
    assert answer["count"] == 2
    assert (canny["name"], invert["name"], invert["parameters"]) == ("canny", "invert", [])
    low, high = canny["parameters"]
    assert (low["name"], low["minimum"], low["maximum"], low["default"]) == ("low", 0, 255, 100)
    assert (high["name"], high["default"]) == ("high", 200)
    assert_problem(service.client.get("/v1/preprocessors"), 401, "unauthenticated")


def test_the_document_describes_a_body_with_everything(service: Service) -> None:
    document = service.client.get("/openapi.json").get_json()
    schemas = document["components"]["schemas"]
    for name in ("GenerationRequest", "ImagesRequest", "JobRequest", "GenerationResult"):
        assert WHOLE.keys() <= schemas[name]["properties"].keys()
    assert json.dumps(schemas).count('"maxItems": 8') >= 3
    assert schemas["Control"]["properties"]["preprocessor"]["anyOf"][0]["enum"] == [
        *("canny", "invert"),
    ]
