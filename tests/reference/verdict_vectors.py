"""Records the temperature that SciPy finds for made-up rows: python tests/reference/verdict_vectors.py > tests/data/verdict/temperature.json"""

import json

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

draw = np.random.default_rng(7)
labels = draw.integers(0, 10, 300)
logits = draw.normal(0, 1, (300, 10)) + 3.0 * np.eye(10)[labels]
rows = np.exp(log_softmax(2.5 * logits, axis=1)).astype(np.float32)
logs = np.log(np.maximum(rows.astype(np.float64), np.float64(np.float32(1e-12))))


def loss(sharpness: float) -> float:
    return -log_softmax(sharpness * logs, axis=1)[np.arange(300), labels].mean()


found = minimize_scalar(loss, bounds=(0.01, 10), method="bounded", options={"xatol": 1e-12})
print(json.dumps({"rows": rows.tolist(), "labels": labels.tolist(), "sharpness": found.x}))
