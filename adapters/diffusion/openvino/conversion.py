"""Converts a network of torch into one that OpenVINO runs on the CPU.

OpenVINO reports its import to Google Analytics, and its `convert_model` reports each conversion,
unless the user has opted out. This service reports nothing. So this module hides the package of the
reporter, for which OpenVINO then uses a stub. It also calls the frontend below `convert_model`
directly.
"""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np
import torch

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # not found

import openvino  # noqa: E402
from openvino.frontend import FrontEndManager  # noqa: E402
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: E402
from openvino.passes import ConstantFolding, Manager  # noqa: E402

__all__ = ["CompiledNetwork", "Input", "compile_network"]

_LEAST_FOR_FLOAT16 = 2.0**-10
"""The least value of a layer's largest weight. Beside it, float16's steps of 2^-24 near zero are
negligible."""
_INT8_GROUP = 64
"""The numbers of a linear layer's input that share a scale if its weights are integers. An input
that is narrower is not quantised. A step took 10 % longer with 32, and 20 % longer with one scale
for all numbers of a token."""
_HINTS = {torch.float32: openvino.Type.f32, torch.bfloat16: openvino.Type.bf16}


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a network.

    Attributes:
        example: The tensor to trace the network with, in float32.
        shape: The size of each dimension; -1 if it may change from call to call.
    """

    example: torch.Tensor
    shape: Sequence[int]


class CompiledNetwork:
    """A network with one output. Only one thread may use it.

    Attributes:
        weight_bytes: Bytes of the weights, in their original precision.
    """

    def __init__(self, model: Any, dtype: torch.dtype, weight_bytes: int) -> None:
        self.weight_bytes = weight_bytes
        self._dtype = dtype
        self._request = model.create_infer_request()

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the output for tensors on the CPU, in the precision of the weights."""
        arrays = [tensor.detach().float().contiguous().numpy() for tensor in inputs]
        self._request.infer(arrays, share_inputs=True)
        # The next call overwrites the output, so it is copied.
        output = torch.from_numpy(np.array(self._request.get_output_tensor(0).data))
        return output.to(self._dtype)


def compile_network(
    network: torch.nn.Module, inputs: Sequence[Input], *, threads: int | None
) -> CompiledNetwork:
    """Compile a network for the CPU, in the precision of its weights: float32 or bfloat16.

    Args:
        network: Takes the inputs in their order and returns one tensor. A decision that its Python
            code makes during the trace is fixed from then on. The compilation changes the network,
            so it cannot be used afterwards.
        inputs: The inputs of the network.
        threads: The number of threads that compute; None for one thread a core.
    """
    dtype = next(network.parameters()).dtype
    weights = (*network.parameters(), *network.buffers())  # integer weights are buffers
    weight_bytes = sum(tensor.nbytes for tensor in weights)
    del weights
    _make_traceable(network)
    with torch.no_grad(), warnings.catch_warnings():
        # torch warns of decisions that the trace fixes, and it recommends its newer exporter.
        warnings.simplefilter("ignore")
        decoder = TorchScriptPythonDecoder(
            network.eval(),
            example_input=tuple(each.example for each in inputs),
            trace_kwargs={"check_trace": False},
        )
        frontend = FrontEndManager().load_by_framework("pytorch")
        model = frontend.convert(frontend.load(decoder))
    for parameter, each in zip(model.get_parameters(), inputs, strict=True):
        parameter.set_partial_shape(openvino.PartialShape(list(each.shape)))
        parameter.set_element_type(openvino.Type.f32)
    model.validate_nodes_and_infer_types()
    _fold_ranges(model)
    options: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _HINTS[dtype],
        # A thread that is pinned to a core has to wait while another program uses that core.
        "ENABLE_CPU_PINNING": False,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": _INT8_GROUP,
    }
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    compiled = openvino.Core().compile_model(model, "CPU", options)
    return CompiledNetwork(compiled, dtype, weight_bytes)


def _fold_ranges(model: Any) -> None:
    """Replace the bounds of each FakeQuantize by constants.

    The frontend expresses them by a scale and a zero point. OpenVINO would then compute in floats.
    """
    ranges = [
        operation.input_value(position)
        for operation in model.get_ordered_ops()
        if operation.get_type_name() == "FakeQuantize"
        for position in range(1, 5)
    ]
    if ranges:
        folding = Manager()
        folding.register_pass(ConstantFolding())
        folding.run_passes(openvino.Model(ranges, [], "ranges"))


def _make_traceable(network: torch.nn.Module) -> None:
    """Make a network compute in float32.

    The frontend converts a bfloat16 network into one that produces NaN. So the network is traced in
    float32, and OpenVINO gets a hint to compute in bfloat16, which it does if the hardware can. The
    weights need not take float32's memory: float16 holds the weights of a layer as exactly as
    bfloat16 if the largest of them is well inside float16's range.
    """
    for module in network.modules():
        weight: Any = getattr(module, "weight", None)
        widened = _WIDENED.get(type(module))
        if widened is None or weight.dtype != torch.bfloat16 or not _fits_float16(weight):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.float()
            for name, buffer in module.named_buffers(recurse=False):
                if buffer.is_floating_point():
                    setattr(module, name, buffer.float())
            continue
        weight.data = weight.data.half()
        for bias in module.parameters(recurse=False):
            if bias is not weight:
                bias.data = bias.data.float()
        module.forward = MethodType(widened, module)


def _fits_float16(weight: torch.Tensor) -> bool:
    largest = float(weight.detach().abs().max())
    return _LEAST_FOR_FLOAT16 <= largest <= torch.finfo(torch.float16).max


def _convolve(self: torch.nn.Conv2d, sample: torch.Tensor) -> torch.Tensor:
    return self._conv_forward(sample, self.weight.float(), self.bias)


def _multiply(self: torch.nn.Linear, sample: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.linear(sample, self.weight.float(), self.bias)


_WIDENED: Mapping[type, Callable[..., torch.Tensor]] = {
    torch.nn.Conv2d: _convolve,
    torch.nn.Linear: _multiply,
}
