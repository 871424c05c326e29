"""The fields of a request: their limits and meanings, in one table for every API.

`judging` checks the values. `domain.generation.forms.part_fields` has the fields of the parts.
"""

from domain.generation.fields.table import (
    FIELDS,
    LIMITS,
    MODEL_NAME,
    NO_GUIDANCE,
    OPENAI_LIMITS,
    OPTIONAL,
    SEEDS,
    V1_LIMITS,
    ModelId,
    RequestField,
    integers,
)

__all__ = [
    "FIELDS",
    "LIMITS",
    "MODEL_NAME",
    "NO_GUIDANCE",
    "OPENAI_LIMITS",
    "OPTIONAL",
    "SEEDS",
    "V1_LIMITS",
    "ModelId",
    "RequestField",
    "integers",
]
