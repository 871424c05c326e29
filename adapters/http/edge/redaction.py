"""Keeps credentials out of answers and out of the log.

A credential of this service is recognised by its value: its API keys, SECRET_KEY, METRICS_KEY and
the database's password. A credential of another service, or an earlier key, is recognised by its
shape: a JWT, `user:password@` in a URL, or a long word that looks random.

`holds` finds whole credentials alone. That tells a stranger no more than a request with the guessed
credential does, so `holds` may decide what a stranger sees. `redacted` also finds the start of a
credential, which would tell a stranger how much of a guess is right. So `redacted` is applied only
to the log and to answers for callers with a valid credential.
"""

import base64
import binascii
import json
import operator
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from urllib.parse import quote, unquote, urlsplit

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect

from application.settings.settings import Settings
from domain import errors
from domain.errors import FieldProblem, InvalidRequest

__all__ = [
    "MARK",
    "Redactor",
    "current_redactor",
    "install_redaction",
    "looks_random",
    "redacted_error",
    "redactor_of",
    "refuse_credentials",
]

MARK = "«…»"
"""Replaces a credential."""

_EXTENSION = "redaction"
_RECOGNISABLE = 12
"""The first characters of a credential that are enough to recognise it: 62^12 is 71 bits."""
_SHORTEST_WORD = 4
"""Characters. A shorter credential is too common a word to search for."""
_WORD = "A-Za-z0-9_-"
_REST_OF_WORD = re.compile(rf"[.~+/={_WORD}]*")
_BASE64 = (re.compile(r"[A-Za-z0-9+_-]{8,}={0,2}"), re.compile(r"[A-Za-z0-9+/]{8,}={0,2}"))
"""Without a slash, as in the segments of a path, and with slashes."""
_JWT = re.compile(rf"eyJ[{_WORD}]{{10,}}(?:\.[{_WORD}]*){{0,2}}", re.IGNORECASE)
_JWT_START = "eyJ"
_JWT_PARTS = (13, 4, 4)
"""The fewest characters of a JWT's header, claims and signature."""
_DOTTED_WORDS = re.compile(rf"[.{_WORD}]+")
_URL_PASSWORD = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_LONG_WORD = re.compile(rf"[{_WORD}]{{20,}}")
_HEX = re.compile(r"[0-9a-fA-F-]+")
# In random letters and digits 62 % of neighbours differ in kind (lower case, upper case, digit). In
# names of models about 25 % do, and at most 44 % in the names that were examined.
_RANDOM_CHANGES = 0.45
_JOB_ERRORS = frozenset(
    error.code
    for error in (
        *(errors.JobNotFound, errors.ImageNotFound, errors.ImageNotReady, errors.PicturesLost),
        *(errors.IdConflict, errors.JobCancelled, errors.JobRunning),
    )
)
"""Errors that name a job. A client may choose a random id, which is not a credential."""
_UNCHECKED_MEMBERS = frozenset({"type", "title", "status", "code", "request_id"})
"""Members of an error that repeat nothing a client sent, or that were checked before."""
_UNCHECKED_HEADERS = frozenset({"Content-Length", "Content-Type", "ETag", "Retry-After"})
"""Headers that repeat nothing a client sent. Others may: those of a preflight, for example."""


def looks_random(word: str) -> bool:
    """Return whether a word of letters, digits, `_` and `-` looks random, as keys do.

    Hexadecimal words do not count: ids of models and of jobs are hexadecimal.
    """
    if _HEX.fullmatch(word) or not re.search("[0-9]", word) or not re.search("[A-Za-z]", word):
        return False
    kinds = [_kind(character) for character in word if character not in "_-"]
    changes = sum(one != other for one, other in pairwise(kinds))
    return changes >= _RANDOM_CHANGES * (len(kinds) - 1)


def _kind(character: str) -> str:
    return "digit" if character.isdigit() else "upper" if character.isupper() else "lower"


class Redactor:
    """Finds the service's credentials in a text, also in base64 or percent-encoding.

    Args:
        credentials: The credentials in the clear. One of fewer than 12 characters is found as a
            whole word alone, and one of fewer than 4 is not found.
    """

    def __init__(self, credentials: Iterable[str]) -> None:
        known = sorted(set(credentials), key=len, reverse=True)
        long = [each for each in known if len(each) >= _RECOGNISABLE]
        short = [each for each in known if _SHORTEST_WORD <= len(each) < _RECOGNISABLE]
        self._forms = tuple(form.lower() for each in long for form in _spellings(each))
        words = [rf"(?<![{_WORD}]){re.escape(each)}(?![{_WORD}])" for each in short]
        self._short = frozenset(short)
        self._long = _any_of(map(re.escape, self._forms))
        self._whole = _any_of([*map(re.escape, self._forms), *words])
        self._words = _any_of(words)
        self._starts = _any_of([re.escape(form[:_RECOGNISABLE]) for form in self._forms])

    def holds(self, text: str, *, words: bool = True) -> bool:
        """Return whether `text` holds a whole credential, plain or in base64 or percent-encoding.

        Every JWT counts as a credential, whoever signed it. Without `words` a short credential
        does not count, because it may be a common word.
        """
        if _holds_jwt(text):
            return True
        whole = self._whole if words else self._long
        return any(map(whole.search, (text, unquote(text)))) or any(
            whole.search(_decoded(found[0])) for words in _BASE64 for found in words.finditer(text)
        )

    def is_one(self, text: str) -> bool:
        """Return whether `text` holds a whole long credential, or is a short one."""
        return text in self._short or self.holds(text, words=False)

    def reveals(self, text: str) -> bool:
        """Return whether `text` holds a whole credential, or a word that looks like one."""
        return self.holds(text) or any(map(looks_random, _LONG_WORD.findall(text)))

    def redacted(self, text: str, *, shapes: bool = True) -> str:
        """Return `text` with each credential, and each start of one, replaced by `MARK`.

        With `shapes`, words that look like a credential of any service are replaced too.
        """
        for words in _BASE64:
            text = words.sub(self._without_encoded, text)
        text = self._words.sub(MARK, self._without_starts(text))
        text = _URL_PASSWORD.sub(MARK, _JWT.sub(MARK, text))
        return _LONG_WORD.sub(_without_random, text) if shapes else text

    def _without_encoded(self, found: re.Match[str]) -> str:
        decoded = _decoded(found[0])
        is_one = self._whole.search(decoded) or self._starts.search(decoded)
        return MARK if is_one else found[0]

    def _without_starts(self, text: str) -> str:
        parts, done = [], 0
        while found := self._starts.search(text, done):
            parts += [text[done : found.start()], MARK]
            done = max(self._end(text, found.start()), found.end())
        return "".join([*parts, text[done:]])

    def _end(self, text: str, start: int) -> int:
        """Return the end of the credential, or of the part of one, that begins at `start`."""
        rest = text[start : start + max(map(len, self._forms))].lower()
        common = max(_common_start(rest, form) for form in self._forms)
        end = _REST_OF_WORD.match(text, start + common)
        assert end is not None  # noqa: S101 - the pattern also matches an empty text
        return end.end()


def _holds_jwt(text: str) -> bool:
    """Return whether `text` holds a whole JWT, in time proportional to its length.

    A single regular expression would take quadratic time: it would read to the end of the word from
    every possible start.
    """
    if _JWT_START not in text:
        return False
    for dotted in _DOTTED_WORDS.findall(text):
        words = dotted.split(".")
        for head, *rest in zip(words, words[1:], words[2:], strict=False):
            at = head.find(_JWT_START)
            lengths = (len(head) - at, *map(len, rest))
            if at >= 0 and all(map(operator.ge, lengths, _JWT_PARTS)):
                return True
    return False


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)


def _spellings(credential: str) -> set[str]:
    """Return the spellings of a credential in messages and addresses."""
    return {
        *(credential, ascii(credential)[1:-1], json.dumps(credential)[1:-1]),
        *(quote(credential, safe=""), quote(credential)),
    }


def _decoded(word: str) -> str:
    """Return the text of base64 in either alphabet, padded or not; "" if it is not base64."""
    bare = word.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4)).decode("latin-1")
    except (ValueError, binascii.Error):
        return ""


def _common_start(text: str, form: str) -> int:
    length = min(len(text), len(form))
    return next((n for n in range(length) if text[n] != form[n]), length)


def _without_random(found: re.Match[str]) -> str:
    return MARK if looks_random(found[0]) else found[0]


def redactor_of(settings: Settings) -> Redactor:
    """Return the redactor for the credentials of these settings."""
    password = urlsplit(settings.database_url).password if settings.database_url else None
    others = (settings.secret_key, settings.metrics_key, password)
    return _redactor((*settings.api_keys, *filter(None, others)))


@lru_cache(maxsize=8)
def _redactor(credentials: tuple[str, ...]) -> Redactor:
    return Redactor(credentials)


def current_redactor() -> Redactor:
    """Return the redactor of the current application."""
    redactor: Redactor = current_app.extensions[_EXTENSION]
    return redactor


def refuse_credentials(texts: dict[str, object], settings: Settings) -> None:
    """Raise InvalidRequest if one of the fields `texts` holds a credential.

    A request is stored, answered and logged, and a key in it would be too.
    """
    redactor = redactor_of(settings)
    message = "holds a credential, which must not be stored; leave it out"
    wrong = [
        name for name, text in texts.items() if isinstance(text, str) and redactor.is_one(text)
    ]
    if wrong:
        raise InvalidRequest([FieldProblem(name, message) for name in wrong])


def install_redaction(app: Flask, redactor: Redactor) -> None:
    """Remove credentials from the errors of `app` and from the headers of its answers."""

    def refuse_redirects() -> None:
        # A redirect repeats the whole address to the client, and most browsers cache it.
        is_redirect = isinstance(request.routing_exception, RequestRedirect)
        if is_redirect and (request.query_string or redactor.reveals(request.path)):
            request.routing_exception = NotFound()

    def clean(response: Response) -> Response:
        for name, value in list(response.headers):
            if name not in _UNCHECKED_HEADERS and redactor.holds(value, words=False):
                response.headers.remove(name)
        is_json = (response.mimetype or "").endswith("json") and not response.is_streamed
        if response.status_code >= 400 and is_json:
            body = json.loads(response.get_data())
            cleaned = redacted_error(body, redactor, code=g.get("problem_code"))
            if cleaned != body:
                response.set_data(json.dumps(cleaned))
        return response

    app.extensions[_EXTENSION] = redactor
    app.before_request(refuse_redirects)
    app.after_request(clean)


def redacted_error(body: object, redactor: Redactor, *, code: str | None) -> object:
    """Return the JSON of an error with this code, without credentials."""
    return _cleaned(body, redactor, code not in _JOB_ERRORS)


def _cleaned(value: object, redactor: Redactor, shapes: bool) -> object:
    if isinstance(value, str):
        return redactor.redacted(value, shapes=shapes)
    if isinstance(value, list):
        return [_cleaned(each, redactor, shapes) for each in value]
    if isinstance(value, dict):
        return {
            name: each if name in _UNCHECKED_MEMBERS else _cleaned(each, redactor, shapes)
            for name, each in value.items()
        }
    return value
