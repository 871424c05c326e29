"""What fields of a request say of each other, in the words of JSON Schema.

The domain checks it (`last_seed_problem`, `quality_problem`); this is for the API's description.
"""

import itertools
from typing import Any

from domain.generation import GenerationRequest
from domain.limits import IntegerRange
from domain.output_formats import OutputFormat

__all__ = ["images_rule", "quality_rule", "seed_rule"]


def seed_rule(num_images: str = "num_images") -> dict[str, Any]:
    """The seed of the last image is within the bounds too."""
    seeds, numbers = _bounds("seed"), _bounds("num_images")
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
    """The product of these two is the number of images, within its bounds and the seed's."""
    seeds, numbers = _bounds("seed"), _bounds("num_images")
    counts = range(numbers.minimum, numbers.maximum + 1)
    return {
        "anyOf": [
            {
                "properties": {
                    one: {"maximum": first},
                    other: {"maximum": second},
                    "seed": {"maximum": seeds.maximum - first * second + 1},
                }
            }
            for first, second in itertools.product(counts, counts)
            if first * second <= numbers.maximum
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
