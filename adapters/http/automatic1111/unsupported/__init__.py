"""What that API's clients ask for, beyond what is read from their requests.

Clients send all the fields that they know, most of them at their defaults. `fields` says of each
what it comes to here, `settings` of each setting of that web UI, `scripts` of scripts.
"""

from adapters.http.automatic1111.unsupported.fields import (
    MORE_FIELDS,
    MORE_SETTINGS,
    ignored_names,
    refusals,
    refused_settings,
)

__all__ = ["MORE_FIELDS", "MORE_SETTINGS", "ignored_names", "refusals", "refused_settings"]
