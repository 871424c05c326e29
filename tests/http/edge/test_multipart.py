"""Forms of files and texts, as the edge reads them."""

import io
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

from adapters.http.edge.body_budget import BodyBudget, install_body_budget
from adapters.http.edge.multipart import FORM_TYPE, Form, FormLimits, SentFiles, read_form
from domain.errors import PictureFileTooLarge, TooManyCallers

LIMITS = FormLimits(files=3, file_bytes=1000, kept_files=2, parts=6, text_bytes=400)
FILES = {"image": "image", "image[]": "image", "mask": "mask", "other": "other"}
PNG = b"Content-Type: image/png\r\n"


def app_with(held: int = 0) -> Flask:
    """Return an application with 1000 bytes for large bodies, and `held` of them are taken."""
    app = Flask(__name__)
    install_body_budget(app, 1000)
    (budget,) = (each for each in app.extensions.values() if isinstance(each, BodyBudget))
    if held:
        assert budget.take("another", held)
    return app


def part(name: str, content: bytes, *, headers: bytes = b"", filename: str | None = None) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    return b"--b\r\n" + disposition.encode() + b"\r\n" + headers + b"\r\n" + content + b"\r\n"


def body_of(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


def read(
    body: bytes,
    *,
    content_type: str = f"{FORM_TYPE}; boundary=b",
    limits: FormLimits = LIMITS,
    held: int = 0,
) -> Form:
    stream: Any = io.BytesIO(body)
    with app_with(held).test_request_context(
        method="POST",
        content_type=content_type,
        input_stream=stream,
        content_length=len(body),
    ):
        return read_form(request, limits, file_field=FILES.get)


def test_texts_and_files_have_their_names() -> None:
    form = read(
        body_of(
            part("prompt", "ein röter Kreis".encode()),
            part(
                "image",
                b"\x89PNG\r\n--bx",
                filename="a.png",
                headers=b"Content-Type: image/png\r\n",
            ),
            part("mask", b"\x89PNG mask", filename="mask.png"),
        )
    )
    assert form.texts == {"prompt": "ein röter Kreis"}
    assert form.files == {
        "image": SentFiles(1, b"\x89PNG\r\n--bx"),
        "mask": SentFiles(1, b"\x89PNG mask"),
    }


def test_the_name_of_a_field_decides_what_is_a_file() -> None:
    form = read(body_of(part("image", b"\xff\xd8"), part("prompt", b"p", filename="prompt.txt")))
    assert form.files == {"image": SentFiles(1, b"\xff\xd8")}
    assert form.texts == {"prompt": "p"}


def test_only_the_first_file_of_a_field_is_kept() -> None:
    names = ("image[]", "image", "image[]")
    parts = [part(name, b"%d" % number, filename="x") for number, name in enumerate(names)]
    assert read(body_of(*parts)).files == {"image": SentFiles(3, b"0")}


def test_no_more_files_are_kept_than_memory_is_reserved_for() -> None:
    names = ("image", "mask", "other")
    form = read(body_of(*(part(name, b"x", filename="x") for name in names)))
    assert form.files["image"] == form.files["mask"] == SentFiles(1, b"x")
    assert form.files["other"] == SentFiles(1, None)


def test_a_large_form_needs_room_in_the_memory_for_large_bodies() -> None:
    large = body_of(part("image", b"x" * 900, filename="x"))
    small = body_of(part("image", b"x" * 100, filename="x"))
    assert read(small, held=500).files["image"].number == 1
    assert read(large).files["image"].number == 1
    with pytest.raises(TooManyCallers):
        read(large, held=500)


def test_the_last_of_two_texts_counts() -> None:
    assert read(body_of(part("n", b"1"), part("n", b"2"))).texts == {"n": "2"}


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_a_preamble_and_an_epilogue_are_ignored(line_end: bytes) -> None:
    body = b"before" + b"\r\n" + body_of(part("n", b"1")) + b"after"
    assert read(body.replace(b"\r\n", line_end)).texts == {"n": "1"}


def test_a_form_without_parts_is_empty() -> None:
    assert read(b"--b--\r\n") == Form({}, {})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"--b",
        b"--b\r\n",
        body_of(part("n", b"1"))[:-8],
        part("n", b"1"),
        part("image", b"cut off", filename="x")[:-4],
        b"--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--\r\n",
        b"--b\r\n\xff: x\r\n\r\n1\r\n--b--\r\n",
        body_of(part("n", b"\xff")),
    ],
)
def test_a_body_that_is_not_a_form_is_a_400(body: bytes) -> None:
    with pytest.raises(BadRequest, match="the body is not a form"):
        read(body)


@pytest.mark.parametrize("content_type", [FORM_TYPE, f"{FORM_TYPE}; boundary=\xfc"])
def test_a_missing_boundary_is_a_400(content_type: str) -> None:
    with pytest.raises(BadRequest, match="the body is not a form"):
        read(body_of(part("n", b"1")), content_type=content_type)


@pytest.mark.parametrize("length", [0, 999, 1000])
def test_a_file_may_have_the_most_bytes(length: int) -> None:
    form = read(body_of(part("image", b"x" * length, filename="x")))
    assert len(form.files["image"].first or b"") == length


@pytest.mark.parametrize("fields", [("image",), ("image", "image"), ("mask", "image", "image")])
def test_a_larger_file_is_refused_even_if_it_is_not_kept(fields: tuple[str, ...]) -> None:
    sent = [part(name, b"x", filename="x") for name in fields[1:]]
    with pytest.raises(PictureFileTooLarge):
        read(body_of(*sent, part(fields[0], b"x" * 1001, filename="x")))


@pytest.mark.parametrize(("texts", "fits"), [((396,), True), ((397,), False), ((196, 197), False)])
def test_all_texts_together_are_bounded(texts: tuple[int, ...], fits: bool) -> None:
    body = body_of(*(part("text", b"x" * length) for length in texts))
    if fits:
        read(body)
    else:
        with pytest.raises(RequestEntityTooLarge, match="400 bytes"):
            read(body)


@pytest.mark.parametrize("number", [6, 7])
def test_the_parts_are_bounded(number: int) -> None:
    body = body_of(*(part(f"f{each}", b"") for each in range(number)))
    if number <= LIMITS.parts:
        assert len(read(body).texts) == number
    else:
        with pytest.raises(RequestEntityTooLarge, match="more than 6 parts"):
            read(body)


@pytest.mark.parametrize("number", [3, 4])
def test_the_files_are_bounded(number: int) -> None:
    body = body_of(*(part("image", b"x", filename="x") for _ in range(number)))
    if number <= LIMITS.files:
        assert read(body).files["image"].number == number
    else:
        with pytest.raises(RequestEntityTooLarge, match="more than 3 files"):
            read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"x" * 200_000,
        b"--b\r\n" + b"X: y\r\n" * 40_000,
        body_of(part("n", b"1")) + b"x" * 200_000,
    ],
)
def test_what_is_between_the_parts_is_bounded(body: bytes) -> None:
    limits = FormLimits(files=300, file_bytes=1000, kept_files=2, parts=6, text_bytes=400)
    with pytest.raises(RequestEntityTooLarge):
        read(body, limits=limits)


def test_the_whole_body_is_bounded() -> None:
    with pytest.raises(RequestEntityTooLarge):
        read(b"x" * (LIMITS.bytes + 1))


def test_a_client_that_stops_sending_is_a_400() -> None:
    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise OSError

    with (
        app_with().test_request_context(
            method="POST",
            content_type=f"{FORM_TYPE}; boundary=b",
            input_stream=Broken(),
            content_length=10,
        ),
        pytest.raises(HTTPException) as caught,
    ):
        read_form(request, LIMITS, file_field=FILES.get)
    assert caught.value.code == 400


def test_any_bytes_are_a_form_or_refused() -> None:
    whole = body_of(
        part("prompt", b"p"), part("image", b"\x00\r\n--b-\r\n" * 9, filename="a"), part("n", b"1")
    )
    dice = random.Random(1)
    for _ in range(2000):
        spoilt = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(spoilt))
            spoilt[at : at + dice.randint(0, 9)] = dice.randbytes(dice.randint(0, 9))
        try:
            form = read(bytes(spoilt))
        except (HTTPException, PictureFileTooLarge):
            continue
        assert isinstance(form, Form)


def test_any_size_of_the_chunks_gives_the_same_form(monkeypatch: pytest.MonkeyPatch) -> None:
    body = body_of(
        part("prompt", b"p" * 99),
        part("image", b"\r\n-\r-x--b" * 99, filename="a"),
        part("n", b"1"),
    )
    whole = read(body)
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr("adapters.http.edge.multipart._CHUNK", size)
        assert read(body) == whole


class _Lazy(io.RawIOBase):
    """A body that is made while it is read."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._parts, b"")
        found, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(found)] = found
        return len(found)


def test_a_form_of_many_files_needs_memory_for_the_kept_ones_alone() -> None:
    megabyte = 1_000_000
    limits = FormLimits(files=40, file_bytes=megabyte, kept_files=2, parts=99, text_bytes=9_000)

    def body() -> Iterator[bytes]:
        for number in range(40):
            yield part("image" if number % 2 else "mask", b"", filename="x")[:-2]
            yield from (b"x" * 10_000 for _ in range(megabyte // 10_000))
            yield b"\r\n"
        yield b"--b--\r\n"

    with app_with().test_request_context(method="POST"):
        request.environ["CONTENT_TYPE"] = f"{FORM_TYPE}; boundary=b"
        request.environ["wsgi.input"] = io.BufferedReader(_Lazy(body()))
        request.environ["wsgi.input_terminated"] = True
        request.environ.pop("CONTENT_LENGTH", None)
        tracemalloc.start()
        try:
            form = read_form(request, limits, file_field=FILES.get)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert {name: each.number for name, each in form.files.items()} == {"image": 20, "mask": 20}
    assert peak < 4 * megabyte
