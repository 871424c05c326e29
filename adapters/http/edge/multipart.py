"""Reads forms of files and texts (multipart/form-data, RFC 7578) within bounds of memory.

werkzeug's decoder does the work. Its own parser would write files to disk, and bounds each text but
not all of them together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO

from flask import Request, abort
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from adapters.http.edge.body_budget import reserve_body
from domain.errors import PictureFileTooLarge

__all__ = ["FORM_TYPE", "Form", "FormLimits", "SentFiles", "read_form"]

FORM_TYPE = "multipart/form-data"
_CHUNK = 65_536
_MOST_DASHES = 80
"""More than a boundary has: it has at most 70 characters (RFC 2046, section 5.1.1)."""


@dataclass(frozen=True, slots=True)
class FormLimits:
    """The limits of a form.

    Attributes:
        files: The most files.
        file_bytes: The most bytes of a file.
        kept_files: The most files that are kept. Memory is reserved for them.
        parts: The most parts, files and texts together.
        text_bytes: The most bytes of everything else: all texts and headers together.
    """

    files: int
    file_bytes: int
    kept_files: int
    parts: int
    text_bytes: int

    @property
    def bytes(self) -> int:
        """The most bytes of the whole body."""
        return self.files * self.file_bytes + self.text_bytes

    @property
    def kept_bytes(self) -> int:
        """The most bytes that are kept of it."""
        return self.kept_files * self.file_bytes + self.text_bytes


@dataclass(frozen=True, slots=True)
class SentFiles:
    """The files of one field.

    Attributes:
        number: How many there are.
        first: The first one; None if files of other fields took all the room. Only it is kept.
    """

    number: int
    first: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of a form by their names.

    Attributes:
        all_texts: The texts of each name, in order; at least one.
        files: The files.
    """

    all_texts: Mapping[str, Sequence[str]]
    files: Mapping[str, SentFiles]

    @property
    def texts(self) -> Mapping[str, str]:
        """The text of each name. Of a text that is sent twice the last counts."""
        return {name: texts[-1] for name, texts in self.all_texts.items()}


def read_form(req: Request, limits: FormLimits, *, file_field: Callable[[str], str | None]) -> Form:
    """Return the form in the body of a request.

    Args:
        req: The request. Its body was not read yet.
        limits: What is more is answered with 413.
        file_field: Returns the name under which files of this name are counted; None for the name
            of a text. A part without a file name may be a file, and a text may have one, so the
            name of the field decides.

    Raises:
        PictureFileTooLarge: A file has too many bytes.
        TooManyCallers: Too many large bodies are being received.
        HTTPException: 413 for another limit; 400 for a body that is not a form, or not whole.
    """
    reader = _Reader(limits, file_field)
    try:
        for event in _events(req, limits):
            reader.read(event)
    except RequestEntityTooLarge as error:
        if error.description != RequestEntityTooLarge.description:
            raise  # it has words of this module
        _too_large(f"the form has more than {limits.parts} parts, or too many bytes")
    except UnicodeDecodeError:
        _malformed("a header or a text is not UTF-8")
    except ValueError as error:
        _malformed(str(error))
    except (ParseException, OSError):  # malformed chunks, or a client that stopped sending
        abort(HTTPStatus.BAD_REQUEST, description="the body did not arrive whole")
    return reader.form


class _Reader:
    """Collects the parts of a form."""

    def __init__(self, limits: FormLimits, file_field: Callable[[str], str | None]) -> None:
        self._limits = limits
        self._file_field = file_field
        self._name = ""
        self._is_file = False
        self._part = bytearray()
        self._is_kept = True
        self._length = 0
        self._text_bytes = 0
        self._number_of_files = 0
        self._texts: dict[str, list[str]] = {}
        self._files: dict[str, SentFiles] = {}

    @property
    def form(self) -> Form:
        return Form(self._texts, self._files)

    def read(self, event: Event) -> None:
        if isinstance(event, Field | File):
            if event.name is None:
                raise ValueError("a part has no name")
            self._begin(event.name)
        elif isinstance(event, Data):
            self._add(event.data)
            if not event.more_data:
                self._end()

    def _begin(self, name: str) -> None:
        field = self._file_field(name)
        self._name, self._is_file = field or name, field is not None
        self._part, self._length = bytearray(), 0
        self._is_kept = not self._is_file or (
            self._name not in self._files and len(self._files) < self._limits.kept_files
        )
        self._text_bytes += len(name)
        if self._is_file:
            self._number_of_files += 1
            if self._number_of_files > self._limits.files:
                _too_large(f"the form has more than {self._limits.files} files")

    def _add(self, data: bytes) -> None:
        self._length += len(data)
        if not self._is_file:
            self._text_bytes += len(data)
        elif self._length > self._limits.file_bytes:
            raise PictureFileTooLarge(self._limits.file_bytes)
        if self._text_bytes > self._limits.text_bytes:
            _too_large(f"the texts of the form have more than {self._limits.text_bytes} bytes")
        if self._is_kept:
            self._part += data

    def _end(self) -> None:
        name = self._name
        if not self._is_file:
            self._texts.setdefault(name, []).append(self._part.decode("utf-8"))
        elif name in self._files:
            known = self._files[name]
            self._files[name] = SentFiles(known.number + 1, known.first)
        else:
            self._files[name] = SentFiles(1, bytes(self._part) if self._is_kept else None)
        self._part = bytearray()


def _events(req: Request, limits: FormLimits) -> Iterator[Event]:
    """Yield what the decoder finds in the body."""
    boundary = req.mimetype_params.get("boundary", "").encode("ascii")
    if not boundary:
        raise ValueError("its Content-Type has no boundary")
    # The limit of memory is for what lies between the parts, and for their headers.
    decoder = MultipartDecoder(boundary, limits.text_bytes + _CHUNK, max_parts=limits.parts)
    expected = limits.bytes if req.content_length is None else req.content_length
    if expected > limits.text_bytes:
        reserve_body(min(expected, limits.kept_bytes))
    # werkzeug silently cuts a body without a length at its limit.
    req.max_content_length = limits.bytes + 1
    left = limits.bytes
    for data in _chunks(req.stream):
        left -= len(data)
        if left < 0:
            _too_large(f"the body has more than {limits.bytes} bytes")
        decoder.receive_data(data)
        while not isinstance(event := decoder.next_event(), NeedData):
            yield event
    decoder.receive_data(None)
    while not isinstance(event := decoder.next_event(), Epilogue):
        yield event


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the body in chunks that do not end in a dash, unless many dashes follow one another.

    If a chunk ends between the two dashes behind the last boundary, the decoder of werkzeug 3.1
    adds a CR to the last part (`_last_partial_boundary_index` in its `sansio/multipart.py`).
    """
    while data := stream.read(_CHUNK):
        for _ in range(_MOST_DASHES):
            if not data.endswith(b"-") or not (more := stream.read(1)):
                break
            data += more
        yield data


def _malformed(what: str) -> None:
    abort(HTTPStatus.BAD_REQUEST, description=f"the body is not a form of {FORM_TYPE}: {what}")


def _too_large(what: str) -> None:
    abort(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, description=f"{what}; send a smaller one")
