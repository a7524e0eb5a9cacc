"""Asks a running service with Triton's own client: python triton.py ADDRESS IMAGES.json

IMAGES.json holds ten 28x28 images, of the digits 0 to 9. Prints a line on what was compared; any difference is an error.
"""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

address, path = sys.argv[1:]
images = np.array(json.load(open(path)), np.uint8).reshape(10, 28, 28)
client = triton.InferenceServerClient(address)
compared = 0


def tensor(array, binary):
    asked = triton.InferInput("images", list(array.shape), np_to_triton_dtype(array.dtype))
    asked.set_data_from_numpy(array, binary_data=binary)
    return asked


def refused(status, words, *arguments, **options):
    try:
        client.infer(*arguments, **options)
    except InferenceServerException as error:
        assert error.status() == str(status) and words in error.message(), error
    else:
        raise AssertionError(f"{words} was accepted")


assert client.is_server_live() and client.is_server_ready()
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
models = json.loads(client._get("v2/models", None, None).read())["models"]
for model in models:
    about = client.get_model_metadata(model)
    assert about["name"] == model and about["versions"], about
    # With its default arguments: numbers as bytes in both directions.
    expected = client.infer(model, [tensor(images, True)])
    rows, digits = expected.as_numpy("probabilities"), expected.as_numpy("digit")
    assert rows.shape == (10, 10) and rows.dtype == np.float32 and digits.dtype == np.int64
    assert np.abs(rows.sum(axis=1) - 1).max() < 1e-4 and (rows.argmax(axis=1) == digits).all()
    for version in ["", *about["versions"]]:
        assert client.is_model_ready(model, version)
        assert client.get_model_metadata(model, version) == about
        for dtype in (np.uint8, np.int32, np.int64, np.float16, np.float32, np.float64):
            full = 255 if np.issubdtype(dtype, np.floating) else 1
            array = (images / full).astype(dtype)
            for binary in (True, False):
                for compression in (None, "gzip", "deflate"):
                    for outputs in (
                        None,
                        [triton.InferRequestedOutput(name) for name in ("probabilities", "digit")],
                        [triton.InferRequestedOutput(name, binary_data=False) for name in ("digit", "probabilities")],
                    ):
                        answer = client.infer(
                            model,
                            [tensor(array, binary)],
                            model_version=version,
                            outputs=outputs,
                            request_id="7",
                            request_compression_algorithm=compression,
                        )
                        assert answer.get_response()["id"] == "7"
                        assert np.array_equal(answer.as_numpy("digit"), digits), (model, dtype, binary)
                        assert np.array_equal(answer.as_numpy("probabilities"), rows), (model, dtype, binary)
                        compared += 1

model = models[0]
good = [tensor(images, True)]
refused(404, "unknown model", "none", good)
refused(404, "unknown version", model, good, model_version="2")
refused(400, "priority", model, good, priority=3)
refused(400, "sequence_id", model, good, sequence_id=1)
refused(400, "colour", model, good, parameters={"colour": "red"})
refused(400, "classification", model, good, outputs=[triton.InferRequestedOutput("digit", class_count=2)])
refused(400, "logits", model, good, outputs=[triton.InferRequestedOutput("logits")])
print(f"tritonclient got {compared} equal answers of {len(models)} models in all types and encodings")
