"""What attention's processors take, found out once."""

import inspect

import torch
from diffusers.models.attention_processor import Attention

__all__ = ["remember_signatures"]


def remember_signatures(network: torch.nn.Module) -> None:
    """Have Python keep the signatures of a network's attention processors.

    diffusers' `Attention.forward` asks for one at each call, 140 times a step of Stable Diffusion
    XL, and it is put together anew each time where the function does not carry it. From now on
    those of diffusers' own classes do, for all of the process.
    """
    for module in network.modules():
        if isinstance(module, Attention):
            call = type(module.processor).__call__
            if inspect.isfunction(call) and not hasattr(call, "__signature__"):
                call.__signature__ = inspect.signature(call)  # type: ignore[attr-defined]
