"""GET /v1/jobs/{id}/images/{n}?size=thumbnail: a small file, made once."""

import io
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from application.job import Job, JobView
from application.thumbnails import Thumbnails
from tests.fakes.picture_codec import FakePictureCodec
from tests.http.conftest import (
    API_KEY,
    AUTHORIZED,
    OTHERS,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem, key_name


def drawn(name: str = "small", **changes: object) -> Service:
    """A service with one drawn job."""
    service = make_service(make_settings())
    body = infer_body(id=name, **changes)
    service.client.post("/v1/jobs", json=body, headers=AUTHORIZED)
    service.container.job_service().run_once()
    return service


def addresses(service: Service, name: str = "small") -> list[str]:
    job = service.client.get(f"/v1/jobs/{name}", headers=AUTHORIZED).get_json()
    return [image["thumbnail_url"] for image in job["images"]]


def test_a_job_links_to_its_thumbnails() -> None:
    service = drawn(num_images=2, width=1024, height=512)
    urls = addresses(service)
    for number, url in enumerate(urls):
        pattern = rf"/v1/jobs/small/images/{number}\?size=thumbnail&v=[0-9a-f]{{12}}"
        assert re.fullmatch(pattern, url)
        response = service.client.get(url, headers=AUTHORIZED)
        assert (response.status_code, response.content_type) == (200, "image/webp")
        with Image.open(io.BytesIO(response.data)) as image:
            assert image.size == (384, 192)
        whole = service.client.get(url.split("?")[0], headers=AUTHORIZED)
        assert whole.content_type == "image/png"


def test_a_thumbnail_is_immutable_at_its_own_url_only() -> None:
    service = drawn()
    (url,) = addresses(service)
    kept = service.client.get(url, headers=AUTHORIZED)
    assert kept.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert "Authorization" in ", ".join(kept.headers.getlist("Vary"))
    again = AUTHORIZED | {"If-None-Match": kept.headers["ETag"]}
    assert service.client.get(url, headers=again).status_code == 304
    for other in (url.split("&")[0], f"{url}0", url[:-1]):
        response = service.client.get(other, headers=AUTHORIZED)
        assert (response.status_code, response.data) == (200, kept.data)
        assert response.headers["Cache-Control"] == "private, no-cache"
    whole = service.client.get(url.replace("size=thumbnail&", ""), headers=AUTHORIZED)
    assert whole.headers["Cache-Control"] == "private, no-cache"


def test_another_job_with_the_same_id_has_another_url() -> None:
    service = drawn()
    body = infer_body(id="small", seed=1)
    before = addresses(service)
    service.results.files.clear()  # so that the next call draws it again
    job = service.client.get("/v1/jobs/small", headers=AUTHORIZED).get_json()
    service.client.post("/v1/jobs", json=body | job["request"], headers=AUTHORIZED)
    service.container.job_service().run_once()
    assert addresses(service) != before


def test_a_thumbnail_is_made_once_stored_and_counted() -> None:
    service = drawn(num_images=2)
    (job,) = service.jobs.jobs.values()
    first, second = addresses(service)
    assert service.results.thumbnails == {}

    def fetch(url: str) -> bytes:
        response = service.container.app().test_client().get(url, headers=AUTHORIZED)
        return bytes(response.data)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(fetch, [first] * 8))) == 1
    assert service.results.thumbnails == {(job.token, 0): fetch(first)}
    # Each new thumbnail adds its bytes: one that was made twice would count twice.
    assert service.jobs.more_bytes == {job.token: len(fetch(first))}
    more = len(fetch(second))
    assert service.jobs.more_bytes == {job.token: len(fetch(first)) + more}
    service.results.remove([job.token])
    assert service.results.thumbnails == {}


def test_one_picture_at_a_time_is_in_memory() -> None:
    service = drawn(num_images=4)
    (job,) = service.jobs.jobs.values()
    held, most = 0, 0

    class Maker(FakePictureCodec):
        def thumbnail(self, data: bytes) -> bytes:
            nonlocal held
            held -= 1
            return b"small"

    job_service = service.container.job_service()
    image_of = job_service.image_of

    def counted(job: Job, number: int) -> bytes:
        nonlocal held, most
        held += 1
        most = max(most, held)
        return image_of(job, number)

    job_service.image_of = counted  # type: ignore[method-assign]
    thumbnails = Thumbnails(job_service, service.jobs, service.results, Maker())
    with ThreadPoolExecutor(4) as pool:
        with thumbnails._making:
            asked = [pool.submit(thumbnails.get, job.caller, "small", n) for n in range(4)]
        assert all(each.result() for each in asked)
    assert most == 1


def test_a_thumbnail_never_shows_a_later_job_with_the_same_id() -> None:
    service = drawn(seed=1)
    job_service = service.container.job_service()
    find, first = job_service.find, job_service.find(key_name(API_KEY), "small")

    def find_and_draw_again(caller: str, job_id: str) -> JobView:
        job_service.find = find  # type: ignore[method-assign]
        service.client.delete("/v1/jobs/small?forget=true", headers=AUTHORIZED)
        body = infer_body(id="small", seed=2)
        service.client.post("/v1/jobs", json=body, headers=AUTHORIZED)
        job_service.run_once()
        return first

    (url,) = addresses(service)
    job_service.find = find_and_draw_again  # type: ignore[method-assign]
    response = service.client.get(url, headers=AUTHORIZED)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-cache"
    (new_url,) = addresses(service)
    assert new_url != url
    new = service.client.get(new_url, headers=AUTHORIZED)
    assert (new.status_code, new.data) == (200, response.data)
    (job,) = service.jobs.jobs.values()
    assert service.results.thumbnails == {(job.token, 0): new.data}


def test_a_thumbnail_that_cannot_be_stored_is_still_returned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = drawn()
    (url,) = addresses(service)
    service.results.full = True
    response = service.client.get(url, headers=AUTHORIZED)
    assert (response.status_code, response.content_type) == (200, "image/webp")
    assert service.results.thumbnails == {}
    assert not sum(service.jobs.more_bytes.values())  # which each attempt would add to
    assert "a thumbnail of job 'small' is not stored" in caplog.text


def test_a_picture_that_cannot_be_reduced_is_returned_unchanged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = drawn()
    maker = FakePictureCodec()
    maker.broken = True
    job_service = service.container.job_service()
    thumbnails = Thumbnails(job_service, service.jobs, service.results, maker)
    (job,) = service.jobs.jobs.values()
    assert thumbnails.get(job.caller, "small", 0) == (job, service.results.files[job.token][0])
    assert service.results.thumbnails == {}
    assert "no thumbnail of picture 0 of job 'small'" in caplog.text


def test_only_the_caller_of_the_job_gets_its_thumbnails() -> None:
    service = drawn()
    (url,) = addresses(service)
    assert_problem(service.client.get(url, headers=OTHERS), 404, "job_not_found")
    assert_problem(service.client.get(url), 401, "unauthenticated")


@pytest.mark.parametrize("size", ["", "large", "THUMBNAIL", "64"])
def test_another_size_is_refused(size: str) -> None:
    response = drawn().client.get(f"/v1/jobs/small/images/0?size={size}", headers=AUTHORIZED)
    problem = assert_problem(response, 422, "invalid_request")
    assert problem["errors"][0]["field"] == "size"


def test_a_missing_picture_has_no_thumbnail() -> None:
    service = drawn()
    response = service.client.get("/v1/jobs/small/images/1?size=thumbnail", headers=AUTHORIZED)
    assert_problem(response, 404, "image_not_found")
    service.results.files.clear()
    response = service.client.get("/v1/jobs/small/images/0?size=thumbnail", headers=AUTHORIZED)
    assert_problem(response, 410, "pictures_lost")
