"""Records how evenly scikit-learn's StratifiedGroupKFold divides some sets, for tests/library/data_sources.rs.

Run: python tests/reference/data_folds.py > tests/data/data/folds.json
Recorded with scikit-learn 1.x (the version is in the file) and NumPy.
"""

import json

import numpy as np
import sklearn
from sklearn.model_selection import StratifiedGroupKFold


def cases(rng):
    shares = np.array([20, 18, 16, 12, 10, 8, 6, 5, 3, 2]) / 100
    yield "single images", rng.choice(10, 700, p=shares), np.arange(700), 5
    originals = rng.choice(10, 250, p=shares)
    copies = rng.integers(1, 6, 250)
    yield "copies of one original", np.repeat(originals, copies), np.repeat(np.arange(250), copies), 5
    writers = rng.integers(0, 60, 900)
    yield "sixty writers of all digits", rng.choice(10, 900, p=shares), writers, 4
    preferred = rng.integers(0, 10, 80)
    writers = rng.choice(80, 1000, p=rng.dirichlet(np.full(80, 1.0)))
    labels = np.where(rng.random(1000) < 0.6, preferred[writers], rng.integers(0, 10, 1000))
    yield "writers of unequal size with a preferred digit", labels, writers, 3


def record(name, labels, groups, folds):
    counts = []
    for seed in range(5):
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        division = splitter.split(np.zeros(len(labels)), labels, groups)
        counts.append([np.bincount(labels[validation], minlength=10).tolist() for _, validation in division])
    return {"name": name, "folds": folds, "labels": labels.tolist(), "groups": groups.tolist(), "counts": counts}


if __name__ == "__main__":
    rng = np.random.default_rng(7)
    result = {"scikit_learn": sklearn.__version__, "cases": [record(*case) for case in cases(rng)]}
    print(json.dumps(result, separators=(",", ":")))
