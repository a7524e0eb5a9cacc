#!/usr/bin/env python3
"""Trains LightGBM's Python package on IDX files and prints one line of JSON: seconds and accuracy.

    python benches/peers/lightgbm_train.py FOLDER [--rows 10000] [--trees 30] [--max-bin 255] [--threads 2] [--layout row]
    python benches/peers/lightgbm_train.py FOLDER --folds 4 [--seed 1] …

FOLDER holds MNIST's train-*-ubyte, gzipped or not. Without --folds the first ROWS images train, the last 10,000 set the accuracy, and binning
and training are timed apart. With --folds it does what people write: a stratified cross-validation over the first ROWS images, one fold after
another, each on all threads; the accuracy is out of fold. Left alone, the settings are the package's defaults but for the reference's depth,
leaves and regularisers; --max-bin 63 --layout row --threads 1 are those of `digitstack bench booster`.
"""
import argparse
import gzip
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before the library loads

import lightgbm  # noqa: E402
import numpy  # noqa: E402
from sklearn.metrics import log_loss  # noqa: E402
from sklearn.model_selection import StratifiedKFold  # noqa: E402

VALIDATION = 10_000
LAYOUTS = {"default": {}, "row": {"force_row_wise": True}, "column": {"force_col_wise": True}}


def idx(folder: Path, name: str, header: int) -> numpy.ndarray:
    plain, packed = folder / name, folder / f"{name}.gz"
    data = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    return numpy.frombuffer(data, numpy.uint8, offset=header)


def fit(images: numpy.ndarray, labels: numpy.ndarray, parameters: dict, trees: int) -> tuple[lightgbm.Booster, float, float]:
    """The booster, seconds of binning, seconds of training."""
    start = time.perf_counter()
    dataset = lightgbm.Dataset(images.astype(numpy.float32), labels, params=parameters).construct()
    binned = time.perf_counter()
    booster = lightgbm.train(parameters, dataset, trees)
    return booster, binned - start, time.perf_counter() - binned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in [("rows", 10_000), ("trees", 30), ("max-bin", 255), ("threads", os.cpu_count()), ("folds", 0), ("seed", 0)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--layout", choices=LAYOUTS, default="default")
    options = parser.parse_args()
    images = idx(options.folder, "train-images-idx3-ubyte", 16).reshape(-1, 784)
    labels = idx(options.folder, "train-labels-idx1-ubyte", 8)
    parameters = {
        "objective": "multiclass",
        "num_class": 10,
        "max_depth": 6,
        "num_leaves": 70,
        "lambda_l1": 0.37,
        "lambda_l2": 0.9,
        "max_bin": options.max_bin,
        "num_threads": options.threads,
        "seed": options.seed,
        "verbosity": -1,
    } | LAYOUTS[options.layout]
    figures = {"lightgbm": lightgbm.__version__, "layout": options.layout, "max_bin": options.max_bin}
    figures |= {"threads": options.threads, "trees": options.trees, "seed": options.seed}
    if options.folds:
        images, labels = images[: options.rows], labels[: options.rows]
        start = time.perf_counter()
        predicted = numpy.empty((len(labels), 10))
        for train, left_out in StratifiedKFold(options.folds, shuffle=True, random_state=options.seed).split(images, labels):
            booster, _, _ = fit(images[train], labels[train], parameters, options.trees)
            predicted[left_out] = booster.predict(images[left_out].astype(numpy.float32))
        figures |= {"rows": len(labels), "folds": options.folds, "seconds": round(time.perf_counter() - start, 3)}
        figures |= {"accuracy": float((predicted.argmax(axis=1) == labels).mean()), "log_loss": float(log_loss(labels, predicted))}
    else:
        rows = min(options.rows, len(labels) - VALIDATION)
        booster, binning, training = fit(images[:rows], labels[:rows], parameters, options.trees)
        start = time.perf_counter()
        predicted = booster.predict(images[-VALIDATION:].astype(numpy.float32))
        rate = VALIDATION / (time.perf_counter() - start)
        figures |= {"rows": rows, "binning_seconds": round(binning, 3), "seconds": round(training, 3), "predictions_per_second": round(rate)}
        figures |= {"accuracy": float((predicted.argmax(axis=1) == labels[-VALIDATION:]).mean())}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
