"""Writes tests/data/onnx/tiny.onnx with the onnx package: a file that src/onnx must write byte for byte."""

import pathlib

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

root = pathlib.Path(__file__).parent.parent.parent
nodes = [
    helper.make_node("Mul", ["image", "slope"], ["mul_0"], name="mul_0"),
    helper.make_node("LeakyRelu", ["mul_0"], ["leakyrelu_1"], name="leakyrelu_1", alpha=0.25),
    helper.make_node("ReduceSum", ["leakyrelu_1", "axes"], ["sums"], name="sums", keepdims=1),
]
weights = [
    numpy_helper.from_array(numpy.array([1, -2, 0.5], dtype="<f4"), "slope"),
    numpy_helper.from_array(numpy.array([1], dtype="<i8"), "axes"),
]
value = helper.make_tensor_value_info
graph = helper.make_graph(
    nodes, "tiny", [value("image", TensorProto.FLOAT, ["N", 3])], [value("sums", TensorProto.FLOAT, ["N", 1])], weights
)
model = helper.make_model(
    graph,
    ir_version=8,
    producer_name="digitstack",
    producer_version="1.2.3",
    doc_string="a test",
    opset_imports=[helper.make_operatorsetid("", 17)],
)
helper.set_model_props(model, {"model": "tiny"})
# The package writes an empty domain out; the standard says that none is the same.
model.opset_import[0].ClearField("domain")
onnx.checker.check_model(model, full_check=True)
out = root / "tests/data/onnx/tiny.onnx"
out.parent.mkdir(exist_ok=True)
out.write_bytes(model.SerializeToString(deterministic=True))
