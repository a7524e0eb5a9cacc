"""Predictions and arrays of exported models in other programs, for tests/program/model_files.rs.

    model_files.py onnx PIXELS MODEL...    runs each ONNX model on 28x28 images (bytes) and writes MODEL.probabilities and MODEL.logits (float32)
    model_files.py lightgbm PIXELS MODEL   writes MODEL.probabilities
    model_files.py safetensors MODEL       prints the arrays' names and shapes as PyTorch reads them
"""

import json
import sys

import numpy


def images(path):
    return numpy.fromfile(path, numpy.uint8).reshape(-1, 784).astype(numpy.float32)


def run_onnx(pixels, *models):
    import onnx
    import onnxruntime

    inputs = (images(pixels) / 255).astype(numpy.float32).reshape(-1, 1, 28, 28)
    for model in models:
        onnx.checker.check_model(model, full_check=True)
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        described = {value.name: (value.type, value.shape) for value in [*session.get_inputs(), *session.get_outputs()]}
        ten = ("tensor(float)", ["N", 10])
        assert described == {"image": ("tensor(float)", ["N", 1, 28, 28]), "probabilities": ten, "logits": ten}, described
        for name in ["probabilities", "logits"]:
            (rows,) = session.run([name], {"image": inputs})
            (one,) = session.run([name], {"image": inputs[:1]})
            assert rows.shape == (len(inputs), 10) and numpy.abs(one - rows[:1]).max() < 1e-4
            rows.astype(numpy.float32).tofile(f"{model}.{name}")


def run_lightgbm(pixels, model):
    import lightgbm

    lightgbm.Booster(model_file=model).predict(images(pixels)).astype(numpy.float32).tofile(f"{model}.probabilities")


def show_safetensors(model):
    from safetensors.numpy import load_file

    print(json.dumps({name: list(array.shape) for name, array in load_file(model).items()}))


{"onnx": run_onnx, "lightgbm": run_lightgbm, "safetensors": show_safetensors}[sys.argv[1]](*sys.argv[2:])
