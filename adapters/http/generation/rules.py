"""The limits of a request's fields, and the rules between fields, as JSON Schema.

They are for the API's description. The domain checks the fields (`field_problems`).
"""

from typing import Any

from domain.generation.fields import LIMITS, NO_GUIDANCE, RequestField, integers
from domain.generation.output_formats import OutputFormat
from domain.limits import IntegerRange, Limit, NumberRange, TextLength

__all__ = ["described_limit", "images_rule", "quality_rule", "seed_rule"]

_NO_PATH = {"not": {"pattern": r"/|^\.{1,2}$"}}
_GUIDANCE = {"anyOf": [{"maximum": 0}, {"minimum": int(NO_GUIDANCE)}]}


def described_limit(row: RequestField, limit: Limit) -> dict[str, Any]:
    """Return the schema of a field's limit."""
    if isinstance(limit, IntegerRange | NumberRange):
        bounds: dict[str, Any] = {"minimum": limit.minimum, "maximum": limit.maximum}
        return bounds | (_GUIDANCE if limit is LIMITS["guidance_scale"] else {})
    if isinstance(limit, TextLength):
        pattern = limit.LINES_PATTERN if row.is_text else limit.PATTERN
        length = {"minLength": limit.minimum, "maxLength": limit.maximum, "pattern": pattern}
        return length | (_NO_PATH if limit is LIMITS["id"] else {})
    return {"enum": list(limit.words)}


def seed_rule(numbers: IntegerRange, num_images: str = "num_images") -> dict[str, Any]:
    """Return the rule for the seed of the last image. `numbers` limits the number of images."""
    seeds = integers("seed")
    return {
        "anyOf": [
            {
                "properties": {
                    num_images: {"maximum": number},
                    "seed": {"maximum": seeds.maximum - number + 1},
                }
            }
            for number in range(numbers.minimum, numbers.maximum + 1)
        ]
    }


def images_rule(one: str, other: str) -> dict[str, Any]:
    """Return the rule for the product of these two fields, which is the number of images.

    The rule lists only the largest pairs with an allowed product, and 1 by 1. For the last few
    seeds, the service accepts more pairs than the rule.
    """
    seeds, numbers = integers("seed"), integers("num_images")
    most = numbers.maximum
    largest = [(first, most // first) for first in range(numbers.minimum, most + 1)]
    pairs = [(1, 1), *((a, b) for a, b in largest if most // b == a)]
    return {
        "anyOf": [
            {
                "properties": {
                    one: {"maximum": first},
                    other: {"maximum": second},
                    "seed": {"maximum": seeds.maximum - first * second + 1},
                }
            }
            for first, second in pairs
        ]
    }


def quality_rule(quality: str, *free: object) -> dict[str, Any]:
    """Return the rule for a quality, which only some formats have. Any format accepts `free`."""
    lossy = [each.value for each in OutputFormat if each.has_quality]
    return {
        "anyOf": [
            {"properties": {quality: {"enum": [None, *free]}}},
            {"properties": {"output_format": {"enum": lossy}}, "required": ["output_format"]},
        ]
    }
