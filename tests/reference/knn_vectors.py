"""Records what scikit-learn's KNeighborsClassifier makes of small images: tests/data/classical/knn.json.

Run from the root of the project: python tests/reference/knn_vectors.py (numpy, scikit-learn; versions are recorded in the file).
The images are those of classical_vectors.py. scikit-learn chooses among neighbours at the same distance as its sorting leaves them, so only images
whose k-th and next neighbour differ in distance are recorded; the test checks ties by its own rule.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.neighbors import KNeighborsClassifier

OUT = pathlib.Path("tests/data/classical/knn.json")


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


images, labels = digits(240, 1)
fresh, _ = digits(12, 2)
# Two of the training images as well: at distance 0, only identical images have a vote if votes are weighted.
fresh = np.concatenate([fresh, images[[11, 57]]])
x, new = images.astype(float), fresh.astype(float)

fits = []
for k, weights in [(1, "uniform"), (3, "uniform"), (3, "distance"), (10, "uniform"), (25, "distance")]:
    model = KNeighborsClassifier(n_neighbors=k, weights=weights, algorithm="brute").fit(x, labels)
    distances, _ = model.kneighbors(new, n_neighbors=k + 1)
    assert (np.diff(np.round(distances**2)[:, k - 1 :]) > 0).all(), f"a tie at k = {k}"
    fits.append({"k": k, "weights": weights, "fresh": np.round(model.predict_proba(new), 9).tolist()})
    print(f"k = {k}, {weights}: {len(np.unique(model.predict(new)))} classes predicted")
OUT.parent.mkdir(parents=True, exist_ok=True)
versions = {"numpy": np.__version__, "scikit-learn": sklearn.__version__}
OUT.write_text(json.dumps(versions | {"fits": fits}, separators=(",", ":")) + "\n")
