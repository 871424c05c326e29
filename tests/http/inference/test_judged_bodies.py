"""Every API names all errors at once, by its own field names, in the order of its fields."""

from tests.http.automatic1111.sdapi import TXT2IMG, places_of
from tests.http.conftest import AUTHORIZED, MODEL, Service
from tests.http.helpers import wrong_fields

LAST_SEED = 2**53 - 1


def test_unknown_names_and_invalid_values_are_reported_together(shared: Service) -> None:
    body = {"prompt": 5, "seed": LAST_SEED, "num_images": 2, "width": None, "quality": 3, "foo": 1}
    rows = wrong_fields(shared.client.post("/v1/infer", json=body, headers=AUTHORIZED))
    assert list(rows) == ["model_id", "prompt", "width", "seed", "quality", "foo"]
    assert rows["model_id"] == "is required"
    assert rows["width"] == "must not be null"
    assert "last image" in rows["seed"]


def test_attributes_of_a_request_are_not_fields_of_the_api(shared: Service) -> None:
    for name in ("source", "parts", "models", "pictures"):
        body = {"model_id": MODEL.id, "prompt": "x", name: None}
        rows = wrong_fields(shared.client.post("/v1/infer", json=body, headers=AUTHORIZED))
        assert rows == {name: "is not a field of this request"}


def test_an_error_of_the_size_is_reported_for_both_sides(shared: Service) -> None:
    body = {"prompt": "x", "n": 11, "size": "1x9999", "unheard_of": {}, "seed": LAST_SEED + 1}
    address = "/openai/v1/images/generations"
    error = shared.client.post(address, json=body, headers=AUTHORIZED).get_json()["error"]
    assert error["param"] == "seed"
    for words in (
        "seed is 9007199254740992",
        "n is 11; it must lie between 1 and 10",
        "size is 1x9999: its width is 1",
        "is 1x9999: its height is 9999",
        "unheard_of is not a parameter",
    ):
        assert words in error["message"]


def test_the_seed_of_the_last_picture_counts_all_batches(shared: Service) -> None:
    body = {"prompt": "x", "seed": LAST_SEED - 3, "batch_size": 2, "n_iter": 2}
    assert shared.client.post(TXT2IMG, json=body, headers=AUTHORIZED).status_code == 200
    sent = {**body, "seed": LAST_SEED - 2, "steps": 0}
    response = shared.client.post(TXT2IMG, json=sent, headers=AUTHORIZED)
    assert list(places_of(response)) == ["steps", "seed"]
