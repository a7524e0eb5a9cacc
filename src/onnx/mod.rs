//! ONNX files: a net as a graph of standard operators, which [ONNX Runtime](https://onnxruntime.ai) and its kin run in
//! any language.
//!
//! [`Graph`] collects operators and weights and writes the file; it knows no model. A model walks through its own
//! layers and adds one operator after another, see [`crate::learners::Classifier::export`]. `proto` holds the few
//! protobuf messages that such a file is made of.
//!
//! Operators are those of version 17 of the standard's set (2022), the file is of IR version 8: ONNX Runtime reads both
//! since 1.12.

mod graph;
mod proto;

pub use graph::{Attribute, Graph, Value};
