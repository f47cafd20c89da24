"""Writes Keras models as tf2onnx does, and beside each what training it must give: see README.md."""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import onnx
import tensorflow as tf
from keras import layers

from reference_file import BATCH_SIZE, EXAMPLES, write_reference


def perceptron():
    return [
        layers.Input((12,)),
        layers.Dense(16, activation="relu"),
        layers.Dense(12, activation="elu"),
        layers.Dense(4, activation="softmax"),
    ]


def convolutional():
    return [
        layers.Input((12, 12, 1)),
        layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3, strides=2, padding="same", activation="swish"),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(4, activation="softmax"),
    ]


def causal():
    """Windows of sensor readings; each layer sees what came before only."""
    return [
        layers.Input((16, 3)),
        layers.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu"),
        layers.MaxPooling1D(),
        layers.Conv1D(8, 3, padding="causal", activation="relu"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(4, activation="softmax"),
    ]


def gated():
    return [
        layers.Input((7, 5)),
        layers.Bidirectional(layers.GRU(6, return_sequences=True)),
        layers.GRU(5, reset_after=False),
        layers.Dense(4, activation="softmax"),
    ]


def simple_recurrent():
    return [
        layers.Input((7, 5)),
        layers.SimpleRNN(6, return_sequences=True),
        layers.SimpleRNN(5, go_backwards=True),
        layers.Dense(4, activation="softmax"),
    ]


def masked():
    """Sequences of different lengths, with zeros after the last element."""
    return [layers.Input((7, 5)), layers.Masking(), layers.LSTM(6), layers.Dense(4, activation="softmax")]


MODELS = {
    "mlp": (perceptron, 0.1),
    "cnn": (convolutional, 0.1),
    "causal-cnn": (causal, 0.1),
    "gru": (gated, 0.1),
    "simple-rnn": (simple_recurrent, 0.1),
    "masked-lstm": (masked, 0.1),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("models", nargs="*", help="all when absent")
    arguments = parser.parse_args()
    for name in arguments.models or MODELS:
        write(name, arguments.folder)


def write(name, folder):
    build, rate = MODELS[name]
    keras.utils.set_random_seed(7)
    model = keras.Sequential(build())
    # tf2onnx leaves a bias of zeros out of the file: as after some training, there is none.
    model.set_weights([w + 0.01 * np.random.standard_normal(w.shape) for w in model.get_weights()])
    inputs = np.random.standard_normal((EXAMPLES, *model.input_shape[1:])).astype(np.float32)
    if any(isinstance(layer, layers.Masking) for layer in model.layers):
        for example, length in zip(inputs, np.random.randint(1, inputs.shape[1] + 1, EXAMPLES), strict=True):
            example[length:] = 0
    labels = np.random.randint(model.output_shape[1], size=EXAMPLES)
    target = folder / f"keras-{name}"
    target.mkdir(parents=True, exist_ok=True)
    path = target / "tf2onnx.onnx"
    model.export(
        path,
        format="onnx",
        verbose=False,
        input_signature=[keras.InputSpec(shape=(None, *model.input_shape[1:]), dtype="float32", name="input")],
    )
    losses, gradients, trained = train(build, model.get_weights(), inputs, labels, rate)
    tensors = {"inputs": inputs, "labels": labels, "losses": losses}
    for tensor, form in stored_tensors(onnx.load(path), model).items():
        tensors[f"gradient/{tensor}"] = form(gradients)
        tensors[f"trained/{tensor}"] = form(trained)
    write_reference(target, tensors, "softmax-cross-entropy", rate)


def train(build, weights, inputs, labels, rate):
    """Plain SGD in float64: the loss of each step, the first gradients, and the weights after the last step."""
    keras.config.set_floatx("float64")
    model = keras.Sequential(build())
    model.set_weights(weights)
    losses, first = [], None
    for start in range(0, EXAMPLES, BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        with tf.GradientTape() as tape:
            outputs = model(inputs[batch].astype(np.float64), training=True)
            loss = -tf.reduce_mean(tf.math.log(tf.gather(outputs, labels[batch], batch_dims=1)))
        gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
        first = first or [gradient.numpy() for gradient in gradients]
        losses.append(float(loss))
        for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
            weight.assign_sub(rate * gradient)
    keras.config.set_floatx("float32")
    return losses, first, model.get_weights()


def stored_tensors(file, model):
    """For each float32 tensor of the file that is one of the model's weights, a function from those to it."""
    forms = list(storage_forms(model))
    found = {}
    for tensor in file.graph.initializer:
        stored = onnx.numpy_helper.to_array(tensor)
        if stored.dtype != np.float32 or stored.ndim == 0:
            continue
        matches = [form for form in forms if np.array_equal(form(model.get_weights()), stored)]
        if len(matches) != 1:
            raise ValueError(f"{tensor.name} {stored.shape} is {len(matches)} of the model's weights")
        found[tensor.name] = matches[0]
    return found


def storage_forms(model):
    """What tf2onnx stores of a model's weights."""
    index = 0
    for layer in model.layers:
        for at in range(index, index + len(layer.get_weights())):
            yield from forms_of(layer, at)
        index += len(layer.get_weights())


def forms_of(layer, at):
    # Keras has height, width, channels in, channels out.
    if isinstance(layer, layers.Conv1D):
        # As of images that are one pixel high.
        kernel = lambda weights: weights[at].transpose(2, 1, 0)[:, :, np.newaxis]
        bias = lambda weights: weights[at][np.newaxis, :, np.newaxis]
        yield lambda weights: kernel(weights) if weights[at].ndim == 3 else bias(weights)
    elif isinstance(layer, layers.DepthwiseConv2D):
        yield lambda weights: weights[at].transpose(2, 3, 0, 1) if weights[at].ndim == 4 else weights[at]
    else:
        yield lambda weights: weights[at].transpose(3, 2, 0, 1) if weights[at].ndim == 4 else weights[at]


if __name__ == "__main__":
    main()
