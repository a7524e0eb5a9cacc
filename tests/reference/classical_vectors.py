"""Records what scikit-learn's LogisticRegression and SVC make of small images: tests/data/classical/*.json.

Run from the root of the project: python tests/reference/classical_vectors.py (numpy, scikit-learn; versions are recorded in the files).
The images are drawn by a linear congruential generator, so that the tests draw the same and the files hold no pixels.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

OUT = pathlib.Path("tests/data/classical")
VERSIONS = {"numpy": np.__version__, "scikit-learn": sklearn.__version__}


def digits(n, seed):
    """Images [n, 784] of bytes and labels [n]; every eleventh label is another than the image shows."""
    state, images, labels = seed, np.zeros((n, 784), np.uint8), np.zeros(n, int)
    for i in range(n):
        for p in range(784):
            state = (state * 1664525 + 1013904223) % 2**32
            level = state >> 24
            if (p * 7 + i % 10 * 53) % 97 < 9:
                images[i, p] = 128 + level // 2
            elif level > 250:
                images[i, p] = level
        labels[i] = (i * 7 // 3) % 10 if i % 11 == 0 else i % 10
    return images, labels


def write(name, value):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / name).write_text(json.dumps(VERSIONS | value, separators=(",", ":")) + "\n")


images, labels = digits(240, 1)
fresh, _ = digits(12, 2)
x, new = images / 255.0, fresh / 255.0

fits = []
for c in [0.01, 1.0]:
    # Two solvers, to know how exact they are.
    found = [LogisticRegression(C=c, solver=s, tol=1e-12, max_iter=100_000).fit(x, labels) for s in ["newton-cg", "lbfgs"]]
    proba = [model.predict_proba(new) for model in found]
    print(f"logistic regression, C = {c}: the solvers differ by {np.abs(proba[0] - proba[1]).max():.1e}")
    fits.append({"c": c, "fresh": np.round(proba[0], 9).tolist()})
write("logistic.json", {"fits": fits})

fits = []
for c, gamma in [(5.0, "scale"), (0.5, 0.002), (100.0, 0.0005)]:
    model = SVC(C=c, gamma=gamma, tol=1e-10, decision_function_shape="ovo").fit(x, labels)
    decisions = model.decision_function(new)
    print(f"support-vector machine, C = {c}, gamma = {gamma}: {len(model.support_)} support vectors")
    fits.append({
        "c": c,
        "gamma": gamma,
        "gamma_found": model._gamma,
        "support_vectors": len(model.support_),
        "decisions": np.round(decisions, 8).tolist(),
    })
write("svm.json", {"fits": fits})
