#!/usr/bin/env python3
"""A net of a configuration in other programs: training and inference images a second.

    digitstack config check families/keras8 --json | python benches/peers/families.py keras8 --threads 2 --seconds 3
    python benches/peers/families.py --table LINES        the table of what `benches/compare.sh DATA PYTHON families` printed

Reads the settings that `digitstack config check CONFIG --json` prints, defaults included, and builds the member MODEL in PyTorch. Prints one JSON
object a line: net, peer, precision, batch, threads, and train_images_per_s or infer_images_per_s or both. Training is a bare step on one batch
(forward, backward, update) without augmentation; the learning rate is constant.

Peers: PyTorch with contiguous and channels-last memory, eager and compiled, in float32 and in bfloat16 (autocast); for inference also ONNX
Runtime and OpenVINO, the latter in float32 and in the precision that it chooses by itself. Set MALLOC_MMAP_THRESHOLD_=4294967296
MALLOC_TRIM_THRESHOLD_=17179869184 for PyTorch's best speed on glibc. Needs Python 3.11, torch; onnx, onnxruntime and openvino where their rows
are wanted: a peer that is not installed is named on standard error and left out.
"""
import argparse
import contextlib
import io
import json
import math
import os
import statistics
import sys
import tomllib
from collections.abc import Callable
from typing import Any

import torch
from nets import rate
from torch import nn

SIDE, CLASSES = 28, 10
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "softplus": nn.Softplus, "selu": lambda: nn.SELU(inplace=True), "relu": lambda: nn.ReLU(inplace=True), "elu": lambda: nn.ELU(inplace=True),
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softsign": nn.Softsign, "swish": lambda: nn.SiLU(inplace=True),
}
WAIT: Callable[[], None] = lambda: None


class GlobalPool(nn.Module):
    """Largest or mean value of each channel."""

    def __init__(self, largest: bool) -> None:
        super().__init__()
        self.largest = largest

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps.amax((2, 3)) if self.largest else maps.mean((2, 3))


def fully_connected(inputs: int, network: dict[str, Any], bias: bool = True) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Flatten()]
    for units in filter(None, network["hidden"]):
        layers += [nn.Linear(inputs, units, bias), ACTIVATIONS[network["activation"]]()]
        layers += [nn.Dropout(network["dropout"])] if network["dropout"] > 0 else []
        inputs = units
    return [*layers, nn.Linear(inputs, CLASSES, bias)]


def convolutional(network: dict[str, Any]) -> list[nn.Module]:
    filters, per_block = network["filters"], network["convolutions_per_block"]
    layout = network.get("layout") or [[filters * network["growth"] ** block] * per_block for block in range(network["blocks"])]
    norm = network.get("normalization", "none")
    kernel, activation = network["kernel"], ACTIVATIONS[network["activation"]]
    border = kernel // 2 if network["padding"] == "same" else 0
    layers: list[nn.Module] = []
    channels, side = 1, SIDE
    for block, widths in enumerate(layout):
        for width in widths:
            layers.append(nn.Conv2d(channels, width, kernel, padding=border, bias=norm == "none"))
            layers += [] if norm == "none" else [nn.BatchNorm2d(width, affine=norm["affine"])]
            layers.append(activation())
            channels, side = width, side + 2 * border - kernel + 1
        if block + 1 == len(layout) and network["head"] != "flatten":
            layers.append(GlobalPool(network["head"] == "global-max"))
            side = 1
        else:
            layers.append(nn.MaxPool2d(2) if network["pool"] == "max" else nn.AvgPool2d(2))
            side //= 2
        layers += [activation()] if any(network["extra_activation"][block:block + 1]) else []
        layers += [nn.Dropout(network["block_dropout"])] if network["block_dropout"] > 0 else []
    return [*layers, *fully_connected(channels * side * side, network)]


def build(member: dict[str, Any]) -> nn.Module:
    network = member["network"]
    if member["kind"] == "dense":
        return nn.Sequential(nn.Flatten(), *fully_connected(SIDE * SIDE, network, network["bias"]))
    return nn.Sequential(*convolutional(network))


def optimizer(settings: dict[str, Any], net: nn.Module) -> torch.optim.Optimizer:
    rate_of, decay = settings["learning_rate"], settings.get("weight_decay", 0.0)
    match settings["kind"]:
        case "adam":
            betas = settings["beta_1"], settings["beta_2"]
            return torch.optim.Adam(net.parameters(), rate_of, betas, settings["epsilon"], decay, fused=True)
        case "adadelta":
            return torch.optim.Adadelta(net.parameters(), rate_of, settings["rho"], settings["epsilon"], decay, foreach=True)
        case "momentum":
            return torch.optim.SGD(net.parameters(), rate_of, settings["momentum"], 0, decay, settings["nesterov"], fused=True)
        case "sgd":
            return torch.optim.SGD(net.parameters(), rate_of, weight_decay=decay, fused=True)
    raise SystemExit(f"this script does not know the optimizer {settings['kind']}")


def loss_of(member: dict[str, Any]) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    training = member["training"]
    if training["loss"] == "mse":
        return lambda outputs, labels: nn.functional.mse_loss(outputs.sigmoid(), nn.functional.one_hot(labels, CLASSES).float())
    return lambda outputs, labels: nn.functional.cross_entropy(outputs.float(), labels, label_smoothing=training["label_smoothing"])


def pytorch(member: dict[str, Any], batch: int, seconds: float, layout: str, mode: str, precision: str) -> dict[str, float]:
    torch.compiler.reset()
    memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    net = build(member).to(memory_format=memory)
    images = torch.rand(batch, 1, SIDE, SIDE).to(memory_format=memory)
    labels, step, loss = torch.arange(batch) % CLASSES, optimizer(member["training"]["optimizer"], net), loss_of(member)
    forward = torch.compile(net) if mode == "compile" else net

    def cast() -> contextlib.AbstractContextManager[None]:
        return torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()

    def train() -> None:
        step.zero_grad(set_to_none=True)
        with cast():
            outputs = forward(images)
        loss(outputs, labels).backward()
        step.step()

    def infer() -> None:
        with torch.inference_mode(), cast():
            forward(images)

    trained = rate(train, WAIT, batch, seconds, 1)
    net.eval()
    return {"train_images_per_s": trained, "infer_images_per_s": rate(infer, WAIT, batch, seconds, 1)}


def onnx_model(net: nn.Module, batch: int) -> bytes:
    file = io.BytesIO()
    with contextlib.redirect_stdout(sys.stderr):
        torch.onnx.export(net.eval(), (torch.rand(batch, 1, SIDE, SIDE),), file, dynamo=False, input_names=["images"], output_names=["outputs"])
    return file.getvalue()


def onnx_runtime(member: dict[str, Any], batch: int, seconds: float, threads: int) -> dict[str, float]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(onnx_model(build(member), batch), options, providers=["CPUExecutionProvider"])
    images = {"images": torch.rand(batch, 1, SIDE, SIDE).numpy()}
    return {"infer_images_per_s": rate(lambda: session.run(None, images), WAIT, batch, seconds, 1)}


def openvino(member: dict[str, Any], batch: int, seconds: float, threads: int, precision: str) -> dict[str, float]:
    import openvino

    core, net = openvino.Core(), build(member).eval()
    model = openvino.convert_model(net, example_input=torch.rand(batch, 1, SIDE, SIDE))
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(model, "CPU", settings | ({"INFERENCE_PRECISION_HINT": "f32"} if precision == "f32" else {}))
    request, images = compiled.create_infer_request(), torch.rand(batch, 1, SIDE, SIDE).numpy()
    return {"infer_images_per_s": rate(lambda: request.infer([images]), WAIT, batch, seconds, 1)}


def table(lines: list[str]) -> None:
    """Prints medians over the rounds, and ours as a multiple of PyTorch's best in float32 and of the best of all peers."""
    rates: dict[tuple[str, str, int], dict[str, dict[tuple[str, str], list[float]]]] = {}
    for line in filter(None, map(str.strip, lines)):
        figures = json.loads(line)
        net = rates.setdefault((figures["net"], figures["config"], figures["batch"]), {"training": {}, "inference": {}})
        peer = figures.get("peer", "ours"), figures.get("precision", "f32")
        for name, key in [("training", "train_images_per_s"), ("inference", "infer_images_per_s")]:
            if key in figures:
                net[name].setdefault(peer, []).append(figures[key])

    def middle(measured: list[float]) -> str:
        return f"{statistics.median(measured):,.0f} ({' '.join(f'{value:,.0f}' for value in measured)})"

    print("| net of configuration (batch) | pass | ours | PyTorch float32, its best | best of all | ratio | ratio to the best |")
    print("|---|---|---|---|---|---|---|")
    for (net, config, batch), passes in rates.items():
        for name, peers in passes.items():
            own = peers.pop(("ours", "f32"))
            torch_peers = {peer: measured for peer, measured in peers.items() if peer[0].startswith("PyTorch") and peer[1] == "f32"}
            best = [max(some.items(), key=lambda item: statistics.median(item[1])) for some in (torch_peers, peers)]
            ratios = [f"**{statistics.median(own) / statistics.median(measured):.2f}**" for _, measured in best]
            cells = [f"{' '.join(peer).removeprefix('PyTorch ')}: {middle(measured)}" for peer, measured in best[:1]]
            cells += [f"{' '.join(peer)}: {middle(measured)}" for peer, measured in best[1:]]
            print(f"| `{net}` of {config} ({batch}) | {name} | {middle(own)} | {' | '.join([*cells, *ratios])} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="name of the net among the configuration's members")
    parser.add_argument("--table", type=argparse.FileType(), help="print the table of these lines instead")
    parser.add_argument("--batch", type=int, help="images a step [default: the member's]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--peers", default="eager,compile,bf16,onnxruntime,openvino", help="which of these")
    options = parser.parse_args()
    if options.table:
        return table(options.table.readlines())
    members = {member["name"]: member for member in tomllib.loads(json.load(sys.stdin)["resolved"])["members"]}
    if options.model not in members or "network" not in members[options.model]:
        parser.error(f"{options.model} is no net; nets: {', '.join(name for name, member in members.items() if 'network' in member)}")
    peers = options.peers.split(",")
    if unknown := set(peers) - {"eager", "compile", "bf16", "onnxruntime", "openvino"}:
        parser.error(f"--peers: unknown {', '.join(sorted(unknown))}")
    member = members[options.model]
    batch = options.batch or member["training"]["batch_size"]
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    rows: list[tuple[str, str, Callable[[], dict[str, float]]]] = []
    layouts = ["contiguous"] + (["channels_last"] if member["kind"] == "cnn" else [])

    def row(layout: str, mode: str, precision: str) -> None:
        name = f"PyTorch {mode} {layout}"
        rows.append((name, precision, lambda: pytorch(member, batch, options.seconds, layout, mode, precision)))

    for layout in layouts:
        if "eager" in peers:
            row(layout, "eager", "f32")
        if "bf16" in peers:
            row(layout, "eager", "bf16")
    if "compile" in peers:
        row(layouts[-1], "compile", "f32")
    if "onnxruntime" in peers:
        rows.append(("ONNX Runtime", "f32", lambda: onnx_runtime(member, batch, options.seconds, options.threads)))
    if "openvino" in peers:
        for precision in ["f32", "own choice"]:
            rows.append(("OpenVINO", precision, lambda precision=precision: openvino(member, batch, options.seconds, options.threads, precision)))
    for peer, precision, measure in rows:
        figures = {"net": options.model, "peer": peer, "precision": precision, "batch": batch, "threads": options.threads}
        figures["malloc_tuned"] = "MALLOC_MMAP_THRESHOLD_" in os.environ
        try:
            measured = measure()
        except ImportError as problem:
            print(f"{options.model}: {peer} is left out: {problem}", file=sys.stderr)
            continue
        if not all(math.isfinite(value) for value in measured.values()):
            raise SystemExit(f"{peer}: a rate is not finite")
        print(json.dumps(figures | measured), flush=True)


if __name__ == "__main__":
    main()
