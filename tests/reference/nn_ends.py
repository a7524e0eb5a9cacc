"""Records the two ends of a net in PyTorch: scaled inputs, outputs that are no softmax, the hinge loss: tests/data/nn/ends.json.

The weights and images come from formulas that the test repeats, so that only results are stored.
"""

import json
import math
import pathlib

import torch
from torch.nn import functional as F

torch.set_num_threads(1)


def wave(shape, phase, size):
    """size * sin(0.7 i + phase) for the i-th element in row-major order, computed in float64."""
    n = math.prod(shape)
    return torch.tensor([size * math.sin(0.7 * i + phase) for i in range(n)], dtype=torch.float64).to(torch.float32).reshape(shape)


def level(image, pixel):
    """The grey level of a pixel, 0 to 255; every fifth pixel is the same in all images."""
    return 40 if pixel % 5 == 0 else (37 * image * image + 11 * pixel * (image + 1)) % 256


IMAGES, HIDDEN = 6, 20
levels = torch.tensor([[level(image, pixel) for pixel in range(784)] for image in range(IMAGES)], dtype=torch.float64)
unit = levels / 255
mean, deviation = unit.mean(0), unit.std(0, unbiased=False)
deviation[deviation < 1e-12] = 1
inputs = {
    "unit": unit,
    "signed": unit * 2 - 1,
    "range": 0.01 + 0.99 * unit,
    # In single precision as a scale and a shift: the loss over raw outputs grows the difference in rounding.
    "standardized": unit.float() * (1 / deviation).float() + (-mean / deviation).float(),
}
labels = torch.tensor([3, 0, 9, 1, 1, 7])
shapes = [(HIDDEN, 784), (HIDDEN,), (10, HIDDEN), (10,)]


def parameters():
    return [wave(shape, index + 0.1, 1.5 / math.sqrt(math.prod(shape[1:]))).requires_grad_() for index, shape in enumerate(shapes)]


def forward(weights, x):
    return F.relu(x @ weights[0].T + weights[1]) @ weights[2].T + weights[3]


def loss(name, output, outputs, low, high):
    q = torch.full((IMAGES, 10), low)
    q[torch.arange(IMAGES), labels] = high
    p = {"softmax": lambda: F.softmax(outputs, 1), "sigmoid": outputs.sigmoid, "raw": lambda: outputs}[output]()
    if name == "mse":
        return F.mse_loss(p, q)
    if name == "hellinger":
        return 0.5 * (p.sqrt() - q.sqrt()).square().sum(1).mean()
    # PyTorch divides by the number of classes.
    return 10 * F.multi_margin_loss(outputs, labels)


def summary(gradient):
    flat = gradient.flatten()
    places = [i * (len(flat) - 1) // 7 for i in range(8)]
    return {"sum": flat.double().sum().item(), "squares": flat.double().square().sum().item(), "values": [flat[i].item() for i in places]}


result = {"torch": torch.__version__, "cases": []}
cases = [("mse", "sigmoid", 0.01, 0.99), ("mse", "raw", 0.0, 1.0), ("hellinger", "sigmoid", 0.0, 1.0), ("hinge", "softmax", 0.0, 1.0)]
for name, x in inputs.items():
    for which, output, low, high in cases:
        weights = parameters()
        outputs = forward(weights, x.float())
        value = loss(which, output, outputs, low, high)
        value.backward()
        scores = {"softmax": F.softmax(outputs, 1), "sigmoid": outputs.sigmoid().clamp(1e-7, 1), "raw": outputs.clamp(1e-7, 1)}[output]
        result["cases"].append(
            {
                "input": name,
                "loss": which,
                "output": output,
                "targets": [low, high],
                "outputs": outputs.flatten().tolist(),
                "probabilities": (scores / scores.sum(1, keepdim=True)).flatten().tolist(),
                "value": value.item(),
                "gradients": [summary(weight.grad) for weight in weights],
            }
        )
out = pathlib.Path(__file__).parent.parent / "data" / "nn" / "ends.json"
out.write_text(json.dumps(result) + "\n")
