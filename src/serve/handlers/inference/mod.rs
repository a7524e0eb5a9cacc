//! Open Inference Protocol (KServe V2) over HTTP: health, metadata and batches of images.
//!
//! Every model of the run is a model of the protocol, by its name, in version `1`. The input is the tensor `images`:
//! whole numbers from 0 to 255, or fractions from 0 to 1 or from 0 to 255, of shape `[n, 28, 28]`, `[n, 1, 28, 28]`,
//! `[n, 28, 28, 1]` or `[n, 784]`. The outputs are `probabilities`, `FP32` `[n, 10]`, and `digit`, `INT64` `[n]`. They are
//! the model's own, neither calibrated nor rejected, and only the models that they depend on are evaluated. Tensors are
//! sent in JSON or as bytes behind it (the extension `binary_tensor_data`), as Triton's client does by default.

pub(in crate::serve) mod infer;
pub(in crate::serve) mod metadata;
mod request;
mod response;
mod tensor;

#[cfg(fuzzing)]
pub(in crate::serve) use request::parse;
