"""PyTorch's side of `npm run bench -- train`: reads one JSON command a line, answers with one JSON line.

{"do": "prepare", "model": NAME, "folder": DIR, "examples": N}: exports the model to DIR/model.onnx and writes random
data of its shape to DIR/inputs.f32 and DIR/labels.i32. {"do": "load", ...the same}: builds the same model and reads the
data. {"do": "train", "batch": B, "threads": T}: one epoch of plain SGD, as its users write it; answers with seconds.
"""

import json
import os
import sys
import time

import numpy as np
import torch
from torch import nn

# The models whose gradients are compared, here at the widths of their papers.
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "export"))
import models  # noqa: E402


def sensor_cnn():
    return nn.Sequential(
        nn.Conv1d(6, 32, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
        nn.Flatten(), nn.Linear(64 * 32, 64), nn.ReLU(), nn.Linear(64, 6),
    )


def mobilenet():
    plan = [(16, 16, 1), (16, 24, 2), (24, 24, 1), (24, 40, 2), (40, 40, 1)]
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish()]
    layers += [models.InvertedResidual(*each, expand=4) for each in plan]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 10))


class Recurrent(nn.Module):
    """A sequence [time, inputs], classified by the last output."""

    def __init__(self, kind, inputs, hidden, classes):
        super().__init__()
        self.recurrent = kind(inputs, hidden, batch_first=True)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x):
        return self.head(self.recurrent(x)[0][:, -1])


# name: how to build it, shape of one example, classes
MODELS = {
    "2nn": (lambda: models.two_layer_perceptron(784, 200), [784], 10),
    "cnn": (lambda: models.fedavg_cnn(28, (32, 64), 512), [1, 28, 28], 10),
    "lenet": (lambda: models.lenet(28, (6, 16), (120, 84)), [1, 28, 28], 10),
    "sensor-cnn": (sensor_cnn, [6, 128], 6),
    "lstm": (lambda: Recurrent(nn.LSTM, 8, 256, 10), [80, 8], 10),
    "gru": (lambda: Recurrent(nn.GRU, 6, 64, 6), [128, 6], 6),
    "resnet20": (lambda: models.ResNet20((16, 32, 64)), [3, 32, 32], 10),
    "mobilenet": (mobilenet, [3, 32, 32], 10),
}


def build(name):
    torch.manual_seed(1)
    return MODELS[name][0]()


def prepare(model, folder, examples):
    _, shape, classes = MODELS[model]
    module = build(model)
    torch.onnx.export(
        module, (torch.zeros(2, *shape),), os.path.join(folder, "model.onnx"), dynamo=False, opset_version=18,
        input_names=["input"], output_names=["scores"], dynamic_axes={"input": {0: "batch"}, "scores": {0: "batch"}},
        training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False,
    )
    generator = np.random.default_rng(1)
    generator.standard_normal((examples, *shape), dtype=np.float32).tofile(os.path.join(folder, "inputs.f32"))
    generator.integers(0, classes, examples, dtype=np.int32).tofile(os.path.join(folder, "labels.i32"))
    return {"inputShape": shape, "classes": classes, "torch": torch.__version__}


class Trainer:
    def __init__(self, model, folder, examples):
        shape = MODELS[model][1]
        self.module = build(model).train()
        inputs = np.fromfile(os.path.join(folder, "inputs.f32"), dtype=np.float32).reshape(examples, *shape)
        labels = np.fromfile(os.path.join(folder, "labels.i32"), dtype=np.int32).astype(np.int64)
        self.inputs, self.labels = torch.from_numpy(inputs), torch.from_numpy(labels)
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=0.01)

    def train(self, batch, threads):
        torch.set_num_threads(threads)
        loss_of, total = nn.CrossEntropyLoss(), 0.0
        began = time.perf_counter()
        order = torch.randperm(len(self.labels))
        for start in range(0, len(order), batch):
            indices = order[start : start + batch]
            self.optimizer.zero_grad(set_to_none=True)
            loss = loss_of(self.module(self.inputs[indices]), self.labels[indices])
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(indices)
        return {"seconds": time.perf_counter() - began, "loss": total / len(order)}


def main():
    trainer = None
    for line in sys.stdin:
        command = json.loads(line)
        do = command.pop("do")
        if do == "prepare":
            answer = prepare(**command)
        elif do == "load":
            trainer, answer = Trainer(**command), {}
        else:
            answer = trainer.train(**command)
        print(json.dumps(answer), flush=True)


main()
