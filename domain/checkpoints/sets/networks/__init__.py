"""The networks of newer families: where a file holds each of their tensors.

Each layout is a pure function of a file's header. It gives the configuration of the network, and
says for each tensor of the network which numbers of the file it takes. So a network is built one
tensor after another, and nothing is converted that is not used.
"""

from domain.checkpoints.sets.networks.places import NetworkLayout, Place, UnusableNetwork

__all__ = ["NetworkLayout", "Place", "UnusableNetwork"]
