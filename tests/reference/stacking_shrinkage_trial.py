"""Which penalty a logistic meta-model should have on few images: towards 0 or towards one weight a member. Prints a table of out-of-fold scores.

Run: python tests/reference/stacking_shrinkage_trial.py RUN… (numpy, scipy), each RUN a directory of `digitstack run` without copies of images.
The members' out-of-fold predictions are those of the run; the meta-models are cross-fitted on five folds of these rows.
"""

import csv
import json
import pathlib
import struct
import sys

import numpy as np
from scipy.optimize import minimize


def read(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    tensor = json.loads(data[8 : 8 + size])["probabilities"]
    start, end = (8 + size + offset for offset in tensor["data_offsets"])
    return np.frombuffer(data[start:end], np.float32).reshape(tensor["shape"]).astype(float)


def fit(x, y, c, shared):
    """Weights [10, width] and intercepts [10] with the least (log-loss + penalty / c) / n, as src/optimize/log_loss.rs has it."""
    n, width = x.shape
    means, spreads = x.mean(0), np.maximum(x.std(0), 1 / np.sqrt(c * n))
    z = (x - means) / spreads
    own = np.zeros((width // 10, 10, width))
    for member in range(width // 10):
        own[member, np.arange(10), 10 * member + np.arange(10)] = 1

    def loss(at):
        scaled, intercepts = at[: 10 * width].reshape(10, width), at[10 * width :]
        weights = scaled / spreads
        logits = z @ scaled.T + intercepts
        logits -= logits.max(1, keepdims=True)
        proba = np.exp(logits)
        proba /= proba.sum(1, keepdims=True)
        towards = sum((mask * (weights * mask).sum() / 11 for mask in own), np.zeros_like(weights)) if shared else 0
        value = -np.log(np.maximum(proba[np.arange(n), y], 1e-300)).sum() + (weights * (weights - towards)).sum() / 2 / c
        proba[np.arange(n), y] -= 1
        slope = [proba.T @ z + (weights - towards) / spreads / c, proba.sum(0)]
        return value / n, np.concatenate([part.ravel() for part in slope]) / n

    options = {"maxiter": 3000, "maxfun": 6000, "ftol": 1e-13, "gtol": 1e-7}
    found = minimize(loss, np.zeros(10 * width + 10), jac=True, method="L-BFGS-B", options=options).x
    weights = found[: 10 * width].reshape(10, width) / spreads
    return weights, found[10 * width :] - weights @ means


def cross_fit(x, y, c, shared):
    rng, fold = np.random.default_rng(1), np.zeros(len(y), int)
    for digit in range(10):
        of_class = rng.permutation(np.where(y == digit)[0])
        fold[of_class] = (np.arange(len(of_class)) + rng.integers(5)) % 5
    proba = np.zeros((len(y), 10))
    for part in range(5):
        weights, intercepts = fit(x[fold != part], y[fold != part], c, shared)
        logits = x[fold == part] @ weights.T + intercepts
        power = np.exp(logits - logits.max(1, keepdims=True))
        proba[fold == part] = power / power.sum(1, keepdims=True)
    return proba


def scores(proba, y):
    return (proba.argmax(1) == y).mean(), -np.log(np.maximum(proba[np.arange(len(y)), y], 1e-15)).mean()


table = {}
for run in map(pathlib.Path, sys.argv[1:]):
    rows = csv.DictReader((run / "predictions.csv").open())
    y = np.array([int(row["label"]) for row in rows if row["part"] == "out-of-fold"])
    members = [read(path) for path in sorted((run / "predictions").glob("*-out-of-fold.safetensors"))]
    alone = [scores(rows, y) for rows in members]
    table.setdefault("best member", []).append((max(a for a, _ in alone), min(loss for _, loss in alone)))
    table.setdefault("mean", []).append(scores(np.mean(members, 0), y))
    x = np.hstack(members)
    for scale, see, strengths in [
        ("probabilities", x, (0.1, 0.3, 1, 3)),
        ("logarithms", np.log(np.maximum(x, 1e-6)), (0.003, 0.01, 0.03, 0.1)),
    ]:
        for shared in (False, True):
            for c in strengths:
                name = f"{scale}, {'shared' if shared else 'zero'}, c = {c}"
                table.setdefault(name, []).append(scores(cross_fit(see, y, c, shared), y))
for name, found in table.items():
    each = " ".join(f"{100 * accuracy:6.2f}" for accuracy, _ in found)
    accuracy, loss = np.mean(found, 0)
    print(f"{name:32} {each}   mean {100 * accuracy:.2f} %, log-loss {loss:.4f}")
