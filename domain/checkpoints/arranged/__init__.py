"""What trainers do to the tensors of a checkpoint: averages, wrappers, other names.

`arrangement_of` says which tensors of a file draw, and by which names of the original code the rest
of the service knows them. Listing and loading both use it, so they cannot disagree.
"""

from domain.checkpoints.arranged.arrangement import Arrangement, arrangement_of
from domain.checkpoints.arranged.place import Place

__all__ = ["Arrangement", "Place", "arrangement_of"]
