#!/usr/bin/env python3
"""Each operation of the two reference nets in PyTorch, beside `digitstack bench operations`.

    python benches/peers/operations.py --batch 32,128,512 --threads 2 --seconds 0.2
    python benches/peers/operations.py --table LINES

Prints one JSON object a line, for each batch and variant: eager (contiguous: all operations), channels_last (convolutions and whole nets) and
compile (`torch.compile` of channels-last whole nets only, as each takes it many seconds). --table reads such lines, those of
`digitstack --json bench operations` and of peak.py from a file and prints a table: microseconds a batch, PyTorch's best, how many times ours that
is, and the time that the operation's definition takes at the matrix peak.

Set MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 for PyTorch's best speed on glibc: it spares the page faults.
Needs torch 2.x; tested with 2.15 on a CPU.
"""
import argparse
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator

import torch
from torch import nn

from nets import cnn, dense, rate

LAYOUTS = {"eager": torch.contiguous_format, "channels_last": torch.channels_last, "compile": torch.channels_last}
OPTIMIZERS = {
    "Adadelta": lambda parameters: torch.optim.Adadelta(parameters, lr=1.4, rho=0.53),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-3),
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1349),
}


def layers() -> list[tuple[str, str, nn.Module, tuple[int, ...], bool]]:
    """Net, operation, module, shape of one input, whether that input has a gradient."""
    conv, linear, selu, softplus = nn.Conv2d, nn.Linear, nn.SELU, nn.Softplus
    return [
        ("cnn", "convolution 1→64", nn.Sequential(conv(1, 64, 3), selu(), nn.MaxPool2d(2), selu()), (1, 28, 28), False),
        ("cnn", "convolution 64→128", nn.Sequential(conv(64, 128, 3), selu(), nn.MaxPool2d(2)), (64, 13, 13), True),
        ("cnn", "dense 3200→54", nn.Sequential(linear(3200, 54), selu()), (3200,), True),
        ("cnn", "dense 54→30", nn.Sequential(linear(54, 30), selu()), (54,), True),
        ("cnn", "dense 30→10", linear(30, 10), (30,), True),
        ("dense", "dense 784→80", nn.Sequential(linear(784, 80), softplus()), (784,), False),
        ("dense", "dense 80→28", nn.Sequential(linear(80, 28), softplus()), (80,), True),
        ("dense", "dense 28→10", linear(28, 10), (28,), True),
    ]


def inference(forward: Callable, images: torch.Tensor) -> Callable[[], None]:
    def step() -> None:
        with torch.inference_mode():
            forward(images)

    return step


def layer_steps(module: nn.Module, images: torch.Tensor, differentiable: bool) -> dict[str, Callable[[], None]]:
    tracked = images.clone(memory_format=torch.preserve_format).requires_grad_(differentiable)
    gradient = torch.ones_like(module(images).detach())

    def train() -> None:
        module.zero_grad(set_to_none=True)
        tracked.grad = None
        module(tracked).backward(gradient)

    return {"inference": inference(module, images), "training": train}


def net_steps(forward: Callable, images: torch.Tensor, optimizer: torch.optim.Optimizer) -> dict[str, Callable[[], None]]:
    labels = torch.arange(len(images)) % 10

    def train() -> None:
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(forward(images), labels).backward()
        optimizer.step()

    return {"inference": inference(forward, images), "training": train}


def loss_step(batch: int) -> Callable[[], None]:
    outputs, labels = torch.rand(batch, 10, requires_grad=True), torch.arange(batch) % 10

    def train() -> None:
        outputs.grad = None
        nn.functional.cross_entropy(outputs, labels).backward()

    return train


def update_step(name: str) -> Callable[[], None]:
    model = cnn()
    model(torch.rand(2, 1, 28, 28)).sum().backward()
    return OPTIMIZERS[name](model.parameters()).step


def steps(variant: str, batch: int) -> Iterator[tuple[str, str, str, Callable[[], None]]]:
    """Net, operation, pass and a call of it."""
    layout = LAYOUTS[variant]
    for net, name, module, shape, differentiable in layers():
        if variant == "compile" or (variant == "channels_last" and len(shape) == 1):
            continue
        images = torch.rand(batch, *shape) * 2 - 1
        if len(shape) == 3:
            module, images = module.to(memory_format=layout), images.to(memory_format=layout)
        for kind, step in layer_steps(module, images, differentiable).items():
            yield net, name, kind, step
    if variant == "eager":
        yield "cnn", "softmax cross-entropy", "training", loss_step(batch)
        for name in OPTIMIZERS:
            yield "cnn", name, "update", update_step(name)
    for net, model, optimizer in [("cnn", cnn(), "Adadelta"), ("dense", dense(), "SGD")]:
        model = model.to(memory_format=layout)
        images = torch.rand(batch, 1, 28, 28).to(memory_format=layout)
        forward = torch.compile(model) if variant == "compile" else model
        for kind, step in net_steps(forward, images, OPTIMIZERS[optimizer](model.parameters())).items():
            yield net, "net", kind, step


def measure(batch: int, variant: str, seconds: float) -> list[dict]:
    return [
        {"net": net, "operation": name, "pass": kind, "seconds": batch / rate(step, lambda: None, batch, seconds, queue=1)}
        for net, name, kind, step in steps(variant, batch)
    ]


def number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def table(path: str) -> None:
    """One table for each number of threads and batch."""
    times: dict[tuple, dict[tuple, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    flop, peaks = {}, {}
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.strip()]
    for line in lines:
        if "sgemm_gflops" in line:
            peaks[line["threads"]] = line["sgemm_gflops"]
            continue
        place, column = times[line["threads"], line["batch"]], line.get("variant") or line.get("instructions") or "Burn's operations"
        for row in line["operations"]:
            key = row["net"], row["operation"], row["pass"]
            place[key][column] = 1e6 * row["seconds"]
            if "flop" in row:
                flop[line["batch"], key] = row["flop"]
    for (threads, batch), rows in sorted(times.items()):
        ours = [name for name in ("avx512", "avx2", "portable") if any(name in row for row in rows.values())]
        print(f"\n**Batch {batch}, {threads} thread{'s' * (threads > 1)}**, microseconds a batch\n")
        columns = ["net", "operation", "pass", *(f"ours, {name}" for name in ours), "Burn's operations"]
        columns += ["PyTorch", "which", "ratio", "limit"]
        print("|", " | ".join(columns), "|")
        print("|---" * len(columns) + "|")
        for key, row in rows.items():
            peers = {name: row[name] for name in LAYOUTS if name in row}
            best = min(peers, key=peers.get, default=None)
            own = row.get(ours[0]) if ours else None
            cells = [number(row.get(name)) for name in ours] + [number(row.get("Burn's operations"))]
            cells += [number(peers.get(best)), best or "", f"{peers[best] / own:.2f}" if best and own else ""]
            work = flop.get((batch, key), 0.0)
            cells.append(number(work / peaks[threads] / 1e3) if work and threads in peaks else "")
            print("|", " | ".join([*key, *cells]), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", default="32,128,512")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--variants", default="eager,channels_last")
    parser.add_argument("--table", metavar="LINES")
    options = parser.parse_args()
    if options.table:
        return table(options.table)
    variants = options.variants.split(",")
    if unknown := set(variants) - set(LAYOUTS):
        parser.error(f"--variants: {', '.join(unknown)} is none of {', '.join(LAYOUTS)}")
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    for batch in map(int, options.batch.split(",")):
        for variant in variants:
            figures = {"variant": variant, "batch": batch, "threads": options.threads, "torch": torch.__version__}
            figures["malloc_tuned"] = "MALLOC_MMAP_THRESHOLD_" in os.environ
            print(json.dumps(figures | {"operations": measure(batch, variant, options.seconds)}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
