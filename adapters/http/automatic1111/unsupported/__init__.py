"""Fields, settings and scripts of AUTOMATIC1111's API that this service does not have.

Clients send all the fields that they know, most of them with default values. A value without effect
is accepted. A value that would change the picture is refused. `fields` decides on fields,
`settings` on settings of the web UI, and `scripts` on scripts.
"""

from adapters.http.automatic1111.unsupported.fields import (
    MORE_FIELDS,
    MORE_SETTINGS,
    ignored_names,
    refusals,
    refused_settings,
)

__all__ = ["MORE_FIELDS", "MORE_SETTINGS", "ignored_names", "refusals", "refused_settings"]
