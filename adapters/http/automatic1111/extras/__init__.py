"""The routes that enlarge pictures: their requests, and their answers."""

from adapters.http.automatic1111.extras.enlarging import Enlarging
from adapters.http.automatic1111.extras.routes import extras_blueprint

__all__ = ["Enlarging", "extras_blueprint"]
