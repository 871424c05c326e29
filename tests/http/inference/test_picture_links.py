"""The links of the OpenAI API: signed, expiring, for one picture, without a header."""

import errno
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from adapters.security.link_key import LinkKey
from application.jobs.live_job import Submission
from application.picture_links import LinkedPicture, PictureLinks, SignedLink
from domain.errors import StorageUnavailable
from tests.fakes.clock import FakeClock
from tests.http.conftest import AUTHORIZED, Service, documented_app, make_service, make_settings
from tests.http.helpers import assert_problem


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service(tmp_path: Path, clock: FakeClock) -> Iterator[Service]:
    running = make_service(make_settings(secret_key=None, data_dir=str(tmp_path)))
    links = PictureLinks(LinkKey(None, tmp_path / "key"), seconds=3600, now=lambda: clock.now)
    running.container.picture_links.override(links)
    running.container.app.reset()
    running.client = documented_app(running.container).test_client()
    running.container.service().start()
    yield running
    running.container.service().stop(timeout=10)


def generate(
    service: Service, headers: dict[str, str] | None = None, **fields: object
) -> TestResponse:
    body = {"prompt": "a red circle", "response_format": "url", **fields}
    return service.client.post(
        "/openai/v1/images/generations", json=body, headers={**AUTHORIZED, **(headers or {})}
    )


def links(service: Service, **fields: object) -> list[str]:
    return [each["url"] for each in generate(service, None, **fields).get_json()["data"]]


def opened(service: Service, link: str, **options: Any) -> TestResponse:
    address = urlsplit(link)
    return service.client.get(f"{address.path}?{address.query}", **options)


def test_a_link_opens_its_picture_without_a_header(service: Service) -> None:
    first, second = links(service, n=2, seed=1)
    assert first.startswith("http://localhost/v1/pictures/")
    answers = [opened(service, link) for link in (first, second)]
    assert [answer.mimetype for answer in answers] == ["image/png"] * 2
    assert answers[0].get_data() != answers[1].get_data()
    headers = answers[0].headers
    assert headers["Cache-Control"] == "private, max-age=3600"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Vary" not in headers or "Authorization" not in headers["Vary"]
    again = opened(service, first, headers={"If-None-Match": headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    address = urlsplit(first)
    head = service.client.head(f"{address.path}?{address.query}")
    assert (head.status_code, head.get_data()) == (200, b"")
    assert head.headers["Content-Length"] == str(len(answers[0].get_data()))


def test_a_link_opens_other_formats_too(service: Service) -> None:
    (link,) = links(service, output_format="webp")
    assert opened(service, link).mimetype == "image/webp"


def test_a_link_ends_when_it_expires(service: Service, clock: FakeClock) -> None:
    (link,) = links(service)
    clock.now += 3599
    assert opened(service, link).headers["Cache-Control"] == "private, max-age=1"
    clock.now += 1
    assert_problem(opened(service, link), 403, "link_not_valid")


@pytest.mark.parametrize(
    ("pattern", "other"),
    [
        (r"signature=\w", "signature=x"),
        (r"signature=\w+", "signature="),
        (r"&signature=\w+", ""),
        (r"signature=\w+", "signature=%C3%A9"),
        (r"expires=\d+", "expires=99999999999"),
        (r"expires=\d+", "expires=-1"),
        (r"expires=\d+", "expires=" + "9" * 5000),
        (r"expires=\d+&", ""),
        (r"/0/", "/1/"),
        (r"/(\w{2})(\w+)/0/", r"/00\2/0/"),
        (r"/\w+/0/", "/..%2F..%2Fkey/0/"),
        (r"/0/\w{31}", "/0/" + "0" * 31),
    ],
)
def test_a_changed_link_opens_nothing(service: Service, pattern: str, other: str) -> None:
    (link, _) = links(service, n=2)
    changed = re.sub(pattern, other, link, count=1)
    assert changed != link
    assert opened(service, changed).status_code in (403, 404)
    assert opened(service, link).status_code == 200


def test_a_link_survives_a_restart(service: Service, tmp_path: Path, clock: FakeClock) -> None:
    (link,) = links(service)
    _, query = link.split("?")
    expires, signature = (part.split("=")[1] for part in query.split("&"))
    _, _, _, token, number, digest = urlsplit(link).path.rsplit("/", 5)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    again = PictureLinks(LinkKey(None, tmp_path / "key"), seconds=1, now=lambda: clock.now)
    picture = LinkedPicture(token, int(number), digest)
    assert again.seconds_left(picture, SignedLink(int(expires), signature)) == 3600
    other = PictureLinks(LinkKey(None, tmp_path / "other"), seconds=1, now=lambda: clock.now)
    assert other.seconds_left(picture, SignedLink(int(expires), signature)) == 0


def test_a_secret_key_needs_no_file(tmp_path: Path) -> None:
    one, same, other = (LinkKey(secret, tmp_path / "key") for secret in ("a" * 32, "a" * 32, "b"))
    assert one() == same() != other()
    assert len(one()) == 32
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_hard_links_stores_the_key_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    key = LinkKey(None, tmp_path / "key")()
    assert LinkKey(None, tmp_path / "key")() == key
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_an_invalid_key_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(StorageUnavailable, match="does not hold 32 bytes"):
        LinkKey(None, tmp_path / "key")()
    (tmp_path / "key").write_bytes(b"k" * 33)
    with pytest.raises(StorageUnavailable, match="does not hold 32 bytes"):
        LinkKey(None, tmp_path / "key")()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageUnavailable, match="neither read nor made"):
        LinkKey(None, tmp_path / "file" / "key")()


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o602])
def test_a_key_file_that_others_may_read_is_closed_to_them_with_a_warning(
    tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    key = LinkKey(None, tmp_path / "key")()
    assert caplog.text == ""
    (tmp_path / "key").chmod(mode)
    assert LinkKey(None, tmp_path / "key")() == key
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert "other users could read" in caplog.text


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_a_file_of_another_owner_or_type_is_refused_as_a_key(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "key")
    with pytest.raises(StorageUnavailable, match=r"is not a file|cannot be read"):
        LinkKey(None, tmp_path / "key")()


def test_a_file_system_without_permissions_stores_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open
    monkeypatch.setattr(
        os, "open", lambda path, flags, mode=0o777: real(path, flags, 0o644 if mode else mode)
    )
    key = LinkKey(None, tmp_path / "key")
    assert len(key()) == 32
    assert key() == key()
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_made_even_if_its_job_is_deleted_before_the_answer(service: Service) -> None:
    job_service = service.container.job_service()
    submit = job_service.submit

    def submit_and_forget(*arguments: Any, **options: Any) -> Submission:
        submission = submit(*arguments, **options)
        result = submission.wait(10)
        job_service.forget(options["caller"], result.request.id)
        return submission

    job_service.submit = submit_and_forget  # type: ignore[method-assign]
    answer = generate(service)
    assert answer.status_code == 200
    link = answer.get_json()["data"][0]["url"]
    assert_problem(opened(service, link), 404, "image_not_found")


def test_a_link_to_a_deleted_picture_says_so(service: Service) -> None:
    (link,) = links(service)
    (job,) = service.client.get("/v1/jobs", headers=AUTHORIZED).get_json()["jobs"]
    service.client.delete(f"/v1/jobs/{job['id']}?forget=true", headers=AUTHORIZED)
    assert_problem(opened(service, link), 404, "image_not_found")


def test_changed_bytes_are_not_sent(service: Service) -> None:
    (link,) = links(service)
    ((token, (data,)),) = service.results.files.items()
    service.results.files[token] = (data[:-1] + b"x",)
    assert_problem(opened(service, link), 404, "image_not_found")


@pytest.mark.parametrize("host", ["a@x", "a b", "x/y", "evil.example:80:80", "[::1", '"'])
def test_a_host_that_no_link_can_start_with_is_refused_before_drawing(
    service: Service, host: str
) -> None:
    response = generate(service, {"Host": host})
    assert response.status_code == 400
    assert "Host" in response.get_json()["error"]["message"] or host in ("x/y", '"')
    assert service.generator.drawn == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "my-host.example"])
def test_a_link_starts_with_the_host_of_the_request(service: Service, host: str) -> None:
    answer = generate(service, {"Host": host}).get_json()
    assert answer["data"][0]["url"].startswith(f"http://{host}/v1/pictures/")


def test_no_signature_is_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    (link,) = links(service)
    opened(service, link)
    signature = link.rpartition("=")[2]
    assert "/v1/pictures/" in caplog.text
    assert signature not in caplog.text


@pytest.mark.parametrize("default", ["b64_json", "url"])
def test_a_setting_chooses_the_form_of_picture_answers(default: str) -> None:
    service = make_service(make_settings(openai_response_format=default))
    service.container.service().start()
    body = {"prompt": "a red circle"}
    for sent, expected in ((None, default), ("url", "url"), ("b64_json", "b64_json")):
        answer = service.client.post(
            "/openai/v1/images/generations",
            json={**body, "response_format": sent},
            headers=AUTHORIZED,
        ).get_json()
        assert set(answer["data"][0]) == {expected, "seed"}
    service.container.service().stop(timeout=10)
