"""A network of torch becomes one that OpenVINO runs on the CPU.

OpenVINO reports to Google Analytics that it was imported, and its `convert_model` each conversion,
unless its user has opted out; and nothing here asks the network. So its reporter is not found, for
which it has a stub, and the frontend is called that `convert_model` calls.
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
"""Of a layer's largest weight, beside which float16's steps near zero, of 2^-24, are nothing."""
_INT8_GROUP = 64
"""So many numbers of a linear layer's input share a scale where its weights are integers; those of
a narrower one are not made integers. With 32 a step took 10 % longer, with all of a token 20 %."""
_HINTS = {torch.float32: openvino.Type.f32, torch.bfloat16: openvino.Type.bf16}


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a network.

    Attributes:
        example: What the network is traced with, in float32.
        shape: -1 for what may change from call to call.
    """

    example: torch.Tensor
    shape: Sequence[int]


class CompiledNetwork:
    """A network of one output, for one thread.

    Attributes:
        weight_bytes: Of the weights, in the precision that they came in.
    """

    def __init__(self, model: Any, dtype: torch.dtype, weight_bytes: int) -> None:
        self.weight_bytes = weight_bytes
        self._dtype = dtype
        self._request = model.create_infer_request()

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The output for tensors on the CPU, in the precision of the weights."""
        arrays = [tensor.detach().float().contiguous().numpy() for tensor in inputs]
        self._request.infer(arrays, share_inputs=True)
        # Copied, for the next call writes over it.
        output = torch.from_numpy(np.array(self._request.get_output_tensor(0).data))
        return output.to(self._dtype)


def compile_network(
    network: torch.nn.Module, inputs: Sequence[Input], *, threads: int | None
) -> CompiledNetwork:
    """Compile a network for the CPU, in the precision of its weights: float32 or bfloat16.

    Args:
        network: Takes the inputs in their order and returns one tensor. What it decides in Python
            when it is traced, is decided for good. Afterwards it is of no use.
        threads: How many compute; None for one a core.
    """
    dtype = next(network.parameters()).dtype
    weights = (*network.parameters(), *network.buffers())  # integers are no parameters
    weight_bytes = sum(tensor.nbytes for tensor in weights)
    del weights
    _make_traceable(network)
    with torch.no_grad(), warnings.catch_warnings():
        # That such decisions are made for good is known, and that torch prefers its exporter.
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
        # A thread that is bound to a core stands still while another program has that one.
        "ENABLE_CPU_PINNING": False,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": _INT8_GROUP,
    }
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    compiled = openvino.Core().compile_model(model, "CPU", options)
    return CompiledNetwork(compiled, dtype, weight_bytes)


def _fold_ranges(model: Any) -> None:
    """Make constants of the bounds that each FakeQuantize has.

    The frontend leaves them as expressions of a scale and a zero point, with which OpenVINO
    computes in floats.
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
    """Have a network compute in float32.

    Of one in bfloat16 the frontend makes one that gives no numbers. OpenVINO is told to compute in
    it, which it does where the hardware can, with weights that need not take float32's memory:
    float16 holds them as exactly as bfloat16 where the largest of a layer is in the midst of its
    range.
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
