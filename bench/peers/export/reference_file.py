"""The file that says what training a model must give: see README.md."""

import json
import pathlib

import numpy as np
from safetensors.numpy import save_file

BATCH_SIZE = 6
STEPS = 10
# Ten batches, the last short.
EXAMPLES = BATCH_SIZE * STEPS - 2


def write_reference(folder: pathlib.Path, tensors, loss, rate):
    """
    tensors: by name, as numpy or PyTorch has them; what is float64 is narrowed, except the losses.
    """
    # One entry: safetensors would write several in any order.
    metadata = {"training": json.dumps({"loss": loss, "learningRate": rate, "batchSize": BATCH_SIZE})}
    arrays = {name: narrowed(name, np.asarray(tensor)) for name, tensor in tensors.items()}
    save_file(arrays, folder / "reference.safetensors", metadata)
    sizes = [f"{path.name} {path.stat().st_size:,}" for path in sorted(folder.iterdir())]
    print(folder.name, *sizes, sep="  ")


def narrowed(name, array):
    if name == "losses":
        return array.astype(np.float64)
    return np.ascontiguousarray(array, dtype=np.float32 if array.dtype.kind == "f" else np.int32)
