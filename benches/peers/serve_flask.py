"""What `digitstack serve RUN` answers, as one would write it in Python: Flask, Pillow, PyTorch, LightGBM, NumPy.

    python benches/peers/serve_flask.py RUN [--port 8029] [--host 127.0.0.1] [--server gunicorn|waitress|werkzeug] [--threads N]

RUN is the folder of a finished run. Its models are asked: nets from safetensors, boosters from LightGBM's text, meta-models from JSON;
settings that this script does not know are refused. `POST /api/predict[?centre=box]` takes a PNG or JPEG picture, or JSON
{"image": "data:image/png;base64,…"} as the reference's page sends it, and answers with what `digitstack predict RUN PICTURE --json` says
of one picture.

Chosen by measuring on two cores (figures in README.md): gunicorn with a process for each core and four threads in each, the fastest of the
three with several connections; with one, waitress is as fast or faster, in half the memory. All nets of a run are one traced module, the
folds' nets side by side as grouped convolutions and batched products, prepared by `torch.jit.optimize_for_inference`: about half the time
of one net after another, channels-last or not, and a quarter less than the same by `torch.compile` with frozen weights. One thread an
image: two make the nets alone up to twice as fast and the service slower (`OMP_NUM_THREADS` in the environment is for trying). A malloc
tuned as for pipeline.py and decoding by OpenCV change nothing. Needs Python 3.11; tested with torch 2.15, lightgbm 4.7, Flask 3.1,
Pillow 13.0, gunicorn 27.0, waitress 3.0, werkzeug 3.1.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when PyTorch and LightGBM load

import argparse  # noqa: E402
import base64  # noqa: E402
import binascii  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import tomllib  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import lightgbm  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from flask import Flask, Response, jsonify, request  # noqa: E402
from PIL import Image, UnidentifiedImageError  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

SIDE, LONGEST, CLASSES = 28, 20, 10
MASS_CENTRE = 14
LARGEST_SIDE = 4096
LARGEST_BODY = 16 * 1024 * 1024
Table = dict[str, Any]
Tensors = dict[str, torch.Tensor]


# --- From a picture to a digit, by the laws of src/imaging. ---


class BadPicture(Exception):
    """What is wrong with what was sent."""


def picture_of(body: bytes, is_json: bool) -> bytes:
    """The bytes of the picture file in a request's body."""
    if not is_json:
        return body
    try:
        address = json.loads(body)["image"]
        head, _, text = address.partition(",")
        if not head.startswith("data:image/") or not head.endswith(";base64"):
            raise ValueError
        return base64.b64decode(text, validate=True)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise BadPicture('expected JSON with `image` = "data:image/png;base64,…"') from None


def ink_of(file: bytes) -> Image.Image:
    """Decodes a PNG or JPEG file; the ink, 255 = full: the alpha channel, or for an opaque picture what differs from its background."""
    try:
        picture = Image.open(io.BytesIO(file), formats=("PNG", "JPEG"))
        if max(picture.size) > LARGEST_SIDE:
            raise BadPicture(f"the picture is {picture.width}×{picture.height} pixels: at most {LARGEST_SIDE} a side are read")
        if picture.has_transparency_data:
            alpha = (picture if picture.mode == "RGBA" else picture.convert("RGBA")).getchannel("A")
            if alpha.getextrema()[0] < 255:
                return alpha
        levels = np.asarray(picture.convert("L"), np.float32)
    except UnidentifiedImageError:
        raise BadPicture("found neither PNG nor JPEG: send the picture as the body, or JSON with its Content-Type") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise BadPicture(f"not a readable PNG or JPEG picture: {error}") from None
    # One level of paper and strokes of one kind: enough for a scan, not for a photograph with shadows.
    differences = np.abs(levels - np.median(levels))
    differences[differences < 0.3 * differences.max()] = 0
    return Image.fromarray(differences.astype(np.uint8))


def fitted_size(width: int, height: int) -> tuple[int, int]:
    """The size of a box once its longer side is 20 pixels."""
    longer = max(width, height)
    return tuple(max(1, (2 * side * LONGEST + longer) // (2 * longer)) for side in (width, height))


def digit_of(ink: Image.Image, by_mass: bool) -> np.ndarray:
    """Ink of any size → `[28, 28]`, whole numbers from 0 to 255 as float32."""
    box = ink.getbbox()
    if box is None:
        raise BadPicture("the picture is blank: nothing is drawn on it")
    cropped = ink.crop(box)
    small = cropped.resize(fitted_size(*cropped.size), Image.Resampling.BICUBIC)
    small = small.crop(small.getbbox())  # a faint edge may have gone
    levels = np.asarray(small, np.float32)
    levels = np.floor(levels * (255 / levels.max()) + 0.5)
    digit = np.zeros((SIDE, SIDE), np.float32)
    top, left = (starts(levels.sum(axis)) if by_mass else (SIDE - levels.shape[1 - axis]) // 2 for axis in (1, 0))
    digit[top:top + levels.shape[0], left:left + levels.shape[1]] = levels
    return digit


def starts(ink: np.ndarray) -> int:
    """Where a digit with this much ink in each row (or column) has to start for its mass to be at pixel 14, as nearly as it fits in."""
    middle = float(ink @ np.arange(len(ink))) / float(ink.sum())
    return min(max(math.floor(MASS_CENTRE - middle + 0.5), 0), SIDE - len(ink))


# --- The models of a run. ---

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "elu": functional.elu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "selu": functional.selu,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "leaky-relu": functional.leaky_relu,
    "swish": functional.silu,
}
POOLS = {"max": functional.max_pool2d, "average": functional.avg_pool2d}
NETWORKS = {  # settings that shape the answers, and those that only training looks at
    "dense": {"hidden", "activation", "bias", "output", "input", "dropout", "initializer"},
    "cnn": {
        "filters", "blocks", "growth", "kernel", "padding", "convolutions_per_block", "pool", "extra_activation", "hidden", "activation",
        "block_dropout", "dropout", "initializer", "input",
    },
}
MEMBERS = {
    "dense": {"network", "training", "augment"},
    "cnn": {"network", "training", "augment"},
    "booster": {"booster", "augment", "augment_copies"},
}


def check(table: Table, where: str, known: set[str]) -> None:
    """Ends the program if a table holds settings that this script does not know."""
    if unknown := table.keys() - known:
        raise SystemExit(f"{where}: this script does not know {', '.join(sorted(unknown))}, it knows {', '.join(sorted(known))}")


def choice(options: dict[str, Any], name: Any, where: str) -> Any:
    if name not in options:
        raise SystemExit(f"{where}: found {name!r}, this script knows {', '.join(map(repr, options))}")
    return options[name]


def joined(weights: list[Tensors], layer: str, part: str, join: Callable[[list[torch.Tensor]], torch.Tensor] = torch.cat) -> torch.Tensor:
    return join([each[f"{layer}.{part}"] for each in weights])


class Net(nn.Module):
    """The nets of one member, one a fold, as one: first convolutions side by side, later ones in groups, layers as a batched product."""

    def __init__(self, settings: Table, weights: list[Tensors], where: str) -> None:
        super().__init__()
        self.count = len(weights)
        self.activation = choice(ACTIVATIONS, settings["activation"], f"{where}.activation")
        self.softmax_output = choice({"softmax": True, "raw": False}, settings.get("output", "softmax"), f"{where}.output")
        choice({"unit": None}, settings.get("input", "unit"), f"{where}.input")
        self.blocks: list[tuple[list[str], bool]] = []
        if "blocks" in settings:
            self.pool = choice(POOLS, settings["pool"], f"{where}.pool")
            self.padding = choice({"valid": 0, "same": settings["kernel"] // 2}, settings["padding"], f"{where}.padding")
            extra = [*settings["extra_activation"], *[False] * settings["blocks"]]
            for block in range(settings["blocks"]):
                names = [f"blocks.{block}.convolutions.{place}" for place in range(settings["convolutions_per_block"])]
                self.blocks.append((names, extra[block]))
        self.hidden = [f"hidden.{place}" for place in range(sum(units > 0 for units in settings["hidden"]))]
        convolutions = [name for names, _ in self.blocks for name in names]
        with_bias = settings.get("bias", True)
        expected = {f"{name}.{part}" for name in [*convolutions, *self.hidden, "output"] for part in ["weight", "bias"][:1 + with_bias]}
        if different := expected ^ weights[0].keys():
            raise SystemExit(f"{where}: settings and weights do not agree on {', '.join(sorted(different))}: use an unchanged run folder")
        self.parameters_of = {name: (joined(weights, name, "weight"), joined(weights, name, "bias")) for name in convolutions}
        for name in [*self.hidden, "output"]:
            weight = joined(weights, name, "weight", torch.stack).transpose(1, 2).contiguous()
            bias = joined(weights, name, "bias", torch.stack).unsqueeze(1) if with_bias else weight.new_zeros(1)
            self.parameters_of[name] = weight, bias

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """`[1, 1, 28, 28]` from 0 to 1 → the mean of the nets' probabilities, `[10]`."""
        x, groups = image, 1
        for convolutions, extra_activation in self.blocks:
            for place, name in enumerate(convolutions):
                x = functional.conv2d(x, *self.parameters_of[name], padding=self.padding, groups=groups)
                groups = self.count
                # A maximum and a rising activation change places without changing a value, and the pool leaves a quarter to activate.
                last = place + 1 == len(convolutions)
                pool_first = last and self.pool is functional.max_pool2d and self.activation is not functional.silu
                x = self.activation(self.pool(x, 2) if pool_first else x)
                x = self.pool(x, 2) if last and not pool_first else x
            x = self.activation(x) if extra_activation else x
        x = x.reshape(self.count, 1, -1) if self.blocks else x.reshape(1, 1, -1).expand(self.count, 1, -1)
        for name in self.hidden:
            x = self.activation(self.dense(name, x))
        x = self.dense("output", x).squeeze(1)
        if not self.softmax_output:
            x = x.clamp(1e-7, 1)
            return (x / x.sum(1, keepdim=True)).mean(0)
        return x.softmax(1).mean(0)

    def dense(self, layer: str, x: torch.Tensor) -> torch.Tensor:
        """`[nets, 1, in]` → `[nets, 1, out]`."""
        weight, bias = self.parameters_of[layer]
        return torch.baddbmm(bias, x, weight)


class Nets(nn.Module):
    """All nets of a run."""

    def __init__(self, nets: list[Net]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """`[1, 1, 28, 28]` from 0 to 255 → `[nets, 10]`."""
        image = image / 255
        return torch.stack([net(image) for net in self.nets])


def boosters_of(folders: list[Path]) -> Callable[[np.ndarray], np.ndarray]:
    boosters = [lightgbm.Booster(model_file=folder / "model.txt") for folder in folders]
    return lambda row: sum(booster.predict(row, num_threads=1)[0] for booster in boosters) / len(boosters)


def nets_of(member: Table, folders: list[Path]) -> Net:
    name, kind, network = member["name"], member["kind"], member["network"]
    check(network, f"members.{name}.network", NETWORKS[kind])
    return Net(network, [load_file(folder / "network.safetensors") for folder in folders], f"members.{name}.network")


# --- Meta-models: the members' probabilities side by side, `[10 · members]`, in. ---

Meta = Callable[[np.ndarray], np.ndarray]


def logistic(model: Table, scale: str) -> Meta:
    if model["scale"] != scale:
        raise SystemExit(f"the logistic regression wants {model['scale']}, the configuration says {scale}: use an unchanged run folder")
    weights, intercepts = np.zeros((CLASSES, len(model["weights"][0]))), np.full(CLASSES, -np.inf)
    weights[model["classes"]], intercepts[model["classes"]] = model["weights"], model["intercepts"]

    def answer(row: np.ndarray) -> np.ndarray:
        logits = weights @ (np.log(row.clip(1e-6)) if scale == "log-probabilities" else row) + intercepts
        powers = np.exp(logits - logits.max())
        return powers / powers.sum()

    return answer


def mean(model: Table, _scale: str) -> Meta:
    return lambda row: row.reshape(model["members"], CLASSES).mean(axis=0)


def weighted_mean(model: Table, _scale: str) -> Meta:
    weights = np.array(model["weights"])
    return lambda row: weights @ row.reshape(len(weights), CLASSES)


def tree(model: Table, _scale: str) -> Meta:
    nodes = model["nodes"]

    def answer(row: np.ndarray) -> np.ndarray:
        place = 0
        while split := nodes[place].get("split"):
            place = place + 1 if row[split["feature"]] <= split["threshold"] else split["right"]
        counts = np.array(nodes[place]["leaf"]["counts"], np.float64)
        return counts / counts.sum()

    return answer


METAS = {"logistic": logistic, "mean": mean, "weighted-mean": weighted_mean, "tree": tree}


# --- The run. ---


def read_config(run: Path) -> Table:
    """The resolved configuration of a finished run; ends the program if it holds what this script does not know."""
    if not (run / "manifest.json").exists():
        raise SystemExit(f"{run} is no finished run: expected a folder that `digitstack run` has written")
    config = tomllib.loads((run / "config.toml").read_text())
    check(config, "config.toml", {"name", "seed", "search", "data", "prepare", "stacking", "members"})
    check(config["prepare"], "prepare", {"recipe", "rotations"})
    if config["prepare"]["recipe"]:
        raise SystemExit(f"prepare.recipe: found {config['prepare']['recipe']!r}, this script wants it empty")
    stacking = config["stacking"]
    check(stacking, "stacking", {"folds", "final_models", "features", "watched_images", "train_sample", "meta"})
    choice({"probabilities": None, "log-probabilities": None}, stacking["features"], "stacking.features")
    choice({"average": None, "refit": None}, stacking["final_models"], "stacking.final_models")
    for meta in stacking["meta"]:
        choice(METAS, meta["kind"], "stacking.meta.kind")
    for member in config["members"]:
        check(member, f"members.{member['name']}", {"name", "kind"} | choice(MEMBERS, member["kind"], "members.kind"))
    return config


@dataclass
class Stack:
    """All models of a run."""

    names: list[str]
    is_net: np.ndarray
    nets: torch.jit.ScriptModule
    boosters: list[Callable[[np.ndarray], np.ndarray]]
    metas: list[Meta]

    @classmethod
    def load(cls, run: Path) -> "Stack":
        config = read_config(run)
        members, stacking = config["members"], config["stacking"]
        places = ["all"] if stacking["final_models"] == "refit" else [f"fold-{fold + 1}" for fold in range(stacking["folds"])]
        folders = {member["name"]: [run / "models" / member["name"] / place for place in places] for member in members}
        is_net = np.array([member["kind"] != "booster" for member in members])
        nets = Nets([nets_of(member, folders[member["name"]]) for member in members if member["kind"] != "booster"]).eval()
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # deprecated in favour of torch.compile, which is slower here
            compiled = torch.jit.optimize_for_inference(torch.jit.trace(nets, torch.zeros(1, 1, SIDE, SIDE)))
        boosters = [boosters_of(folders[member["name"]]) for member in members if member["kind"] == "booster"]
        names, metas = [member["name"] for member in members], []
        for meta in stacking["meta"]:
            saved = json.loads((run / "models" / f"{meta['kind']}.json").read_text())
            if saved["format"] != "digitstack stack 1" or saved["member_names"] != names:
                raise SystemExit(f"{meta['kind']}.json: found a {saved['format']} of {saved['member_names']}, expected one of {names}")
            metas.append(METAS[meta["kind"]](saved["meta"], stacking["features"]))
        stack = cls(names + [meta["kind"] for meta in stacking["meta"]], is_net, compiled, boosters, metas)
        for _ in range(3):  # the first calls of a traced module optimise it
            stack.answer(np.zeros((SIDE, SIDE), np.float32))
        return stack

    def answer(self, digit: np.ndarray) -> Table:
        """What every model thinks of a digit: members, then meta-models, of which the first is the one to believe."""
        members = np.empty((len(self.is_net), CLASSES))
        with torch.inference_mode():
            members[self.is_net] = self.nets(torch.from_numpy(digit).view(1, 1, SIDE, SIDE)).numpy()
        row = digit.reshape(1, -1)
        members[~self.is_net] = [predict(row) for predict in self.boosters]
        features = members.reshape(-1)
        opinions = np.array([*members, *(meta(features) for meta in self.metas)])
        stack = opinions[len(members)]
        digits, probabilities = opinions.argmax(axis=1).tolist(), opinions.round(8).tolist()
        others = np.where(np.arange(CLASSES) == digits[len(members)], -1, stack)
        return {
            "digit": digits[len(members)],
            "runner_up": int(others.argmax()),
            "probabilities": probabilities[len(members)],
            "models": [
                {"name": name, "digit": digit, "probabilities": row} for name, digit, row in zip(self.names, digits, probabilities)
            ],
        }


# --- The service. ---


def application(run: Path) -> Flask:
    stack = Stack.load(run)
    app = Flask(__name__)
    app.json.sort_keys = False
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.post("/api/predict")
    def predict() -> tuple[Response, int] | Response:
        centre = request.args.get("centre", "mass")
        try:
            if centre not in ("mass", "box"):
                raise BadPicture(f"centre: found {centre!r}, expected `mass` or `box`")
            ink = ink_of(picture_of(request.get_data(cache=False), request.is_json))
            return jsonify(stack.answer(digit_of(ink, centre == "mass")))
        except BadPicture as problem:
            return jsonify({"error": str(problem)}), 400

    return app


def serve_gunicorn(run: Path, host: str, port: int, threads: int) -> None:
    from gunicorn.app.base import BaseApplication

    class Service(BaseApplication):
        def load_config(self) -> None:
            settings = {"bind": f"{host}:{port}", "workers": len(os.sched_getaffinity(0)), "worker_class": "gthread", "threads": threads}
            for name, value in (settings | {"keepalive": 75}).items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            return application(run)  # in each worker: PyTorch's threads do not survive a fork

    read_config(run)  # what is wrong with it is said once
    Service().run()


def serve_waitress(run: Path, host: str, port: int, threads: int) -> None:
    from waitress import serve

    serve(application(run), host=host, port=port, threads=threads)


def serve_werkzeug(run: Path, host: str, port: int, _threads: int) -> None:
    from werkzeug.serving import WSGIRequestHandler, run_simple

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # connections stay open
        disable_nagle_algorithm = True

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    run_simple(host, port, application(run), threaded=True, request_handler=Handler)


SERVERS = {"gunicorn": serve_gunicorn, "waitress": serve_waitress, "werkzeug": serve_werkzeug}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--port", type=int, default=8029)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--server", choices=SERVERS, default="gunicorn")
    parser.add_argument("--threads", type=int, default=4, help="that answer requests; of each of gunicorn's processes; not for werkzeug")
    options = parser.parse_args()
    SERVERS[options.server](options.run, options.host, options.port, options.threads)


if __name__ == "__main__":
    main()
