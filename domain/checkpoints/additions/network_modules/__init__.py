"""The modules of a checkpoint's networks, by every name that files give them."""

from domain.checkpoints.additions.network_modules.modules import (
    Network,
    NetworkModule,
    NetworkModules,
    Shape,
)

__all__ = ["Network", "NetworkModule", "NetworkModules", "Shape"]
