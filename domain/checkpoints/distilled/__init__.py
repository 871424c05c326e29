"""Distilled models: which checkpoints draw in few steps, and how that is known.

A model that was distilled draws in 1 to 8 steps and with little or no guidance. Most have the very
tensors of the model that they were distilled from, so the header of a file cannot tell. These tell,
and the first that says something decides:

1. The bytes: the SHA-256 of a published file (`published.py`).
2. The network: the UNet of a latent consistency model takes the guidance as an input.
3. The title or the name of the training in the metadata.
4. The name of the file.

The last two are hints of people, and no proof. A model with such a hint draws with the defaults of
its method too, because the usual 30 steps with a guidance of 7.5 would spoil every picture. But
each result says so in `warnings`. A request, and the user's settings for the model, come before
these defaults.
"""

from domain.checkpoints.distilled.finding import distilled_by_header, distilled_by_record
from domain.checkpoints.distilled.methods import Distilled, Evidence, Method

__all__ = ["Distilled", "Evidence", "Method", "distilled_by_header", "distilled_by_record"]
