"""What makes two requests the same request."""

import hashlib
import json

from domain.generation.plain import plain_values
from domain.generation.request import GenerationRequest

__all__ = ["fingerprint"]


def fingerprint(request: GenerationRequest, **changes: object) -> str:
    """SHA-256, in hex, of all that is asked for but the id: equal for equal requests.

    Of JSON in ASCII, with sorted keys and no blanks, of `plain_values`: a request that does not use
    the fields of a later release has the fingerprint that an earlier release gave it.

    Args:
        request: What is asked for.
        changes: Fields that count with another value, which need not be allowed.
    """
    asked = plain_values(request) | changes
    del asked["id"]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
