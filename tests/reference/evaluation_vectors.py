"""Records what scikit-learn and SciPy say about predictions: tests/data/evaluation/scores.json.

Run from the root of the project: python tests/reference/evaluation_vectors.py (numpy, scipy, scikit-learn; versions are recorded in the file).
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy.stats import binom, binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_score, recall_score

OUT = pathlib.Path("tests/data/evaluation")
BINS = 15


def predictions(rng, n, sharpness):
    labels = rng.integers(0, 9, n)  # there is no 9, as happens in a small set
    logits = rng.normal(0, 1, (n, 10)) * sharpness
    logits[np.arange(n), labels] += 1.5 * sharpness
    proba = np.exp(logits - logits.max(1, keepdims=True))
    proba = np.round(proba / proba.sum(1, keepdims=True), 4)
    proba[np.arange(n), proba.argmax(1)] += 1 - proba.sum(1)
    return labels, np.round(proba, 4).astype(np.float32)


def reliability(proba, labels):
    top, right = proba.max(1).astype(np.float64), proba.argmax(1) == labels
    edges = np.linspace(0, 1, BINS + 1)
    index = np.clip(np.digitize(top, edges, right=True), 1, BINS) - 1
    bins, ece = [], 0.0
    for b in range(BINS):
        inside = index == b
        count = int(inside.sum())
        confidence, accuracy = (float(top[inside].mean()), float(right[inside].mean())) if count else (0.0, 0.0)
        bins.append({"count": count, "confidence": confidence, "accuracy": accuracy})
        ece += count / len(labels) * abs(confidence - accuracy)
    return bins, ece


rng = np.random.default_rng(11)
cases = []
for n, sharpness in [(150, 1.0), (120, 3.0), (40, 8.0)]:
    labels, proba = predictions(rng, n, sharpness)
    guess = proba.argmax(1)
    wilson = binomtest(int((guess == labels).sum()), n).proportion_ci(0.95, method="wilson")
    bins, ece = reliability(proba, labels)
    clipped = np.clip(proba.astype(np.float64), 1e-15, 1)
    # scikit-learn divides each row by its sum; the rows here are given to it as probabilities that sum to 1 in double precision.
    clipped /= clipped.sum(1, keepdims=True)
    cases.append({
        "labels": labels.tolist(),
        "probabilities": np.rint(proba.astype(np.float64) * 1e4).astype(int).tolist(),
        "accuracy": [accuracy_score(labels, guess), wilson.low, wilson.high],
        "log_loss": log_loss(labels, clipped, labels=range(10)),
        "confusion": confusion_matrix(labels, guess, labels=range(10)).tolist(),
        "precision": precision_score(labels, guess, labels=range(10), average=None, zero_division=0).tolist(),
        "recall": recall_score(labels, guess, labels=range(10), average=None, zero_division=0).tolist(),
        "reliability": bins,
        "ece": ece,
    })

wilson = []
for successes, trials in [(0, 10), (10, 10), (1, 3), (9877, 10_000), (59_999, 60_000)]:
    interval = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    wilson.append([successes, trials, interval.low, interval.high])

mcnemar = []
for first, second in [(0, 1), (1, 1), (3, 9), (12, 12), (40, 75), (0, 30), (900, 1100), (2500, 2400)]:
    exact = binomtest(first, first + second, 0.5).pvalue
    middle = binom.pmf(min(first, second), first + second, 0.5)
    mcnemar.append([first, second, exact, min(1.0, 2 * binom.cdf(min(first, second), first + second, 0.5) - middle)])

OUT.mkdir(parents=True, exist_ok=True)
versions = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
(OUT / "scores.json").write_text(json.dumps(versions | {"cases": cases, "wilson": wilson, "mcnemar": mcnemar}, separators=(",", ":")) + "\n")
