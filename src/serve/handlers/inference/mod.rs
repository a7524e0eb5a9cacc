//! Open Inference Protocol (KServe V2) over HTTP: health, metadata and batches of images.
//!
//! Every model of the run is a model of the protocol, by its name. The input is the tensor `images`: `UINT8` levels
//! from 0 to 255 or `FP32` from 0 to 1, of shape `[n, 28, 28]`, `[n, 1, 28, 28]`, `[n, 28, 28, 1]` or `[n, 784]`. The
//! outputs are `probabilities`, `FP32` `[n, 10]`, and `digit`, `INT64` `[n]`. They are the model's own, neither
//! calibrated nor rejected, and only the models that they depend on are evaluated.

pub(in crate::serve) mod infer;
pub(in crate::serve) mod metadata;
mod tensor;
