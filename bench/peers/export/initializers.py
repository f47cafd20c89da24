"""Which tensor of a PyTorch model each tensor of an exported file holds, and how."""

import numpy as np
import onnx
import torch
from torch import nn


def trained_tensors(file, model):
    """
    For each float32 tensor of an ONNX file that holds one of the model's: the names of the PyTorch model's tensors that it is
    made of, and a function from those, by name, to it.
    """
    found = {}
    forms = list(storage_forms(model))
    state = {name: x.detach() for name, x in model.state_dict().items()}
    for tensor in file.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or len(tensor.dims) == 0:
            continue
        stored = onnx.numpy_helper.to_array(tensor)
        matches = [(names, form) for names, form in forms if equal(form(state), stored)]
        # Of several that are equal, such as new normalizations, the one of that name.
        named = [match for match in matches if match[0] == {tensor.name}] or matches
        if len(named) > 1:
            raise ValueError(f"{tensor.name} {list(tensor.dims)} is {len(named)} of the model's tensors")
        # What is none of them is a constant that the exporter computed.
        found |= {tensor.name: match for match in named}
    return found


def storage_forms(model):
    """What exporters store of a model's tensors."""
    for name, tensor in model.state_dict().items():
        yield {name}, lambda state, name=name: state[name]
        if tensor.dim() == 2:
            yield {name}, lambda state, name=name: state[name].T
        if tensor.dim() == 1:
            # The scale and the shift of each channel of an image.
            yield {name}, lambda state, name=name: state[name][:, None, None]
    for prefix, module in model.named_modules():
        if isinstance(module, (nn.LSTM, nn.GRU)):
            for layer in range(module.num_layers):
                yield from recurrent_forms(f"{prefix}.", module, layer)


def recurrent_forms(prefix, module, layer):
    """ONNX stacks directions, then gates in an order of its own, then the two biases."""
    order = [0, 3, 1, 2] if isinstance(module, nn.LSTM) else [1, 0, 2]
    ends = ["", "_reverse"] if module.bidirectional else [""]

    def gates(tensor):
        parts = tensor.chunk(len(order))
        return torch.cat([parts[index] for index in order])

    for kinds in (["weight_ih"], ["weight_hh"], ["bias_ih", "bias_hh"]):
        names = [[f"{prefix}{kind}_l{layer}{end}" for kind in kinds] for end in ends]
        yield (
            {name for direction in names for name in direction},
            lambda state, names=names: torch.stack(
                [torch.cat([gates(state[name]) for name in direction]) for direction in names]
            ),
        )


def equal(tensor, stored):
    return tuple(tensor.shape) == stored.shape and np.array_equal(tensor.float().numpy(), stored)
