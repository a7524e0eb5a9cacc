"""Records a PyTorch net's state dict and its probabilities: tests/data/nn/sequential.safetensors and sequential.json.

The net is the CNN with 4 filters and one hidden layer of 12, as an nn.Sequential. The images come from a formula that the test repeats.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(20)
net = nn.Sequential(
    nn.Conv2d(1, 4, 3), nn.SELU(), nn.MaxPool2d(2), nn.SELU(),
    nn.Conv2d(4, 8, 3), nn.SELU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(200, 12), nn.SELU(), nn.Linear(12, 10),
)
with torch.no_grad():
    # Weights that make the probabilities differ.
    for parameter in net.parameters():
        parameter.mul_(2.5)
pixels = torch.tensor([[(n + 3) * i * i % 251 for i in range(784)] for n in range(6)], dtype=torch.float32)
images = (pixels / 255).reshape(-1, 1, 28, 28)
folder = pathlib.Path(__file__).parent.parent / "data" / "nn"
save_file(net.state_dict(), folder / "sequential.safetensors")
probabilities = net(images).softmax(1).tolist()
(folder / "sequential.json").write_text(json.dumps({"torch": torch.__version__, "probabilities": probabilities}) + "\n")
