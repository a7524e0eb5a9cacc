"""Which scale a logistic meta-model should see: probabilities or their logarithms. Prints a table; takes two minutes on one core.

Run: DIGITSTACK_DATA=<folder with MNIST's .gz files> python tests/reference/stacking_scale_trial.py (numpy, scikit-learn, lightgbm).
"""

import gzip
import os
import warnings

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

warnings.filterwarnings("ignore")
FOLDER = os.environ["DIGITSTACK_DATA"]
IMAGES = 9000


def read(name, offset):
    return np.frombuffer(gzip.open(os.path.join(FOLDER, name)).read(), np.uint8, offset=offset)


x = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 784)[:IMAGES].astype(np.float32) / 255
y = read("train-labels-idx1-ubyte.gz", 8)[:IMAGES]
fold = np.arange(IMAGES) % 3


def out_of_fold(make, features):
    proba = np.zeros((IMAGES, 10))
    for f in range(3):
        proba[fold == f] = make().fit(features[fold != f], y[fold != f]).predict_proba(features[fold == f])
    return proba


def report(name, proba):
    log_loss = -np.log(np.clip(proba[np.arange(IMAGES), y], 1e-15, 1)).mean()
    print(f"{name:40} accuracy {(proba.argmax(1) == y).mean():.4f}  log-loss {log_loss:.4f}", flush=True)
    return proba


members = [
    report("net 80-28", out_of_fold(lambda: MLPClassifier((80, 28), max_iter=8, random_state=0, batch_size=64), x)),
    report("net 200", out_of_fold(lambda: MLPClassifier((200,), max_iter=12, random_state=1, batch_size=64), x)),
    report(
        "booster, 40 rounds",
        out_of_fold(
            lambda: lightgbm.LGBMClassifier(n_estimators=40, max_depth=6, num_leaves=30, max_bin=15, n_jobs=1, verbose=-1), x
        ),
    ),
]
report("mean", np.mean(members, 0))
side_by_side = np.hstack(members)
for c in (0.1, 1, 10):
    report(f"probabilities, c = {c}", out_of_fold(lambda: LogisticRegression(C=c, tol=1e-6, max_iter=2000), side_by_side))
for smallest in (1e-6, 1e-4):
    logs = np.log(np.maximum(side_by_side, smallest))
    for c in (0.01, 0.1, 1):
        report(f"logs from {smallest:g}, c = {c}", out_of_fold(lambda: LogisticRegression(C=c, tol=1e-6, max_iter=2000), logs))
