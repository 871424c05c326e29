"""Decides whether two requests are the same."""

import hashlib
import json

from domain.generation.any_request import AnyRequest
from domain.generation.forms.plain import plain_values

__all__ = ["fingerprint"]


def fingerprint(request: AnyRequest, **changes: object) -> str:
    """Return the SHA-256, in hex, of all fields of a request except the id.

    It is the digest of `plain_values` as JSON in ASCII, with sorted keys and without blanks. A
    request that does not use the fields of a later release keeps the fingerprint that an earlier
    release gave it.

    Args:
        request: The request.
        changes: Other values for some fields, which need not be valid.
    """
    asked = plain_values(request) | changes
    del asked["id"]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
