"""The lists of AUTOMATIC1111's API: what a tool can choose from."""

from adapters.http.automatic1111.listing.models import listing_blueprint
from adapters.http.automatic1111.listing.networks import networks_blueprint

__all__ = ["listing_blueprint", "networks_blueprint"]
