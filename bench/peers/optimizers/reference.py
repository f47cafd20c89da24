"""What optimizers must give: PyTorch's own, in float64, on gradients that are given."""

import json
import sys

import torch

STEPS = 7
SHAPES = [5, 3]

# Our names and options; PyTorch's class and options.
OPTIMIZERS = [
    ({"name": "sgd"}, torch.optim.SGD, {}),
    ({"name": "sgd", "weightDecay": 0.1}, torch.optim.SGD, {"weight_decay": 0.1}),
    ({"name": "sgd", "momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}),
    (
        {"name": "sgd", "momentum": 0.8, "nesterov": True, "weightDecay": 0.05},
        torch.optim.SGD,
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05},
    ),
    ({"name": "adam"}, torch.optim.Adam, {}),
    (
        {"name": "adam", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weightDecay": 0.1},
        torch.optim.Adam,
        {"betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1},
    ),
    ({"name": "adamw"}, torch.optim.AdamW, {}),
    (
        {"name": "adamw", "beta1": 0.7, "beta2": 0.9, "epsilon": 1e-4, "weightDecay": 0.2},
        torch.optim.AdamW,
        {"betas": (0.7, 0.9), "eps": 1e-4, "weight_decay": 0.2},
    ),
    ({"name": "rmsprop"}, torch.optim.RMSprop, {}),
    (
        {"name": "rmsprop", "smoothing": 0.9, "epsilon": 1e-4, "weightDecay": 0.1},
        torch.optim.RMSprop,
        {"alpha": 0.9, "eps": 1e-4, "weight_decay": 0.1},
    ),
    (
        {"name": "rmsprop", "smoothing": 0.8, "momentum": 0.7},
        torch.optim.RMSprop,
        {"alpha": 0.8, "momentum": 0.7},
    ),
    (
        {"name": "rmsprop", "smoothing": 0.8, "centered": True, "momentum": 0.5},
        torch.optim.RMSprop,
        {"alpha": 0.8, "centered": True, "momentum": 0.5},
    ),
    ({"name": "adagrad"}, torch.optim.Adagrad, {}),
    (
        {"name": "adagrad", "rateDecay": 0.1, "initialSum": 0.5, "epsilon": 1e-3, "weightDecay": 0.1},
        torch.optim.Adagrad,
        {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3, "weight_decay": 0.1},
    ),
]

TERMS = [
    {"clipNorm": 1.5},
    {"clipNorm": 100},
    {"clipValue": 0.4},
    {"clipValue": 0.8, "clipNorm": 1.2},
    {"proximal": 0.3},
    {"correction": True},
    {"proximal": 0.3, "correction": True, "clipNorm": 1.5},
]


def run(make, options, terms, data):
    parameters = [x.clone().requires_grad_() for x in data["parameters"]]
    optimizer = make(parameters, lr=1.0, **options)
    for rate, gradients in zip(data["rates"], data["gradients"], strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for index, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
            parameter.grad = gradient.clone()
            if "proximal" in terms:
                parameter.grad += terms["proximal"] * (parameter.detach() - data["anchors"][index])
            if "correction" in terms:
                parameter.grad += data["corrections"][index]
        if "clipValue" in terms:
            torch.nn.utils.clip_grad_value_(parameters, terms["clipValue"])
        if "clipNorm" in terms:
            torch.nn.utils.clip_grad_norm_(parameters, terms["clipNorm"])
        optimizer.step()
    return [x.detach() for x in parameters]


def lists(tensors):
    return [x.tolist() for x in tensors]


def main(path):
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)

    def draw():
        # Four digits, so that the file is small.
        return [(torch.randn(n) * 1e4).round() / 1e4 for n in SHAPES]

    data = {
        "parameters": draw(),
        "anchors": draw(),
        "corrections": draw(),
        "gradients": [draw() for _ in range(STEPS)],
        "rates": [0.1 / (1 + step / 4) for step in range(STEPS)],
    }
    cases = [(ours, make, theirs, {}) for ours, make, theirs in OPTIMIZERS]
    sgd, momentum, adam = OPTIMIZERS[0], OPTIMIZERS[2], OPTIMIZERS[4]
    cases += [(*each, terms) for each in (sgd, momentum, adam) for terms in TERMS]
    written = {
        **{name: lists(data[name]) for name in ("parameters", "anchors", "corrections")},
        "gradients": [lists(each) for each in data["gradients"]],
        "rates": data["rates"],
        "cases": [
            {"optimizer": ours, "terms": terms, "expected": lists(run(make, theirs, terms, data))}
            for ours, make, theirs, terms in cases
        ],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(written, file, indent=1)
        file.write("\n")


main(sys.argv[1])
