"""Records outputs, loss and gradients of small versions of the two reference nets in PyTorch: tests/data/nn/networks.json.

The weights and images come from a formula that the test repeats, so that only results are stored.
"""

import json
import math
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)


def wave(shape, phase, size):
    """size * sin(0.7 i + phase) for the i-th element in row-major order, computed in float64."""
    n = math.prod(shape)
    return torch.tensor([size * math.sin(0.7 * i + phase) for i in range(n)], dtype=torch.float64).to(torch.float32).reshape(shape)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 8, 3)
        self.h1, self.h2, self.out = nn.Linear(200, 54), nn.Linear(54, 30), nn.Linear(30, 10)

    def forward(self, x):
        x = F.selu(F.max_pool2d(F.selu(self.c1(x)), 2))
        x = F.max_pool2d(F.selu(self.c2(x)), 2).flatten(1)
        return self.out(F.selu(self.h2(F.selu(self.h1(x)))))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.h1, self.h2, self.out = nn.Linear(784, 80), nn.Linear(80, 28), nn.Linear(28, 10)

    def forward(self, x):
        return self.out(F.softplus(self.h2(F.softplus(self.h1(x.flatten(1))))))


def summary(gradient):
    """Sum, sum of squares and eight spread elements: enough to tell any mistake, small enough to store."""
    flat = gradient.flatten()
    places = [i * (len(flat) - 1) // 7 for i in range(8)]
    return {"sum": flat.double().sum().item(), "squares": flat.double().square().sum().item(), "values": [flat[i].item() for i in places]}


def losses(outputs, labels, smoothing):
    q = F.one_hot(labels, 10).float() * (1 - smoothing) + smoothing / 10
    p, ln_p = F.softmax(outputs, 1), F.log_softmax(outputs, 1)
    return {
        "cross-entropy": F.cross_entropy(outputs, labels, label_smoothing=smoothing),
        "kullback-leibler": F.kl_div(ln_p, q, reduction="batchmean"),
        "mse": F.mse_loss(p, q),
        "hellinger": 0.5 * (p.sqrt() - q.sqrt()).square().sum(1).mean(),
    }


labels = torch.tensor([3, 0, 9])
images = wave((3, 1, 28, 28), 0.3, 0.5) + 0.5
result = {"torch": torch.__version__, "nets": {}}
for name, net in [("cnn", Cnn()), ("dense", Dense())]:
    for index, parameter in enumerate(net.parameters()):
        fan_in = math.prod(parameter.shape[1:])
        parameter.data = wave(parameter.shape, index + 0.1, 1.5 / math.sqrt(fan_in))
    entry = {"outputs": net(images).flatten().tolist(), "losses": {}}
    for smoothing in [0.0, 0.1]:
        for loss in losses(net(images), labels, smoothing):
            net.zero_grad()
            value = losses(net(images), labels, smoothing)[loss]
            value.backward()
            gradients = [summary(parameter.grad) for parameter in net.parameters()]
            entry["losses"][f"{loss} {smoothing}"] = {"loss": value.item(), "gradients": gradients}
    result["nets"][name] = entry
out = pathlib.Path(__file__).parent.parent / "data" / "nn" / "networks.json"
out.write_text(json.dumps(result) + "\n")
