#!/usr/bin/env python3
"""The reference CNN or dense net in PyTorch: training and inference images a second.

    python benches/peers/nets.py cnn --batch 32,128,512 --threads 2 --seconds 8

Prints one JSON object a line: net, layout (contiguous or channels_last), batch, threads, train_images_per_s, infer_images_per_s.
Set MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 for PyTorch's best speed on glibc: it spares the page faults.
Needs torch 2.x; tested with 2.15.
"""
import argparse
import json
import os
import statistics
import time

import torch
from torch import nn


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 64, 3), nn.SELU(), nn.MaxPool2d(2), nn.SELU(),
        nn.Conv2d(64, 128, 3), nn.SELU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(3200, 54), nn.SELU(), nn.Linear(54, 30), nn.SELU(), nn.Linear(30, 10),
    )


def dense():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 80), nn.Softplus(), nn.Linear(80, 28), nn.Softplus(), nn.Linear(28, 10))


def rate(step, batch, seconds):
    """Median images a second over the steps that fit into the time, after five that do not count."""
    for _ in range(5):
        step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return batch / statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=["cnn", "dense"])
    parser.add_argument("--batch", default="32,128,512")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=8.0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    for batch in map(int, arguments.batch.split(",")):
        for layout in (torch.contiguous_format, torch.channels_last):
            if arguments.net == "dense" and layout is torch.channels_last:
                continue
            model = (cnn() if arguments.net == "cnn" else dense()).to(memory_format=layout)
            if arguments.net == "cnn":
                optimizer = torch.optim.Adadelta(model.parameters(), lr=1.4, rho=0.53)
            else:
                optimizer = torch.optim.SGD(model.parameters(), lr=0.1349)
            images = torch.rand(batch, 1, 28, 28).to(memory_format=layout)
            labels = torch.arange(batch) % 10

            def train():
                optimizer.zero_grad(set_to_none=True)
                nn.functional.cross_entropy(model(images), labels).backward()
                optimizer.step()

            def infer():
                with torch.inference_mode():
                    model(images)

            print(json.dumps({
                "net": arguments.net,
                "layout": "channels_last" if layout is torch.channels_last else "contiguous",
                "batch": batch,
                "threads": arguments.threads,
                "torch": torch.__version__,
                "malloc_tuned": "MALLOC_MMAP_THRESHOLD_" in os.environ,
                "train_images_per_s": round(rate(train, batch, arguments.seconds)),
                "infer_images_per_s": round(rate(infer, batch, arguments.seconds)),
            }), flush=True)


if __name__ == "__main__":
    main()
