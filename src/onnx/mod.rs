//! Writer of ONNX files: a net as a graph of standard operators, for [ONNX Runtime](https://onnxruntime.ai) and similar
//! engines.
//!
//! [`Graph`] collects operators and weights and writes the file; it does not know any model. A model adds the operators
//! of its layers one after another, see [`crate::learners::Inspect::export`]. `proto` encodes the protobuf messages
//! of the file.
//!
//! Files have IR version 8 and use operator set 17 (2022), which ONNX Runtime supports since version 1.12.

mod graph;
mod proto;

pub use graph::{Attribute, Graph, Value};
