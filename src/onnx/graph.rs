//! A graph of operators and weights, and the file written from it.

use std::collections::BTreeMap;

use super::proto::Message;

/// Version of the file format.
const IR_VERSION: i64 = 8;
/// Version of the operator set.
const OPERATORS: i64 = 17;
/// `TensorProto.DataType` of 32-bit floats.
const FLOAT32: i64 = 1;
/// `TensorProto.DataType` of 64-bit integers.
const INT64: i64 = 7;
/// Name of the first dimension of inputs and outputs, which may have any size.
const BATCH: &str = "N";

/// Name of a value in a graph: an input, a weight, or the output of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(String);

/// An attribute of an operator, with its name.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A 32-bit float.
    Float(&'static str, f32),
    /// A 64-bit integer.
    Integer(&'static str, i64),
    /// A list of 64-bit integers.
    Integers(&'static str, Vec<i64>),
}

impl Attribute {
    fn message(&self) -> Message {
        match self {
            Self::Float(name, value) => Message::default().text(1, name).float(2, *value).integer(20, 1),
            Self::Integer(name, value) => Message::default().text(1, name).integer(3, *value).integer(20, 2),
            Self::Integers(name, values) => Message::default().text(1, name).integers(8, values).integer(20, 7),
        }
    }
}

/// A graph under construction; operators are added in topological order.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Message>,
    weights: Vec<Message>,
    inputs: Vec<Message>,
    outputs: Vec<Message>,
}

impl Graph {
    /// Adds an input of float32 `[N, …shape]`, for any N.
    pub fn input(&mut self, name: &str, shape: &[usize]) -> Value {
        self.inputs.push(value_info(name, shape));
        Value(name.to_owned())
    }

    /// Adds float32 weights of this shape, row-major.
    pub fn weight(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Value {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, shape, FLOAT32, &bytes)
    }

    /// Adds a constant list of integers, for operators that take one as an input.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> Value {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, &[values.len()], INT64, &bytes)
    }

    fn tensor(&mut self, name: &str, shape: &[usize], data_type: i64, bytes: &[u8]) -> Value {
        let tensor =
            Message::default().integers(1, &dimensions(shape)).integer(2, data_type).text(8, name).bytes(9, bytes);
        self.weights.push(tensor);
        Value(name.to_owned())
    }

    /// Adds a standard operator; returns its output.
    pub fn node(&mut self, operator: &str, inputs: &[&Value], attributes: &[Attribute]) -> Value {
        let name = format!("{}_{}", operator.to_lowercase(), self.nodes.len());
        self.named_node(&name, operator, inputs, attributes)
    }

    /// Adds a standard operator with a given name; returns its output.
    pub fn named_node(&mut self, name: &str, operator: &str, inputs: &[&Value], attributes: &[Attribute]) -> Value {
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, &input.0));
        let attributes: Vec<Message> = attributes.iter().map(Attribute::message).collect();
        self.nodes.push(node.text(2, name).text(3, name).text(4, operator).messages(5, &attributes));
        Value(name.to_owned())
    }

    /// Declares a value as an output of float32 `[N, …shape]`.
    pub fn output(&mut self, value: &Value, shape: &[usize]) {
        self.outputs.push(value_info(&value.0, shape));
    }

    /// Encodes the file. `notes` become its metadata (texts by name), `description` its documentation string.
    pub fn into_file(self, name: &str, description: &str, notes: &BTreeMap<&str, String>) -> Vec<u8> {
        self.into_file_of(env!("CARGO_PKG_VERSION"), name, description, notes)
    }

    /// Encodes the file with a given producer version.
    fn into_file_of(self, version: &str, name: &str, description: &str, notes: &BTreeMap<&str, String>) -> Vec<u8> {
        let graph = Message::default().messages(1, &self.nodes).text(2, name).messages(5, &self.weights);
        let graph = graph.messages(11, &self.inputs).messages(12, &self.outputs);
        let notes: Vec<Message> =
            notes.iter().map(|(key, value)| Message::default().text(1, key).text(2, value)).collect();
        Message::default()
            .integer(1, IR_VERSION)
            .text(2, env!("CARGO_PKG_NAME"))
            .text(3, version)
            .text(6, description)
            .message(7, &graph)
            .message(8, &Message::default().integer(2, OPERATORS))
            .messages(14, &notes)
            .into_bytes()
    }
}

fn dimensions(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&size| size as i64).collect()
}

fn value_info(name: &str, shape: &[usize]) -> Message {
    let batch = Message::default().text(2, BATCH);
    let fixed = dimensions(shape).into_iter().map(|size| Message::default().integer(1, size));
    let shape = Message::default().messages(1, &[batch].into_iter().chain(fixed).collect::<Vec<_>>());
    let tensor = Message::default().integer(1, FLOAT32).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_equals_that_of_the_onnx_package() {
        let mut graph = Graph::default();
        let image = graph.input("image", &[3]);
        let slope = graph.weight("slope", &[3], &[1.0, -2.0, 0.5]);
        let axes = graph.integers("axes", &[1]);
        let scaled = graph.node("Mul", &[&image, &slope], &[]);
        let leaky = graph.node("LeakyRelu", &[&scaled], &[Attribute::Float("alpha", 0.25)]);
        let sums = graph.named_node("sums", "ReduceSum", &[&leaky, &axes], &[Attribute::Integer("keepdims", 1)]);
        graph.output(&sums, &[1]);
        let file = graph.into_file_of("1.2.3", "tiny", "a test", &BTreeMap::from([("model", "tiny".to_owned())]));
        let path = format!("{}/tests/data/onnx/tiny.onnx", env!("CARGO_MANIFEST_DIR"));
        let expected = std::fs::read(path).unwrap();
        assert!(file == expected, "{} bytes, expected {}", file.len(), expected.len());
    }
}
