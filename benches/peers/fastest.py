#!/usr/bin/env python3
"""A net of a configuration trained on MNIST in PyTorch, as quickly as it goes: seconds, and accuracy on the test images.

    digitstack config check fastest --json | python benches/peers/fastest.py fastest --data FOLDER --seeds 1-10
    digitstack train fastest fastest --data FOLDER --json | python benches/peers/fastest.py --own 1      our side's line, seed 1
    python benches/peers/fastest.py --table LINES        the table of what `benches/compare.sh DATA PYTHON fastest` printed

Reads the settings that `digitstack config check CONFIG --json` prints, defaults included: the same net, initial weights, optimizer, schedule,
batch size and epochs. All training images are used; FOLDER holds MNIST's IDX files, gzipped or not. Prints one JSON object a training: peer,
precision, seed, threads, seconds and test_accuracy. What is timed is the training alone: shuffling, steps, schedule, average of the weights; the
images lie in memory as float32 in the layout of the net, and a compiled net has been compiled for both batch shapes before. Augmentation is refused.

Set MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 for PyTorch's best speed on glibc.
"""
import argparse
import contextlib
import gzip
import json
import math
import statistics
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import torch
from families import SIDE, build, loss_of, optimizer
from torch import nn

PEERS = {
    "eager": ("contiguous", "eager", "f32"), "channels-last": ("channels_last", "eager", "f32"),
    "compile": ("channels_last", "compile", "f32"), "bf16": ("channels_last", "eager", "bf16"),
}


def idx(folder: Path, name: str) -> torch.Tensor:
    """The bytes of an IDX file behind its header: images `[n, 28, 28]` or labels `[n]`."""
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.exists()), None)
    if path is None:
        raise SystemExit(f"{folder}: has neither {name} nor {name}.gz")
    content = (gzip.decompress if path.suffix == ".gz" else bytes)(path.read_bytes())
    shape = [int.from_bytes(content[4 + 4 * axis:8 + 4 * axis]) for axis in range(content[3])]
    return torch.frombuffer(bytearray(content[4 + 4 * len(shape):]), dtype=torch.uint8).view(shape)


def started(net: nn.Module, activation: str) -> nn.Module:
    """The initializer `auto`: He-normal weights in front of ReLU and ELU, otherwise LeCun-normal; biases are zero."""
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer in layers:
        gain = 2 if activation in ("relu", "elu", "leaky-relu", "swish") and layer is not layers[-1] else 1
        nn.init.normal_(layer.weight, std=math.sqrt(gain / layer.weight[0].numel()))
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return net


def factor(schedule: dict[str, Any], step: int, steps: int) -> float:
    """Factor on the learning rate at `step` of `steps`; src/nn/train/schedule.rs says which."""
    progress = step / max(steps - 1, 1)

    def cosine(first: float, last: float, share: float) -> float:
        return last + (first - last) * (1 + math.cos(math.pi * share)) / 2

    match schedule["kind"]:
        case "constant":
            return 1.0
        case "cosine":
            return cosine(1, schedule["last"], progress)
        case "one-cycle" if progress < schedule["warmup"]:
            return cosine(1 / schedule["initial_divisor"], 1, progress / schedule["warmup"])
        case "one-cycle":
            return cosine(1, 1 / schedule["final_divisor"], (progress - schedule["warmup"]) / (1 - schedule["warmup"]))
    raise SystemExit(f"this script does not know the schedule {schedule['kind']}")


def train(member: dict[str, Any], images: torch.Tensor, labels: torch.Tensor, seed: int, layout: str, mode: str, precision: str) -> tuple[nn.Module, float]:
    """The trained net, and the seconds that it took."""
    torch.manual_seed(seed)
    training = member["training"]
    memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    net = started(build(member), member["network"]["activation"]).to(memory_format=memory)
    images, batch = images.to(memory_format=memory), training["batch_size"]
    forward = torch.compile(net) if mode == "compile" else net
    update, loss = optimizer(training["optimizer"], net), loss_of(member)
    rate, epochs = training["optimizer"]["learning_rate"], training["epochs"]
    steps = epochs * math.ceil(len(images) / batch)
    decay = training.get("weight_average")
    average = [weight.detach().clone() for weight in net.parameters()] if decay else []

    def cast() -> contextlib.AbstractContextManager[None]:
        return torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()

    if mode == "compile":
        for count in {batch, len(images) % batch} - {0}:
            with cast():
                loss(forward(images[:count]), labels[:count]).backward()
    began, step = time.perf_counter(), 0
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(batch):
            for group in update.param_groups:
                group["lr"] = rate * factor(training["schedule"], step, steps)
            update.zero_grad(set_to_none=True)
            with cast():
                outputs = forward(images[chosen])
            loss(outputs, labels[chosen]).backward()
            update.step()
            if decay:
                torch._foreach_lerp_(average, list(net.parameters()), 1 - decay)
            step += 1
    if decay:
        torch._foreach_copy_(list(net.parameters()), average)
    return net, time.perf_counter() - began


def own(seed: int) -> None:
    """Prints the line of a training by `digitstack train … --json`."""
    training = json.load(sys.stdin)
    seconds, accuracy = training["timing"]["seconds"], training["scores"]["test"]["accuracy"]["value"]
    print(json.dumps({"peer": "ours", "seed": seed, "seconds": round(seconds, 3), "test_accuracy": accuracy}), flush=True)


def table(lines: list[str]) -> None:
    """Prints mean and standard deviation over the seeds of each peer, and its time as a multiple of ours."""
    trainings: dict[str, list[dict[str, float]]] = {}
    for line in filter(None, map(str.strip, lines)):
        figures = json.loads(line)
        trainings.setdefault(figures["peer"], []).append(figures)
    reference = statistics.mean(figures["seconds"] for figures in trainings["ours"])
    print("| program | trainings | seconds | test % | with 99 % | time, ours = 1 |")
    print("|---|---|---|---|---|---|")
    for peer, rows in trainings.items():
        seconds, accuracies = [row["seconds"] for row in rows], [100 * row["test_accuracy"] for row in rows]
        spread = [f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}" for values in (seconds, accuracies)]
        reached = sum(accuracy >= 99 for accuracy in accuracies)
        print(f"| {peer} | {len(rows)} | {spread[0]} | {spread[1]} | {reached} | {statistics.mean(seconds) / reference:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="name of the net among the configuration's members")
    parser.add_argument("--data", type=Path, help="folder with MNIST's IDX files")
    parser.add_argument("--own", type=int, metavar="SEED", help="print the line of our own training instead")
    parser.add_argument("--table", type=argparse.FileType(), help="print the table of these lines instead")
    parser.add_argument("--seeds", default="1-10", help="first and last seed [default: 1-10]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default=",".join(PEERS), help="which of these [default: all]")
    options = parser.parse_args()
    if options.own is not None:
        return own(options.own)
    if options.table:
        return table(options.table.readlines())
    if options.model is None or options.data is None:
        parser.error("a model and --data are needed")
    members = {member["name"]: member for member in tomllib.loads(json.load(sys.stdin)["resolved"])["members"]}
    member = members.get(options.model)
    if member is None or "network" not in member:
        parser.error(f"{options.model} is no net; nets: {', '.join(name for name, member in members.items() if 'network' in member)}")
    if member.get("augment") or member.get("prepare") or member["network"]["input"] != "unit":
        parser.error(f"{options.model}: this script knows neither augmentation nor preparation of the images, nor another scaling")
    if unknown := set(options.peers.split(",")) - PEERS.keys():
        parser.error(f"--peers: unknown {', '.join(sorted(unknown))}")
    torch.set_num_threads(options.threads)
    # Moments of units that died become denormal, which costs several times the step itself.
    torch.set_flush_denormal(True)
    parts = {part: idx(options.data, f"{part}-idx{3 - 2 * ('labels' in part)}-ubyte") for part in ["train-images", "train-labels", "t10k-images", "t10k-labels"]}
    images, held_out = ((parts[name].float() / 255).view(-1, 1, SIDE, SIDE) for name in ["train-images", "t10k-images"])
    labels, answers = parts["train-labels"].long(), parts["t10k-labels"].long()
    first, last = (int(end) for end in (options.seeds.split("-") * 2)[:2])
    for seed in range(first, last + 1):
        for peer in options.peers.split(","):
            layout, mode, precision = PEERS[peer]
            net, seconds = train(member, images, labels, seed, layout, mode, precision)
            net.eval()
            with torch.inference_mode():
                right = sum(int((net(part).argmax(1) == wanted).sum()) for part, wanted in zip(held_out.split(1000), answers.split(1000)))
            figures = {"net": options.model, "peer": f"PyTorch {peer}", "precision": precision, "seed": seed, "threads": options.threads}
            print(json.dumps(figures | {"seconds": round(seconds, 3), "test_accuracy": right / len(answers)}), flush=True)


if __name__ == "__main__":
    main()
