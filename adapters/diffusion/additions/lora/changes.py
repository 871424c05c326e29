"""Computes the change of each form to a weight, in float32.

A weight is a matrix here: its first dimension is the rows, and the others are the columns. The
sources of the forms are in `domain.checkpoints.additions.lora_layouts.forms`.
"""

from collections.abc import Callable

import torch

from domain.checkpoints.additions.lora_layouts import Form, Role
from domain.errors import GenerationFailed

__all__ = ["Change", "add_bias_change", "add_weight_change"]

_LEAST_NORM = torch.finfo(torch.float32).tiny


class Change:
    """The change of one file to one module.

    Args:
        form: The form of the change.
        roles: The roles of its tensors.
        tensor: Returns a tensor, in float32 and where the change is computed.
        factor: alpha / rank.
        label: The name of the module in the file, for messages.
    """

    def __init__(
        self,
        form: Form,
        roles: frozenset[Role],
        tensor: Callable[[Role], torch.Tensor],
        *,
        factor: float,
        label: str,
    ) -> None:
        self.form = form
        self.roles = roles
        self.tensor = tensor
        self.factor = factor
        self.label = label

    def optional(self, role: Role) -> torch.Tensor | None:
        """Return the tensor with this role; None without one."""
        return self.tensor(role) if role in self.roles else None


def add_weight_change(
    total: torch.Tensor, original: torch.Tensor, change: Change, scale: float
) -> None:
    """Add a change to a weight.

    Args:
        total: (rows, columns) in float32, where the changes are added up.
        original: The weight without changes, in its own shape and any precision.
        change: The change.
        scale: The scale of the request.
    """
    magnitude = next(
        (role for role in (Role.DORA_SCALE, Role.MAGNITUDE) if role in change.roles), None
    )
    if magnitude is not None:
        weight = _matrix(original, total)
        total.add_(_decomposed(change, magnitude, original, weight) - weight, alpha=scale)
    elif change.form is Form.LORA and Role.MID not in change.roles:
        # One pass over the weight adds the product without a matrix of its own.
        up, down = change.tensor(Role.UP).flatten(1), change.tensor(Role.DOWN).flatten(1)
        total.addmm_(up, down, alpha=scale * change.factor)
    elif change.form is Form.IA3:
        total.add_(_rescaled(change, original, _matrix(original, total)), alpha=scale)
    elif change.form is not Form.BIAS:
        total.add_(_difference(change, original.shape), alpha=scale * change.factor)


def add_bias_change(total: torch.Tensor, change: Change, scale: float) -> None:
    """Add a change to a bias: `total` is (rows,) in float32."""
    for role, factor in (
        (Role.UP_BIAS, change.factor),
        (Role.DIFF_BIAS, 1.0),
        (Role.NORM_BIAS, 1.0),
    ):
        if role in change.roles:
            total.add_(change.tensor(role), alpha=scale * factor)


def _matrix(original: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return original.to(like.device, torch.float32).reshape(like.shape)


def _difference(change: Change, shape: torch.Size) -> torch.Tensor:
    """Return the change to a weight of this shape as a matrix, without alpha / rank."""
    if change.form is Form.FULL:
        whole = change.optional(Role.DIFF)
        return (change.tensor(Role.NORM) if whole is None else whole).reshape(shape[0], -1)
    if change.form is Form.LORA:
        up, down = change.tensor(Role.UP).flatten(1), change.tensor(Role.DOWN)
        middle = change.optional(Role.MID)
        return _product(up if middle is None else up.T, down, middle)
    if change.form is Form.LOHA:
        return _product(
            change.tensor(Role.HADA_W1_A),
            change.tensor(Role.HADA_W1_B),
            change.optional(Role.HADA_T1),
        ) * _product(
            change.tensor(Role.HADA_W2_A),
            change.tensor(Role.HADA_W2_B),
            change.optional(Role.HADA_T2),
        )
    return _kronecker(change, shape)


def _product(left: torch.Tensor, right: torch.Tensor, middle: torch.Tensor | None) -> torch.Tensor:
    """Return (rows, columns).

    Args:
        left: (rows, rank), or (rank, rows) with a middle.
        right: (rank, columns), or (rank, channels) with a middle.
        middle: (rank of left, rank of right, height, width), or None.
    """
    left, right = left.flatten(1), right.flatten(1)
    if middle is None:
        return left @ right
    inner = torch.einsum("abhw,bq->aqhw", middle, right)
    return torch.einsum("ap,aqhw->pqhw", left, inner).flatten(1)


def _kronecker(change: Change, shape: torch.Size) -> torch.Tensor:
    first = change.optional(Role.LOKR_W1)
    if first is None:
        first = _product(change.tensor(Role.LOKR_W1_A), change.tensor(Role.LOKR_W1_B), None)
    second = change.optional(Role.LOKR_W2)
    if second is None:
        second = _product(
            change.tensor(Role.LOKR_W2_A),
            change.tensor(Role.LOKR_W2_B),
            change.optional(Role.LOKR_T2),
        )
    pixels = shape[2:].numel()  # 1 for a linear layer
    second = second.reshape(len(second), -1, pixels)
    return torch.kron(first.flatten(1)[:, :, None], second).flatten(1)


def _decomposed(
    change: Change, role: Role, original: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Return the weight with the direction that the change gives it, and the file's magnitude.

    A magnitude belongs to each row, or in early files of LyCORIS to each input channel. At a scale
    of 1 this is the result of PEFT and LyCORIS. Other scales are on the line from the weight to
    this result, as in ComfyUI; with PEFT a scale of 0 would still change the weight.
    """
    magnitude = change.tensor(role)
    directed = weight + change.factor * _difference(change, original.shape)
    rows, channels = original.shape[:2]
    may_be_of_channels = role is Role.DORA_SCALE and magnitude.numel() == channels
    of_rows = not may_be_of_channels or magnitude.shape[:1] == (rows,)
    shaped = directed.reshape(rows, channels, -1)
    over = (1, 2) if of_rows else (0, 2)
    norm = torch.linalg.vector_norm(shaped, dim=over, keepdim=True).clamp_min(_LEAST_NORM)
    return (shaped * (magnitude.reshape(norm.shape) / norm)).flatten(1)


def _rescaled(change: Change, original: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    factors = change.tensor(Role.IA3)
    rows, channels = original.shape[:2]
    on_input = bool(change.tensor(Role.ON_INPUT).any())
    if factors.numel() != (channels if on_input else rows):
        raise GenerationFailed(
            f"the module {change.label[:120]!a} of a LoRA has {factors.numel()} factors for a "
            f"weight of {rows} × {channels} numbers"
        )
    shaped = weight.reshape(rows, channels, -1)
    return (shaped * factors.reshape((1, -1, 1) if on_input else (-1, 1, 1))).flatten(1)
