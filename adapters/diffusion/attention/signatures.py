"""Keeps the signatures of attention processors, which diffusers asks for at each call."""

import inspect

import torch
from diffusers.models.attention_processor import Attention

__all__ = ["remember_signatures"]


def remember_signatures(network: torch.nn.Module) -> None:
    """Store on each attention processor's class the signature of its `__call__`.

    `Attention.forward` of diffusers asks for the signature at each call: 140 times in one step of
    Stable Diffusion XL. Python builds it each time unless the function has it as `__signature__`.
    The functions keep it until the process ends.
    """
    for module in network.modules():
        if isinstance(module, Attention):
            call = type(module.processor).__call__
            if inspect.isfunction(call) and not hasattr(call, "__signature__"):
                call.__signature__ = inspect.signature(call)  # type: ignore[attr-defined]
