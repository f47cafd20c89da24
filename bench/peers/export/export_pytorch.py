"""Writes each model as PyTorch's two exporters do, and beside it what training it must give: see README.md."""

import argparse
import io
import pathlib
import warnings

import onnx
import torch
from torch import nn

import models
import reference
from initializers import trained_tensors
from reference_file import BATCH_SIZE, EXAMPLES, write_reference

def floats(*shape):
    return lambda: torch.randn(*shape)


def tokens(length, vocabulary):
    return lambda: torch.randint(vocabulary, (length,))


def padded_tokens():
    return torch.randint(1, 11, (7,)) * (torch.arange(7) < torch.randint(1, 8, ()))


def mixed_columns():
    return torch.cat([torch.stack([torch.randint(7, ()), torch.randint(4, ())]).float(), torch.randn(4)])


def classes(count, *shape):
    return lambda _: torch.randint(count, shape)


def itself(x):
    return x


# By name: model, one example, its label, what is learned, learning rate.
MODELS = {
    "2nn": (models.two_layer_perceptron, floats(1, 8, 8), classes(10), "classify", 0.1),
    "fedavg-cnn": (models.fedavg_cnn, floats(1, 12, 12), classes(10), "classify", 0.1),
    "lenet": (models.lenet, floats(1, 20, 20), classes(10), "classify", 0.1),
    "sensor-cnn": (models.sensor_cnn, floats(6, 32), classes(6), "classify", 0.05),
    "resnet-20": (models.ResNet20, floats(3, 12, 12), classes(10), "classify", 0.02),
    "mobilenet-v2": (models.MobileNetV2, floats(3, 16, 16), classes(5), "classify", 0.05),
    "sensor-transformer": (models.SensorTransformer, floats(16, 6), classes(5), "classify", 0.05),
    "tabular": (models.Tabular, mixed_columns, classes(3), "classify", 0.1),
    "char-lstm": (lambda: models.CharRecurrent(nn.LSTM), tokens(10, 20), classes(20), "classify", 0.1),
    "char-gru": (lambda: models.CharRecurrent(nn.GRU), tokens(10, 20), classes(20), "classify", 0.1),
    "language-model": (models.LanguageModel, tokens(12, 20), classes(20, 12), "sequence", 0.1),
    "gated-decoder": (models.GatedDecoder, tokens(7, 11), classes(11, 7), "sequence", 0.1),
    "padded-attention": (models.PaddedAttention, padded_tokens, classes(4), "classify", 0.1),
    "mixture-of-experts": (models.MixtureOfExperts, floats(6), classes(3), "classify", 0.05),
    "dense-net": (models.DenselyConnected, floats(1, 6, 6), classes(4), "classify", 0.05),
    "elman-rnn": (models.ElmanRecurrent, floats(5, 3), classes(3), "classify", 0.05),
    "autoencoder": (models.Autoencoder, lambda: torch.rand(1, 12, 12), itself, "regress", 0.1),
    "u-net": (models.UNet, floats(1, 12, 12), classes(3, 12, 12), "segment", 0.05),
}

LOSSES = {
    "classify": ("softmax-cross-entropy", reference.cross_entropy),
    "segment": ({"name": "softmax-cross-entropy", "axis": 1}, reference.cross_entropy),
    "sequence": ("softmax-cross-entropy", reference.sequence_cross_entropy),
    "regress": ("mean-squared-error", reference.mean_squared_error),
}

EXPORTERS = {"torchscript": False, "dynamo": True}

# Those that the newer exporter writes in operator set 23, which has attention as one operator.
NEWEST = {"gated-decoder"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("models", nargs="*", help="all when absent")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.models or MODELS:
        write(name, arguments.folder)


def write(name, folder):
    build, example, label, kind, rate = MODELS[name]
    loss_name, loss = LOSSES[kind]
    model, inputs, labels = steady_start(build, example, label, loss, rate)
    losses, gradients, trained = reference.train(model, loss, inputs, labels, BATCH_SIZE, rate, torch.float64)
    tensors = {"inputs": inputs, "labels": labels, "losses": losses}
    target = folder / f"pytorch-{name}"
    target.mkdir(parents=True, exist_ok=True)
    for exporter, dynamo in EXPORTERS.items():
        file = export(model, inputs, dynamo, {"opset_version": 23} if dynamo and name in NEWEST else {})
        for tensor, (sources, form) in trained_tensors(file, model).items():
            tensors[f"trained/{tensor}"] = form(trained)
            # A running statistic has no gradient.
            if sources <= gradients.keys():
                tensors[f"gradient/{tensor}"] = form(gradients)
        (target / f"{exporter}.onnx").write_bytes(file.SerializeToString())
    write_reference(target, tensors, loss_name, rate)


def steady_start(build, example, label, loss, rate):
    """The first seed with which float32 and float64 agree."""
    for seed in range(100):
        torch.manual_seed(seed)
        model = randomised(build())
        examples = [example() for _ in range(EXAMPLES)]
        inputs, labels = torch.stack(examples), torch.stack([label(x) for x in examples])
        if reference.is_steady(model, loss, inputs, labels, BATCH_SIZE, rate):
            return model, inputs, labels
    raise ValueError("no seed is steady: use a smaller learning rate")


def randomised(model):
    """No tensor is the same as another, as ones and zeros would be: each is known again in the file."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor += torch.rand_like(tensor) * (0.2 if tensor.dim() == 1 else 0.01)
    return model


def export(model, inputs, dynamo, version):
    buffer = io.BytesIO()
    # As for further training: both exporters would fold a batch normalization into the convolution before it.
    normalizes = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
    options = (
        {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("batch")},), "optimize": not normalizes}
        if dynamo
        else {
            "dynamo": False,
            "dynamic_axes": {"input": {0: "batch"}, "output": {0: "batch"}},
            "training": torch.onnx.TrainingMode.PRESERVE,
            "do_constant_folding": False,
        }
    )
    model.eval()
    torch.onnx.export(
        model,
        (inputs[:3],),
        buffer,
        input_names=["input"],
        output_names=["output"],
        verbose=False,
        **options,
        **version,
    )
    file = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(file, full_check=True)
    return without_notes(file)


def without_notes(file):
    """Without where in the Python source each node is from: most of such a file, and paths of this machine."""
    file.ClearField("metadata_props")
    for part in [file.graph, *file.graph.node, *file.graph.value_info, *file.graph.input, *file.graph.output]:
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    return file


if __name__ == "__main__":
    main()
