"""Credentials are repeated nowhere: neither in an answer nor in the log.

Two rules. What belongs to this service is known by value: its API keys, SECRET_KEY, METRICS_KEY and
the database's password. What belongs to other services, or to an earlier key, is known by shape: a
JWT, `user:password@` of a URL, and long words that look as if drawn by chance.

To find a whole credential tells a stranger no more than sending it as a credential does, so
`holds` may decide what strangers see. To find the start of one would tell them how far a guess is
right, so only texts for callers with a good credential, and the log, are `redacted`.
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
    "redactor_of",
    "refuse_credentials",
]

MARK = "«…»"
"""What stands where a credential was."""

_EXTENSION = "redaction"
_RECOGNISABLE = 12
"""So many characters of the start of a credential are enough to know it: 62^12 is 71 bits."""
_SHORTEST_WORD = 4
"""A credential that is shorter is too common a word to look for."""
_WORD = "A-Za-z0-9_-"
_REST_OF_WORD = re.compile(rf"[.~+/={_WORD}]*")
_BASE64 = (re.compile(r"[A-Za-z0-9+_-]{8,}={0,2}"), re.compile(r"[A-Za-z0-9+/]{8,}={0,2}"))
"""Without a slash, as words of an address are, and with."""
_JWT = re.compile(rf"eyJ[{_WORD}]{{10,}}(?:\.[{_WORD}]*){{0,2}}", re.IGNORECASE)
_JWT_START = "eyJ"
_JWT_PARTS = (13, 4, 4)
"""Characters that its head, claims and signature have at least."""
_DOTTED_WORDS = re.compile(rf"[.{_WORD}]+")
_URL_PASSWORD = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_LONG_WORD = re.compile(rf"[{_WORD}]{{20,}}")
_HEX = re.compile(r"[0-9a-fA-F-]+")
# In random letters and digits 62 % of neighbours are of two kinds (lower case, upper case, digit),
# in names of models about 25 %, and at most 44 % of those that were looked at.
_RANDOM_CHANGES = 0.45
_OF_JOBS = frozenset(
    error.code
    for error in (
        *(errors.JobNotFound, errors.ImageNotFound, errors.ImageNotReady, errors.PicturesLost),
        *(errors.IdConflict, errors.JobCancelled, errors.JobRunning),
    )
)
"""Errors that name a job, whose id a client may draw by chance: it is no credential for that."""
_OURS = frozenset({"type", "title", "status", "code", "request_id"})
"""Members of an error that are not made of what was sent, or were looked at before."""
_HEADERS_OF_OURS = frozenset({"Content-Length", "Content-Type", "ETag", "Retry-After"})
"""The same of headers. Preflights, for one, repeat what was sent in others."""


def looks_random(word: str) -> bool:
    """Whether a word of letters, digits, `_` and `-` looks as if drawn by chance, as keys are.

    Hexadecimal ones do not count: ids of models and of jobs are such.
    """
    if _HEX.fullmatch(word) or not re.search("[0-9]", word) or not re.search("[A-Za-z]", word):
        return False
    kinds = [_kind(character) for character in word if character not in "_-"]
    changes = sum(one != other for one, other in pairwise(kinds))
    return changes >= _RANDOM_CHANGES * (len(kinds) - 1)


def _kind(character: str) -> str:
    return "digit" if character.isdigit() else "upper" if character.isupper() else "lower"


class Redactor:
    """Knows the credentials of the service, and finds them in any way of writing them.

    Args:
        credentials: Each in the clear. Those of fewer than 12 characters are found as whole words
            alone, and those of fewer than 4 not at all.
    """

    def __init__(self, credentials: Iterable[str]) -> None:
        known = sorted(set(credentials), key=len, reverse=True)
        long = [each for each in known if len(each) >= _RECOGNISABLE]
        short = [each for each in known if _SHORTEST_WORD <= len(each) < _RECOGNISABLE]
        self._forms = tuple(form.lower() for each in long for form in _written(each))
        words = [rf"(?<![{_WORD}]){re.escape(each)}(?![{_WORD}])" for each in short]
        self._short = frozenset(short)
        self._long = _any_of(map(re.escape, self._forms))
        self._whole = _any_of([*map(re.escape, self._forms), *words])
        self._words = _any_of(words)
        self._starts = _any_of([re.escape(form[:_RECOGNISABLE]) for form in self._forms])

    def holds(self, text: str, *, words: bool = True) -> bool:
        """Whether `text` holds a whole credential, as it is or in base64 or percent-encoding.

        A JWT is one, whoever signed it. Without `words` a short credential does not count, which
        may be a common word.
        """
        if _holds_jwt(text):
            return True
        whole = self._whole if words else self._long
        return any(map(whole.search, (text, unquote(text)))) or any(
            whole.search(_decoded(found[0])) for words in _BASE64 for found in words.finditer(text)
        )

    def is_one(self, text: str) -> bool:
        """Whether `text` holds a whole credential that is long, or is a short one."""
        return text in self._short or self.holds(text, words=False)

    def reveals(self, text: str) -> bool:
        """Whether `text` holds a whole credential, or what looks like one of anybody's."""
        return self.holds(text) or any(map(looks_random, _LONG_WORD.findall(text)))

    def redacted(self, text: str, *, shapes: bool = True) -> str:
        """`text` with a mark in the place of each credential, and of each start of one.

        With `shapes` also in the place of what looks like a credential of anybody.
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
        """Where what begins with a credential's start at `start` ends."""
        rest = text[start : start + max(map(len, self._forms))].lower()
        common = max(_common_start(rest, form) for form in self._forms)
        end = _REST_OF_WORD.match(text, start + common)
        assert end is not None  # noqa: S101 - it matches nothing too
        return end.end()


def _holds_jwt(text: str) -> bool:
    """Whether `text` holds a whole JWT. It takes time in proportion to the text, whatever that is.

    One regular expression would begin anew at each start and read on to the end of the word.
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


def _written(credential: str) -> set[str]:
    """The ways in which messages and addresses write it."""
    return {
        *(credential, ascii(credential)[1:-1], json.dumps(credential)[1:-1]),
        *(quote(credential, safe=""), quote(credential)),
    }


def _decoded(word: str) -> str:
    """What base64 says, of either alphabet, padded or not; "" where it is none."""
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
    """The one that knows the credentials of these settings."""
    password = urlsplit(settings.database_url).password if settings.database_url else None
    others = (settings.secret_key, settings.metrics_key, password)
    return _redactor((*settings.api_keys, *filter(None, others)))


@lru_cache(maxsize=8)
def _redactor(credentials: tuple[str, ...]) -> Redactor:
    return Redactor(credentials)


def current_redactor() -> Redactor:
    """The one of the application that answers now."""
    redactor: Redactor = current_app.extensions[_EXTENSION]
    return redactor


def refuse_credentials(texts: dict[str, object], settings: Settings) -> None:
    """Raise InvalidRequest where one of the fields `texts` holds a credential.

    What is asked for is stored, answered and logged, so a key in it would be too.
    """
    redactor = redactor_of(settings)
    message = "holds a credential, which must not be stored; leave it out"
    wrong = [
        name for name, text in texts.items() if isinstance(text, str) and redactor.is_one(text)
    ]
    if wrong:
        raise InvalidRequest([FieldProblem(name, message) for name in wrong])


def install_redaction(app: Flask, redactor: Redactor) -> None:
    """Let no error of `app`, and no header of any answer, hold a credential."""

    def keep_from_redirecting() -> None:
        # A redirect repeats the whole address to whoever asks, and most browsers keep it.
        is_redirect = isinstance(request.routing_exception, RequestRedirect)
        if is_redirect and (request.query_string or redactor.reveals(request.path)):
            request.routing_exception = NotFound()

    def clean(response: Response) -> Response:
        for name, value in list(response.headers):
            if name not in _HEADERS_OF_OURS and redactor.holds(value, words=False):
                response.headers.remove(name)
        is_json = (response.mimetype or "").endswith("json") and not response.is_streamed
        if response.status_code >= 400 and is_json:
            shapes = g.get("problem_code") not in _OF_JOBS
            body = json.loads(response.get_data())
            cleaned = _cleaned(body, redactor, shapes)
            if cleaned != body:
                response.set_data(json.dumps(cleaned))
        return response

    app.extensions[_EXTENSION] = redactor
    app.before_request(keep_from_redirecting)
    app.after_request(clean)


def _cleaned(value: object, redactor: Redactor, shapes: bool) -> object:
    if isinstance(value, str):
        return redactor.redacted(value, shapes=shapes)
    if isinstance(value, list):
        return [_cleaned(each, redactor, shapes) for each in value]
    if isinstance(value, dict):
        return {
            name: each if name in _OURS else _cleaned(each, redactor, shapes)
            for name, each in value.items()
        }
    return value
