"""Records what scikit-learn and SciPy make of members' predictions: tests/data/stacking/*.json.

Run from the root of the project: python tests/reference/stacking_vectors.py (numpy, scipy, scikit-learn; versions are recorded in the files).
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

OUT = pathlib.Path("tests/data/stacking")
VERSIONS = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
SMALLEST = 1e-6


def members(rng, n):
    """Labels and three members that know them more or less well; probabilities with four decimals, some exactly 0."""
    labels = np.arange(n) % 10
    hard = rng.normal(0, 1.5, (n, 10))
    rows = []
    for strength, own in [(2.0, 1.0), (3.5, 0.8), (3.0, 1.2)]:
        logits = hard + rng.normal(0, own, (n, 10))
        logits[np.arange(n), labels] += strength
        proba = np.exp(logits - logits.max(1, keepdims=True))
        proba = np.round(proba / proba.sum(1, keepdims=True), 4)
        proba[np.arange(n), proba.argmax(1)] += 1 - proba.sum(1)
        rows.append(np.round(proba, 4).astype(np.float32))
    return labels, rows


def write(name, value):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / name).write_text(json.dumps(VERSIONS | value, separators=(",", ":")) + "\n")


def four(rows):
    """The numbers as written: integers of 1e-4."""
    return np.rint(np.asarray(rows, dtype=np.float64) * 1e4).astype(int).tolist()


def six(values):
    return np.round(values, 7).tolist()


rng = np.random.default_rng(20)
labels, rows = members(rng, 300)
_, fresh = members(rng, 40)
write("members.json", {"labels": labels.tolist(), "train": [four(m) for m in rows], "fresh": [four(m) for m in fresh]})
x, new = (np.hstack(m).astype(np.float64) for m in (rows, fresh))

fits = []
for scale in ["probabilities", "log-probabilities"]:
    see = (lambda v: v) if scale == "probabilities" else (lambda v: np.log(np.maximum(v, SMALLEST)))
    for c in [0.1, 1.0, 10.0]:
        model = LogisticRegression(C=c, tol=1e-10, max_iter=100_000).fit(see(x), labels)
        fits.append({"scale": scale, "c": c, "fresh": six(model.predict_proba(see(new)))})
write("logistic.json", {"fits": fits})

# Shrinkage towards one weight a member that its ten probabilities share: W = V + a, ½‖V‖² + ½‖a‖² against the log-loss.
def shared(x, c):
    n, width = x.shape
    groups = width // 10
    own = np.zeros((groups, 10, width))
    for m in range(groups):
        own[m, np.arange(10), 10 * m + np.arange(10)] = 1

    def loss(p):
        v, a, b = p[: 10 * width].reshape(10, width), p[10 * width : -10], p[-10:]
        logits = x @ (v + np.tensordot(a, own, 1)).T + b
        logits -= logits.max(1, keepdims=True)
        proba = np.exp(logits)
        proba /= proba.sum(1, keepdims=True)
        value = -c * np.log(proba[np.arange(n), labels]).sum() + (v**2).sum() / 2 + (a**2).sum() / 2
        proba[np.arange(n), labels] -= 1
        of_w = c * proba.T @ x
        slope = [of_w + v, np.array([(of_w * o).sum() for o in own]) + a, c * proba.sum(0)]
        return value, np.concatenate([s.ravel() for s in slope])

    found = minimize(loss, np.zeros(10 * width + groups + 10), jac=True, method="L-BFGS-B", options={"maxiter": 100_000, "maxfun": 200_000, "ftol": 0, "gtol": 1e-9})
    v, a, b = found.x[: 10 * width].reshape(10, width), found.x[10 * width : -10], found.x[-10:]
    return v + np.tensordot(a, own, 1), b


fits = []
for scale in ["probabilities", "log-probabilities"]:
    see = (lambda v: v) if scale == "probabilities" else (lambda v: np.log(np.maximum(v, SMALLEST)))
    for c in [0.01, 0.1, 1.0]:
        weights, intercepts = shared(see(x), c)
        logits = see(new) @ weights.T + intercepts
        proba = np.exp(logits - logits.max(1, keepdims=True))
        fits.append({"scale": scale, "c": c, "fresh": six(proba / proba.sum(1, keepdims=True))})
write("shared.json", {"fits": fits})

of_label = np.stack([m[np.arange(len(labels)), labels].astype(np.float64) for m in rows], 1)
of_label = np.maximum(of_label, 1e-15)
best = minimize(
    lambda w: -np.log(of_label @ w).mean(),
    np.full(3, 1 / 3),
    jac=lambda w: -(of_label / (of_label @ w)[:, None]).mean(0),
    method="SLSQP",
    bounds=[(0, 1)] * 3,
    constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(3)},
    options={"ftol": 1e-15, "maxiter": 1000},
)
write("weighted_mean.json", {"weights": best.x.tolist(), "log_loss": best.fun})

# Splits of equal gain are drawn by lot in scikit-learn; only trees that are the same for every lot are recorded.
trees = []
for depth, least in [(1, 1), (2, 5), (3, 10), (4, 12), (5, 15), (6, 20)]:
    grown = [DecisionTreeClassifier(max_depth=depth, min_samples_leaf=least, random_state=s).fit(x, labels) for s in range(20)]
    first = grown[0].tree_
    same = all(np.array_equal(first.feature, t.tree_.feature) and np.array_equal(first.threshold, t.tree_.threshold) for t in grown)
    print(f"tree of depth {depth}, leaves of {least}: {first.n_leaves} leaves, {'recorded' if same else 'left out, ties'}")
    if same:
        trees.append({
            "max_depth": depth,
            "min_samples_leaf": least,
            "leaves": int(first.n_leaves),
            "features": first.feature[first.feature >= 0].tolist(),
            "thresholds": first.threshold[first.feature >= 0].tolist(),
            "fresh": six(grown[0].predict_proba(new)),
        })
write("tree.json", {"trees": trees})
