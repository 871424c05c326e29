"""What fields of a request say of each other, in the words of JSON Schema.

The domain checks it (`last_seed_problem`, `quality_problem`); this is for the API's description.
"""

from typing import Any

from domain.generation.output_formats import OutputFormat
from domain.generation.request import GenerationRequest
from domain.limits import IntegerRange, Limit

__all__ = ["images_rule", "quality_rule", "seed_rule"]


def seed_rule(numbers: Limit, num_images: str = "num_images") -> dict[str, Any]:
    """The seed of the last image is within the bounds too; `numbers` is how many there may be."""
    seeds = _bounds("seed")
    assert isinstance(numbers, IntegerRange)  # noqa: S101 - tells mypy which kind of limit
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
    """The product of these two is the number of images, within its bounds and the seed's.

    Of the pairs with an allowed product only the largest are listed, and 1 by 1: that is enough but
    for the last few seeds, where more pairs are taken than it says.
    """
    seeds, numbers = _bounds("seed"), _bounds("num_images")
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
    """It is of formats that have one; `free` are the values that go with any."""
    lossy = [each.value for each in OutputFormat if each.has_quality]
    return {
        "anyOf": [
            {"properties": {quality: {"enum": [None, *free]}}},
            {"properties": {"output_format": {"enum": lossy}}, "required": ["output_format"]},
        ]
    }


def _bounds(name: str) -> IntegerRange:
    limit = GenerationRequest.LIMITS[name]
    assert isinstance(limit, IntegerRange)  # noqa: S101 - tells mypy which kind of limit
    return limit
