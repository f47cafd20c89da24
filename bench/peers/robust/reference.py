"""What robust aggregation must give, in numpy's float64, written from the papers' formulas."""

import json
import sys

import numpy as np
from scipy import stats


def rounded(x):
    # Exact in float32, and fine enough that no two values are as near a median as each other.
    return np.round(x * 4096) / 4096


def updates(rng, devices, hostile, length):
    honest = rng.normal(0.5, 1.0, (devices - hostile, length))
    return rounded(np.vstack([honest, -8 * honest.mean(0) + rng.normal(0, 2.0, (hostile, length))]))


def krum_scores(points, f):
    distances = ((points[:, None, :] - points[None, :, :]) ** 2).sum(-1)
    np.fill_diagonal(distances, np.inf)
    neighbours = max(1, len(points) - f - 2)
    return np.sort(distances, 1)[:, :neighbours].sum(1)


def krum(points, f):
    return points[np.argmin(krum_scores(points, f))]


def multi_krum(points, f, m):
    return points[np.argsort(krum_scores(points, f), kind="stable")[:m]].mean(0)


def bulyan(points, f):
    left, chosen = list(range(len(points))), []
    while len(left) > 2 * f:
        chosen.append(left.pop(int(np.argmin(krum_scores(points[left], f)))))
    selection = points[chosen]
    beta = len(selection) - 2 * f
    order = np.argsort(abs(selection - np.median(selection, 0)), 0, kind="stable")[:beta]
    return np.take_along_axis(selection, order, 0).mean(0)


def geometric_median(points, weights, iterations, nu):
    z = np.average(points, 0, weights)
    for _ in range(iterations):
        z = np.average(points, 0, weights / np.maximum(nu, np.linalg.norm(points - z, axis=1)))
    return z


def norm_filter(points, weights, multiple):
    norms = np.linalg.norm(points, axis=1)
    kept = norms <= multiple * np.median(norms)
    return np.average(points[kept], 0, weights[kept])


def cases():
    rng = np.random.default_rng(7)
    for devices, f, length in [(11, 2, 5), (23, 5, 7), (40, 8, 3)]:
        points = updates(rng, devices, f, length)
        weights = rng.integers(1, 600, devices).astype(float)
        given = {"updates": points.tolist(), "weights": weights.tolist()}
        trim = f / devices
        rules = [
            ("median", {}, np.median(points, 0)),
            ("trimmed-mean", {"trim": trim}, stats.trim_mean(points, trim + 1e-12)),
            ("krum", {"byzantine": f}, krum(points, f)),
            ("multi-krum", {"byzantine": f}, multi_krum(points, f, devices - f)),
            ("multi-krum", {"byzantine": f, "selected": 3}, multi_krum(points, f, 3)),
            ("bulyan", {"byzantine": f}, bulyan(points, f)),
            ("geometric-median", {}, geometric_median(points, weights, 4, 1e-6)),
            ("geometric-median", {"iterations": 20}, geometric_median(points, weights, 20, 1e-6)),
            ("norm-filter", {"multiple": 1.5}, norm_filter(points, weights, 1.5)),
        ]
        yield {**given, "rules": [{"name": n, "options": o, "result": r.tolist()} for n, o, r in rules]}


if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        json.dump(list(cases()), file)
        file.write("\n")
