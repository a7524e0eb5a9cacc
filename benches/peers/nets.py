#!/usr/bin/env python3
"""The reference CNN or dense net in PyTorch: training and inference images a second.

    python benches/peers/nets.py cnn --batch 32,128,512 --threads 2 --seconds 8
    python benches/peers/nets.py cnn --batch 32,128,1024 --device cuda --modes eager,compile,graphs

Prints one JSON object a line: net, device, layout (contiguous or channels_last), mode, batch, threads, queue, train_images_per_s,
infer_images_per_s; `queue` steps are started before the device is waited for, 1 on a CPU and 10 on a GPU, as `digitstack bench` does.
Modes: eager; compile (`torch.compile` of the net; the update stays eager); graphs (a CUDA graph of the whole step, on a GPU only). On a GPU the
images lie in its memory, and at batch 32 one line says what share of an eager step its graph saves: the cost of launching.
On a CPU, set MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 for PyTorch's best speed on glibc: it spares the page faults.
Needs torch 2.x; tested with 2.15 on a CPU, never yet on a GPU.
"""
import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 64, 3), nn.SELU(), nn.MaxPool2d(2), nn.SELU(),
        nn.Conv2d(64, 128, 3), nn.SELU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(3200, 54), nn.SELU(), nn.Linear(54, 30), nn.SELU(), nn.Linear(30, 10),
    )


def dense() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 80), nn.Softplus(), nn.Linear(80, 28), nn.Softplus(), nn.Linear(28, 10))


def rate(step: Callable[[], None], wait: Callable[[], None], batch: int, seconds: float, queue: int) -> float:
    """Images a second in the median over rounds of `queue` steps that fit into the time, after ten steps that do not count. `wait` ends when the
    device is done."""
    for _ in range(10):
        step()
    wait()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        for _ in range(queue):
            step()
        wait()
        times.append((time.perf_counter() - start) / queue)
    return batch / statistics.median(times)


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """The step as a CUDA graph, after the warm-up on a stream of its own that capturing asks for."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def measure(net: str, device: torch.device, layout: torch.memory_format, mode: str, batch: int, seconds: float) -> dict[str, float]:
    model = (cnn() if net == "cnn" else dense()).to(device, memory_format=layout)
    on_gpu = device.type == "cuda"
    options = {"capturable": True} if mode == "graphs" and net == "cnn" else {}
    if net == "cnn":
        optimizer = torch.optim.Adadelta(model.parameters(), lr=1.4, rho=0.53, **options)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1349)
    images = torch.rand(batch, 1, 28, 28, device=device).to(memory_format=layout)
    labels = torch.arange(batch, device=device) % 10
    forward = torch.compile(model) if mode == "compile" else model

    def train() -> None:
        # A graph replays the same addresses: its gradients are zeroed, not dropped.
        optimizer.zero_grad(set_to_none=mode != "graphs")
        nn.functional.cross_entropy(forward(images), labels).backward()
        optimizer.step()

    def infer() -> None:
        with torch.inference_mode():
            forward(images)

    steps = {"train_images_per_s": train, "infer_images_per_s": infer}
    wait = torch.cuda.synchronize if on_gpu else lambda: None
    queue = 10 if on_gpu else 1
    return {"queue": queue} | {
        name: rate(captured(step) if mode == "graphs" else step, wait, batch, seconds, queue) for name, step in steps.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=["cnn", "dense"])
    parser.add_argument("--batch", default="32,128,512")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--modes", default="eager")
    parser.add_argument("--layouts", default="contiguous,channels_last")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    modes = options.modes.split(",")
    if unknown := set(modes) - {"eager", "compile", "graphs"}:
        parser.error(f"--modes: {', '.join(unknown)} is none of eager, compile, graphs")
    if "graphs" in modes and options.device == "cpu":
        parser.error("--modes graphs needs --device cuda")
    if unknown := set(options.layouts.split(",")) - {"contiguous", "channels_last"}:
        parser.error(f"--layouts: {', '.join(unknown)} is none of contiguous, channels_last")
    if options.net == "dense" and "contiguous" not in options.layouts.split(","):
        parser.error("--layouts: the dense net knows contiguous only")
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    device = torch.device(options.device)
    layouts = {"contiguous": torch.contiguous_format} | ({"channels_last": torch.channels_last} if options.net == "cnn" else {})
    layouts = {layout: memory for layout, memory in layouts.items() if layout in options.layouts.split(",")}
    for batch in map(int, options.batch.split(",")):
        for layout, memory in layouts.items():
            rates = {}
            for mode in modes:
                figures = {"net": options.net, "device": options.device, "layout": layout, "mode": mode, "batch": batch}
                figures |= {"threads": options.threads, "torch": torch.__version__, "malloc_tuned": "MALLOC_MMAP_THRESHOLD_" in os.environ}
                if options.device == "cuda":
                    tf32 = {"convolutions": torch.backends.cudnn.allow_tf32, "products": torch.backends.cuda.matmul.allow_tf32}
                    figures |= {"gpu": torch.cuda.get_device_name(), "tf32": tf32}
                rates[mode] = measure(options.net, device, memory, mode, batch, options.seconds)
                print(json.dumps(figures | rates[mode]), flush=True)
            if batch == 32 and {"eager", "graphs"} <= rates.keys():
                share = 1 - rates["eager"]["train_images_per_s"] / rates["graphs"]["train_images_per_s"]
                print(json.dumps({"net": options.net, "layout": layout, "pytorch_launch_overhead_share_batch_32": round(share, 3)}), flush=True)


if __name__ == "__main__":
    main()
