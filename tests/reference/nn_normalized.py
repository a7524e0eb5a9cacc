"""Records what PyTorch makes of small nets with batch normalisation and a global pool: tests/data/nn/normalized.json.

Two training steps of plain gradient descent (the running statistics follow), then the outputs in evaluation mode. Weights and images
come from a formula that the test repeats, so that only results are stored.
"""

import json
import math
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
RATE = 0.1


def wave(shape, phase, size):
    """size * sin(0.7 i + phase) for the i-th element in row-major order, computed in float64."""
    n = math.prod(shape)
    return torch.tensor([size * math.sin(0.7 * i + phase) for i in range(n)], dtype=torch.float64).to(torch.float32).reshape(shape)


class Net(nn.Module):
    """[[3, 4], [8]], padding same, ReLU, then a global pool and the ten outputs."""

    def __init__(self, affine, average):
        super().__init__()
        sizes = [(1, 3), (3, 4), (4, 8)]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b, affine=affine) for _, b in sizes)
        self.output = nn.Linear(8, 10)
        self.average = average

    def forward(self, x):
        for index, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            x = F.relu(norm(convolution(x)))
            if index == 1:
                x = F.max_pool2d(x, 2)
        pool = F.adaptive_avg_pool2d if self.average else F.adaptive_max_pool2d
        return self.output(pool(x, 1).flatten(1))

    def ordered(self):
        """The parameters in the order of the test."""
        for convolution, norm in zip(self.convolutions, self.norms):
            yield from [convolution.weight, *norm.parameters()]
        yield from self.output.parameters()


labels = torch.tensor([3, 0, 9, 5])
images = wave((4, 1, 28, 28), 0.3, 0.5) + 0.5
result = {"torch": torch.__version__, "nets": []}
for affine in [False, True]:
    for average in [False, True]:
        net = Net(affine, average)
        for index, parameter in enumerate(net.ordered()):
            fan_in = math.prod(parameter.shape[1:])
            parameter.data = wave(parameter.shape, index + 0.1, 1.5 / math.sqrt(fan_in))
        entry = {"affine": affine, "average": average, "steps": []}
        for _ in range(2):
            net.zero_grad()
            outputs = net(images)
            loss = F.cross_entropy(outputs, labels)
            loss.backward()
            gradients = [parameter.grad.flatten().tolist() for parameter in net.ordered()]
            running = [[norm.running_mean.tolist(), norm.running_var.tolist()] for norm in net.norms]
            entry["steps"].append(
                {"outputs": outputs.flatten().tolist(), "loss": loss.item(), "gradients": gradients, "running": running}
            )
            with torch.no_grad():
                for parameter in net.parameters():
                    parameter -= RATE * parameter.grad
        entry["evaluated"] = net.eval()(images).flatten().tolist()
        result["nets"].append(entry)
out = pathlib.Path(__file__).parent.parent / "data" / "nn" / "normalized.json"
out.write_text(json.dumps(result) + "\n")
