"""Writes scikit-learn's multilayer perceptrons as skl2onnx does, and beside each what training it must give: see README.md."""

import argparse
import pathlib
import warnings

import numpy as np
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier, MLPRegressor

from reference_file import BATCH_SIZE, EXAMPLES, write_reference

RATE = 0.1
# Of scikit-learn's solvers the plain one: no momentum, no penalty.
PLAIN = {"solver": "sgd", "learning_rate_init": RATE, "momentum": 0.0, "alpha": 0.0, "random_state": 3}

MODELS = {
    "classifier": (lambda: MLPClassifier(hidden_layer_sizes=(12, 8), activation="tanh", **PLAIN), lambda rng, _: rng.integers(3, size=EXAMPLES)),
    "binary-classifier": (lambda: MLPClassifier(hidden_layer_sizes=(12,), **PLAIN), lambda rng, _: rng.integers(2, size=EXAMPLES)),
    "regressor": (lambda: MLPRegressor(hidden_layer_sizes=(12,), **PLAIN), lambda rng, x: np.sin(x[:, 0]) + rng.normal(size=EXAMPLES) / 4),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in MODELS:
        write(name, arguments.folder)


def write(name, folder):
    build, label = MODELS[name]
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(EXAMPLES, 6)).astype(np.float32)
    labels = label(rng, inputs)
    model = started(build(), inputs, labels)
    target = folder / f"sklearn-{name}"
    target.mkdir(parents=True, exist_ok=True)
    regresses = isinstance(model, MLPRegressor)
    options = None if regresses else {"zipmap": False}
    file = to_onnx(model, inputs[:1], options=options)
    (target / "skl2onnx.onnx").write_bytes(file.SerializeToString())

    # scikit-learn's error is half of the mean square: the same steps are of half the rate.
    half = 0.5 if regresses else 1.0
    before = weights(model)
    losses, steps = [], []
    for start in range(0, EXAMPLES, BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        model.partial_fit(inputs[batch].astype(np.float64), labels[batch])
        losses.append(model.loss_ / half)
        steps.append(weights(model))
    tensors = {"inputs": inputs, "labels": labels[:, np.newaxis] if regresses else labels, "losses": np.array(losses)}
    for tensor, value in steps[-1].items():
        tensors[f"trained/{tensor}"] = value
        tensors[f"gradient/{tensor}"] = (before[tensor] - steps[0][tensor]) / (RATE * half)
    loss = "mean-squared-error" if regresses else "softmax-cross-entropy"
    write_reference(target, tensors, loss, RATE * half)


def started(model, inputs, labels):
    """With its first weights, rounded to what the file will hold."""
    model.partial_fit(inputs[:BATCH_SIZE].astype(np.float64), labels[:BATCH_SIZE], **classes_of(model, labels))
    for tensors in (model.coefs_, model.intercepts_):
        for tensor in tensors:
            tensor[...] = tensor.astype(np.float32)
    return model


def classes_of(model, labels):
    return {"classes": np.unique(labels)} if isinstance(model, MLPClassifier) else {}


def weights(model):
    """By the names that skl2onnx gives them."""
    named = {}
    for index, (coefficients, intercepts) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        suffix = index or ""
        named[f"coefficient{suffix}"] = coefficients.copy()
        named[f"intercepts{suffix}"] = intercepts[np.newaxis].copy()
    return named


if __name__ == "__main__":
    main()
