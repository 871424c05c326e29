"""Fields, settings and scripts of AUTOMATIC1111's API that this service does not have.

Clients send all the fields that they know, most of them with default values. A value without effect
is accepted. A value that would change the picture is refused. `fields` decides on fields,
`settings` on settings of the web UI, and `scripts` on scripts.
"""

from adapters.http.automatic1111.unsupported.fields import IMG2IMG, TXT2IMG
from adapters.http.automatic1111.unsupported.scripts import CONTROLNET
from adapters.http.automatic1111.unsupported.second_pass import SAME_CHECKPOINTS
from adapters.http.automatic1111.unsupported.tables import (
    MORE_SETTINGS,
    FieldTable,
    refused_settings,
    shown_names,
)

__all__ = [
    "CONTROLNET",
    "IMG2IMG",
    "MORE_SETTINGS",
    "SAME_CHECKPOINTS",
    "TXT2IMG",
    "FieldTable",
    "refused_settings",
    "shown_names",
]
