"""What `digitstack run CONFIG --data DIR` does, as one would write it in Python: PyTorch, LightGBM, scikit-learn, OpenCV.

    python benches/peers/pipeline.py configs/mnist-cpu.toml --data FOLDER [--members cnn,dense] [--limit 6000] [--compile]

Reads the same configuration and refuses every setting that it does not know; settings that change no model are named and left out. FOLDER
holds MNIST's IDX files, gzipped or not; --limit takes the first so many training images. Progress goes to stderr, one JSON object to stdout:
seconds and CPU seconds of every stage (imports included), scores out of fold and on the test images, versions, threads, peak memory.

Folds are fitted one after another, each on all cores. PyTorch runs channels-last, with in-place activations, the fused or multi-tensor
optimizer and a tuned malloc (the script starts itself again with the variables set); prediction in inference mode, 1000 images a batch.
Images are augmented 1024 at a time by one `cv2.remap` over all of them as a strip, with lookups computed by PyTorch: 4 µs an image on one
core; `cv2.warpAffine` image by image takes 5, PyTorch's `grid_sample` 10. Needs Python 3.11; tested with
torch 2.15, lightgbm 4.7, scikit-learn 1.9, OpenCV 5.0.
"""

import os
import sys
import time

began = time.perf_counter(), time.process_time()

MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184"}
if __name__ == "__main__" and not MALLOC.keys() <= os.environ.keys():  # read by malloc when the process starts
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**MALLOC, **os.environ})

import argparse  # noqa: E402
import gzip  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import resource  # noqa: E402
import tomllib  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import MISSING, dataclass, field, fields, is_dataclass  # noqa: E402
from importlib.metadata import version  # noqa: E402
from pathlib import Path  # noqa: E402
from types import NoneType, UnionType  # noqa: E402
from typing import Any, Literal, Never, get_args, get_origin  # noqa: E402

import cv2  # noqa: E402
import lightgbm  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy.ndimage import gaussian_filter1d  # noqa: E402
from scipy.optimize import minimize  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import StratifiedKFold  # noqa: E402
from sklearn.tree import DecisionTreeClassifier  # noqa: E402
from torch import nn  # noqa: E402

SIDE = 28
Predictor = Callable[[np.ndarray], np.ndarray]
"""uint8 images `[n, 28, 28]`, or the members' probabilities `[members, n, 10]` → probabilities `[n, 10]`."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- The configuration: dataclasses are the tables, their first field tells the members of a union apart. ---


class LeftOut:
    """A setting that changes no model and no prediction."""


def read(kind: Any, value: Any, where: str) -> Any:
    """`value` from TOML as a `kind`; ends the program if it is none."""

    def refuse(problem: str) -> None:
        raise SystemExit(f"{where}: {problem}")

    origin, args = get_origin(kind), get_args(kind)
    if kind is LeftOut:
        say(f"{where} = {value!r} is left out: it changes no model")
    elif kind is Never:
        refuse(f"found {value!r}, this script wants it empty")
    elif origin is Literal:
        if not any(value == known and type(value) is type(known) for known in args):
            refuse(f"found {value!r}, this script knows {', '.join(map(repr, args))}")
    elif origin is UnionType:
        choices = [choice for choice in args if choice is not NoneType]
        if len(choices) == 1:
            return read(choices[0], value, where)
        tag = fields(choices[0])[0].name
        names = {get_args(fields(choice)[0].type)[0]: choice for choice in choices}
        name = value.get(tag) if isinstance(value, dict) else None
        if name not in names:
            refuse(f"found {value!r}, expected a table with `{tag}` = {', '.join(map(repr, names))}: others this script does not know")
        return read(names[name], value, where)
    elif origin is list:
        if not isinstance(value, list):
            refuse(f"found {value!r}, expected a list")
        return [read(args[0], entry, f"{where}[{place}]") for place, entry in enumerate(value)]
    elif is_dataclass(kind):
        if not isinstance(value, dict):
            refuse(f"found {value!r}, expected a table")
        known = {each.name: each for each in fields(kind)}
        if unknown := value.keys() - known.keys():
            refuse(f"this script does not know {', '.join(sorted(unknown))}, it knows {', '.join(known)}")
        for each in known.values():
            if each.name not in value and each.default is MISSING and each.default_factory is MISSING:
                refuse(f"`{each.name}` is missing")
        return kind(**{name: read(known[name].type, entry, f"{where}.{name}") for name, entry in value.items()})
    elif kind is float and type(value) is int:
        return float(value)
    elif type(value) is not kind:
        refuse(f"found {value!r}, expected {kind.__name__}")
    return value


# --- Augmentation: uint8 images [n, 28, 28] in and out, by the laws of src/imaging. ---

STRIP = 1024
"""Images a pass; OpenCV allows 32,767 rows, an image takes 30."""
MIDDLE = (SIDE - 1) / 2


def symmetric(limit: float, count: int) -> torch.Tensor:
    return limit * (torch.rand(count, 1, 1) * 2 - 1)


@dataclass
class Affine:
    step: Literal["affine"] = "affine"
    rotate: float = 10.0
    shift: float = 1.5
    scale: float = 0.1
    shear: float = 8.0


@dataclass
class Elastic:
    step: Literal["elastic"] = "elastic"
    alpha: float = 34.0
    sigma: float = 4.0


@dataclass
class Warp:
    """An affine step, and an elastic one right behind it if there is one, in one bilinear pass with zeros all around."""

    affine: Affine
    elastic: Elastic | None = None

    def __post_init__(self) -> None:
        if self.elastic is not None:
            smoothing = gaussian_filter1d(np.eye(SIDE), self.elastic.sigma, axis=0, mode="reflect", truncate=4)
            self.smoothing = torch.tensor(math.sqrt(self.elastic.alpha) * smoothing, dtype=torch.float32)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        count, tile, limits = len(images), SIDE + 2, self.affine
        turn, lean = torch.deg2rad(symmetric(limits.rotate, count)), torch.deg2rad(symmetric(limits.shear, count)).tan()
        scale, sin, cos = 1 + symmetric(limits.scale, count), turn.sin(), turn.cos()
        axis = torch.arange(SIDE) - MIDDLE
        x, y = axis - symmetric(limits.shift, count), axis.view(SIDE, 1) - symmetric(limits.shift, count)
        if self.elastic is not None:
            right, down = self.smoothing @ (torch.rand(2, count, SIDE, SIDE) * 2 - 1) @ self.smoothing.T
            x, y = x + right, y + down
        # Every image is a tile with a border of zeros; the tiles lie one below the other.
        columns = ((cos + lean * sin) / scale * x + (lean * cos - sin) / scale * y + (MIDDLE + 1)).clamp_(0, tile - 1)
        rows = (sin / scale * x + cos / scale * y + (MIDDLE + 1)).clamp_(0, tile - 1) + tile * torch.arange(count).view(-1, 1, 1)
        strip = nn.functional.pad(images, (1, 1, 1, 1)).view(count * tile, tile).numpy()
        lookup = [places.view(count * SIDE, SIDE).numpy() for places in (columns, rows)]
        return torch.from_numpy(cv2.remap(strip, *lookup, cv2.INTER_LINEAR)).view(count, SIDE, SIDE)


@dataclass
class Stroke:
    step: Literal["stroke"] = "stroke"
    amount: float = 0.5

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        change, own = symmetric(self.amount, len(images)), images.float()
        padded = nn.functional.pad(own, (1, 1, 1, 1))
        near = torch.stack([own, padded[:, 1:-1, 2:], padded[:, 1:-1, :-2], padded[:, 2:, 1:-1], padded[:, :-2, 1:-1]])
        return torch.lerp(own, torch.where(change > 0, near.amax(0), near.amin(0)), change.abs()).round().byte()


@dataclass
class Erase:
    step: Literal["erase"] = "erase"
    probability: float = 0.3
    side: int = 6

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        count, axis = len(images), torch.arange(SIDE)
        left, top = torch.randint(SIDE - self.side + 1, (2, count, 1))
        across, down = (((axis >= low) & (axis < low + self.side)) for low in (left, top))
        chosen = torch.rand(count, 1, 1) < self.probability
        return images.masked_fill(across[:, None, :] & down[:, :, None] & chosen, 0)


Step = Affine | Elastic | Stroke | Erase
PRESETS = {
    "light": [{"step": "affine", "rotate": 10.0, "shift": 1.5, "scale": 0.1, "shear": 8.0}],
    "strong": [
        {"step": "stroke", "amount": 0.5},
        {"step": "affine", "rotate": 15.0, "shift": 2.5, "scale": 0.15, "shear": 15.0},
        {"step": "elastic", "alpha": 34.0, "sigma": 4.0},
        {"step": "erase", "probability": 0.3, "side": 6},
    ],
}


def spelled_out(recipe: Any) -> list[Any]:
    """A recipe with presets and bare names written as tables."""
    entries = recipe if isinstance(recipe, list) else [recipe]
    return [table for entry in entries for table in (PRESETS.get(entry, [{"step": entry}]) if isinstance(entry, str) else [entry])]


def augmented(images: torch.Tensor, steps: list[Step]) -> torch.Tensor:
    passes: list[Callable[[torch.Tensor], torch.Tensor]] = []
    for place, step in enumerate(steps):
        if isinstance(step, Elastic):
            shares = place > 0 and isinstance(steps[place - 1], Affine)
            passes.append(Warp(passes.pop().affine if shares else Affine(rotate=0.0, shift=0.0, scale=0.0, shear=0.0), step))
        else:
            passes.append(Warp(step) if isinstance(step, Affine) else step)
    parts = []
    for part in images.split(STRIP):
        for each in passes:
            part = each(part)
        parts.append(part)
    return torch.cat(parts)


# --- Predictions. ---


@dataclass
class Predict:
    shifts: Literal[1, 5, 9, 25] = 1

    def of(self, predict: Predictor) -> Predictor:
        """The mean of a model's predictions over all shifts of up to a pixel (5: not diagonally) or two pixels."""
        if self.shifts == 1:
            return predict
        limit = 2 if self.shifts == 25 else 1
        around = range(-limit, limit + 1)
        offsets = [(right, down) for right in around for down in around if self.shifts != 5 or not right * down]

        def mean(pixels: np.ndarray) -> np.ndarray:
            padded = np.pad(pixels, ((0, 0), (limit, limit), (limit, limit)))
            moved = (padded[:, limit - down:limit - down + SIDE, limit - right:limit - right + SIDE] for right, down in offsets)
            return np.mean([predict(np.ascontiguousarray(images)) for images in moved], axis=0)

        return mean


# --- Nets. ---

ACTIVATIONS = {
    "softplus": nn.Softplus,
    "selu": lambda: nn.SELU(inplace=True),
    "relu": lambda: nn.ReLU(inplace=True),
    "elu": lambda: nn.ELU(inplace=True),
}
Activation = Literal["softplus", "selu", "relu", "elu"]


def started(layer: nn.Module, activation: str | None) -> nn.Module:
    """He-normal weights before ReLU and ELU, otherwise LeCun-normal; biases are zero."""
    variance = (2 if activation in ("relu", "elu") else 1) / layer.weight[0].numel()
    nn.init.normal_(layer.weight, std=math.sqrt(variance))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def fully_connected(inputs: int, hidden: list[int], activation: str, dropout: float, bias: bool) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Flatten()]
    for units in filter(None, hidden):
        layers += [started(nn.Linear(inputs, units, bias), activation), ACTIVATIONS[activation]()]
        layers += [nn.Dropout(dropout)] if dropout > 0 else []
        inputs = units
    return [*layers, started(nn.Linear(inputs, 10, bias), None)]


@dataclass
class DenseNetwork:
    hidden: list[int] = field(default_factory=lambda: [80, 28])
    activation: Activation = "softplus"
    dropout: float = 0.0
    bias: bool = True
    output: Literal["softmax"] = "softmax"
    initializer: Literal["auto"] = "auto"
    input: Literal["unit"] = "unit"

    def build(self) -> nn.Module:
        return nn.Sequential(*fully_connected(SIDE * SIDE, self.hidden, self.activation, self.dropout, self.bias))


@dataclass
class CnnNetwork:
    filters: int = 64
    blocks: int = 2
    growth: int = 2
    kernel: int = 3
    padding: Literal["valid", "same"] = "valid"
    convolutions_per_block: int = 1
    pool: Literal["max", "average"] = "max"
    extra_activation: list[bool] = field(default_factory=lambda: [True, False])
    hidden: list[int] = field(default_factory=lambda: [54, 30])
    activation: Activation = "selu"
    block_dropout: float = 0.0
    dropout: float = 0.0
    initializer: Literal["auto"] = "auto"
    input: Literal["unit"] = "unit"

    def build(self) -> nn.Module:
        activation = ACTIVATIONS[self.activation]
        padding = self.kernel // 2 if self.padding == "same" else 0
        layers: list[nn.Module] = []
        channels, filters, side = 1, self.filters, SIDE
        for block in range(self.blocks):
            for _ in range(self.convolutions_per_block):
                layers += [started(nn.Conv2d(channels, filters, self.kernel, padding=padding), self.activation), activation()]
                channels, side = filters, side + 2 * padding - self.kernel + 1
            layers.append(nn.MaxPool2d(2) if self.pool == "max" else nn.AvgPool2d(2))
            layers += [activation()] if any(self.extra_activation[block:block + 1]) else []
            layers += [nn.Dropout(self.block_dropout)] if self.block_dropout > 0 else []
            filters, side = filters * self.growth, side // 2
        return nn.Sequential(*layers, *fully_connected(channels * side * side, self.hidden, self.activation, self.dropout, True))


@dataclass
class Adam:
    kind: Literal["adam"] = "adam"
    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    weight_decay: float = 0.0

    def build(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(weights, self.learning_rate, (self.beta_1, self.beta_2), self.epsilon, self.weight_decay, fused=True)


@dataclass
class Adadelta:
    kind: Literal["adadelta"] = "adadelta"
    learning_rate: float = 1.0
    rho: float = 0.9
    epsilon: float = 1e-7
    weight_decay: float = 0.0

    def build(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adadelta(weights, self.learning_rate, self.rho, self.epsilon, self.weight_decay, foreach=True)


@dataclass
class Sgd:
    kind: Literal["sgd"] = "sgd"
    learning_rate: float = 0.1
    weight_decay: float = 0.0

    def build(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(weights, self.learning_rate, weight_decay=self.weight_decay, fused=True)


@dataclass
class Momentum:
    kind: Literal["momentum"] = "momentum"
    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0

    def build(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        settings = {"momentum": self.momentum, "nesterov": self.nesterov, "weight_decay": self.weight_decay}
        return torch.optim.SGD(weights, self.learning_rate, **settings, fused=True)


def along_cosine(first: float, last: float, progress: float) -> float:
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * progress))


@dataclass
class Constant:
    kind: Literal["constant"] = "constant"

    def factor(self, _progress: float) -> float:
        return 1.0


@dataclass
class Cosine:
    kind: Literal["cosine"] = "cosine"
    last: float = 0.0

    def factor(self, progress: float) -> float:
        return along_cosine(1.0, self.last, progress)


@dataclass
class OneCycle:
    kind: Literal["one-cycle"] = "one-cycle"
    warmup: float = 0.3
    initial_divisor: float = 25.0
    final_divisor: float = 10_000.0

    def factor(self, progress: float) -> float:
        if progress < self.warmup:
            return along_cosine(1 / self.initial_divisor, 1.0, progress / self.warmup)
        return along_cosine(1.0, 1 / self.final_divisor, (progress - self.warmup) / (1 - self.warmup))


@dataclass
class Training:
    epochs: int = 10
    batch_size: int = 128
    loss: Literal["cross-entropy"] = "cross-entropy"
    label_smoothing: float = 0.0
    optimizer: Adam | Adadelta | Sgd | Momentum = field(default_factory=Adam)
    schedule: Constant | Cosine | OneCycle = field(default_factory=Constant)
    monitor: LeftOut | None = None
    keep_best_epoch: Literal[False] = False
    weight_average: float | None = None


def net_input(images: torch.Tensor) -> torch.Tensor:
    return images.unsqueeze(1).float().div_(255).to(memory_format=torch.channels_last)


@dataclass
class Net:
    """What the dense net and the CNN have in common."""

    def fit(self, pixels: np.ndarray, digits: np.ndarray, seed: int, label: str, compiled: bool) -> Predictor:
        torch.manual_seed(seed)
        training, images, labels = self.training, torch.from_numpy(pixels), torch.from_numpy(digits).long()
        net = self.network.build().to(memory_format=torch.channels_last)
        weights = list(net.parameters())
        average = [each.detach().clone() for each in weights]
        optimizer = training.optimizer.build(weights)
        if compiled:
            torch.compiler.reset()  # what it remembers is an earlier fold's net
        call = torch.compile(net) if compiled else net
        last, step = training.epochs * math.ceil(len(images) / training.batch_size) - 1, 0
        for epoch in range(training.epochs):
            start, total = time.perf_counter(), torch.zeros(())
            shown = augmented(images, self.augment)
            for batch in torch.randperm(len(images)).split(training.batch_size):
                rate = training.optimizer.learning_rate * training.schedule.factor(step / last if last else 0.0)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                optimizer.zero_grad(set_to_none=True)
                loss = nn.functional.cross_entropy(call(net_input(shown[batch])), labels[batch], label_smoothing=training.label_smoothing)
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(batch)
                if training.weight_average is not None:
                    kept = min(training.weight_average, (1 + step) / (10 + step))
                    with torch.no_grad():
                        torch._foreach_lerp_(average, weights, 1 - kept)
                step += 1
            seconds = time.perf_counter() - start
            say(f"{label}: epoch {epoch + 1} of {training.epochs}, loss {total.item() / len(images):.4f}, {seconds:.1f} s")
        if training.weight_average is not None:
            with torch.no_grad():
                torch._foreach_copy_(weights, average)
        net.eval()

        def predict(pixels: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return torch.cat([call(net_input(part)).softmax(1) for part in torch.from_numpy(pixels).split(1000)]).numpy()

        return predict


@dataclass
class Dense(Net):
    kind: Literal["dense"]
    name: str
    network: DenseNetwork = field(default_factory=DenseNetwork)
    training: Training = field(default_factory=Training)
    augment: list[Step] = field(default_factory=list)
    predict: Predict = field(default_factory=Predict)


@dataclass
class Cnn(Net):
    kind: Literal["cnn"]
    name: str
    network: CnnNetwork = field(default_factory=CnnNetwork)
    training: Training = field(default_factory=Training)
    augment: list[Step] = field(default_factory=list)
    predict: Predict = field(default_factory=Predict)


# --- The booster. ---


@dataclass
class BoosterSettings:
    """LightGBM's parameters; it chooses by itself how many threads it uses and in which layout it sums histograms."""

    trees: int = 550
    learning_rate: float = 0.1
    max_depth: int = 6
    num_leaves: int = 70
    reg_alpha: float = 0.37
    reg_lambda: float = 0.9
    max_bin: int = 63
    min_data_in_leaf: int = 20
    feature_fraction: float = 1.0
    bagging_fraction: float = 1.0
    bagging_freq: int = 0
    use_quantized_grad: Literal[False] = False
    row_wise: LeftOut | None = None
    early_stopping_rounds: Literal[0] = 0
    evaluate_every: LeftOut | None = None
    evaluate_training: LeftOut | None = None


@dataclass
class Booster:
    kind: Literal["booster"]
    name: str
    booster: BoosterSettings = field(default_factory=BoosterSettings)
    augment: list[Never] = field(default_factory=list)
    augment_copies: Literal[0] = 0
    predict: Predict = field(default_factory=Predict)

    def fit(self, pixels: np.ndarray, digits: np.ndarray, seed: int, _label: str, _compiled: bool) -> Predictor:
        settings = self.booster
        same = ("learning_rate", "max_depth", "num_leaves", "max_bin", "min_data_in_leaf")
        sampling = ("feature_fraction", "bagging_fraction", "bagging_freq")
        parameters = {name: getattr(settings, name) for name in same + sampling}
        parameters |= {"objective": "multiclass", "num_class": 10, "seed": seed, "verbosity": -1}
        parameters |= {"lambda_l1": settings.reg_alpha, "lambda_l2": settings.reg_lambda}
        as_rows = lambda pixels: pixels.reshape(-1, SIDE * SIDE).astype(np.float32)  # noqa: E731
        booster = lightgbm.train(parameters, lightgbm.Dataset(as_rows(pixels), digits), settings.trees)
        return lambda pixels: booster.predict(as_rows(pixels)).astype(np.float32)


# --- Meta-models: the members' probabilities [members, n, 10] in. ---


def side_by_side(members: np.ndarray) -> np.ndarray:
    return members.transpose(1, 0, 2).reshape(members.shape[1], -1)


@dataclass
class Logistic:
    kind: Literal["logistic"] = "logistic"
    c: float = 1.0
    shrinkage: Literal["zero"] = "zero"

    def fit(self, members: np.ndarray, labels: np.ndarray) -> Predictor:
        model = LogisticRegression(C=self.c, tol=1e-8, max_iter=10_000).fit(side_by_side(members).astype(np.float64), labels)
        return lambda members: model.predict_proba(side_by_side(members).astype(np.float64))


@dataclass
class Mean:
    kind: Literal["mean"] = "mean"

    def fit(self, _members: np.ndarray, _labels: np.ndarray) -> Predictor:
        return lambda members: members.mean(axis=0)


@dataclass
class WeightedMean:
    kind: Literal["weighted-mean"] = "weighted-mean"
    weights: list[float] | None = None

    def fit(self, members: np.ndarray, labels: np.ndarray) -> Predictor:
        of_label = members[:, np.arange(len(labels)), labels].astype(np.float64).clip(1e-15)
        shares = lambda at: np.exp(at - at.max()) / np.exp(at - at.max()).sum()  # noqa: E731
        loss = lambda at: -np.log(shares(at) @ of_label).mean()  # noqa: E731
        weights = self.weights if self.weights is not None else shares(minimize(loss, np.zeros(len(members))).x)
        return lambda members: np.average(members, axis=0, weights=weights)


@dataclass
class Tree:
    kind: Literal["tree"] = "tree"
    max_depth: int = 12
    min_samples_leaf: int = 20

    def fit(self, members: np.ndarray, labels: np.ndarray) -> Predictor:
        tree = DecisionTreeClassifier(max_depth=self.max_depth, min_samples_leaf=self.min_samples_leaf, random_state=0)
        tree.fit(side_by_side(members), labels)
        return lambda members: tree.predict_proba(side_by_side(members))


# --- The run. ---


@dataclass
class Data:
    source: Literal["mnist"]
    path: LeftOut | None = None


@dataclass
class Prepare:
    recipe: list[Never] = field(default_factory=list)
    rotations: list[Never] = field(default_factory=list)


@dataclass
class Stacking:
    folds: int = 5
    final_models: Literal["average"] = "average"
    answer: LeftOut | None = None
    features: Literal["probabilities"] = "probabilities"
    watched_images: LeftOut | None = None
    train_sample: LeftOut | None = None
    meta: list[Logistic | Mean | WeightedMean | Tree] = field(default_factory=lambda: [Logistic(), Mean(), WeightedMean(), Tree()])


@dataclass
class Config:
    name: str
    data: Data
    members: list[Dense | Cnn | Booster]
    seed: int = 1
    prepare: Prepare = field(default_factory=Prepare)
    stacking: Stacking = field(default_factory=Stacking)


def load_config(path: Path) -> Config:
    table = tomllib.loads(path.read_text())
    for member in table.get("members", []):
        if "augment" in member:
            member["augment"] = spelled_out(member["augment"])
    return read(Config, table, path.name)


def load_images(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    def idx(name: str, header: int) -> np.ndarray:
        plain, packed = folder / name, folder / f"{name}.gz"
        data = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
        return np.frombuffer(bytearray(data), np.uint8, offset=header)  # PyTorch wants it writable

    return idx(f"{part}-images-idx3-ubyte", 16).reshape(-1, SIDE, SIDE), idx(f"{part}-labels-idx1-ubyte", 8)


def derived(*path: int) -> int:
    """A seed of 31 bits for a place in the run."""
    return int(np.random.SeedSequence(path).generate_state(1)[0] >> 1)


def scores(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    of_label = probabilities[np.arange(len(labels)), labels].astype(np.float64).clip(1e-15, 1)
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    return {"accuracy": round(accuracy, 6), "log_loss": round(float(-np.log(of_label).mean()), 6)}


class Clock:
    """Seconds and CPU seconds of the stages, one behind the other."""

    def __init__(self) -> None:
        self.last, self.stages = began, {}

    def end(self, stage: str) -> None:
        now = time.perf_counter(), time.process_time()
        self.stages[stage] = {"seconds": round(now[0] - self.last[0], 2), "cpu_seconds": round(now[1] - self.last[1], 2)}
        self.last = now
        say(f"{stage}: {self.stages[stage]['seconds']} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of MNIST's IDX files")
    parser.add_argument("--members", help="only these, by name, separated by commas")
    parser.add_argument("--limit", type=int, help="only the first so many training images")
    parser.add_argument("--compile", action="store_true", help="nets through torch.compile")
    options = parser.parse_args()
    config = load_config(options.config)
    wanted = options.members.split(",") if options.members else [member.name for member in config.members]
    members = [member for member in config.members if member.name in wanted]
    if missing := set(wanted) - {member.name for member in members}:
        raise SystemExit(f"--members: {options.config.name} has no {', '.join(sorted(missing))}")
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    clock = Clock()
    clock.end("imports")

    images, labels = (part[:options.limit] for part in load_images(options.data, "train"))
    folder = StratifiedKFold(config.stacking.folds, shuffle=True, random_state=derived(config.seed))
    folds = list(folder.split(images, labels))
    clock.end("read training images")

    out_of_fold = np.empty((len(members), len(labels), 10), np.float32)
    models: list[list[Predictor]] = []
    for place, member in enumerate(members):
        models.append([])
        for fold, (inside, outside) in enumerate(folds):
            label = f"{member.name}, fold {fold + 1}"
            start = time.perf_counter()
            fitted = member.fit(images[inside], labels[inside], derived(config.seed, place, fold), label, options.compile)
            predict = member.predict.of(fitted)
            out_of_fold[place, outside] = predict(images[outside])
            models[-1].append(predict)
            say(f"{label}: {time.perf_counter() - start:.1f} s")
        clock.end(f"fit {member.name}")

    stacks: list[Predictor] = []
    stacked = np.empty((len(config.stacking.meta), len(labels), 10))
    for place, meta in enumerate(config.stacking.meta):
        for inside, outside in folds:
            stacked[place, outside] = meta.fit(out_of_fold[:, inside], labels[inside])(out_of_fold[:, outside])
        stacks.append(meta.fit(out_of_fold, labels))
    clock.end("fit meta-models")

    test_images, test_labels = load_images(options.data, "t10k")
    tested = []
    for member, predictors in zip(members, models):
        tested.append(np.mean([predict(test_images) for predict in predictors], axis=0))
        clock.end(f"predict test images, {member.name}")

    results = {}
    test_probabilities = np.stack(tested)
    for place, member in enumerate(members):
        results[member.name] = {"out_of_fold": scores(out_of_fold[place], labels), "test": scores(tested[place], test_labels)}
    for place, meta in enumerate(config.stacking.meta):
        test = scores(stacks[place](test_probabilities), test_labels)
        results[meta.kind] = {"out_of_fold": scores(stacked[place], labels), "test": test}
    clock.end("evaluate")

    packages = ("torch", "lightgbm", "scikit-learn", "opencv-python-headless", "numpy")
    print(json.dumps({
        "config": config.name,
        "seed": config.seed,
        "images": len(labels),
        "test_images": len(test_labels),
        "folds": len(folds),
        "threads": threads,
        "compile": options.compile,
        "seconds": round(clock.last[0] - began[0], 2),
        "cpu_seconds": round(clock.last[1] - began[1], 2),
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "stages": clock.stages,
        "stack": config.stacking.meta[0].kind,
        "models": results,
        "versions": {"python": sys.version.split()[0]} | {package: version(package) for package in packages},
    }))


if __name__ == "__main__":
    main()
