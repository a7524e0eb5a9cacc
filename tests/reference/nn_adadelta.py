"""Records 50 steps of torch.optim.Adadelta on a small quadratic-quartic problem: tests/data/nn/adadelta.json."""

import json
import pathlib

import torch

torch.set_default_dtype(torch.float32)
cases = []
for learning_rate, rho, epsilon, weight_decay in [(1.0, 0.9, 1e-6, 0.0), (1.4, 0.53, 1e-7, 0.0), (1.0, 0.95, 1e-6, 0.01)]:
    x = torch.tensor([[0.5, -1.0, 2.0], [0.01, -0.3, 1.5]], requires_grad=True)
    target = torch.tensor([[0.1, 0.2, -0.4], [1.0, -1.0, 0.0]])
    scale = torch.tensor([[1.0, 10.0, 0.1], [0.01, 3.0, 0.5]])
    optimizer = torch.optim.Adadelta([x], lr=learning_rate, rho=rho, eps=epsilon, weight_decay=weight_decay)
    steps = []
    for _ in range(50):
        optimizer.zero_grad()
        d = x - target
        gradient = scale * (d + d * d * d)  # of scale * (d^2 / 2 + d^4 / 4)
        x.grad = gradient.detach().clone()
        optimizer.step()
        steps.append(x.detach().flatten().tolist())
    cases.append({"learning_rate": learning_rate, "rho": rho, "epsilon": epsilon, "weight_decay": weight_decay, "steps": steps})
out = pathlib.Path(__file__).parent.parent / "data" / "nn" / "adadelta.json"
out.write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
