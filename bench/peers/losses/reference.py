"""What losses must give: PyTorch's own, in float64."""

import json
import sys

import torch
from torch.nn import functional as F


def rounded(x):
    # Four digits, so that the file is small.
    return (x * 1e4).round() / 1e4


def numbers(*shape):
    return rounded(torch.randn(*shape))


def classes(count, *shape):
    return torch.randint(count, shape)


def distributions(*shape, axis=-1):
    return torch.randn(*shape).softmax(axis)


def last(x):
    """Classes to the axis where PyTorch has them."""
    return x.movedim(-1, 1)


def with_ignored(labels, index):
    labels = labels.clone()
    labels.flatten()[::3] = index
    return labels


def cases():
    """Our loss with its options, an output, targets, and PyTorch's mean loss of the two."""
    ce, bce = "softmax-cross-entropy", "binary-cross-entropy"
    weights = [0.5, 1.0, 2.0, 1.5]
    w = torch.tensor(weights)
    yield {"name": ce}, numbers(5, 4), classes(4, 5), F.cross_entropy
    yield {"name": ce}, numbers(2, 3, 4), classes(4, 2, 3), lambda y, t: F.cross_entropy(last(y), t)
    yield {"name": ce, "axis": 1}, numbers(2, 4, 2, 3), classes(4, 2, 2, 3), F.cross_entropy
    smooth = {"name": ce, "labelSmoothing": 0.1}
    yield smooth, numbers(5, 4), classes(4, 5), lambda y, t: F.cross_entropy(y, t, label_smoothing=0.1)
    weighted = {"name": ce, "classWeights": weights}
    yield weighted, numbers(5, 4), classes(4, 5), lambda y, t: F.cross_entropy(y, t, w)
    ignoring = {"name": ce, "ignoreIndex": -100}
    yield ignoring, numbers(5, 4), with_ignored(classes(4, 5), -100), F.cross_entropy
    every = {"name": ce, "axis": 1, "classWeights": weights, "labelSmoothing": 0.2, "ignoreIndex": 2}
    yield (
        every,
        numbers(3, 4, 5),
        with_ignored(classes(4, 3, 5), 2),
        lambda y, t: F.cross_entropy(y, t, w, label_smoothing=0.2, ignore_index=2),
    )
    soft = {"name": ce, "targets": "probabilities"}
    yield soft, numbers(5, 4), distributions(5, 4), F.cross_entropy
    soft_positions = {**soft, "axis": 1, "classWeights": weights, "labelSmoothing": 0.2}
    yield (
        soft_positions,
        numbers(2, 4, 3),
        distributions(2, 4, 3, axis=1),
        lambda y, t: F.cross_entropy(y, t, w, label_smoothing=0.2),
    )
    of_one = lambda y, t: F.binary_cross_entropy_with_logits(y[:, 0], t.double())
    yield {"name": bce}, numbers(6, 1) * 9, classes(2, 6), of_one
    heavy = lambda y, t: F.binary_cross_entropy_with_logits(y, t.double(), pos_weight=torch.tensor(2.5))
    yield {"name": bce, "positiveWeight": 2.5}, numbers(4, 3), classes(2, 4, 3), heavy
    likely = {"name": bce, "targets": "probabilities"}
    yield likely, numbers(4, 3), rounded(torch.rand(4, 3)), F.binary_cross_entropy_with_logits
    for shape in ((5, 1), (2, 1, 2, 3)):
        yield {"name": "mean-squared-error"}, numbers(*shape), numbers(*shape), F.mse_loss
        yield {"name": "mean-absolute-error"}, numbers(*shape), numbers(*shape), F.l1_loss
        yield {"name": "huber"}, numbers(*shape) * 2, numbers(*shape), F.huber_loss
    narrow = lambda y, t: F.huber_loss(y, t, delta=0.4)
    yield {"name": "huber", "delta": 0.4}, numbers(5, 3), numbers(5, 3), narrow
    divergence = lambda y, t: F.kl_div(y.log_softmax(-1), t, reduction="batchmean")
    yield {"name": "kl-divergence"}, numbers(5, 4), distributions(5, 4), divergence
    sparse = torch.tensor([[0, 1, 0, 0], [0.5, 0, 0.25, 0.25]])
    yield {"name": "kl-divergence"}, numbers(2, 4), sparse, divergence
    alike = lambda y, t: (1 - F.cosine_similarity(y, t, dim=-1)).mean()
    yield {"name": "cosine"}, numbers(5, 4), numbers(5, 4), alike
    yield {"name": "cosine"}, numbers(2, 3, 4), numbers(2, 3, 4), alike


def main(path):
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    written = []
    for loss, output, target, theirs in cases():
        output.requires_grad_()
        mean = theirs(output, target)
        mean.backward()
        written.append(
            {
                "loss": loss,
                "shape": list(output.shape),
                "output": output.detach().flatten().tolist(),
                "target": target.flatten().tolist(),
                "mean": mean.item(),
                "gradient": output.grad.flatten().tolist(),
            }
        )
    with open(path, "w", encoding="utf-8") as file:
        json.dump(written, file, indent=1)
        file.write("\n")


main(sys.argv[1])
