#!/usr/bin/env python3
"""The machine's matrix peak: single-precision GFLOP/s of PyTorch's matrix product, 2,048 × 2,048, the best of ten.

    python benches/peers/peak.py [--threads 1]

The floors in benches/README.md are operations divided by this.
"""
import argparse
import json
import time

import torch

SIDE = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    a, b = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    times = []
    for _ in range(10):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    print(json.dumps({"threads": options.threads, "sgemm_gflops": round(2 * SIDE**3 / min(times) / 1e9, 1), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
