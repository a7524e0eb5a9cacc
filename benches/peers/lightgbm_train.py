"""Trains LightGBM's Python package on IDX files and prints one line of JSON: seconds (binning and training apart) and accuracy.

    python benches/peers/lightgbm_train.py FOLDER [--rows 10000] [--trees 30] [--leaves 70] [--max-bin 63] [--threads 2]

FOLDER holds MNIST's train-*-ubyte, gzipped or not. The first ROWS images train; the last 10,000 are validation images and set the
accuracy. Settings not named are those of the booster's defaults, so that `digitstack bench booster` measures the same work.
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

VALIDATION = 10_000


def idx(folder: Path, name: str, header: int) -> numpy.ndarray:
    plain, packed = folder / name, folder / f"{name}.gz"
    data = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    return numpy.frombuffer(data, numpy.uint8, offset=header)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in [("rows", 10_000), ("trees", 30), ("leaves", 70), ("max-bin", 63), ("threads", 2)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    images = idx(options.folder, "train-images-idx3-ubyte", 16).reshape(-1, 784)
    labels = idx(options.folder, "train-labels-idx1-ubyte", 8)
    rows = min(options.rows, len(labels) - VALIDATION)
    parameters = {
        "objective": "multiclass",
        "num_class": 10,
        "learning_rate": 0.1,
        "max_depth": 6,
        "num_leaves": options.leaves,
        "lambda_l1": 0.37,
        "lambda_l2": 0.9,
        "max_bin": options.max_bin,
        "num_threads": options.threads,
        "deterministic": True,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
    start = time.perf_counter()
    dataset = lightgbm.Dataset(images[:rows].astype(numpy.float32), labels[:rows], params=parameters).construct()
    binned = time.perf_counter()
    booster = lightgbm.train(parameters, dataset, options.trees)
    trained = time.perf_counter()
    predicted = booster.predict(images[-VALIDATION:].astype(numpy.float32))
    done = time.perf_counter()
    accuracy = float((predicted.argmax(axis=1) == labels[-VALIDATION:]).mean())
    figures = {
        "lightgbm": lightgbm.__version__,
        "rows": rows,
        "trees": options.trees,
        "leaves": options.leaves,
        "max_bin": options.max_bin,
        "threads": options.threads,
        "binning_seconds": round(binned - start, 3),
        "seconds": round(trained - binned, 3),
        "predictions_per_second": round(VALIDATION / (done - trained)),
        "accuracy": accuracy,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
