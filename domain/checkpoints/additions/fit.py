"""The result of comparing an add-on with a checkpoint."""

from dataclasses import dataclass

__all__ = ["Fit"]


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether an add-on fits a checkpoint.

    Each module of this package for a kind of add-ons has the function
    `fit(addon: Mapping[str, TensorFacts], checkpoint: Mapping[str, TensorFacts]) -> Fit`, which
    needs no more than names, types and shapes.

    Attributes:
        problem: Why it does not fit, which continues the sentence «style.safetensors does not fit
            model1.ckpt: …»; None if it fits.
        warnings: Sentences for every result that is drawn with the two. The name of the add-on and
            a colon precede each, as in «style.safetensors: 2 tensors are not applied».
    """

    problem: str | None = None
    warnings: tuple[str, ...] = ()
