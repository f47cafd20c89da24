"""What training must give: PyTorch's autograd in float64, ten steps of plain SGD, the last batch short."""

import copy

import torch
from torch.nn import functional as F

from reference_file import STEPS

def cross_entropy(scores, labels):
    """Of scores [batch, classes, ...] or, for sequences, [batch, length, classes]."""
    return F.cross_entropy(scores, labels)


def sequence_cross_entropy(scores, labels):
    return F.cross_entropy(scores.flatten(0, 1), labels.flatten())


def mean_squared_error(outputs, targets):
    return F.mse_loss(outputs, targets)


def train(model, loss, inputs, labels, batch_size, rate, dtype):
    """The loss of each step, the first step's gradients, and the tensors of the model after the last."""
    model = copy.deepcopy(model).to(dtype).train()
    inputs, labels = (x.to(dtype) if x.is_floating_point() else x for x in (inputs, labels))
    losses, first = [], None
    for x, y in zip(inputs.split(batch_size), labels.split(batch_size), strict=True):
        model.zero_grad()
        value = loss(model(x), y)
        value.backward()
        gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
        first = first or gradients
        losses.append(value.item())
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter -= rate * gradients[name]
    assert len(losses) == STEPS
    floats = {name: x.detach() for name, x in model.state_dict().items() if x.is_floating_point()}
    return losses, first, floats


def error(got, wanted):
    """Relative, of two lists of tensors together."""
    difference = sum((a.double() - b).square().sum() for a, b in zip(got, wanted, strict=True))
    return (difference / sum(b.square().sum() for b in wanted)).sqrt().item()


def is_steady(model, *rest):
    """
    Whether float32 goes the way of float64. Where two values of a pool or the sign of a ReLU's input nearly tie, rounding
    decides, and two right programs part ways.
    """
    before = [x for _, x in sorted(model.state_dict().items()) if x.is_floating_point()]
    moves = []
    for dtype in (torch.float32, torch.float64):
        after = train(model, *rest, dtype)[2]
        moves.append([after[name].double() - x for (name, x) in sorted(model.state_dict().items()) if name in after])
    assert len(before) == len(moves[0])
    return error(*moves) < 1e-5
